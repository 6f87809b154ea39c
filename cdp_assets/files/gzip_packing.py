"""gzip on all cores: one stream of one member that any reader opens, the same for the same text whatever packed it.

The text is cut into blocks of a fixed size. Each is packed by itself, with the end of the one before it as what it may
refer to, so that hardly any room is lost, and ends at a whole byte, so that the pieces follow each other as they are.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from zlib_ng import zlib_ng

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Without name, time and system: the same text gives the same bytes."""
_LEVEL = 5
"""Smaller than zlib's own 6 on rows of people, in less than half of the time."""
_RAW = -15
"""zlib's number for what stands between header and checksum."""
_BLOCK_BYTES = 1 << 19
_REACH_BYTES = 1 << 15
"""How far back a block may refer."""


class GzipPacker:
    """Takes a text in pieces of any length; memory is that of a few blocks."""

    def __init__(self) -> None:
        threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="gzip")
        self._most = threads + 1
        self._waiting: deque[Future[bytes]] = deque()
        self._open, self._before = bytearray(), b""
        self._crc, self._size = 0, 0
        self._begun = False

    def pack(self, data: bytes) -> Iterator[bytes]:
        """Takes what comes next; gives what is ready, in order. It must be read to its end."""
        self._crc = zlib_ng.crc32(data, self._crc)
        self._size += len(data)
        self._open += data
        while len(self._open) > _BLOCK_BYTES:
            # The last block is left open: only `finish` knows that it is the last.
            block = bytes(self._open[:_BLOCK_BYTES])
            del self._open[:_BLOCK_BYTES]
            self._waiting.append(self._pool.submit(_packed, block, self._before, last=False))
            self._before = block[-_REACH_BYTES:]
            yield from self._ready(self._most)

    def finish(self) -> Iterator[bytes]:
        """What is left, with the checksum at its end."""
        self._waiting.append(self._pool.submit(_packed, bytes(self._open), self._before, last=True))
        yield from self._ready(0)
        yield struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF)

    def close(self) -> None:
        """Lets the threads go; a second call does nothing."""
        self._pool.shutdown(cancel_futures=True)

    def _ready(self, most: int) -> Iterator[bytes]:
        """The oldest blocks, until only so many are on their way."""
        if not self._begun:
            self._begun = True
            yield _HEADER
        while len(self._waiting) > most:
            yield self._waiting.popleft().result()


def _packed(block: bytes, before: bytes, *, last: bool) -> bytes:
    packer = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, _RAW, zdict=before) if before else _first_packer()
    return packer.compress(block) + packer.flush(zlib_ng.Z_FINISH if last else zlib_ng.Z_SYNC_FLUSH)


def _first_packer() -> zlib_ng._Compress:
    return zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, _RAW)
