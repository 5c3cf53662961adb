"""Measures of images and panels: broken, blank, blurred or grey, and hashes that copies share."""
