"""The report of a verification."""

from __future__ import annotations

from dataclasses import dataclass, field

from biomedica_dataset.engine.report import Shown

_MOST = 50  # problems listed one by one


@dataclass(slots=True, repr=False)
class VerifyReport(Shown):
    """What a verification found.

    Parameters
    ----------
    what
        ``archive``, ``dataset folder`` or ``folder of tars``.
    files, rows
        Number of files and rows checked.
    problems
        Problems, each with its file.
    notes
        What a user should know, though nothing is wrong.
    """

    what: str
    files: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = self.problems[:_MOST]
        if len(self.problems) > _MOST:
            lines.append(f"and {len(self.problems) - _MOST:,} more")
        count = len(self.problems)
        verdict = f"{count:,} problem{'s' * (count > 1)}" if count else "no problems"
        files = f"{self.files:,} file{'s' * (self.files != 1)}"
        checked = f"{files}, {self.rows:,} row{'s' * (self.rows != 1)} checked"
        return "\n".join([*lines, *self.notes, f"{self.what}: {checked}: {verdict}"])

    def wrong(self, path: str, what: str) -> None:
        """Add a problem with a file."""
        self.problems.append(f"{path}: {what}")
