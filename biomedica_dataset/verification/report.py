"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST = 50  # problems told one by one


@dataclass(slots=True)
class VerifyReport:
    """What a check found.

    Parameters
    ----------
    what
        ``archive``, ``dataset folder`` or ``folder of tars``.
    files, rows
        How much was checked.
    problems
        What is wrong, with the place.
    """

    what: str
    files: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the report in words."""
        told = self.problems[:_MOST]
        if len(self.problems) > _MOST:
            told.append(f"and {len(self.problems) - _MOST:,} more")
        verdict = f"{len(self.problems):,} problems" if self.problems else "all as it should be"
        return "\n".join(
            [*told, f"{self.what}: {self.files:,} files, {self.rows:,} rows checked: {verdict}"]
        )

    def wrong(self, path: str, what: str) -> None:
        """Add a problem of a file."""
        self.problems.append(f"{path}: {what}")
