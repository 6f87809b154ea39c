"""A TCP proxy on the loopback that cuts, stalls or pauses a connection after so many bytes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Literal

Fault = Literal["none", "cut", "stall", "pause"]
Direction = Literal["down", "up"]

_WAIT_S = 20.0


class Proxy:
    """Forwards to `target_port`; after `after_bytes` in `direction` (down = from the server) the fault strikes.

    cut: both sides are closed. stall: nothing is forwarded any more, in either direction, and nothing is
    closed. pause: as stall, until `resume`. `struck` tells the test that it happened. With
    `after_blocks` the blocks that arrive are counted instead of bytes: about one for each request.
    """

    def __init__(
        self,
        target_port: int,
        fault: Fault = "none",
        after_bytes: int = 0,
        direction: Direction = "down",
        after_blocks: int | None = None,
    ) -> None:
        self.port = 0
        self.connections = 0
        self.forwarded: dict[Direction, int] = {"down": 0, "up": 0}
        self.struck = threading.Event()
        self._target_port = target_port
        self._fault, self._direction = fault, direction
        self._in_blocks = after_blocks is not None
        self._limit = after_bytes if after_blocks is None else after_blocks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Proxy:
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), daemon=True)
        self._thread.start()
        self.port = listening.result(_WAIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_WAIT_S)

    def resume(self) -> None:
        """Let a paused connection go on."""
        self._loop.call_soon_threadsafe(self._open.set)

    def pause(self) -> None:
        """Forward nothing from now on, in either direction, and close nothing."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def drop(self) -> None:
        """Cut every connection now."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, listening: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._open = asyncio.Event(), asyncio.Event()
        self._open.set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        self._abort_all()
        for _ in range(10):
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._forward(reader, far_writer, "up"), self._forward(far_reader, writer, "down"))
        finally:
            self._writers -= pair
            for end in pair:
                end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        seen = 0
        faulty = direction == self._direction and self._fault != "none"
        try:
            while True:
                if faulty and seen >= self._limit and not self.struck.is_set():
                    self._strike()
                await self._open.wait()
                block = await reader.read(65_536)
                if not block:
                    raise ConnectionResetError
                seen += 1 if self._in_blocks else len(block)
                self.forwarded[direction] += len(block)
                writer.write(block)
                await writer.drain()
        except ConnectionError:
            self._abort_all()

    def _strike(self) -> None:
        self.struck.set()
        if self._fault == "cut":
            raise ConnectionResetError
        self._open.clear()
