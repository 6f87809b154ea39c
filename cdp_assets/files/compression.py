"""Unpacks gzip and zip, told apart by their first bytes and never by their name.

Every checksum and length the format has is checked: DuckDB, which could read gzip itself, does not check its
CRC. A file is unpacked as a stream, in a few megabytes of memory, whatever its size.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from cdp_assets.errors import FileError, LocalDiskError
from cdp_assets.files.limits import CHUNK_BYTES, Bounded, Limits, appearing

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_ZIP_WITHOUT_FILES = b"PK\x05\x06"
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_UNPACKABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED_FLAG = 0x1


class Kind(StrEnum):
    """What a file is packed with."""

    plain = "plain"
    """Neither of the others; an empty file too."""
    gzip = "gzip"
    zip = "zip"


def kind_of(path: Path) -> Kind:
    """What the first bytes of a file say it is."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise LocalDiskError(f"could not read {path}: {error.strerror or error}") from error
    if start.startswith(_GZIP):
        return Kind.gzip
    return Kind.zip if start in (_ZIP, _ZIP_WITHOUT_FILES) else Kind.plain


def decompress(source: Path, target: Path, limits: Limits, *, name: str = "") -> Kind:
    """Takes one layer of packing off; `target` appears whole, or not at all for a plain file or an error.

    `name` is what messages call the file. Packed nothing gives an empty file.

    Raises:
        FileError: the file is damaged, cut off, encrypted, over the limits, or holds not exactly one file.
        LocalDiskError: this machine cannot read or write it.
    """
    kind = kind_of(source)
    if kind is Kind.plain:
        return kind
    shown = name or source.name
    unpack: Callable[[BinaryIO, Bounded], None] = _gunzip if kind is Kind.gzip else _unzip
    with appearing(target) as partial, source.open("rb") as packed, partial.open("r+b") as file:
        unpack(packed, Bounded(file, shown, source.stat().st_size, limits))
    return kind


def _gunzip(packed: BinaryIO, out: Bounded) -> None:
    """Several gzip members in a row are one file, as `gzip` has it; zeros behind the last are padding."""
    chunk = packed.read(CHUNK_BYTES)
    while chunk:
        rest = _gunzip_member(chunk, packed, out)
        chunk = _next_member(rest, packed, out.name)


def _gunzip_member(chunk: bytes, packed: BinaryIO, out: Bounded) -> bytes:
    """Unpacks the member that `chunk` begins with; gives back what was read beyond it."""
    # zlib checks the member's CRC and length itself.
    member = zlib.decompressobj(_GZIP_FORMAT)
    while not member.eof:
        if not chunk:
            raise FileError(f"{out.name} is cut off: its gzip data has no end; deliver the whole file")
        try:
            out.write(member.decompress(chunk, CHUNK_BYTES))
        except zlib.error as error:
            raise FileError(
                f"{out.name} is damaged: its gzip data fails the check ({error}); deliver it again"
            ) from error
        chunk = member.unconsumed_tail or (b"" if member.eof else packed.read(CHUNK_BYTES))
    return member.unused_data


def _next_member(rest: bytes, packed: BinaryIO, name: str) -> bytes:
    """The start of the member that follows, or nothing at the end of the file."""
    # Enough to recognise a member by, even where a chunk ended within its first bytes.
    start = rest if len(rest) >= len(_GZIP) else rest + packed.read(CHUNK_BYTES)
    if start.startswith(_GZIP):
        return start
    while start:
        if start.strip(b"\0"):
            raise FileError(f"{name} has other bytes behind its gzip data; deliver the gzip file alone")
        start = packed.read(CHUNK_BYTES)
    return b""


def _unzip(packed: BinaryIO, out: Bounded) -> None:
    for data in _member_data(packed, out.name):
        out.write(data)


def _member_data(packed: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(packed) as archive, archive.open(_only_file(archive, name)) as member:
            # Reads to the end, which is where the CRC is checked.
            while data := member.read(CHUNK_BYTES):
                yield data
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise FileError(f"{name} is a damaged or cut off zip file ({error}); deliver it again") from error


def _only_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The one file in the archive; the path it carries is never used."""
    files = [member for member in archive.infolist() if not member.is_dir()]
    if any(member.filename == "[Content_Types].xml" for member in files):
        raise FileError(f"{name} is an Office document; deliver the sheet as delimited text (CSV)")
    if len(files) != 1:
        raise FileError(f"{name} is a zip file with {len(files)} files in it; exactly one is accepted")
    member = files[0]
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise FileError(f"{name} is an encrypted zip file, which is not accepted; use PGP to encrypt")
    if member.compress_type not in _UNPACKABLE:
        raise FileError(f"{name} is a zip file packed with method {member.compress_type}; accepted is deflate")
    return member
