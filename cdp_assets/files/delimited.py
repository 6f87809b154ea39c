"""Delimited text: its header, and a reader that takes every row on its own.

The engine's CSV reader is fast, but one stray quote can make it lose neighbours without a word. It gets
clean files only (`line_count.py` says which are). The others go through `records`: every row is read by the
same rules, and a row that cannot be read is kept with its true line number and raw text.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from cdp_assets.config.files import MAX_COLUMNS, Format
from cdp_assets.errors import FileError
from cdp_assets.files.encoding import OLD_EUROPEAN, UTF8, guess_encoding
from cdp_assets.files.row_cells import Row

BOM = b"\xef\xbb\xbf"
CHUNK_BYTES = 1 << 20
ROWS_LOOKED_AT = 100
"""So many rows may be unreadable before the first that tells how many columns a headerless file has."""


@dataclass(frozen=True)
class Header:
    """What the columns are called, and where the rows begin."""

    columns: tuple[str, ...]
    """As written, trimmed; of a file without a header as configured, else `1`, `2`, …"""
    lines: int
    """Physical lines before the first row: preamble, comments and the header itself."""
    told_by: str = "the header has"
    """What says how many columns there are."""


@dataclass(frozen=True)
class Record:
    """One row of the file: its cells, or why it cannot be read."""

    line: int
    """1-based line of the original file where the row begins."""
    raw: bytes
    """The row as received, line ends included."""
    cells: tuple[str, ...] | None
    """Trimmed unless quoted; None for a row that cannot be read."""
    reason: str = ""


def read_header(path: Path, layout: Format) -> Header:
    """What a file's columns are called: by its first row, or by the layout where it has no header.

    Raises:
        FileError: the supplier must act: the file is empty, or a name is missing or stands there twice.
    """
    if not layout.header:
        return _without_header(path, layout)
    first = next(records(path, layout.model_copy(update={"null_text": ()})), None)
    if first is None:
        message = f"the file is empty{_behind(layout)}; a first row with column names is needed"
        raise FileError(message)
    if first.cells is None:
        told = encoding_reason(layout, looks_old(layout, first)) if is_undecodable(layout, first) else first.reason
        message = f"the header cannot be read: {told}"
        raise FileError(message)
    _require_bearable(first.cells, "header")
    for place, name in enumerate(first.cells, start=1):
        if not name:
            message = f"column {place} of the header has no name"
            raise FileError(message)
        if name in first.cells[: place - 1]:
            message = f'Duplicate column "{name}"'
            raise FileError(message)
    ends = len(re.findall(rb"\r\n|\r|\n", first.raw.rstrip(b"\r\n")))
    return Header(first.cells, lines=first.line + ends)


def _without_header(path: Path, layout: Format) -> Header:
    """Named columns, or as many as the first readable row has cells."""
    found = records(path, layout)
    first = next(found, None)
    lines = first.line - 1 if first else layout.skip_lines
    if layout.columns:
        return Header(layout.columns, lines, told_by="format.columns has")
    if first is None:
        message = (
            f"the file is empty{_behind(layout)}; without a header, only format.columns could tell what columns it has"
        )
        raise FileError(message)
    looked_at = chain([first], islice(found, ROWS_LOOKED_AT - 1))
    cells = next((record.cells for record in looked_at if record.cells is not None), None)
    if cells is None:
        message = f"none of the first {ROWS_LOOKED_AT} rows can be read: {first.reason}"
        raise FileError(message)
    _require_bearable(cells, "first row")
    columns = tuple(str(place) for place in range(1, len(cells) + 1))
    return Header(columns, lines, told_by="the first row that can be read has")


def _behind(layout: Format) -> str:
    return f" behind {layout.skip_lines} skipped lines" if layout.skip_lines else ""


def _require_bearable(cells: tuple[str, ...], row: str) -> None:
    if len(cells) > MAX_COLUMNS:
        message = f"the {row} has {len(cells)} columns; at most {MAX_COLUMNS} are read"
        raise FileError(message)


def rows_of(path: Path, layout: Format, header: Header) -> Iterator[Record]:
    """Every row of a file in order, without its header."""
    found = records(path, layout, len(header.columns))
    if layout.header:
        next(found)
    return found


def records(path: Path, layout: Format, width: int | None = None) -> Iterator[Record]:
    """Every row of a file in order, the header included; skipped, blank and comment lines left out.

    A row is read on its own: a quote that never closes, or closes with text behind it lines later, spoils
    the line it stands on, and reading goes on with the next. At most one row's bytes are held. With `width`,
    so does a quote that is still open when the row has that many cells: no line is read more than `width`
    times, however a file is mangled.
    """
    with path.open("rb") as source:
        lines = islice(physical_lines(source.read, layout.max_row_bytes), layout.skip_lines, None)
        queue: deque[tuple[int, bytes]] = deque()
        while True:
            entry = queue.popleft() if queue else next(lines, None)
            if entry is None:
                return
            record, unread = read_row(entry, queue, lines, Row(layout, width))
            queue.extendleft(reversed(unread))
            if record is not None:
                yield record


def physical_lines(read: Callable[[int], bytes], limit: int) -> Iterator[tuple[int, bytes]]:
    """(1-based number, bytes with their end); of a line over the limit only its beginning."""
    number = 0
    rest = b""
    cut = False
    while True:
        chunk = read(CHUNK_BYTES)
        data = rest + chunk
        pieces = [piece for piece in _LINE_END.split(data) if piece] if b"\r" in data else data.splitlines(True)
        rest = pieces.pop() if chunk and pieces and not pieces[-1].endswith(b"\n") else b""
        for piece in pieces:
            if not cut:
                number += 1
                yield number, piece
            cut = False
        if len(rest) > limit and rest[-1:] != b"\r":
            if not cut:
                number += 1
                yield number, rest
            cut, rest = True, b""
        if not chunk:
            return


_LINE_END = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")


def read_row(
    entry: tuple[int, bytes],
    queue: deque[tuple[int, bytes]],
    lines: Iterator[tuple[int, bytes]],
    row: Row,
) -> tuple[Record | None, list[tuple[int, bytes]]]:
    """The row that begins at `entry` (None for a blank line or a comment), and lines looked at but not used."""
    number, raw = entry
    if number == 1 and raw.startswith(BOM):
        raw = raw[len(BOM) :]
    comment = row.layout.comment
    if not raw.strip(b"\r\n") or (comment and raw.startswith(comment.encode())):
        return None, []
    taken: list[tuple[int, bytes]] = []
    size = 0
    while True:
        size += len(raw)
        reason = _unreadable(raw, size, row.layout) or row.feed(raw.decode()) or row.overfull
        if reason:
            first = raw if not taken else taken[0][1]
            return Record(number, first, None, reason), [*taken[1:], (number + len(taken), raw)][: len(taken)]
        taken.append((number + len(taken), raw))
        if row.complete:
            return Record(number, b"".join(part for _, part in taken), tuple(row.cells)), []
        following = queue.popleft() if queue else next(lines, None)
        if following is None:
            return Record(number, taken[0][1], None, "a quote is never closed"), taken[1:]
        raw = following[1]


def encoding_reason(layout: Format, looks_old: bool | None = False) -> str:
    """Why a row whose bytes are no text is refused: the same words for every row of a file.

    `looks_old`: the rows can be read in the encoding that an older Windows writes; then what to set is told too.
    """
    is_utf8 = codecs.lookup(layout.encoding).name == UTF8
    reason = f"not {'UTF-8' if is_utf8 else layout.encoding}"
    if not looks_old:
        return reason
    cure = f"set `format: {{encoding: {OLD_EUROPEAN}}}`, if all files of the goal are so"
    return f"{reason}; it looks like {OLD_EUROPEAN}: {cure}"


def is_undecodable(layout: Format, record: Record) -> bool:
    """Whether a row is refused because its bytes are no text."""
    return record.reason == encoding_reason(layout)


def looks_old(layout: Format, record: Record) -> bool | None:
    """Whether the text of a row is in the older encoding: True or False if a sign tells; None if none does."""
    if record.raw.isascii():
        return None
    if codecs.lookup(layout.encoding).name != UTF8 or guess_encoding(record.raw) != OLD_EUROPEAN:
        return False
    try:
        record.raw.decode(OLD_EUROPEAN)
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(raw: bytes, size: int, layout: Format) -> str:
    if size > layout.max_row_bytes:
        return f"the row is longer than {layout.max_row_bytes} bytes, or a quote is never closed"
    if b"\x00" in raw:
        return "the row holds a NUL byte"
    try:
        raw.decode()
    except UnicodeDecodeError:
        return encoding_reason(layout)
    return ""
