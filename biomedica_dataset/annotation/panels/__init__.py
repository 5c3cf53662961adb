"""Panels of compound figures: letters read in the image, and boxes cut between them."""
