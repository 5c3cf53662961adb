"""What is measured of captions: lengths in tokens, language, and captions that say nothing."""
