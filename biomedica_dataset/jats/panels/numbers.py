"""Finds panels that a caption numbers: "1–2 Aus bus: 1 male 2 female", "1. Cut. 2. Sutured."."""

from __future__ import annotations

import re

from biomedica_dataset.jats.limits import MAX_CAPTION

from .letters import plain
from .marks import Mark

_NUMBER = re.compile(
    r"(?:(?<![\w.,=<>±×/(-])|(?<=[a-z])(?=\d{1,2}\.))(?:(\d{1,2})-)?(\d{1,2})(?:[.:,]\s?|\s(?:-\s)?)"
    r"(?=([A-Za-z]+))"
)
_BEFORE = re.compile(r"(\w+|[<>=±×−])\s$")
# What is numbered beside panels.
_NUMBERED = re.compile(
    r"and|at|by|case|class|cluster|days?|fig(?:ure)?|from|grade|groups?|in|lanes?|model|no|of|or|part|"
    r"phase|plot|set|site|stage|step|table|than|to|type|week|with|\W"
)
# What is counted or measured.
_COUNTED = re.compile(
    r"and|or|of|to|in|at|for|from|with|the|x|h|hrs?|hours?|min|minutes|s|sec|d|days?|weeks?|months?|"
    r"years?|times|[kmuµn]?m|cm|k?g|mg|ml|l|mol|v|hz|bp|kb|kda|cells|mice|rats|patients|cases|samples|"
    r"fold|independent|different|replicates"
)
_KEY = re.compile(r"\b(?:peaks?|identif\w+|lanes?|key|legend|labels?|symbols?)\W*$", re.IGNORECASE)
_FEWEST = 3
_MOST = 40  # panels of a group


def find_numbers(text: str) -> list[Mark]:
    """Return the marks of numbered panels in order; none for fewer than three.

    Examples
    --------
    >>> marks = find_numbers("1–2 Aus bus: 1 male, above 2 male, below 3 Aus minor, leg")
    >>> [mark.letters for mark in marks]
    [('1', '2'), ('1',), ('2',), ('3',)]
    """
    if len(text) > MAX_CAPTION:
        return []
    text = plain(text)
    marks: list[Mark] = []
    heads: list[Mark] = []
    for found in _NUMBER.finditer(text):
        start, end = found.span()
        before = _BEFORE.search(text, max(0, start - 20), start)
        number, word = int(found[2]), found[3]
        if before and _NUMBERED.fullmatch(before[1].lower()):
            continue
        if found[1]:
            letters = tuple(str(n) for n in range(int(found[1]), number + 1)[:_MOST])
            heads.append(Mark(start, end, letters, "number"))
        elif not _COUNTED.fullmatch(word.lower()) and (
            not marks or number == int(marks[-1].letters[0]) + 1
        ):
            marks.append(Mark(start, end, (str(number),), "number"))
    if len(marks) < _FEWEST or _KEY.search(text, 0, marks[0].start):
        return []
    numbers = {mark.letters[0] for mark in marks}
    heads = [head for head in heads if head.letters and numbers.issuperset(head.letters)]
    return sorted([*marks, *heads], key=lambda mark: mark.start)
