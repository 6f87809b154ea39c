"""The sha256 of a file while it is being written, in blocks that come in any order.

Read back from the file, so it also proves what was written; worked out beside the download, so it takes no time
of its own where a second core is free.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from cdp_assets.errors import LocalDiskError

_AT_ONCE = 1 << 20
_WORTH_WAKING = 8 << 20
"""Bytes between two calls to the thread that follows: to call it for every block takes longer than to hash it."""


class FollowingDigest:
    """Follows the part of a file that has been written without a gap from its beginning."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._ahead: dict[int, int] = {}
        """Blocks behind a gap: where they begin → where they end."""
        self._written = 0
        self._ended = False
        self._failed: OSError | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._follow, daemon=True)

    def wrote(self, offset: int, length: int) -> None:
        """Says that a block stands in the file. Blocks do not overlap."""
        with self._changed:
            self._ahead[offset] = offset + length
            before = self._written
            while self._written in self._ahead:
                self._written = self._ahead.pop(self._written)
            if self._written // _WORTH_WAKING != before // _WORTH_WAKING:
                self._changed.notify()

    def hexdigest(self) -> str:
        """Of all that was written; waits for it.

        Raises:
            LocalDiskError: the file cannot be read back.
        """
        self.stop()
        if self._failed is not None:
            raise LocalDiskError(f"what was written cannot be read back: {self._failed}") from self._failed
        assert not self._ahead, "the file has a gap"
        return self._digest.hexdigest()

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends to follow, where all that was written has been read; a second time does nothing."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _follow(self) -> None:
        try:
            for offset, end in self._written_parts():
                block = os.pread(self._descriptor, end - offset, offset)
                if len(block) != end - offset:
                    raise OSError(f"the file ends at byte {offset + len(block)}, although {end} were written")
                self._digest.update(block)
        except OSError as error:
            self._failed = error

    def _written_parts(self) -> Iterator[tuple[int, int]]:
        offset = 0
        while True:
            with self._changed:
                while self._written == offset and not self._ended:
                    self._changed.wait()
                written = self._written
            if written == offset:
                return
            while offset < written:
                end = min(offset + _AT_ONCE, written)
                yield offset, end
                offset = end


@contextmanager
def following(descriptor: int) -> Iterator[FollowingDigest]:
    """A digest that follows an open file; nothing follows it any more when the block ends."""
    digest = FollowingDigest(descriptor)
    digest.start()
    try:
        yield digest
    finally:
        digest.stop()
