"""Rejected rows as their sender wrote them, with line and reason behind, so that they can be mended and sent again.

Header and rows are copied byte by byte: only the two columns are ours. A row that cannot be read stays the line
it is, so that a person mends what is wrong in it. Lines that the goal skips come along, as the same goal is to
read the file.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO

from cdp_assets.config.files import Format
from cdp_assets.files.delimited import Header, Record, physical_lines, read_row
from cdp_assets.files.row_cells import Row

LINE, REASON = "reject_line", "reject_reason"
Rejected = tuple[int, str]
"""1-based line of the file where a row begins, and why it was rejected."""
_ENDS = b"\r\n"


def copy_rejected_rows(
    text: Path, layout: Format, header: Header, runs: Sequence[Iterable[Rejected]], target: Path
) -> int:
    """Writes a new file of the rows that begin at the given lines; the number of rows.

    A row with too few cells is filled up, so that the two columns stand below their names; one with too many
    stays as it is. Holds one row at a time.

    Args:
        text: the whole file, in UTF-8.
        layout: how it is laid out.
        header: its header.
        runs: the rows; each run is in the order of the file, and stands behind the run before it.
        target: the new file, in UTF-8 but for bytes that are not.
    """
    rows = 0
    with target.open("xb") as written:
        ending = _copy_head(text, layout, header, written)
        for run in runs:
            for record, reason in _rows_at(text, layout, len(header.columns), run):
                written.write(_row(record, reason, layout, len(header.columns), ending))
                rows += 1
    return rows


def _copy_head(text: Path, layout: Format, header: Header, written: BinaryIO) -> bytes:
    """Copies what stands before the first row; the line end of the file, as the last of these lines has it."""
    ending = b"\n"
    with text.open("rb") as source:
        for number, line in islice(physical_lines(source.read, layout.max_row_bytes), header.lines):
            body = line.rstrip(_ENDS)
            ending = line[len(body) :] or b"\n"
            written.write(body)
            if layout.header and number == header.lines:
                names = _own_names(header.columns)
                written.write(b"".join(_cell(name, layout) for name in names))
            written.write(ending)
    return ending


def _own_names(columns: Sequence[str]) -> tuple[str, str]:
    """Names for the two columns; numbered where the file has such columns, as it went back before."""
    numbered = ((f"{LINE}_{number}", f"{REASON}_{number}") for number in count(2))
    names = (LINE, REASON)
    while set(names) & set(columns):
        names = next(numbered)
    return names


def _rows_at(text: Path, layout: Format, width: int, wanted: Iterable[Rejected]) -> Iterator[tuple[Record, str]]:
    """The rows that begin at the wanted lines, which ascend; the lines between are passed over unread."""
    with text.open("rb") as source:
        lines = physical_lines(source.read, layout.max_row_bytes)
        queue: deque[tuple[int, bytes]] = deque()
        for number, reason in wanted:
            entry = _line(number, queue, lines)
            record, unread = read_row(entry, queue, lines, Row(layout, width))
            queue.extendleft(reversed(unread))
            assert record is not None, f"no row begins at line {number} of {text.name}"
            yield record, reason


def _line(number: int, queue: deque[tuple[int, bytes]], lines: Iterator[tuple[int, bytes]]) -> tuple[int, bytes]:
    while True:
        entry = queue.popleft() if queue else next(lines, None)
        assert entry is not None, f"the file has no line {number}"
        if entry[0] == number:
            return entry


def _row(record: Record, reason: str, layout: Format, width: int, ending: bytes) -> bytes:
    body = record.raw.rstrip(_ENDS)
    missing = width - len(record.cells) if record.cells is not None else 0
    own = _cell(str(record.line), layout) + _cell(reason, layout)
    return body + layout.separator.encode() * missing + own + (record.raw[len(body) :] or ending)


def _cell(text: str, layout: Format) -> bytes:
    """A further cell, with the separator before it. Where nothing can be quoted, a blank stands for a separator."""
    separator, quote, escape = layout.separator, layout.quote, layout.escape
    signs = f"{separator}{quote}\r\n"
    if not quote:
        text = re.sub(f"[{re.escape(signs)}]", " ", text)
    elif any(sign in text for sign in signs):
        doubled = text.replace(escape, escape * 2) if escape not in {"", quote} else text
        text = quote + doubled.replace(quote, quote * 2) + quote
    return (separator + text).encode()
