"""The beginning of a file, for people to look at before anything is imported: opened as far as it goes.

The first bytes of a PGP message or a gzip file give the first bytes of what is inside. They are shown, never
imported: the check of integrity stands at the end, which is not there. A zip file, and a message where only
PGPy can open it, give nothing without the rest.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.files.compression import Kind, kind_of
from cdp_assets.files.encoding import to_utf8
from cdp_assets.files.limits import CHUNK_BYTES, appearing
from cdp_assets.files.pgp import PgpKeys, decrypt_beginning, is_pgp_message, opens_beginnings
from cdp_assets.files.unwrap import MOST_PACKINGS, Unwrapped

BEGINNING_BYTES = 4 << 20
"""How much of a file is downloaded to be looked at."""
MOST_TEXT_BYTES = 16 << 20
"""How much of what it unpacks to is looked at."""
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


def unwrap_beginning(received: Path, folder: Path, *, pgp: PgpKeys | None, name: str) -> Unwrapped | None:
    """Takes off every layer around the first bytes of a file; None where that needs the whole file.

    `folder` must be private to the caller: it holds plaintext. Each layer gives at most `MOST_TEXT_BYTES`.

    Raises:
        FileError: the supplier must act, as far as the beginning tells.
        ConfigError: our PGP key or passphrase does not fit.
    """
    path, layers = received, list[str]()
    if pgp is not None:
        if not opens_beginnings():
            return None
        path = folder / "beginning_0"
        decrypt_beginning(received, path, pgp, MOST_TEXT_BYTES, name=name)
        layers.append("pgp")
        if not path.stat().st_size:
            return None
    for number in range(1, MOST_PACKINGS + 1):
        kind = kind_of(path)
        if kind is Kind.plain:
            # The whole way words the error of a message where none is expected.
            return None if is_pgp_message(path) else Unwrapped(path, tuple(layers), (), ())
        if kind is Kind.zip:
            return None
        inner = folder / f"beginning_{number}"
        _gunzip_beginning(path, inner)
        path = inner
        layers.append(kind.value)
    return None


def text_of_beginning(source: Path, folder: Path, layout: Format) -> Path:
    """The text of an unwrapped beginning, in UTF-8, up to the last whole row within `MOST_TEXT_BYTES`."""
    text = to_utf8(source, folder / "text", layout.encoding, whole=False)
    with text.open("rb") as file:
        content = file.read(MOST_TEXT_BYTES)
    rows = folder / "rows"
    with appearing(rows) as place:
        place.write_bytes(content[: _end_of_rows(content, layout)])
    return rows


def _gunzip_beginning(source: Path, target: Path) -> None:
    """What comes out before the data ends or breaks off, of all members; nothing is checked."""
    left = MOST_TEXT_BYTES
    with appearing(target) as partial, source.open("rb") as packed, partial.open("r+b") as file:
        member, chunk = zlib.decompressobj(_GZIP_FORMAT), packed.read(CHUNK_BYTES)
        while chunk and left:
            try:
                data = member.decompress(chunk, min(left, CHUNK_BYTES))
            except zlib.error:
                return
            file.write(data)
            left -= len(data)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                member = zlib.decompressobj(_GZIP_FORMAT)
            chunk = rest or packed.read(CHUNK_BYTES)


def _end_of_rows(content: bytes, layout: Format) -> int:
    """Where the last whole row ends: at a line end outside quotes; everything where there is none near the end."""
    sign = b"\r" if b"\n" not in content else b"\n"
    last = content.rfind(sign) + 1
    if not last:
        return len(content)
    end, quotes = last, _quotes(content[:last], layout)
    while quotes % 2 and last - end <= layout.max_row_bytes:
        before = content.rfind(sign, 0, end - 1) + 1
        if not before:
            return last
        quotes -= _quotes(content[before:end], layout)
        end = before
    return last if quotes % 2 else end


def _quotes(content: bytes, layout: Format) -> int:
    """Quote characters that open or close a cell; doubled ones come in pairs."""
    if not layout.quote:
        return 0
    quotes = content.count(layout.quote.encode())
    if layout.escape in {"", layout.quote}:
        return quotes
    return quotes - content.count((layout.escape + layout.quote).encode())
