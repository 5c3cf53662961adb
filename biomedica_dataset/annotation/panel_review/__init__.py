"""What a person checks panels by: sheets and a page of figures with their boxes, and precision."""
