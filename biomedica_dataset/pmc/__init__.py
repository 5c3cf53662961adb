"""PMC's cloud bucket: what it lists, what it says of an article, and how its files are named."""
