"""The event loop on which all SFTP connections of this process live, in a thread of its own.

fsspec would bring one. This one is libuv's (`uvloop`), and hands a connection what came in pieces of about one packet:
asyncssh copies all that it still holds for every packet that it takes from it. Both together spare a sixth of the
processor time of a download (docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, cast

import uvloop

_PIECE = 34 * 1024
"""Bytes: a packet of 32 KiB, as OpenSSH sends them, with what is around it."""
_AT_ONCE = 128 * 1024
_making = Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a fork takes the object over, but not the thread that runs it."""


class _InPieces(asyncio.BufferedProtocol):
    """Tells another protocol everything, and what came in small pieces; all that comes passes through one buffer."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        self.inner = inner
        self._buffer = memoryview(bytearray(_AT_ONCE))
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.inner.connection_lost(exc)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        for start in range(0, nbytes, _PIECE):
            if self._transport is None or self._transport.is_closing():
                return  # A piece before was its last word.
            self.inner.data_received(bytes(self._buffer[start : min(start + _PIECE, nbytes)]))

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


class _Loop(uvloop.Loop):
    # Its overloads tell callers which arguments go together; all are handed on.
    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *args: Any, **options: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """As asyncio's; asyncssh connects by it."""
        made = await super().create_connection(lambda: _InPieces(protocol_factory()), *args, **options)
        transport, outer = cast("tuple[asyncio.Transport, _InPieces]", made)
        return transport, outer.inner


def io_loop() -> asyncio.AbstractEventLoop:
    """This process's loop, which runs; the first call makes it, and it ends with the process."""
    with _making:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = _Loop()
            Thread(target=loop.run_forever, name="sftp", daemon=True).start()
        return loop
