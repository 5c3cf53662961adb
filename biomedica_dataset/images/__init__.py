"""What the bytes of an image say, and how they are decoded."""
