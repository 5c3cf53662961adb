"""Converts our rows to the names, types and keys of the published dataset."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.splits import SPLITS
from biomedica_dataset.keys import pair_key
from biomedica_dataset.licenses import LICENSE_GROUPS

if TYPE_CHECKING:
    from datasets import Features

    from biomedica_dataset.schema import ArticleRow, CaptionRow, Pair

_VERSION = re.compile(r" \d+(\.\d+)*$")
_OLD_KEY = re.compile(r"(?P<batch>[^-]+)-(?P<pmcid>PMC\d+)-(?P<position>\d+)-(?P<name>.+)")


def key_of_published(old_key: str) -> str:
    """Return our key of a pair of the published dataset.

    Our key of a repeated file name has a suffix, which cannot be derived from an old key.

    Parameters
    ----------
    old_key
        A ``__key__``: batch, PMCID, position and file name without extension.

    Raises
    ------
    UsageError
        The key has another form.

    Examples
    --------
    >>> key_of_published("17-PMC13900-3-1471-2180-11-174.g001")
    'PMC13900_1471-2180-11-174_g001'
    """
    match = _OLD_KEY.fullmatch(old_key)
    if match is None:
        msg = (
            f"{old_key!r} is not a key of the published dataset; expected batch-PMCID-position-name"
        )
        raise UsageError(msg)
    return pair_key(match["pmcid"], re.sub(r"\.jpe?g$", "", match["name"], flags=re.IGNORECASE))


def published_json(
    pair: Pair, article: ArticleRow | None, siblings: Sequence[Pair | CaptionRow]
) -> dict[str, Any]:
    """Return the ``.json`` of a pair, with the names and types of the published dataset.

    Parameters
    ----------
    article
        The row of its article.
    siblings
        All pairs of the article that may be repeated beside it.
    """
    references = (article.article_references if article else None) or []
    contexts = {image_id(p): p.image_context for p in siblings if p.image_context}
    return {
        "image_file_name": pair.image_file_name,
        "image_cluster_id": image_id(pair),
        "image_hash": pair.image_hash,
        "image_label_id": pair.image_label_id,
        "image_panel_type": pair.image_panel_type,
        "image_panel_subtype": pair.image_panel_subtype,
        "image_primary_label": pair.image_primary_label or [],
        "image_secondary_label": pair.image_secondary_label or [],
        "image_size": pair.image_size,
        "image_set": [_of_set(sibling) for sibling in siblings],
        "image_context": contexts,
        "article_accession_id": pair.article_accession_id,
        "article_title": pair.article_title,
        "article_journal": pair.article_journal,
        "article_date": unix_time(pair.article_date),
        "article_abstract": pair.article_abstract,
        "article_mesh_terms": pair.article_mesh_terms or [],
        "article_keywords": pair.article_keywords or [],
        "article_subject": pair.article_subject or [],
        "article_reference_ids": [str(r["pmid"]) for r in references if r["pmid"] is not None],
        "article_reference_count": pair.article_reference_count,
        "article_reference_list": references,
        "article_citation": pair.article_citation,
        "article_license": pair.article_license and _VERSION.sub("", pair.article_license),
        "article_text": article.article_text if article else None,
    }


def image_id(pair: Pair | CaptionRow) -> str:
    """Return the id of an image in the published dataset: its file name without extension."""
    return pair.image_file_name.rpartition(".")[0] or pair.image_file_name


def unix_time(date: str | None) -> int | None:
    """Return the Unix time at which a day, month or year in ISO 8601 begins in UTC.

    Examples
    --------
    >>> unix_time("1970-01-02"), unix_time("1971"), unix_time(None)
    (86400, 31536000, None)
    """
    if date is None:
        return None
    year, month, day = (*map(int, date.split("-")), 1, 1)[:3]
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def _of_set(pair: Pair | CaptionRow) -> dict[str, Any]:
    return {
        "image_id": image_id(pair),
        "image_file_name": pair.image_file_name,
        "caption": pair.caption,
        "hash": pair.image_hash,
    }


def published_features(ending: str = "jpg") -> Features:
    """Return the `datasets.Features` of a sample, whose image has a name with some ending.

    datasets would infer wrong features from five samples: it takes the image ids in
    ``image_context`` for columns, and an empty list for a list of nulls.
    """
    from datasets import Features, Image, Json, List, Value

    text, number, texts = Value("string"), Value("int64"), List(Value("string"))
    figure = dict.fromkeys(("image_id", "image_file_name", "caption", "hash"), text)
    return Features(
        {
            ending: Image(),
            "json": {
                "image_file_name": text,
                "image_cluster_id": text,
                "image_hash": text,
                "image_label_id": number,
                "image_panel_type": text,
                "image_panel_subtype": text,
                "image_primary_label": texts,
                "image_secondary_label": texts,
                "image_size": List(number),
                "image_set": List(figure),
                "image_context": Json(),
                "article_accession_id": text,
                "article_title": text,
                "article_journal": text,
                "article_date": number,
                "article_abstract": text,
                "article_mesh_terms": texts,
                "article_keywords": texts,
                "article_subject": texts,
                "article_reference_ids": texts,
                "article_reference_count": number,
                "article_reference_list": List({"citation": text, "pmid": number, "doi": text}),
                "article_citation": text,
                "article_license": text,
                "article_text": text,
            },
            "txt": text,
            "__key__": text,
            "__url__": text,
        }
    )


def tar_card(tars: Collection[str], mark: str, ending: str = "jpg", note: str = "") -> str:
    """Return the card of a folder of tars, given their paths; see `finish` of tars.

    Parameters
    ----------
    mark
        Distinguishes contents, since the cache of datasets goes by the card.
    """
    from huggingface_hub import DatasetCardData

    shape = published_features(ending)._to_yaml_list()
    below = {path.rpartition("/")[0] for path in tars}
    groups = [
        group for group in LICENSE_GROUPS if group in {one.partition("/")[0] for one in below}
    ]
    files = [
        [
            {"split": split, "path": [f"{one}/*.tar"]}
            for split in SPLITS
            for one in (f"{group}/{split}", *([group] if split == SPLITS[0] else []))
            if one in below
        ]
        for group in groups
    ]
    data = DatasetCardData(
        pretty_name="BIOMEDICA, as tars",
        license="other",
        license_name="per-row",
        configs=[
            {"config_name": group, "data_files": data_files, "description": mark}
            for group, data_files in zip(groups, files, strict=True)
        ],
        dataset_info=[{"config_name": group, "features": shape} for group in groups],
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_CARD}" + (f"\n{note}\n" if note else "")


_CARD = """# BIOMEDICA, as tars

Figures of open-access articles of PubMed Central with their captions, in the layout of the
published dataset (arXiv 2501.07171), by what their licences permit. `article_license` is that of
the article; rows of `other` have none of the known ones, or third-party rights on the figure.
Source: PubMed Central Open Access Subset, National Library of Medicine, which does not endorse
this dataset. `docs/how-to/migrating.md` of `biomedica-dataset` lists what is different.
"""
