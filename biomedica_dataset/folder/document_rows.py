"""What the columns of the config ``documents`` may be."""

from __future__ import annotations

from biomedica_dataset.io.rules import PMCID, OneOf
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import BLOCK_KINDS

CONFIG = "documents"

DOCUMENT_RULES = {
    "article_accession_id": PMCID,
    "text_license_group": OneOf(LICENSE_GROUPS),
    "blocks.kind": OneOf(BLOCK_KINDS),
}
