"""What a caption says of each of its panels."""
