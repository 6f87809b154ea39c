"""Checksum files as `sha256sum` and `md5sum` write them. Pure, but for the digest of a local file."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown

Algorithm = Literal["sha256", "md5"]

_ALGORITHMS: dict[str, Algorithm] = {".sha256": "sha256", ".md5": "md5"}
_DIGITS = {"sha256": 64, "md5": 32}
CHECKSUM_ENDINGS = tuple(_ALGORITHMS)
"""What a checksum file has behind the name of its file, the stronger kind first."""

_LINE = re.compile(r"(\\?)([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})[ \t]+\*?(.+)")
_ESCAPES = {r"\\": "\\", r"\n": "\n", r"\r": "\r"}


@dataclass(frozen=True)
class Checksum:
    """What the sender says a file's digest is."""

    algorithm: Algorithm
    hex: str
    """Lower case."""


def expected_checksum(content: bytes, name: str) -> Checksum:
    """The checksum in a checksum file of this name (`x.csv.sha256`): the bare digits, or a line for `x.csv`.

    Raises:
        FileError: it holds none of that kind, or none for this file; the sender must write it anew.
    """
    data_name, ending = name[: name.rindex(".")], name[name.rindex(".") :]
    algorithm = _ALGORITHMS[ending]
    digits = re.compile(rf"[0-9a-fA-F]{{{_DIGITS[algorithm]}}}")
    text = text_of(content).strip()
    if digits.fullmatch(text):
        return Checksum(algorithm, text.lower())
    lines = [split_line(line.strip()) for line in text.split("\n")]
    sums = {hexadecimal for hexadecimal, named in lines if named == data_name and digits.fullmatch(hexadecimal)}
    if len(sums) == 1:
        return Checksum(algorithm, sums.pop().lower())
    raise FileError(f"{shown(name)} {_trouble(lines, data_name, algorithm, several=bool(sums))}")


def digest_of(path: Path, algorithm: Algorithm) -> str:
    """The digest of a local file, as lower-case hexadecimal digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def split_line(line: str) -> tuple[str, str]:
    """The digits (empty where there are none) and the file name of a line, without the path before it."""
    match = _LINE.fullmatch(line)
    if match is None:
        return "", line.rpartition("/")[2]
    name = match[3]
    if match[1]:
        # sha256sum puts a backslash before the line of a name that it had to write with escapes.
        name = re.sub(r"\\[\\nr]", lambda found: _ESCAPES[found[0]], name)
    return match[2], name.rpartition("/")[2]


def text_of(content: bytes) -> str:
    """The text of a small file: UTF-8, or UTF-16 with its mark, as PowerShell writes it.

    What is no text stays as surrogates, as in the names of a listing, so such names can be found.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _trouble(lines: list[tuple[str, str]], data_name: str, algorithm: str, *, several: bool) -> str:
    expected = f"expected are {_DIGITS[algorithm]} hexadecimal digits alone, or followed by two blanks and the name"
    named = sorted({name for hexadecimal, name in lines if hexadecimal and name != data_name})
    if several:
        return f"holds several {algorithm} sums for {shown(data_name)}; one is expected"
    if named:
        return f"holds no {algorithm} sum for {shown(data_name)}, but for {shown(named[0])}; {expected}"
    return f"holds no {algorithm} sum; {expected}"
