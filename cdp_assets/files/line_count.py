"""A pass over a file's bytes without parsing them: how many lines, and whether the engine may read it as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdp_assets.config.files import Format
from cdp_assets.files.delimited import BOM, CHUNK_BYTES

_READ_BYTES = CHUNK_BYTES // 4
"""So much at a time stays in the processor's cache, from where the passes after the first take it."""


@dataclass(frozen=True)
class Lines:
    """What a pass over a file's bytes tells without parsing it."""

    count: int
    """Physical lines, a last one without an end included; exact where the file is plain."""
    plain: bool
    """No carriage return, NUL byte, empty line, blank beside a quote or a null text, foreign escape, comment,
    over-long line, or empty cell behind the last column."""


def count_lines(path: Path, layout: Format, width: int, skip: int = 0) -> Lines:
    """Counts a file's lines and says whether the engine can be trusted with it as it is.

    DuckDB 1.5 takes an empty cell behind the last column without a word. So a file with lines that may end in
    one is plain only if it has no more separators than rows of `width` columns need. `skip`: lines before the
    first row, which the engine does not read.
    """
    separator = layout.separator.encode()
    odd, empty_ends = _Odd(layout), [separator + text.encode() for text in ("", *layout.null_texts)]
    overlap = 4 + max(len(text.encode()) for text in ("", layout.comment, *layout.null_texts))
    open_ended = False
    count, longest = 0, 0
    tail = b"\n"
    with path.open("rb") as source:
        plain = _skip(source, skip, layout) and len(separator) == 1
        begin = source.tell()
        while chunk := source.read(_READ_BYTES):
            count += chunk.count(b"\n")
            seen = tail + chunk
            plain = plain and not odd.is_in(seen)
            open_ended = open_ended or any(_is_in(seen, end + b"\n") for end in empty_ends)
            first, final = chunk.find(b"\n"), chunk.rfind(b"\n")
            plain = plain and longest + (len(chunk) if first < 0 else first) <= layout.max_row_bytes
            longest = longest + len(chunk) if first < 0 else len(chunk) - final
            tail = seen[-overlap:]
        if not tail.endswith(b"\n"):
            count += 1
            plain = plain and not odd.is_in(tail + b"\n")
            open_ended = open_ended or tail.endswith(tuple(empty_ends))
        if plain and open_ended:
            source.seek(begin)
            plain = sum(chunk.count(separator) for chunk in iter(lambda: source.read(_READ_BYTES), b"")) == count * (
                width - 1
            )
    return Lines(skip + count, plain)


def _skip(source: BinaryIO, lines: int, layout: Format) -> bool:
    """Passes over a byte order mark and so many lines; whether the engine surely finds the same end of them.

    To the engine a quote may also open in what is no table, and hide line ends; only the header may hold one.
    """
    if source.read(len(BOM)) != BOM:
        source.seek(0)
    alike = True
    for number in range(1, lines + 1):
        line = source.readline(layout.max_row_bytes + 1)
        may_quote = not layout.quote or (layout.header and number == lines)
        alike = alike and len(line) <= layout.max_row_bytes and b"\r" not in line and b"\x00" not in line
        alike = alike and (may_quote or layout.quote.encode() not in line)
    return alike


class _Odd:
    """What the engine may not be given to read. Plain texts are looked for one by one: a pattern of all is slow."""

    def __init__(self, layout: Format) -> None:
        separator = layout.separator.encode()
        blanks = [bytes([sign]) for sign in b" \t".replace(separator, b"")]
        # \x01 begins the text that stands for NULL where no null text is configured (`read_csv` of sql/landing.py).
        self._texts = [b"\r", b"\x00", b"\x01", b"\n\n"]
        self._quote = layout.quote.encode()
        self._beside_quotes = [pair for blank in blanks for pair in (self._quote + blank, blank + self._quote)]
        if layout.quote and layout.escape not in {"", layout.quote}:
            self._texts.append(layout.escape.encode())
        if layout.comment:
            self._texts.append(b"\n" + layout.comment.encode())
        # The engine drops blanks around a cell only after it has looked for null texts.
        blank, edge = b"[" + b"".join(blanks) + b"]", b"(?:\n|" + re.escape(separator) + b")"
        wide = b"(?:\n|" + re.escape(separator) + b"|" + blank + b")"
        self._nulls = []
        for plain in (text.encode() for text in layout.null_texts):
            text = re.escape(plain)
            before = wide + blank + text + b"(?:" + edge + b"|" + blank + wide + b")"
            self._nulls.append((plain, re.compile(before + b"|" + edge + text + blank + wide)))

    def is_in(self, seen: bytes) -> bool:
        """Whether any of it is in these bytes."""
        if any(_is_in(seen, text) for text in self._texts):
            return True
        if self._quote and any(_is_in(seen, pair) for pair in self._beside_quotes):
            return True
        return any(plain in seen and pattern.search(seen) for plain, pattern in self._nulls)


def _is_in(seen: bytes, text: bytes) -> bool:
    """As `in`, several times as fast: single bytes are found at the speed of memory, and texts faster from the end."""
    return all(byte in seen for byte in text) and seen.rfind(text) >= 0
