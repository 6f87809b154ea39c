"""What stands inside a decrypted PGP message: content, compressed or not, and signatures.

For the engine that has no gpg. PGPy would unpack a compressed message whole, however large it gets; here a
bomb stops at the limit, and a message with two contents, or with anything unexpected, is refused.
"""

from __future__ import annotations

import bz2
import io
import zlib
from dataclasses import dataclass, field
from typing import Protocol

from cdp_assets.errors import FileError
from cdp_assets.files.pgp_message import MARKER, Header, Packets

_SIGNATURE, _ONE_PASS, _COMPRESSED, _LITERAL = 2, 4, 8, 11
_DEEPEST = 3
_TEXT_MODES = (b"t", b"u")


@dataclass
class Content:
    """What a message says."""

    literal: bytes
    """As signed."""
    is_text: bool
    """Whether the sender marked it as text with line ends of his own."""
    signatures: list[bytes] = field(default_factory=list)
    """Signature packets over `literal`."""

    @property
    def data(self) -> bytes:
        """As it is to be read: like gpg, without carriage returns where it is marked as text."""
        return self.literal.replace(b"\r", b"") if self.is_text else self.literal


class TooLargeError(Exception):
    """The content is larger than it may be."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def read_content(decrypted: bytes, most_bytes: int, name: str) -> Content:
    """The one content in the packets of a decrypted, integrity-checked message.

    Raises:
        FileError: there is not exactly one, or it is packed in a way that is not known.
        TooLargeError: it unpacks to more than `most_bytes`.
    """
    found: list[Content] = []
    signatures: list[bytes] = []
    _collect(decrypted, most_bytes, name, (found, signatures), _DEEPEST)
    if len(found) != 1:
        raise FileError(f"{name} holds {len(found)} contents in one PGP message; exactly one is accepted")
    found[0].signatures = signatures
    return found[0]


def _collect(data: bytes, most_bytes: int, name: str, into: tuple[list[Content], list[bytes]], depth: int) -> None:
    packets = Packets(io.BytesIO(data), name)
    while (header := packets.header()) is not None:
        body = b"".join(piece for _, piece in packets.body(header))
        if header.tag == _LITERAL:
            into[0].append(_literal(body, name))
        elif header.tag == _SIGNATURE:
            into[1].append(_whole(header, body))
        elif header.tag == _COMPRESSED and depth and body:
            _collect(_unpacked(body, most_bytes, name), most_bytes, name, into, depth - 1)
        elif header.tag not in (_ONE_PASS, MARKER):
            raise FileError(f"{name} holds something else than content in its PGP message (packet {header.tag})")


def _whole(header: Header, body: bytes) -> bytes:
    """The packet with a plain length in front, however it was framed."""
    return bytes([0xC0 | header.tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _literal(body: bytes, name: str) -> Content:
    # One byte mode, one byte length of a file name that is of no interest, four bytes date.
    start = 6 + body[1] if len(body) > 1 else len(body) + 1
    if start > len(body):
        raise FileError(f"{name} is damaged: the content of its PGP message has no beginning")
    return Content(body[start:], is_text=body[:1] in _TEXT_MODES)


def _unpacked(body: bytes, most_bytes: int, name: str) -> bytes:
    if body[0] == 0:
        return body[1:]
    unpacker = _unpacker(body[0], name)
    try:
        # Room for the packets around the content.
        data = unpacker.decompress(body[1:], most_bytes + 4096)
    except (zlib.error, OSError, EOFError) as error:
        raise FileError(f"{name} is damaged: its PGP message does not unpack ({error})") from error
    if not unpacker.eof and len(data) >= most_bytes:
        raise TooLargeError
    if not unpacker.eof or unpacker.unused_data:
        raise FileError(f"{name} is damaged: its PGP message does not unpack to its end")
    return data


def _unpacker(algorithm: int, name: str) -> _Unpacker:
    if algorithm == 1:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    if algorithm == 2:
        return zlib.decompressobj()
    if algorithm == 3:
        return bz2.BZ2Decompressor()
    raise FileError(f"{name} is packed in a way that is not known (algorithm {algorithm}) in its PGP message")
