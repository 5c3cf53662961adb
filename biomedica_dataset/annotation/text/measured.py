"""What was measured of the captions of an archive, as files.

::

    TEXT/
      text.json                 tokenizer beside CLIP's; width of a block
      blocks/<block>.parquet    key, and the measures of each caption
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import COUNT, PAIR_KEY, Between, Form, Positive
from biomedica_dataset.io.tables import Column

from .tokens import TokenizerId  # noqa: TC001 - for pydantic

_SHARE = Between(0, 1)
_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "clip_tokens": Column(type=pa.int32(), rule=COUNT),
    "tokens": Column(type=pa.int32(), rule=COUNT, is_nullable=True),
    "language": Column(type=pa.string(), rule=Form("[a-z]{2,3}", "a language"), is_nullable=True),
    "language_probability": Column(type=pa.float32(), rule=_SHARE, is_nullable=True),
    "is_only_label": Column(type=pa.bool_()),
    "is_boilerplate": Column(type=pa.bool_()),
    "digits": Column(type=pa.float32(), rule=_SHARE),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class TextHeader:
    """PMCIDs per block, and the tokenizer beside CLIP's, if there is one."""

    width: Positive
    tokenizer: TokenizerId | None = None


class Texts(BlockTables[TextHeader]):
    """The measures of an archive's captions in a folder; figures without a caption have no row."""

    what, name, header_type = "a folder of measures of captions", "text.json", TextHeader
    columns = _COLUMNS

    @property
    def made(self) -> str:
        """What the tables are, for the card."""
        other = self.header.tokenizer
        return "measures of captions" + (f", tokens by {other.name}" if other else "")

    def difference(self, header: TextHeader) -> str:
        """Return why the folder cannot take measures of another archive or tokenizer."""
        if self.width != header.width:
            return (
                f"{self.folder.url} was made from an archive with blocks of {self.width} PMCIDs; "
                f"this one has {header.width}; name another folder"
            )
        own, other = (
            one.name if one else "none" for one in (self.header.tokenizer, header.tokenizer)
        )
        return (
            f"{self.folder.url} has tokens by another tokenizer than CLIP's: {own}; these would be "
            f"by {other}: name another folder"
        )
