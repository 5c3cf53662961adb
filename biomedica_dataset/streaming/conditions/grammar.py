"""The language of conditions, as it is written on the command line and in ``filters=``.

::

    condition   any ("or" any)*, where "and" binds closer than "or", and "not" closer than "and"
    any         "(" condition ")"
                COLUMN ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") VALUE
                VALUE  ("<" | "<=" ...) COLUMN ["<" | "<=" ... VALUE]
                COLUMN ["not"] "in" "[" VALUE, VALUE ... "]"
                COLUMN ["not"] ("contains" | "contains_text" | "matches") VALUE
                COLUMN "is" ["not"] "null"

A value is a number, quoted text, or words that need no quotes. Words of the language may be in
either case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

ORDERS = {"=": "=", "==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The comparisons, each with what it becomes when its two sides change places."""

TEXT_OPERATORS = ("contains", "contains_text", "matches")
OPERATORS = (*ORDERS, "in", "not in", *TEXT_OPERATORS, "is null", "is not null")
_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
             | (?P<sign> [=!<>]+ | [()\[\],] )
             | (?P<word> [^\s=!<>()\[\],"'] [^\s=!<>()\[\],"]* ) )""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NULLS = ("null", "none")
_CLOSING = {"(": ")", "[": "]"}
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Comparison:
    """One column, compared."""

    column: str
    operator: str
    value: Any = None

    def __str__(self) -> str:
        """Return the test as it can be parsed."""
        if self.operator.startswith("is "):
            return f"{self.column} {self.operator}"
        if self.operator in ("in", "not in"):
            return f"{self.column} {self.operator} [{', '.join(map(_written, self.value))}]"
        return f"{self.column} {self.operator} {_written(self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: Condition

    def __str__(self) -> str:
        """Return the condition as it can be parsed."""
        return f"not ({self.part})"


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions that must all hold (``and``), or one of them (``or``)."""

    word: str
    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        """Return the condition as it can be parsed."""
        return f" {self.word} ".join(f"({part})" for part in self.parts)


Condition = Comparison | Not | Junction


def _written(value: Any) -> str:
    text = str(value)
    if _NUMBER.fullmatch(text):
        return text
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Yield the comparisons of a condition."""
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, Not):
        yield from comparisons(condition.part)
    else:
        for part in condition.parts:
            yield from comparisons(part)


def joined(word: str, parts: list[Condition]) -> Condition:
    """Return the junction of some conditions, or the only one itself."""
    return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))


def parse(text: str) -> Condition:
    """Parse a condition.

    Raises
    ------
    UsageError
        The text is no condition; the message says where, and what was expected.

    Examples
    --------
    >>> print(parse("article_year >= 2015 and caption contains skin lesion"))
    (article_year >= 2015) and (caption contains 'skin lesion')
    >>> print(parse("not (2010 <= article_year < 2020 or image_kind in [figure, scheme])"))
    not (((article_year >= 2010) and (article_year < 2020)) or (image_kind in ['figure', 'scheme']))
    """
    return _Parser(text).whole()


