"""Checks labels against single images: by an audit, and by the panel letters in captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from biomedica_dataset.io.rules import Between, Count, Positive

from .agreement import wilson
from .votes import AUDIT, Vote

if TYPE_CHECKING:
    from .cluster_label import ClusterLabel


_SHARE = Between(0, 1)


@dataclass(frozen=True, slots=True)
class Purity:
    """The share of audited images that a label fits, with its 95 % Wilson interval.

    Parameters
    ----------
    of
        ``cluster 12``, a concept, or a panel type.
    images
        Answers in the audit, one per image and annotator.
    """

    question: str
    of: str
    images: Positive
    right: Count
    low: Annotated[float, _SHARE]
    high: Annotated[float, _SHARE]


def purities(votes: Sequence[Vote], labels: Mapping[int, ClusterLabel]) -> list[Purity]:
    """Return the purity of all audited images, of each cluster and of each concept."""
    seen: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for vote in votes:
        if vote.question not in AUDIT or vote.cluster not in labels:
            continue
        label = getattr(labels[vote.cluster], vote.question.removeprefix("fits_")) or []
        names = [label] if isinstance(label, str) else label
        for name in ("all", f"cluster {vote.cluster}", *names) if names else ():
            seen[vote.question, name] += 1
            right[vote.question, name] += vote.answer is True
    return [
        Purity(*asked, images, right[asked], *wilson(right[asked], images))
        for asked, images in sorted(seen.items())
    ]


def letters_agree(
    images: Iterable[tuple[int, int | None]], labels: Mapping[int, ClusterLabel]
) -> dict[str, Any]:
    """Compare panel types with the panel letters named in captions.

    Parameters
    ----------
    images
        Cluster and number of panel letters of each image; ``None`` for no letters.

    Returns
    -------
    dict
        Counts by panel type and letters, and how many agree: several letters with ``multiple``,
        none or one with ``single``.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for cluster, letters in images:
        label = labels.get(cluster)
        if label is not None and label.panel_type is not None:
            counts[label.panel_type, "several" if (letters or 0) > 1 else "none or one"] += 1
    agree = counts["multiple", "several"] + counts["single", "none or one"]
    rows = [
        {"panel_type": kind, "letters": letters, "images": n}
        for (kind, letters), n in sorted(counts.items())
    ]
    return {"images": counts.total(), "agree": agree, "counts": rows}
