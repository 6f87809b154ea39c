"""Delimited text: its header, and a reader that takes every row on its own.

The engine's CSV reader is fast, but one stray quote can make it lose neighbours without a word. It gets
clean files only (`count_lines` says which are). The others go through `records`: every row is read by the
same rules, and a row that cannot be read is kept with its true line number and raw text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.errors import FileError

BOM = b"\xef\xbb\xbf"
MAX_COLUMNS = 2_000
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Header:
    """The first row: column names as written, trimmed."""

    columns: tuple[str, ...]
    lines: int
    """Physical lines up to and including the header."""


@dataclass(frozen=True)
class Lines:
    """What a pass over a file's bytes tells without parsing it."""

    count: int
    """Physical lines, a last one without an end included."""
    plain: bool
    """No carriage return, NUL byte, empty line, blank beside a quote, foreign escape, over-long line, or
    separator behind the last column."""


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


def count_lines(path: Path, layout: Format, width: int) -> Lines:
    """Counts a file's lines and says whether the engine can be trusted with it as it is.

    DuckDB 1.5 takes a separator behind the last column without a word. So a file with lines that end in one is
    plain only if it has no more separators than rows of `width` columns need.
    """
    count, longest, separators = 0, 0, 0
    separator = layout.separator.encode()
    plain, open_ended = len(separator) == 1, False
    odd, open_end = _odd_bytes(layout), separator + b"\n"
    tail = b"\n"
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            count += chunk.count(b"\n")
            separators += chunk.count(separator)
            plain = plain and odd.search(tail + chunk) is None
            open_ended = open_ended or open_end in tail + chunk
            first, final = chunk.find(b"\n"), chunk.rfind(b"\n")
            plain = plain and longest + (len(chunk) if first < 0 else first) <= layout.max_row_bytes
            longest = longest + len(chunk) if first < 0 else len(chunk) - final
            tail = chunk[-1:]
    count += tail != b"\n"
    open_ended = open_ended or tail == separator
    return Lines(count, plain and (not open_ended or separators == count * (width - 1)))


def _odd_bytes(layout: Format) -> re.Pattern[bytes]:
    odd = [rb"\r", rb"\x00", rb"\n\n"]
    if layout.quote:
        quote = re.escape(layout.quote.encode())
        odd += [quote + rb"[ \t]", rb"[ \t]" + quote]
        if layout.escape not in {"", layout.quote}:
            odd.append(re.escape(layout.escape.encode()))
    return re.compile(b"|".join(odd))


def read_header(path: Path, layout: Format) -> Header:
    """The column names of a file.

    Raises:
        FileError: the supplier must act: the file is empty, or a name is missing or stands there twice.
    """
    first = next(records(path, layout), None)
    if first is None:
        message = "the file is empty; a first row with column names is needed"
        raise FileError(message)
    if first.cells is None:
        message = f"the header cannot be read: {first.reason}"
        raise FileError(message)
    if len(first.cells) > MAX_COLUMNS:
        message = f"the header has {len(first.cells)} columns; at most {MAX_COLUMNS} are read"
        raise FileError(message)
    for place, name in enumerate(first.cells, start=1):
        if not name:
            message = f"column {place} of the header has no name"
            raise FileError(message)
        if name in first.cells[: place - 1]:
            message = f'Duplicate column "{name}"'
            raise FileError(message)
    ends = len(re.findall(rb"\r\n|\r|\n", first.raw.rstrip(b"\r\n")))
    return Header(first.cells, lines=first.line + ends)


def records(path: Path, layout: Format, width: int | None = None) -> Iterator[Record]:
    """Every row of a file in order, the header included, blank lines left out.

    A row is read on its own: a quote that never closes, or closes with text behind it lines later, spoils
    the line it stands on, and reading goes on with the next. At most one row's bytes are held. With `width`,
    so does a quote that is still open when the row has that many cells: no line is read more than `width`
    times, however a file is mangled.
    """
    with path.open("rb") as source:
        lines = _physical_lines(source.read, layout.max_row_bytes)
        queue: deque[tuple[int, bytes]] = deque()
        while True:
            entry = queue.popleft() if queue else next(lines, None)
            if entry is None:
                return
            record, unread = _read_row(entry, queue, lines, _Row(layout, width))
            queue.extendleft(reversed(unread))
            if record is not None:
                yield record


