"""NCBI's services: which articles a question finds, and what PubMed says of them."""
