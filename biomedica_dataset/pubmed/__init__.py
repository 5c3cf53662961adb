"""NCBI's services: which articles a question finds, and what PubMed says of them."""

from .client import Ncbi
from .run import MeshReport, make_mesh
from .search import SearchResult, search
from .table import ArticleTerms, MeshTable

__all__ = [
    "ArticleTerms",
    "MeshReport",
    "MeshTable",
    "Ncbi",
    "SearchResult",
    "make_mesh",
    "search",
]
