"""From PMC's bucket to an archive."""
