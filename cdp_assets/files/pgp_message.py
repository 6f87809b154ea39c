"""The outside of a PGP message: armor, and the packets in the order they must stand in.

An encrypted message is one or more session keys, then one encrypted packet, then nothing (RFC 4880, 11.3).
Checked here, before and while an engine decrypts, so that a cut off file, other bytes behind the message and
a message without integrity protection are told apart, in the same words for both engines.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from cdp_assets.errors import FileError, LocalDiskError
from cdp_assets.files.limits import CHUNK_BYTES
from cdp_assets.files.pgp_armor import MESSAGE, Dearmored, is_armored

HIDDEN = "0" * 16
"""The key id of a recipient who is not to be recognised."""
PUBLIC_KEY_SESSION, PASSWORD_SESSION, MARKER = 1, 3, 10
ENCRYPTED, PROTECTED, AEAD = 9, 18, 20
_SESSION_VERSIONS = {PUBLIC_KEY_SESSION: (2, 3, 6), PASSWORD_SESSION: (4, 5, 6)}
_HEAD_BYTES = 1 << 20
_INDETERMINATE = -1


class Readable(Protocol):
    """Anything bytes can be read from in order."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Header:
    """The start of one packet."""

    tag: int
    length: int
    """Bytes that follow; negative where the packet runs to the end of what it stands in."""
    is_partial: bool
    """Whether another length, and more of the packet, follows those bytes."""
    raw: bytes


class Packets:
    """Reads packets from a stream, and notices where it is cut off."""

    def __init__(self, stream: Readable, name: str) -> None:
        self._stream = stream
        self._name = name

    def header(self) -> Header | None:
        """The next packet's header, or None at the end."""
        first = self._stream.read(1)
        if not first:
            return None
        if not first[0] & 0x80:
            raise FileError(f"{self._name} has other bytes in or behind its PGP message; deliver the message alone")
        if first[0] & 0x40:
            length, is_partial, raw = self._new_length()
            return Header(first[0] & 0x3F, length, is_partial, first + raw)
        size = (1, 2, 4, 0)[first[0] & 0x03]
        raw = self.exactly(size)
        length = int.from_bytes(raw, "big") if size else _INDETERMINATE
        return Header((first[0] >> 2) & 0x0F, length, is_partial=False, raw=first + raw)

    def _new_length(self) -> tuple[int, bool, bytes]:
        # The numbers of RFC 4880, 4.2.2.
        raw = self.exactly(1)
        if raw[0] < 192:
            return raw[0], False, raw
        if raw[0] < 224:
            raw += self.exactly(1)
            return ((raw[0] - 192) << 8) + raw[1] + 192, False, raw
        if raw[0] < 255:
            return 1 << (raw[0] & 0x1F), True, raw
        rest = self.exactly(4)
        return int.from_bytes(rest, "big"), False, raw + rest

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes, all of them."""
        parts = []
        while size:
            part = self._stream.read(min(size, CHUNK_BYTES))
            if not part:
                raise self._cut_off()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skim(self, header: Header, file: BinaryIO) -> None:
        """Goes to the packet's end without reading its content; `file` is the stream itself."""
        length, is_partial = header.length, header.is_partial
        size = os.fstat(file.fileno()).st_size
        while length != _INDETERMINATE:
            if file.seek(length, os.SEEK_CUR) > size:
                raise self._cut_off()
            if not is_partial:
                return
            length, is_partial, _ = self._new_length()
        file.seek(0, os.SEEK_END)

    def _cut_off(self) -> FileError:
        return FileError(f"{self._name} is cut off: its PGP message has no end; deliver the whole file")

    def body(self, header: Header) -> Iterator[tuple[bytes, bytes]]:
        """The packet's content, piece by piece: (framing in front of the piece, the piece)."""
        framing, length, is_partial = header.raw, header.length, header.is_partial
        while True:
            if length == _INDETERMINATE:
                while piece := self._stream.read(CHUNK_BYTES):
                    yield framing, piece
                    framing = b""
                return
            while length:
                piece = self.exactly(min(length, CHUNK_BYTES))
                yield framing, piece
                framing = b""
                length -= len(piece)
            if not is_partial:
                return
            length, is_partial, raw = self._new_length()
            framing += raw


