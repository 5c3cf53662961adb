"""What captions and citing paragraphs say of each panel."""
