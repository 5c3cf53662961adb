"""What a value of a file may be: one rule for JSON, through pydantic, and for columns of Arrow."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from biomedica_dataset.keys import KEY

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST = 80  # characters of a value in an error


class Rule(ABC):
    """A condition on values.

    Attributes
    ----------
    meaning
        What a value must be, for errors.
    """

    meaning: str

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a value meets the condition."""

    @abstractmethod
    def column(self, values: pa.Array) -> pa.BooleanArray:
        """Return whether each value of a column meets the condition; null for null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Check values in JSON after their type."""
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: Any) -> Any:
            if self.holds(value):
                return value
            kind, told = "rule", "Input should be {meaning}"
            raise PydanticCustomError(kind, told, {"meaning": self.meaning})

        return core_schema.no_info_after_validator_function(check, handler(source))


@dataclass(frozen=True, slots=True)
class Form(Rule):
    """Texts of one form.

    Parameters
    ----------
    pattern
        Regular expression of the whole text, of the syntax that Python and RE2 share.
    """

    pattern: str
    meaning: str

    def holds(self, value: Any) -> bool:
        """Whether a text has the form."""
        return re.fullmatch(self.pattern, value) is not None

    def column(self, values: pa.Array) -> pa.BooleanArray:
        """Return which texts have the form."""
        import pyarrow.compute as pc

        return pc.match_substring_regex(values, rf"\A(?:{self.pattern})\z")


@dataclass(frozen=True, slots=True)
class Between(Rule):
    """Numbers from the least to the most; neither NaN nor infinite."""

    least: float
    most: float

    @property
    def meaning(self) -> str:  # type: ignore[override]
        """The range in words."""
        return f"a number from {self.least} to {self.most}"

    def holds(self, value: Any) -> bool:
        """Whether a number is in the range."""
        return bool(self.least <= value <= self.most)

    def column(self, values: pa.Array) -> pa.BooleanArray:
        """Return which numbers are in the range."""
        import pyarrow.compute as pc

        return pc.and_(pc.greater_equal(values, self.least), pc.less_equal(values, self.most))


@dataclass(frozen=True, slots=True)
class OneOf(Rule):
    """Texts of a list."""

    values: tuple[str, ...]

    @property
    def meaning(self) -> str:  # type: ignore[override]
        """The texts."""
        return f"one of {', '.join(self.values)}"

    def holds(self, value: Any) -> bool:
        """Whether a text is in the list."""
        return value in self.values

    def column(self, values: pa.Array) -> pa.BooleanArray:
        """Return which texts are in the list."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.is_in(values, value_set=pa.array(self.values, pa.string()))


COUNT = Between(0, 2**53)
POSITIVE = Between(1, 2**53)
PAIR_KEY = Form(KEY, "a key such as PMC13900_g001")
PMCID = Form("PMC[0-9]{1,18}", "a PMCID such as PMC13900")
SHA256 = Form("[0-9a-f]{64}", "a SHA-256")

Count = Annotated[int, COUNT]
Positive = Annotated[int, POSITIVE]
Key = Annotated[str, PAIR_KEY]
Sha256 = Annotated[str, SHA256]


def shown(value: Any) -> str:
    r"""Return a value from a file for an error: short, and without control characters.

    Examples
    --------
    >>> print(shown("../x\x1b[31m"))
    '../x\x1b[31m'
    """
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
