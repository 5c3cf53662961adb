"""A figure or a panel that was found, as it is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.report import Shown

from .documents import context_of, terms_of

if TYPE_CHECKING:
    from biomedica_dataset.streaming.reading.decoding import FetchedImage

    from .words import Snippet


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SearchResult(Shown):
    """A figure, or a panel, that was found.

    Parameters
    ----------
    score
        Higher is better; scores of different queries cannot be compared.
    matched
        The fields with words of the query, see `words.FIELDS`.
    snippet
        A piece of the first of these fields, with the words marked.
    row
        Its row of the index; of a panel that of its figure, with ``figure_key``, ``letter`` and
        ``box``. A figure that is one panel has no letter.
    image
        Its bytes, where they were asked for. Those of a panel are of its figure: ``image.decode()``
        cuts it out.
    """

    key: str
    score: float
    matched: tuple[str, ...]
    snippet: Snippet
    caption: str
    row: dict[str, Any]
    image: FetchedImage | None = None

    @property
    def license(self) -> str | None:
        """Licence of the image."""
        found: str | None = self.row["image_license"]
        return found

    @property
    def article_url(self) -> str:
        """Address of the article at PMC."""
        return f"https://pmc.ncbi.nlm.nih.gov/articles/{self.row['article_accession_id']}/"

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        shown = ("license_group", "image_license", "article_accession_id", "article_pmid",
                 "article_year", "article_journal", "image_kind", "image_width", "image_height",
                 "image_primary_label", "figure_key", "letter", "box")  # fmt: skip
        return {
            "key": self.key,
            "score": round(self.score, 6),
            "matched": list(self.matched),
            "snippet": asdict(self.snippet),
            "caption": self.caption,
            **{name: self.row[name] for name in shown if name in self.row},
            "url": self.article_url,
        }

    def __str__(self) -> str:
        facts = [self.row[name] for name in ("article_journal", "article_year", "image_license")]
        where = (
            f" [{', '.join(self.matched)}]"
            if self.matched and "caption" not in self.matched
            else ""
        )
        if self.row.get("letter") is not None:
            facts.append("box " + " ".join(map(str, self.row["box"])))
        head = f"{self.key}  {', '.join(str(fact) for fact in facts if fact)}"
        return f"{head}\n  {self.snippet}{where}"


def text_of(name: str, row: dict[str, Any]) -> str:
    """Return the text of a field of a row."""
    if name == "context":
        return context_of(row)
    if name == "title":
        return row["article_title"] or ""
    return " ; ".join(terms_of(row))
