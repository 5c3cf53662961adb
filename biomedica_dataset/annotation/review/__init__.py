"""What experts look at, and where they answer: sheets as files, and a page on this machine."""
