"""From a file's own encoding to UTF-8, the one form everything behind landing reads."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

from cdp_assets.counted import counted
from cdp_assets.errors import FileError
from cdp_assets.files.limits import CHUNK_BYTES, appearing

UTF8 = "utf-8"
UTF16 = "utf-16"
OLD_EUROPEAN = "windows-1252"
"""What a text of single bytes is taken for that is not UTF-8."""
_INSIDE_SIGNS = bytes(range(0xC0))
"""Every byte but those that UTF-8 begins a sign outside ASCII with."""
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TELLING_BYTES = 1_024
"""So much of a file tells whether every other byte is NUL."""


def to_utf8(source: Path, target: Path, encoding: str, *, whole: bool = True) -> Path:
    """The file in UTF-8: itself where it is already, else a rewritten copy at `target`.

    Of a file that is not `whole`, a sign that is cut off at the end is left out.
    A byte that a one-byte encoding leaves undefined stays as it is, so that its row, and no other, is refused
    later. An encoding with wider signs cannot be taken up again behind a broken one: the file is refused.

    Raises:
        FileError: the supplier or the YAML author must act: the file is not in this encoding.
    """
    if "a".encode(encoding) == b"a":
        _require_narrow(source)
    if codecs.lookup(encoding).name == UTF8:
        return source
    errors = "surrogateescape" if len("é€".encode(encoding, "replace")) == len("é€") else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    done = 0
    try:
        with source.open("rb") as file, appearing(target) as place, place.open("r+b") as rewritten:
            while chunk := file.read(CHUNK_BYTES):
                rewritten.write(decoder.decode(chunk).encode(UTF8, errors))
                done += len(chunk)
            rewritten.write(decoder.decode(b"", final=whole).encode(UTF8, errors))
    except UnicodeError as error:
        message = f"the file is not {encoding}: it cannot be read behind byte {done:,}"
        raise FileError(message) from error
    return target


def _require_narrow(source: Path) -> None:
    """Refuses a text whose beginning tells that every sign has two bytes or more, where its encoding has one."""
    with source.open("rb") as file:
        beginning = file.read(_TELLING_BYTES)
    if beginning[:2] in _WIDE_MARKS:
        message = "the file begins with the mark of UTF-16; set format.encoding: utf-16"
        raise FileError(message)
    first, second = beginning[::2], beginning[1::2]
    for name, empty, filled in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        if 2 * empty.count(0) > len(empty) > 1 and 0 not in filled:
            message = (
                f"the file looks like UTF-16 without its mark: every other byte is NUL; set format.encoding: {name}"
            )
            raise FileError(message)


def doubt_about(source: Path, encoding: str) -> str:
    """Why a text is perhaps not in `encoding` although every byte of it can be read so; empty = no reason.

    Nearly every text can be read in an encoding of single bytes, but hardly any that is written in one can be read
    as UTF-8. A text in UTF-8 costs nothing, and of another no more is read than tells that it is not UTF-8.
    """
    if codecs.lookup(encoding).name == UTF8 or "a".encode(encoding) != b"a":
        return ""
    signs = _utf8_signs(source)
    if not signs:
        return ""
    read = "ü".encode(UTF8).decode(encoding, "replace")
    return (
        f"looks like UTF-8: {counted(signs, 'character')} outside ASCII, each written as UTF-8 writes it; but"
        f" format.encoding is {encoding}, which reads ü as {read}; set format.encoding: utf-8, or leave it out"
    )


def _utf8_signs(source: Path) -> int:
    """How many signs outside ASCII a text in UTF-8 has; 0 for a text that is not UTF-8."""
    decoder, signs = codecs.getincrementaldecoder(UTF8)(), 0
    with source.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return 0
            if not chunk.isascii():
                signs += len(chunk.translate(None, _INSIDE_SIGNS))
    return signs


def guess_encoding(content: bytes) -> str:
    """What the beginning of a text is probably written in: UTF-16 tells it by its mark, UTF-8 by being readable."""
    if content[:2] in _WIDE_MARKS:
        return UTF16
    try:
        # The beginning may end in the middle of a sign.
        content[: content.rfind(b"\n") + 1 or None].decode(UTF8)
    except UnicodeDecodeError:
        return OLD_EUROPEAN
    return UTF8


def from_utf8(source: Path, target: Path, encoding: str) -> None:
    """The way back: writes a text in a file's own encoding, byte for byte as `to_utf8` found it."""
    if codecs.lookup(encoding).name == UTF8:
        shutil.copyfile(source, target)
        return
    decoder = codecs.getincrementaldecoder(UTF8)("surrogateescape")
    encoder = codecs.getincrementalencoder(encoding)(_AS_IT_CAME)
    with source.open("rb") as file, target.open("wb") as rewritten:
        while chunk := file.read(CHUNK_BYTES):
            rewritten.write(encoder.encode(decoder.decode(chunk)))
        rewritten.write(encoder.encode(decoder.decode(b"", final=True), final=True))


def _as_it_came(error: UnicodeError) -> tuple[bytes, int]:
    """What the encoding does not have are bytes that it left undefined: they were never changed."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].encode(UTF8, "surrogateescape"), error.end


_AS_IT_CAME = "cdp_as_it_came"
codecs.register_error(_AS_IT_CAME, _as_it_came)
