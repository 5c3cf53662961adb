"""Clusters of images, and the cluster of each image."""
