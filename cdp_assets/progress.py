"""How far long work has come, told at most every few seconds to whoever listens: a run's log, or a terminal.

It tells of files, bytes, rows and per cent; never of what stands in a row. Without a listener nothing is told, and
what goes wrong while telling never spoils the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EVERY_S = 5.0
"""Seconds between two messages; what is done sooner is not told of at all."""
LONG_PART = 100_000
"""A part of at least so many takes long."""
_UNITS = ("bytes", "kB", "MB", "GB", "TB")

Listener = Callable[[str], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)
_latest: list[str] = []


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Work that begins inside the block tells this listener, also from other threads."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
        _latest.clear()


def latest() -> str:
    """What was told last of work that still goes on, by any thread of this process; empty = nothing."""
    return _latest[-1] if _latest else ""


class Progress:
    """One piece of work and how much of it is done."""

    def __init__(self, doing: str, total: int, unit: str) -> None:
        """`doing`: such as "fetching a.csv"; `unit`: bytes, or what is counted."""
        self._doing, self._total, self._unit = doing, total, unit
        self._listener = _listener.get()
        self._done = 0
        self._started = self._told = time.monotonic()

    def add(self, number: int) -> None:
        """Says that so much more is done."""
        self._done += number
        if self._listener is not None and time.monotonic() - self._told >= EVERY_S:
            self._tell()

    def begin(self, part: str, number: int) -> None:
        """Tells at once of a part that will take long by itself: so many of the total, in one go."""
        if self._listener is not None and number >= LONG_PART:
            self._tell(f", {part}")

    def _tell(self, more: str = "") -> None:
        self._told = time.monotonic()
        line = self._line(self._told - self._started) + more
        _latest[:] = [line]
        assert self._listener is not None
        try:
            self._listener(line)
        except Exception:  # noqa: BLE001  a log that cannot be written to must not end a transfer
            self._listener = None

    def _line(self, elapsed_s: float) -> str:
        done, total = f"{self._done:,}", f"{self._total:,} {self._unit}"
        if self._unit == "bytes":
            done, total = _as_bytes(self._done), _as_bytes(self._total)
        share = 100 * self._done / self._total if self._total else 100.0
        told = f"{self._doing}: {done} of {total} ({share:.0f} %)"
        if 0 < self._done < self._total:
            told += f", about {_as_length(elapsed_s * (self._total - self._done) / self._done)} to go"
        return told


def _as_bytes(number: int) -> str:
    size, unit = float(number), 0
    while size >= 1_000 and unit + 1 < len(_UNITS):
        size, unit = size / 1_000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{number} bytes"


def _as_length(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
