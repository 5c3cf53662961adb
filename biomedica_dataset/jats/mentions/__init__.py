"""Which paragraphs cite which figures."""
