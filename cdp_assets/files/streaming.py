"""An SFTP channel that hands a file's bytes on as they come, and everything else to asyncssh's client.

asyncssh gathers each answer to a read whole, and copies it three times before it can be written: a quarter of the
processor time of a download (docs/benchmarks.md). Here the answers to a stream's own requests are taken out of what
the channel receives, whose session is asyncssh's public interface; the client on the same channel never sees them, so
one channel is enough for both, as some servers allow no second one.

Source: SFTP version 3, draft-ietf-secsh-filexfer-02, sections 3, 6.4 and 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import asyncssh
from asyncssh.constants import FXP_DATA, FXP_READ, FXP_STATUS
from asyncssh.packet import Byte, PacketDecodeError, SSHPacket, String, UInt32, UInt64
from asyncssh.sftp import start_sftp_client
from asyncssh.stream import SSHClientStreamSession

from cdp_assets.files.patience import Alive
from cdp_assets.files.pipelining import Block, blocks_of, requests_under_way

Store = Callable[[bytes, int], None]
"""Takes some bytes of a file and their offset."""

_OURS = 1 << 31
"""Request numbers from here on are those of streams; asyncssh's client counts its own up from 0."""
_HEAD = 9
"""Bytes: length, type and request number of a packet."""
_DATA_HEAD = 13
"""With the length of the data."""
_WINDOW = 16 * 1024 * 1024
"""Bytes a server may send before it hears that we took them; what comes is handed on at once, so nothing piles up."""
_LONGEST_STATUS = 64 * 1024


