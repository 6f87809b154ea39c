"""Many requests on their way at once, so that a far server is as fast as a near one.

asyncssh's own `get` and `put` do the same, but leave dozens of unretrieved errors in the log when the link
breaks, and cannot create a file exclusively or be held to a version.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator

Block = tuple[int, int]
"""Offset and length in bytes."""

_MOST_BYTES_PER_BLOCK = 255 * 1024
"""What OpenSSH accepts; a server that names a higher limit does not decide about our memory."""
_MOST_BYTES_UNDER_WAY = 4 * 1024 * 1024
_LEAST_REQUESTS, _MOST_REQUESTS = 16, 128


async def for_every_block(size: int, server_limit: int, work: Callable[[Block], Awaitable[None]]) -> None:
    """Run `work` for every block of a file, several at a time, in any order.

    Blocks are as long as the server takes, at most 255 KiB; about 4 MiB are under way.
    The first failure stops the rest and is raised; when this returns or raises, nothing is under way any more.
    """
    blocks = blocks_of(size, server_limit)

    async def one_after_another() -> None:
        for block in blocks:
            await work(block)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(requests_under_way(server_limit), size)):
                group.create_task(one_after_another())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


def blocks_of(size: int, server_limit: int) -> Iterator[Block]:
    """A file's blocks in order, each as long as the server takes, at most 255 KiB."""
    block_bytes = min(server_limit, _MOST_BYTES_PER_BLOCK)
    for offset in range(0, size, block_bytes):
        yield offset, min(block_bytes, size - offset)


def requests_under_way(server_limit: int) -> int:
    """How many blocks are some 4 MiB."""
    block_bytes = min(server_limit, _MOST_BYTES_PER_BLOCK)
    return max(_LEAST_REQUESTS, min(_MOST_BYTES_UNDER_WAY // block_bytes, _MOST_REQUESTS))


def write_all(descriptor: int, block: bytes | memoryview, offset: int) -> None:
    """Writes a block to its place in a file, whatever the system takes at once."""
    view = memoryview(block)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
