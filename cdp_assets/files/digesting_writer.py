"""A file that is written in blocks of any order, together with the sha256 of what was written.

Writing and digest happen in a thread of their own, beside the download that brings the blocks: both leave Python's
lock to others, so they cost the download no time where a second core is free.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from cdp_assets.files.pipelining import write_all

_AT_ONCE = 1 << 20
_WORTH_WAKING = 4 << 20
"""Bytes between two calls to the thread: to call it for every block takes longer than to write it."""
_MOST_WAITING = 32 << 20
"""Bytes that may wait for a slow disk before whoever brings more has to wait too."""


class DigestingWriter:
    """Writes blocks to their places; digests them at once where they come in order, else from the file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._digested = 0
        self._ahead: dict[int, int] = {}
        """Written blocks behind a gap: where they begin → where they end."""
        self._given: list[tuple[bytes, int]] = []
        self._given_bytes = 0
        self._taken_bytes = 0
        self._ended = False
        self._failed: OSError | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._work, daemon=True)

    def put(self, data: bytes, offset: int) -> None:
        """Takes a block, which is written soon; waits while the disk is far behind. Blocks do not overlap.

        Raises:
            OSError: an earlier block could not be written.
        """
        with self._changed:
            self._given.append((data, offset))
            self._given_bytes += len(data)
            if self._given_bytes >= _WORTH_WAKING:
                self._changed.notify_all()
            while self._given_bytes + self._taken_bytes >= _MOST_WAITING and self._failed is None:
                self._changed.wait()
        self._must_have_worked()

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
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _must_have_worked(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        try:
            for blocks in self._batches():
                for data, offset in blocks:
                    write_all(self._descriptor, data, offset)
                    self._add(data, offset)
        except OSError as error:
            with self._changed:
                self._failed = error
                self._changed.notify_all()

    def _add(self, data: bytes, offset: int) -> None:
        if offset != self._digested:
            self._ahead[offset] = offset + len(data)
            return
        self._digest.update(data)
        self._digested += len(data)
        while self._digested in self._ahead:
            self._read_back(self._ahead.pop(self._digested))

    def _read_back(self, end: int) -> None:
        while self._digested < end:
            block = os.pread(self._descriptor, min(_AT_ONCE, end - self._digested), self._digested)
            if not block:
                raise OSError(f"the file ends at byte {self._digested}, although {end} were written")
            self._digest.update(block)
            self._digested += len(block)

    def _batches(self) -> Iterator[list[tuple[bytes, int]]]:
        while True:
            with self._changed:
                self._taken_bytes = 0
                self._changed.notify_all()
                while self._given_bytes < _WORTH_WAKING and not self._ended:
                    self._changed.wait()
                blocks, self._given = self._given, []
                self._taken_bytes, self._given_bytes = self._given_bytes, 0
            if not blocks:
                return
            yield blocks


@contextmanager
def digesting_writer(descriptor: int) -> Iterator[DigestingWriter]:
    """A writer of an open, empty file; nothing writes to it any more when the block ends."""
    writer = DigestingWriter(descriptor)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()