class EndedEarlyError(Exception):
    """The file ends at this byte, before the size that was asked for."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass
class _Stream:
    """One file that is being read."""

    handle: bytes
    blocks: Iterator[Block]
    store: Store
    alive: Alive
    ended: asyncio.Future[None]
    under_way: int = 0

    def fail(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


@dataclass
class _Request:
    stream: _Stream
    offset: int
    asked: int


@dataclass
class _Answer:
    """A packet to one of our requests, of which some bytes have come."""

    request: _Request
    got: int = 0
    words: bytearray = field(default_factory=bytearray)
    """What came in place of data."""


class StreamingSession(SSHClientStreamSession[bytes]):
    """asyncssh's own session of an SFTP channel, which knows its streams' answers among all others."""

    def __init__(self) -> None:
        super().__init__()
        self._requests: dict[int, _Request] = {}
        self._next_number = _OURS
        self._head = b""
        """The first bytes of a packet whose head is not whole yet."""
        self._left = 0
        """Bytes of the packet at hand that are still to come."""
        self._answer: _Answer | None = None
        """The packet at hand, where it is an answer of ours; its words are gathered, its data handed on."""
        self._is_data = False

    async def stream(self, handle: bytes, size: int, most_bytes: int, store: Store, alive: Alive) -> None:
        """Hand the first `size` bytes of an open file to `store`, each once, in any order; `alive` after each answer.

        When it raises or is cancelled, nothing is stored any more, whatever still comes.

        Raises:
            EndedEarlyError: The file is shorter.
            asyncssh.Error: The server refused, answered nonsense or is gone.
            OSError: `store` raised it.
        """
        ended = asyncio.get_running_loop().create_future()
        stream = _Stream(handle, blocks_of(size, most_bytes), store, alive, ended)
        try:
            for _ in range(requests_under_way(most_bytes)):
                self._ask_next(stream)
            if stream.under_way:
                await ended
        finally:
            ended.cancel()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Called by asyncssh with whatever has come on the channel."""
        if datatype is not None:
            super().data_received(data, datatype)
            return
        while data:
            if self._left:
                part, data = data[: self._left], data[self._left :]
                self._left -= len(part)
                self._take(part)
            else:
                data = self._begin(self._head + data)
            if not self._left and self._answer is not None:
                answer, self._answer = self._answer, None
                self._answered(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncssh when the channel is closed or the link is down."""
        self._fail_all(exc)
        super().connection_lost(exc)

    def eof_received(self) -> bool:
        """Called by asyncssh when the server sends no more."""
        self._fail_all(None)
        return super().eof_received()

    def _fail_all(self, error: Exception | None) -> None:
        requests, self._requests = self._requests, {}
        for request in requests.values():
            request.stream.fail(error or asyncssh.SFTPConnectionLost("Connection closed"))

    def _begin(self, data: bytes) -> bytes:
        """Reads the head of a packet, or keeps it until the rest of it has come; what follows comes back."""
        self._head = b""
        end = 4 + int.from_bytes(data[:4], "big")
        request = None
        if len(data) >= _HEAD and end >= _HEAD:
            request = self._requests.get(int.from_bytes(data[5:_HEAD], "big"))
        if len(data) < 4 or len(data) < min(end, _HEAD if request is None else _DATA_HEAD):
            self._head = data
            return b""
        self._left = end
        if request is None:
            return data
        del self._requests[int.from_bytes(data[5:_HEAD], "big")]
        self._answer = _Answer(request)
        self._is_data = data[4] == FXP_DATA and end >= _DATA_HEAD
        if not self._is_data:
            return data
        self._left = end - _DATA_HEAD
        if self._left != int.from_bytes(data[_HEAD:_DATA_HEAD], "big"):
            request.stream.fail(asyncssh.SFTPBadMessage("an answer of another length than it says"))
        elif self._left > request.asked:
            request.stream.fail(asyncssh.SFTPBadMessage("more bytes came than were asked for"))
        return data[_DATA_HEAD:]

    def _take(self, part: bytes) -> None:
        answer = self._answer
        if answer is None:
            super().data_received(part, None)
        elif not self._is_data:
            # Longer than any reason a server may give: what is left out makes it a bad message.
            answer.words += part[: _LONGEST_STATUS - len(answer.words)]
        elif not answer.request.stream.ended.done():
            try:
                answer.request.stream.store(part, answer.request.offset + answer.got)
            except OSError as error:
                answer.request.stream.fail(error)
            answer.got += len(part)

    def _answered(self, answer: _Answer) -> None:
        request, stream = answer.request, answer.request.stream
        stream.under_way -= 1
        if stream.ended.done():
            return
        stream.alive()
        if not self._is_data:
            stream.fail(_what_it_says(bytes(answer.words), request.offset))
        elif not answer.got:
            stream.fail(EndedEarlyError(request.offset))
        elif answer.got < request.asked:
            # A server may answer with less than was asked for.
            self._ask(stream, (request.offset + answer.got, request.asked - answer.got))
        else:
            self._ask_next(stream)
            if not stream.under_way:
                stream.ended.set_result(None)

    def _ask_next(self, stream: _Stream) -> None:
        block = next(stream.blocks, None)
        if block is not None:
            self._ask(stream, block)

    def _ask(self, stream: _Stream, block: Block) -> None:
        offset, length = block
        number = self._next_number
        self._next_number = _OURS + (number + 1) % _OURS
        self._requests[number] = _Request(stream, offset, length)
        stream.under_way += 1
        packet = b"".join((Byte(FXP_READ), UInt32(number), String(stream.handle), UInt64(offset), UInt32(length)))
        assert self._chan is not None
        try:
            self._chan.write(String(packet))
        except OSError as error:
            # The channel was closed meanwhile.
            stream.fail(error)


def _what_it_says(packet: bytes, offset: int) -> Exception:
    """The error of an answer without data."""
    words = SSHPacket(packet[_HEAD:])
    try:
        error = asyncssh.SFTPError.construct(words, "replace") if packet[4] == FXP_STATUS else None
    except (PacketDecodeError, asyncssh.SFTPError) as unreadable:
        return asyncssh.SFTPBadMessage(str(unreadable))
    if isinstance(error, asyncssh.SFTPEOFError):
        return EndedEarlyError(offset)
    return error or asyncssh.SFTPBadMessage("neither data nor an error came for a read")


class StreamingClients:
    """What sshfs's pool takes for a connection: it starts clients, whose channels can stream."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection

    def start_sftp_client(self) -> AbstractAsyncContextManager[asyncssh.SFTPClient]:
        """As asyncssh's own."""
        return start_client(self.connection)


@asynccontextmanager
async def start_client(
    connection: asyncssh.SSHClientConnection, most_bytes: int = 32_768
) -> AsyncIterator[asyncssh.SFTPClient]:
    """A client for names of any bytes, on a channel that can stream, in packets of at most so many bytes."""
    channel, session = await connection.create_session(
        StreamingSession, subsystem="sftp", encoding=None, window=_WINDOW, max_pktsize=most_bytes
    )
    assert isinstance(session, StreamingSession)
    reader, writer = asyncssh.SSHReader(session, channel), asyncssh.SSHWriter(session, channel)
    loop = asyncio.get_running_loop()
    client = await start_sftp_client(connection, loop, "replace", reader, writer, "utf-8", "surrogateescape", 3)
    _sessions[client] = session
    async with client:
        yield client


_sessions: WeakKeyDictionary[asyncssh.SFTPClient, StreamingSession] = WeakKeyDictionary()


def session_of(client: asyncssh.SFTPClient) -> StreamingSession:
    """The session under a client that `StreamingClients` started."""
    return _sessions[client]