@dataclass
class Message:
    """A received encrypted message whose head has been read."""

    name: str
    """What error messages call it."""
    size_bytes: int
    recipients: tuple[str, ...]
    """Key ids (16 hexadecimal digits) it is encrypted to; `HIDDEN` for those who are not to be recognised."""
    session_keys: tuple[bytes, ...]
    """The packets that hold the session key for one recipient each."""
    encrypted: Header
    _packets: Packets
    verbatim: BinaryIO | None = None
    """The open file, where its bytes are those of the message: not armored, and no packet is to be left out."""

    def pieces(self) -> Iterator[tuple[bytes, bytes]]:
        """The encrypted packet, once: (framing, piece).

        Raises:
            FileError: at the end, where the message is cut off or other bytes follow it.
        """
        yield from self._packets.body(self.encrypted)
        self._require_end()

    def skim(self, file: BinaryIO) -> None:
        """Instead of `pieces`, for a message that stands in `file` verbatim: the same errors, nothing is read."""
        self._packets.skim(self.encrypted, file)
        self._require_end()

    def _require_end(self) -> None:
        if self._packets.header() is not None:
            raise FileError(f"{self.name} has other bytes in or behind its PGP message; deliver the message alone")

    @property
    def head_bytes(self) -> int:
        """Length of the session keys and of the header behind them."""
        return sum(map(len, self.session_keys)) + len(self.encrypted.raw)

    @property
    def has_hidden_recipient(self) -> bool:
        """Whether any key at all might open it."""
        return HIDDEN in self.recipients


@contextmanager
def open_message(source: Path, name: str) -> Iterator[Message]:
    """Opens a file that must be an encrypted message, binary or armored.

    Raises:
        FileError: it is not encrypted, only with a password, without integrity protection, or cut off.
        LocalDiskError: this machine cannot read it.
    """
    try:
        file = source.open("rb")
    except OSError as error:
        raise LocalDiskError(f"could not read {source}: {error.strerror or error}") from error
    with file:
        if not _is_message(file):
            raise FileError(f"File is not PGP encrypted: {name}")
        stream: Readable = Dearmored(file, MESSAGE, name) if is_armored(file, MESSAGE) else file
        message = _head(Packets(stream, name), name, source.stat().st_size)
        if stream is file and file.tell() == message.head_bytes:
            message.verbatim = file
        yield message


def is_pgp_message(path: Path) -> bool:
    """Whether a file begins like an encrypted PGP message; says nothing about what follows."""
    try:
        with path.open("rb") as file:
            return _is_message(file)
    except OSError as error:
        raise LocalDiskError(f"could not read {path}: {error.strerror or error}") from error


def _is_message(file: BinaryIO) -> bool:
    """Looks at the first bytes only, and goes back to the start.

    Text may well begin with a byte that is also a packet's; none goes on with a length and a version as well.
    """
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    if is_armored(file, MESSAGE):
        return True
    try:
        header = Packets(io.BytesIO(start), "").header()
    except FileError:
        return False
    if header is None:
        return False
    body = start[len(header.raw) :]
    if header.tag == MARKER:
        return body.startswith(b"PGP")
    return bool(body) and body[0] in _SESSION_VERSIONS.get(header.tag, ())


def _head(packets: Packets, name: str, size_bytes: int) -> Message:
    session_keys: list[bytes] = []
    recipients: list[str] = []
    seen = 0
    while (header := packets.header()) is not None and header.tag in (PUBLIC_KEY_SESSION, PASSWORD_SESSION, MARKER):
        seen += max(header.length, 0)
        if header.is_partial or header.length < 0 or seen > _HEAD_BYTES:
            raise FileError(f"{name} is damaged: its PGP message begins with a malformed packet; deliver it again")
        body = packets.exactly(header.length)
        if header.tag == PUBLIC_KEY_SESSION and body[:1] in (b"\x02", b"\x03"):
            recipients.append(body[1:9].hex().upper())
            session_keys.append(header.raw + body)
    if header is None:
        raise FileError(f"{name} is cut off: its PGP message has no content; deliver the whole file")
    if header.tag == ENCRYPTED:
        raise FileError(
            f"{name} is encrypted without integrity protection (MDC), so changes to it could not be noticed; "
            "the supplier must encrypt with a current OpenPGP program"
        )
    if header.tag not in (PROTECTED, AEAD):
        raise FileError(f"{name} is damaged: its PGP message holds no encrypted data; deliver it again")
    if not recipients:
        raise FileError(f"{name} is encrypted with a password or in an unknown way, not to a public key (RFC 4880)")
    return Message(name, size_bytes, tuple(recipients), tuple(session_keys), header, packets)
