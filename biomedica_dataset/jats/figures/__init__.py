"""Which graphics are figures, and what they say of themselves."""
