"""Which articles a search of PMC finds."""
