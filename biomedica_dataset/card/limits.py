"""What the card says of limits, known errors and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biomedica_dataset.licenses import LICENSE_GROUPS

from .markdown import escape, table

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest

_MOST = 12
_QUESTIONS = {
    "fits_primary": "global concepts",
    "fits_secondary": "local concepts",
    "fits_panel_type": "panel type",
}


def limits(manifest: Manifest) -> str:
    """Return limits, and how often labels are wrong as far as an audit tells."""
    parts = [_LIMITS]
    if "labels" in manifest.joined:
        parts.append(_audited(manifest.audit) if manifest.audit else _NOT_AUDITED)
    return "\n\n".join(parts)


def since_release(manifest: Manifest) -> str | None:
    """Return what came and went since the last release; ``None`` where there was none."""
    changes = manifest.changes
    if changes is None:
        return None
    rows = [
        (f"`{group}`", f"{changes.added.get(group, 0):,}", f"{changes.removed.get(group, 0):,}")
        for group in LICENSE_GROUPS
        if group in {*changes.added, *changes.removed}
    ]
    rows.append(("articles", f"{changes.articles_added:,}", f"{changes.articles_removed:,}"))
    since = f"Compared with `{escape(changes.since)}`, pictures by licence group, and articles:"
    return f"{since}\n\n{table(('', 'added', 'removed'), rows)}"


def _audited(audit: list[dict[str, Any]]) -> str:
    overall = [one for one in audit if one["of"] == "all"]
    concepts = [one for one in audit if one["of"] != "all" and not _is_cluster(one["of"])]
    concepts.sort(key=lambda one: (one["right"] / one["images"], one["of"]))
    rows = [
        (
            _QUESTIONS.get(one["question"], escape(one["question"])),
            "all" if one["of"] == "all" else escape(one["of"]),
            f"{one['images']:,}",
            f"{one['right'] / one['images']:.0%}",
            f"{one['low']:.0%} to {one['high']:.0%}",
        )
        for one in [*overall, *concepts[:_MOST]]
    ]
    head = ("label", "of", "answers", "true", "95 % interval")
    return (
        "Labels are of clusters, so that a single picture may differ from its cluster. Experts "
        "looked at single pictures to find how often the label is true of them; after all labels "
        f"together, those that are true least often:\n\n{table(head, rows)}"
    )


def _is_cluster(name: str) -> bool:
    return name.startswith("cluster ") and name.removeprefix("cluster ").isdecimal()


_LIMITS = """- Captions and citing paragraphs are what authors wrote: they may name panels, colours
  and abbreviations that only the whole figure or article explains.
- Panel letters are read from the caption; a figure may have panels that its caption does not name,
  and figures with several panels stay whole.
- A figure that is cited only in words, in an article that links other figures, has no citing
  paragraph here.
- Third-party rights are found by phrases in the caption and by the figure's own permissions; a
  figure may be borrowed without saying so.
- Pictures of people occur. Not for diagnosis."""

_NOT_AUDITED = (
    "Labels are of clusters, so that a single picture may differ from its cluster. How often it "
    "does is not known: these labels come without an audit."
)
