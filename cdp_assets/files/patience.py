"""Bounded waits on a server that lives but no longer answers; keepalive sees the dead ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_GRACE_S = 4.0
"""For the tidying after a timeout, which may wait on the same server."""

Alive = Callable[[], None]
"""Call it when the server did something: the wait for its next answer starts anew."""


@asynccontextmanager
async def patience(seconds: float, drop: Callable[[], None]) -> AsyncIterator[Alive]:
    """Bounds the wait for each answer, not the whole transfer: `TimeoutError` after that long without one.

    `drop` must end the connection at once. It is called when the block has not even stopped a few seconds
    after its timeout: a cancelled coroutine may still be waiting for the server in its own tidying.
    """
    loop = asyncio.get_running_loop()
    last_resort = loop.call_later(seconds + _GRACE_S, drop)

    async with asyncio.timeout(seconds) as deadline:

        def alive() -> None:
            nonlocal last_resort
            last_resort.cancel()
            last_resort = loop.call_later(seconds + _GRACE_S, drop)
            deadline.reschedule(loop.time() + seconds)

        try:
            yield alive
        finally:
            last_resort.cancel()
