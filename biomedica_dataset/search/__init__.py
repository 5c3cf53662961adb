"""Finding figures by words, by meaning and by image."""
