"""Gives the images of a figure the names of the places that its caption tells: "top left"."""

from __future__ import annotations

from collections.abc import Sequence

from .boxes import Box

_ACROSS, _DOWN = {"left": 0.0, "right": 1.0}, {"top": 0.0, "bottom": 1.0}
_NEAR = 0.3  # of the way between the outermost images


def at_places(boxes: Sequence[Box], places: Sequence[str]) -> list[Box] | None:
    """Return the box of each place, around all images that are there.

    ``None`` if an image is at none of the places, if a place has no image, or if boxes overlap.

    Examples
    --------
    >>> left, above, below = Box(0, 0, 9, 20), Box(10, 0, 20, 9), Box(10, 10, 20, 20)
    >>> at_places([left, above, below], ["left", "right"])
    [Box(x0=0, y0=0, x1=9, y1=20), Box(x0=10, y0=0, x1=20, y1=20)]
    >>> at_places([left, above, below], ["left", "middle", "right"]) is None
    True
    """
    targets = _targets(places)
    centers = [((one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2) for one in boxes]
    low, high = (tuple(pick(axis) for axis in zip(*centers, strict=True)) for pick in (min, max))
    found: list[list[Box]] = [[] for _ in places]
    for box, center in zip(boxes, centers, strict=True):
        at = [
            (one - least) / ((most - least) or 1)
            for one, least, most in zip(center, low, high, strict=True)
        ]
        away = [
            max(abs(a - t) for a, t in zip(at, target, strict=True) if t is not None)
            for target in targets
        ]
        nearest = min(range(len(places)), key=lambda number: away[number])
        if away[nearest] > _NEAR:
            return None
        found[nearest].append(box)
    if not all(found):
        return None
    around = [
        Box(min(b.x0 for b in group), min(b.y0 for b in group),
            max(b.x1 for b in group), max(b.y1 for b in group))
        for group in found
    ]  # fmt: skip
    apart = all(not one.shared(two) for one in around for two in around if one is not two)
    return around if apart else None


def _targets(places: Sequence[str]) -> list[tuple[float | None, float | None]]:
    """Return where places are across and down, 0 to 1; ``None`` where a word does not say it."""
    words = {word for place in places for word in place.split()}
    targets: list[tuple[float | None, float | None]] = []
    for place in places:
        own = place.split()
        across = next((_ACROSS[word] for word in own if word in _ACROSS), None)
        down = next((_DOWN[word] for word in own if word in _DOWN), None)
        if "middle" in own:
            if words & _DOWN.keys() and (across is not None or not words & _ACROSS.keys()):
                down = 0.5
            else:
                across = 0.5
        targets.append((across, down))
    return targets
