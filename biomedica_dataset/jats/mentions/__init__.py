"""Which paragraphs speak of which figures and panels."""