class _Parser:
    """Parses one text, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._at = self._depth = 0

    def _scan(self) -> Iterator[tuple[str, str, int]]:
        """Yield the kind of each token, the token, and where it begins."""
        position, end = 0, len(self._text.rstrip())
        while position < end:
            found = _TOKEN.match(self._text, position)
            if found is None:
                self._fail(position, "the quote is not closed; write \\' for one within quotes")
            kind = str(found.lastgroup)
            yield kind, found[kind], found.start(kind)
            position = found.end()
        yield "end", "", end

    def _fail(self, position: int, why: str) -> NoReturn:
        msg = (
            f"condition {self._text!r}, character {position + 1}: {why}; operators are "
            f"{', '.join(OPERATORS)}, joined by and, or, not and parentheses"
        )
        raise UsageError(msg)

    def _expected(self, what: str) -> NoReturn:
        kind, token, position = self._tokens[self._at]
        came = "the end" if kind == "end" else repr(token)
        self._fail(position, f"expected {what}, got {came}")

    def _peek(self) -> str:
        """Return the next token in lower case, but nothing for quoted text."""
        kind, token, _ = self._tokens[self._at]
        return "" if kind == "quoted" else token.lower()

    def _take(self, *words: str) -> bool:
        """Go past these words if they come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if tuple(token.lower() for kind, token, _ in ahead if kind != "quoted") != words:
            return False
        self._at += len(words)
        return True

    def whole(self) -> Condition:
        condition = self._junction("or")
        if self._tokens[self._at][0] != "end":
            self._expected("and, or, or the end (put text of several words in quotes)")
        return condition

    def _junction(self, word: str) -> Condition:
        below = self._negation if word == "and" else lambda: self._junction("and")
        parts = [below()]
        while self._take(word):
            parts.append(below())
        return joined(word, parts)

    def _negation(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._expected(f"at most {_DEEPEST} parentheses and nots within each other")
        if self._take("not"):
            condition: Condition = Not(self._negation())
        elif self._take("("):
            condition = self._junction("or")
            if not self._take(")"):
                self._expected("')'")
        else:
            condition = self._test()
        self._depth -= 1
        return condition

    def _test(self) -> Condition:
        kind, token, _ = self._tokens[self._at]
        if kind == "quoted" or _NUMBER.fullmatch(token):
            value, order = self._value(alone=True), self._order()
            column = self._column()
            parts: list[Condition] = [Comparison(column, ORDERS[order], value)]
            if self._peek() in ORDERS:
                parts.append(self._rest(column))
            return joined("and", parts)
        return self._rest(self._column())

    def _column(self) -> str:
        kind, token, _ = self._tokens[self._at]
        if kind != "word" or not all(part.isidentifier() for part in token.split(".")):
            self._expected("a column")
        self._at += 1
        return token

    def _order(self) -> str:
        order = self._peek()
        if order not in ORDERS:
            self._expected(
                f"one of {', '.join(ORDERS)} (to find text, write: COLUMN contains TEXT)"
            )
        self._at += 1
        return order

    def _rest(self, column: str) -> Condition:
        """Parse what follows a column."""
        if self._take("is"):
            operator = "is not null" if self._take("not") else "is null"
            if self._peek() not in _NULLS:
                self._expected("null")
            self._at += 1
            return Comparison(column, operator)
        negated = self._take("not")
        if self._take("in"):
            return Comparison(column, "not in" if negated else "in", self._values())
        for operator in TEXT_OPERATORS:
            if self._take(operator):
                test = Comparison(column, operator, self._value())
                return Not(test) if negated else test
        word = self._peek()
        if word not in ORDERS:
            hint = f" ({nearest(word, OPERATORS)})" if word[:1].isalpha() else ""
            if word in ("", "and", "or"):
                hint = " (text that has and, or must be quoted)"
            self._expected(f"an operator after {column}{hint}")
        order = self._order()
        if self._peek() in _NULLS:
            self._expected(f"a value (write: {column} is null, or {column} is not null)")
        return Comparison(column, order, self._value())

    def _values(self) -> list[str]:
        opening = self._peek()
        if opening not in _CLOSING:
            self._expected("a list such as [a, b]")
        self._at += 1
        values: list[str] = []
        while not self._take(_CLOSING[opening]):
            if values and not self._take(","):
                self._expected(f"',' or {_CLOSING[opening]!r}")
            if values and self._take(_CLOSING[opening]):
                break
            values.append(self._value())
        return values

    def _value(self, *, alone: bool = False) -> str:
        """Return quoted text, or the words up to the next sign, ``and`` or ``or``."""
        kind, token, _ = self._tokens[self._at]
        if kind == "quoted":
            self._at += 1
            return re.sub(r"""\\(["'\\])""", r"\1", token[1:-1])
        words: list[str] = []
        while self._tokens[self._at][0] == "word" and self._peek() not in ("and", "or"):
            words.append(self._tokens[self._at][1])
            self._at += 1
            if alone:
                break
        if not words:
            self._expected("a value (text that has signs must be quoted)")
        return " ".join(words)
