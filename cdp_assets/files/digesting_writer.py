"""A file that is written in blocks of any order, together with the sha256 of what was written.

Writing and digest happen in a thread of their own, beside the download that brings the blocks: both leave Python's
lock to others, so they cost the download no time where a second core is free. What waits for the thread lies in a few
buffers that are used again and again: fresh memory for every block takes longer than the copy.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Thread

from cdp_assets.files.pipelining import write_all

_BUFFER = 2 * 255 * 1024
"""Bytes: two blocks of what OpenSSH sends."""
_BUFFERS = 8
"""When all of them wait for a slow disk, whoever brings more has to wait too."""


class DigestingWriter:
    """Writes blocks to their places; digests them at once where they come in order, else from the file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._digested = 0
        self._ahead: dict[int, int] = {}
        """Written blocks behind a gap: where they begin → where they end."""
        self._free: list[memoryview] = []
        self._made = 0
        """Buffers, free or not; made when they are needed, so that a small file costs one."""
        self._filled: list[tuple[memoryview, int, int]] = []
        """Buffer, bytes in it, and their offset in the file."""
        self._buffer: memoryview | None = None
        """The one that is being filled, so far with so many bytes, of this offset."""
        self._used = self._offset = 0
        self._ended = False
        self._failed: OSError | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._work, daemon=True)

    def put(self, data: bytes, offset: int) -> None:
        """Takes a block, which is written soon; waits while the disk is far behind. Blocks do not overlap.

        Raises:
            OSError: an earlier block could not be written.
        """
        if offset != self._offset + self._used:
            self._hand_over()
        start = 0
        while start < len(data):
            if self._buffer is None:
                self._buffer, self._used, self._offset = self._a_free_one(), 0, offset + start
            length = min(len(data) - start, _BUFFER - self._used)
            self._buffer[self._used : self._used + length] = data[start : start + length]
            start, self._used = start + length, self._used + length
            if self._used == _BUFFER:
                self._hand_over()

    def hexdigest(self) -> str:
        """Of the whole file, once all of it is written.

        Raises:
            OSError: a block could not be written or read back.
        """
        self.stop()
        self._must_have_worked()
        assert not self._ahead, "the file has a gap"
        return self._digest.hexdigest()

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def stop(self) -> None:
        """Ends when all that was given is written; a second time does nothing."""
        self._hand_over()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _hand_over(self) -> None:
        if self._buffer is not None:
            with self._changed:
                self._filled.append((self._buffer, self._used, self._offset))
                self._changed.notify_all()
            self._buffer = None

    def _a_free_one(self) -> memoryview:
        with self._changed:
            while not self._free and self._made == _BUFFERS and self._failed is None:
                self._changed.wait()
            self._must_have_worked()
            if self._free:
                return self._free.pop()
            self._made += 1
            return memoryview(bytearray(_BUFFER))

    def _must_have_worked(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        _give_way()
        try:
            while filled := self._next_filled():
                for buffer, used, offset in filled:
                    write_all(self._descriptor, buffer[:used], offset)
                    self._add(buffer[:used], offset)
                    with self._changed:
                        self._free.append(buffer)
                        self._changed.notify_all()
        except OSError as error:
            with self._changed:
                self._failed = error
                self._changed.notify_all()

    def _add(self, data: memoryview, offset: int) -> None:
        if offset != self._digested:
            self._ahead[offset] = offset + len(data)
            return
        self._digest.update(data)
        self._digested += len(data)
        while self._digested in self._ahead:
            self._read_back(self._ahead.pop(self._digested))

    def _read_back(self, end: int) -> None:
        while self._digested < end:
            block = os.pread(self._descriptor, min(_BUFFER, end - self._digested), self._digested)
            if not block:
                raise OSError(f"the file ends at byte {self._digested}, although {end} were written")
            self._digest.update(block)
            self._digested += len(block)

    def _next_filled(self) -> list[tuple[memoryview, int, int]]:
        with self._changed:
            while not self._filled and not self._ended:
                self._changed.wait()
            filled, self._filled = self._filled, []
            return filled


def _give_way() -> None:
    """Lets this thread wait its turn: on a busy machine, Linux would stop the download each time a buffer is full."""
    if sys.platform == "linux":
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextmanager
def digesting_writer(descriptor: int) -> Iterator[DigestingWriter]:
    """A writer of an open, empty file; nothing writes to it any more when the block ends."""
    writer = DigestingWriter(descriptor)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()
