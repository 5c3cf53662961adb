"""Votes of experts, their agreement, and the labels of clusters."""