def _physical_lines(read: Callable[[int], bytes], limit: int) -> Iterator[tuple[int, bytes]]:
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


def _read_row(
    entry: tuple[int, bytes],
    queue: deque[tuple[int, bytes]],
    lines: Iterator[tuple[int, bytes]],
    row: _Row,
) -> tuple[Record | None, list[tuple[int, bytes]]]:
    """The row that begins at `entry` (None for a blank line), and lines looked at but not used."""
    number, raw = entry
    if number == 1 and raw.startswith(BOM):
        raw = raw[len(BOM) :]
    if not raw.strip(b"\r\n"):
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


def _unreadable(raw: bytes, size: int, layout: Format) -> str:
    if size > layout.max_row_bytes:
        return f"the row is longer than {layout.max_row_bytes} bytes, or a quote is never closed"
    if b"\x00" in raw:
        return "the row holds a NUL byte"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} of the line is not UTF-8"
    return ""


class _Row:
    """Cells gathered line by line; `complete` once no quote is open."""

    def __init__(self, layout: Format, width: int | None = None) -> None:
        self.layout = layout
        self.width = width
        self.cells: list[str] = []
        self.open: list[str] | None = None
        marks = {re.escape(sign) for sign in (layout.quote, layout.escape) if sign}
        self.mark = re.compile("|".join(sorted(marks))) if marks else None

    @property
    def complete(self) -> bool:
        return self.open is None

    @property
    def overfull(self) -> str:
        """Why an open quote cannot be part of the row: its cells are all there."""
        if self.open is None or self.width is None or len(self.cells) < self.width:
            return ""
        return f"a quote is never closed, or the row has more cells than the header has ({self.width})"

    def feed(self, text: str) -> str:
        """Takes one more physical line; says why the row is bad, if it is."""
        separator, quote = self.layout.separator, self.layout.quote
        if self.open is None and (not quote or quote not in text):
            self.cells += [cell.strip(" \t\r\n") for cell in text.rstrip("\r\n").split(separator)]
            return ""
        at = 0
        while True:
            if self.open is None:
                at = self._begin_cell(text, at)
            if self.open is not None:
                after = self._quoted(text, at)
                if after is None:
                    return ""
                at = _end_of_cell(text, after, separator)
                if text[after:at].strip(" \t"):
                    return "text after a closing quote"
            if at >= len(text) or text[at] in "\r\n":
                return ""
            at += 1

    def _begin_cell(self, text: str, at: int) -> int:
        """Opens a quoted cell, or takes a whole plain one; the place to go on from."""
        separator, quote = self.layout.separator, self.layout.quote
        begin = at
        while text[at : at + 1] in {" ", "\t"} and text[at] != separator:
            at += 1
        if text.startswith(quote, at):
            self.open = []
            return at + len(quote)
        end = _end_of_cell(text, begin, separator)
        self.cells.append(text[begin:end].strip(" \t"))
        return end

    def _quoted(self, text: str, at: int) -> int | None:
        """Reads a quoted cell from `at`; the place after its closing quote, None if it goes on."""
        assert self.open is not None
        assert self.mark is not None
        quote, escape = self.layout.quote, self.layout.escape
        while True:
            found = self.mark.search(text, at)
            if found is None:
                self.open.append(text[at:])
                return None
            place = found.start()
            self.open.append(text[at:place])
            sign, after = text[place], text[place + 1 : place + 2]
            if (sign == quote and after == quote) or (sign == escape and after and after in {quote, escape}):
                self.open.append(after)
                at = place + 2
            elif sign == quote:
                self.cells.append("".join(self.open))
                self.open = None
                return place + 1
            else:
                self.open.append(sign)
                at = place + 1


def _end_of_cell(text: str, at: int, separator: str) -> int:
    places = [place for place in (text.find(sign, at) for sign in (separator, "\n", "\r")) if place >= 0]
    return min(places, default=len(text))
