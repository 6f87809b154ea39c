"""How a file is laid out, as its beginning tells: encoding, separator, decimal sign; and which files differ."""

from __future__ import annotations

import codecs
import csv
import re
import zlib
from collections.abc import Iterator, Sequence

from cdp_assets.config.files import Format
from cdp_assets.config.goals import ImportGoal
from cdp_assets.errors import CdpError, RemoteDownError
from cdp_assets.files.encoding import OLD_EUROPEAN, UTF8, UTF16, guess_encoding
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.selection import root_without
from cdp_assets.files.sftp import SftpFileSystem

MOST_COMPARED = 20
"""So many files are compared with the one that is looked into: the oldest and the newest."""
_LOOKED_AT = 256 << 10
"""Bytes that tell how a file is laid out."""
_COMPARED_BYTES = 64 << 10
"""Bytes of each other file."""
_MOST_NAMES = 4
_GZIP = b"\x1f\x8b"
_GROUPED = r"\d{1,3}(?:%s\d{3})*%s\d+|\d+%s\d+"
_BETWEEN_DIGITS = re.compile("(?<=\\d)[ '\u00a0\u202f\u2019](?=\\d{3})|[ \u00a0\u202f]?(?:€|EUR|£|CHF)$")
"""What groups digits beside point and comma, and signs behind an amount."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SEPARATORS = (",", ";", "\t", "|")
_ADVICE = "a goal reads all its files alike, so have it sent like the others, or give it a goal of its own"


def grouped_or_not(content: bytes, layout: Format) -> tuple[bool, str]:
    """Whether no number tells that the decimal sign is a point, and one such as 1.050, which may be grouped as well.

    The text is empty where no number has a point.
    """
    if layout.separator == "," or layout.decimal == ",":
        return False, ""
    cells = _cells(content.decode(layout.encoding, "replace"), layout.separator)
    numbers = [cell for cell in cells if re.fullmatch(r"-?\d+\.\d+", cell)]
    either = all(re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", number) for number in numbers)
    return either, numbers[0] if either and numbers else ""


def _cells(text: str, separator: str) -> list[str]:
    """Those below the header, of the first lines."""
    lines = text.lstrip("\ufeff").splitlines()[1:200]
    return [_BETWEEN_DIGITS.sub("", cell.strip(' "')) for line in lines for cell in _split(line, separator)]


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        # Longer than the reader takes a cell for.
        return line.split(separator)


def guess_format(content: bytes) -> Format:
    """How the text is laid out: encoding, separator, decimal sign. What cannot be told is as if left out."""
    encoding = guess_encoding(content)
    lines = content.decode(encoding, "replace").lstrip("\ufeff").splitlines()[:200]
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    counts = {sign: bare[0].count(sign) if bare else 0 for sign in _SEPARATORS}
    separator = max(counts, key=lambda sign: counts[sign])
    cells = _cells("\n".join(lines), separator)
    with_comma = sum(re.fullmatch(_GROUPED % (r"\.", ",", ","), cell) is not None for cell in cells)
    with_point = sum(re.fullmatch(_GROUPED % (",", r"\.", r"\."), cell) is not None for cell in cells)
    multi_value = ";" if separator == "|" else "|"
    if separator == ",":
        # In quotes; there 1,234 may be grouped.
        with_comma = sum(re.fullmatch(r"-?[\d.]*\d,(?:\d{1,2}|\d{4,})", cell) is not None for cell in cells)
    decimal = "," if with_comma > with_point else "."
    names = _split(lines[0], separator) if lines else []
    # No column is called by an address: the first line is a row already.
    header = not any(_ADDRESS.fullmatch(name.strip()) for name in names)
    return Format(separator=separator, decimal=decimal, encoding=encoding, multi_value=multi_value, header=header)


def laid_out_otherwise(one: Format, other: Format) -> str:
    """In what the first layout differs from the other, so that one `format` cannot read both; empty = in nothing."""
    parts = [("separator", one.separator, other.separator), ("encoding", one.encoding, other.encoding)]
    return " and ".join(f"{name} {own!r} instead of {its!r}" for name, own, its in parts if own != its)


def read_beginning(server: SftpFileSystem, file: RemoteFile, most_bytes: int = _LOOKED_AT) -> bytes:
    """The first bytes of a file, or of the text in it if it is gzipped.

    Raises:
        RemoteError: the server's operator must act, or nobody yet.
    """
    content = server.read_prefix(file, most_bytes)
    if content.startswith(_GZIP):
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(content, most_bytes)
    return content


def differing(server: SftpFileSystem, chosen: RemoteFile, others: Sequence[RemoteFile], goal: ImportGoal) -> list[str]:
    """Which of the other files of a goal are not as its layout and the chosen file's columns say, in sentences.

    Looks at the beginnings of at most `MOST_COMPARED`; one that cannot be read is left to its import.

    Raises:
        RemoteDownError: nobody need act; the link was lost.
    """
    layout = goal.format
    if len(others) > MOST_COMPARED:
        by_age = sorted(others, key=lambda file: (file.modified_at, file.name))
        others = [*by_age[: MOST_COMPARED // 2], *by_age[-MOST_COMPARED // 2 :]]
    if not others:
        return []
    own = _columns(read_beginning(server, chosen, _COMPARED_BYTES), layout)
    found: dict[str, list[str]] = {}
    for file in others:
        try:
            content = read_beginning(server, file, _COMPARED_BYTES)
        except RemoteDownError:
            raise
        except (CdpError, zlib.error):
            continue
        for difference in _differences(content, layout, own, shown(chosen.name)):
            found.setdefault(difference, []).append(file.name)
    return [
        f"{_listed([*map(shown, names)])}: {difference}{_kept_out(goal, names) if difference.endswith(_ADVICE) else ''}"
        for difference, names in found.items()
    ]


def _kept_out(goal: ImportGoal, names: Sequence[str]) -> str:
    """How to leave files to another goal: no two goals should take them."""
    if goal.files.pattern_type == "exact" or len(names) > _MOST_NAMES:
        return ""
    root = shown(root_without(goal.files, names))
    return f", and keep it out of this one by match: regex and root: '{root}'"


def _differences(content: bytes, layout: Format, own: Sequence[str], chosen: str) -> Iterator[str]:
    encoding = guess_encoding(content)
    if b"\0" in content and encoding != UTF16:
        # No text: packed or encrypted.
        return
    if not content.isascii() and not _may_be(encoding, layout):
        yield f"looks like {encoding}, but format.encoding is {layout.encoding}; {_ADVICE}"
    first = _first_line(content, encoding)
    other = max(_SEPARATORS, key=first.count)
    if len(own) > 1 and layout.separator not in first and other in first:
        yield f"has {other!r} between its columns, but format.separator is {layout.separator!r}; {_ADVICE}"
        return
    columns = _columns(content, layout, encoding)
    gone = [name for name in own if name not in columns] if columns else []
    if gone:
        yield f"lacks {', '.join(map(shown, gone))}, which {chosen} has"


def _may_be(guessed: str, layout: Format) -> bool:
    """Whether a text that looks like this may be in the encoding of the layout, as far as a guess can tell."""
    name = codecs.lookup(layout.encoding).name
    if name in {UTF8, UTF16}:
        return guessed == name
    return name.startswith(("utf-16", "utf-32")) or guessed == OLD_EUROPEAN


def _columns(content: bytes, layout: Format, encoding: str = "") -> list[str]:
    """The names in the header; none where the layout has no such line at the top."""
    if not layout.header or layout.skip_lines or layout.comment:
        return []
    first = _first_line(content, encoding or guess_encoding(content))
    return [name.strip(f" {layout.quote}") for name in first.split(layout.separator)] if first else []


def _first_line(content: bytes, encoding: str) -> str:
    lines = content.decode(encoding, "replace").lstrip("\ufeff").splitlines()
    return next((line for line in lines if line.strip()), "")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
