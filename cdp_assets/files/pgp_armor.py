"""Armor: PGP as text, taken off as a stream.

Strict where it matters (nothing may stand in front of or behind the block) and quick: its checksum, which
protects against nothing and is optional since RFC 9580, is not computed. Whether a message is whole is
for the integrity check inside it to say.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import BinaryIO

from cdp_assets.errors import FileError
from cdp_assets.files.limits import CHUNK_BYTES

MESSAGE = "MESSAGE"
PUBLIC_KEY = "PUBLIC KEY BLOCK"
PRIVATE_KEY = "PRIVATE KEY BLOCK"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
_HELD_BYTES = 16
_LINE_BYTES = 4096
_MOST_HEADERS = 64
_LAST = re.compile(rb"([A-Za-z0-9+/]*)(={0,2})(=[A-Za-z0-9+/]{4})?")


def is_armored(file: BinaryIO, kind: str) -> bool:
    """Whether the file begins with such a block, after white space; goes back to the start."""
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    return start.removeprefix(_BYTE_ORDER_MARK).lstrip(_WHITE).startswith(f"-----BEGIN PGP {kind}-----".encode())


def dearmored(block: str, kind: str, name: str) -> bytes:
    """The bytes of one armored block that is held in memory.

    Raises:
        FileError: it is not whole, not base64, or other text follows it.
    """
    stream = Dearmored(io.BytesIO(block.encode()), kind, name)
    parts = []
    while part := stream.read(CHUNK_BYTES):
        parts.append(part)
    return b"".join(parts)


class Dearmored:
    """The bytes inside an armored block, as a stream; raises where the block is cut off or something follows."""

    def __init__(self, file: BinaryIO, kind: str, name: str) -> None:
        self._file = file
        self._name = name
        self._end = f"-----END PGP {kind}-----".encode().translate(None, _WHITE)
        self._ready = memoryview(b"")
        self._is_done = False
        self._held = self._behind_headers()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end of the block, once it is known to be whole."""
        while not self._ready and not self._is_done:
            self._ready = memoryview(self._decode_more())
        part, self._ready = self._ready[:size], self._ready[size:]
        return bytes(part)

    def _behind_headers(self) -> bytes:
        """Skips the first line and the headers; returns what was read beyond them."""
        while not self._file.readline(_LINE_BYTES).startswith((b"-----BEGIN", _BYTE_ORDER_MARK + b"-----BEGIN")):
            pass
        for _ in range(_MOST_HEADERS):
            line = self._file.readline(_LINE_BYTES).strip(_WHITE)
            if not line:
                return b""
            if b":" not in line:
                return line
        raise FileError(f"{self._name} is damaged: its PGP armor has too many headers; deliver it again")

    def _decode_more(self) -> bytes:
        raw = self._file.read(CHUNK_BYTES)
        text = self._held + raw.translate(None, _WHITE)
        if (end := text.find(b"-")) >= 0:
            self._check_end(text[end:])
            self._is_done = True
            return self._last_bytes(text[:end])
        if not raw:
            raise FileError(f"{self._name} is cut off: its PGP armor has no end line; deliver the whole file")
        # The last few characters may be padding and checksum, which only the end line tells.
        usable = max(0, len(text) - _HELD_BYTES) // 4 * 4
        self._held = text[usable:]
        return self._decoded(text[:usable])

    def _check_end(self, tail: bytes) -> None:
        while (more := self._file.read(CHUNK_BYTES)) and len(tail) <= len(self._end):
            tail += more.translate(None, _WHITE)
        if self._end.startswith(tail) and tail != self._end:
            raise FileError(f"{self._name} is cut off: its PGP armor has no end line; deliver the whole file")
        if tail != self._end:
            raise FileError(f"{self._name} has other bytes in or behind its PGP message; deliver the message alone")

    def _last_bytes(self, text: bytes) -> bytes:
        found = _LAST.fullmatch(text)
        if found is None:
            raise self._damaged()
        return self._decoded(found.group(1) + found.group(2))

    def _decoded(self, text: bytes) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise self._damaged() from error

    def _damaged(self) -> FileError:
        return FileError(f"{self._name} is damaged: its PGP armor is not base64 text; deliver it again")
