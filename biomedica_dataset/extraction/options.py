"""What a run of `extract` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from biomedica_dataset.archive.selection import Wants
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """What a run is asked for.

    Parameters
    ----------
    pmcids
        Articles wanted, as sorted numbers; ``None`` for all.
    limit
        Only the newest articles, so many.
    query
        The question that found ``pmcids``, as `pubmed.choose` returns it.
    inventory
        Date or file of the inventory to read; the newest by default.
    workers
        Processes; as many as there are processors by default.
    retry
        Fetch again what was unavailable or corrupt.
    launch
        On what it runs, and as which part of a run.

    Raises
    ------
    UsageError
        Options that cannot be, or not together.
    """

    pmcids: tuple[int, ...] | None = None
    limit: int | None = None
    query: dict[str, Any] | None = None
    wants: Wants = field(default_factory=Wants)
    inventory: str | None = None
    workers: int | None = None
    retry: bool = False
    launch: Launch = field(default_factory=Launch)

    def __post_init__(self) -> None:
        """Check the options."""
        if self.pmcids is not None and self.limit is not None:
            msg = "a list of PMCIDs and a limit were given; give one of them"
            raise UsageError(msg)
        for name in ("limit", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                msg = f"{name} must be at least 1, not {value}"
                raise UsageError(msg)
