"""What a figure says about its rights."""
