"""Progress of a long stage: a bar on a terminal, occasional plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableSequence

    Counters = MutableSequence[int]
    Ticker = Callable[[int, int, int], None]
else:
    Counters = Ticker = object

_LINE_EVERY = 10.0  # seconds, without a terminal
_BAR_EVERY = 0.2
_LONGEST_HOLD = 1.0  # seconds; nobody holds the lock of shared numbers for a thousandth of that


@contextlib.contextmanager
def locked(shared: Any) -> Iterator[Any]:
    """Hold the lock of an array that processes share, unless a killed process never lets go."""
    lock = shared.get_lock()
    is_held = lock.acquire(timeout=_LONGEST_HOLD)
    try:
        yield shared.get_obj()
    finally:
        if is_held:
            lock.release()


class Progress:
    """Counts what is done, in this process and in all that share its counters.

    Parameters
    ----------
    quiet
        Count, but show nothing.
    counters
        Three shared integers: units done, images, bytes; new ones by default.
    """

    def __init__(self, *, quiet: bool = True, counters: Counters | None = None) -> None:
        self.counters: Any = (
            counters if counters is not None else get_context("spawn").Array("q", 3)
        )
        self._quiet = quiet
        self._bar: Any = None
        self._unit = ""
        self._total: int | None = 0
        self._started = self._shown = 0.0

    def start(self, total: int | None, unit: str) -> None:
        """Begin a stage of so many units; ``None`` if nobody knows how many."""
        self.counters[:] = [0, 0, 0]
        self._unit, self._total = unit, total
        self._started = self._shown = time.monotonic()
        is_seen = sys.stderr.isatty() or "ipykernel" in sys.modules  # a notebook draws bars
        if not self._quiet and total != 0 and is_seen:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, unit=f" {unit}", dynamic_ncols=True, smoothing=0.1)

    def say(self, line: str) -> None:
        """Show a line."""
        if not self._quiet:
            sys.stderr.write(f"{line}\n")

    def tick(self, units: int, images: int, received: int) -> None:
        """Add what was done since the last tick."""
        with locked(self.counters) as counters:
            for position, more in enumerate((units, images, received)):
                counters[position] += more

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the counts while the body runs, from whichever process they come."""
        done = threading.Event()

        def keep_showing() -> None:
            while not done.wait(_BAR_EVERY):
                self._show()

        thread = threading.Thread(target=keep_showing, daemon=True)
        if not self._quiet:
            thread.start()
        try:
            yield
        finally:
            done.set()
            if not self._quiet:
                thread.join()
            self._finish()

    def _show(self) -> None:
        now = time.monotonic()
        every = _BAR_EVERY if self._bar is not None else _LINE_EVERY
        if now - self._shown < every:
            return
        self._shown = now
        # Read without the lock, which a killed worker may hold forever.
        done, images, received = self.counters.get_obj()[:]
        rate = received / max(now - self._started, 1e-9) / 1e6
        figures = f"{images:,} figures, " if images else ""
        also = f"{figures}{rate:.1f} MB/s" if images or received else ""
        if self._bar is not None:
            self._bar.set_postfix_str(also)
            self._bar.update(done - self._bar.n)
            return
        of = remaining = ""
        if self._total is not None:
            of = f" of {self._total:,}"
            left = (now - self._started) / done * (self._total - done) if done else None
            remaining = f", {left:.0f} s left" if left is not None else ""
        count = f"{done:,}{of} {self._unit}"
        sys.stderr.write(f"{count}{', ' if also else ''}{also}{remaining}\n")

    def _finish(self) -> None:
        if self._bar is not None:
            self._shown = 0.0
            self._show()
            self._bar.close()
            self._bar = None
