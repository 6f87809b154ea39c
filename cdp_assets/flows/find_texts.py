"""Finds people in the texts of the landing folder that are no rows: rejected rows and cells, files as received."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdp_assets.errors import CdpError
from cdp_assets.files.limits import Limits
from cdp_assets.files.unwrap import unwrap
from cdp_assets.flows.blank_rows import Line, kept_rows
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.flows.keep_rejected import REJECTED_ROWS
from cdp_assets.flows.manifests import Manifest, all_attempts, rejects_beside
from cdp_assets.flows.origins import RECEIVED
from cdp_assets.sql import erasing
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, scratch

TELLING = 6
"""A value of fewer characters is not looked for in whole files: it stands in too many for other reasons."""
CHUNK_BYTES = 1 << 23


@dataclass
class Texts:
    """Where needles stand."""

    lines: dict[str, set[Line]] = field(default_factory=dict)
    """Name of a batch folder → lines whose rejects hold one."""
    attempts: dict[str, set[Line]] = field(default_factory=dict)
    """Rejects of a refused file, below the landing folder → lines."""
    originals: set[str] = field(default_factory=set)
    """Names of batch folders whose files as received hold one, in text that is in no row."""
    sealed: int = 0
    """Batches whose files as received are encrypted, and so were not searched."""


def find_texts(
    folders: DataFolders,
    batches: Sequence[tuple[Manifest, Path]],
    needles: Collection[str],
    known: Collection[str],
    staging: Path,
) -> Texts:
    """Looks for whole values, whatever their case.

    Args:
        folders: the landing folder.
        batches: every batch and its folder.
        needles: the values.
        known: names of batch folders whose files as received go anyway.
        staging: a private folder, for packed files.
    """
    found = Texts()
    if not needles:
        return found
    pattern = _pattern(needles)
    long = _pattern([needle for needle in needles if len(needle) >= TELLING])
    with scratch() as engine:
        engine.run(erasing.MAKE_NEEDLES)
        engine.insert(Sql("needles"), ["text"], [[needle.lower()] for needle in sorted(needles)])
        for path in map(rejects_beside, all_attempts(folders)):
            lines = set(_reject_lines(engine, path, pattern)) if path.exists() else set()
            if lines:
                found.attempts[str(path.relative_to(folders.landing))] = lines
        for manifest, folder in batches:
            lines = set(_reject_lines(engine, folder / "rejects.parquet", pattern))
            lines |= set(_kept_lines(folder / REJECTED_ROWS, manifest, pattern))
            if lines:
                found.lines[folder.name] = lines
            elif folder.name not in known:
                _search_originals(found, manifest, folder, long, staging)
    return found


def _pattern(needles: Collection[str]) -> re.Pattern[bytes] | None:
    """Values that are not part of longer ones."""
    if not needles:
        return None
    any_of = b"|".join(re.escape(needle.encode()) for needle in sorted(needles))
    return re.compile(rb"(?<![\w.+-])(?:" + any_of + rb")(?!\w|[.-]\w)", re.IGNORECASE)


def _reject_lines(engine: Database, path: Path, pattern: re.Pattern[bytes] | None) -> Iterator[Line]:
    for file, line, text in engine.rows(erasing.reject_texts(str(path))):
        if pattern is not None and pattern.search(text.encode()):
            yield file, line


def _kept_lines(path: Path, manifest: Manifest, pattern: re.Pattern[bytes] | None) -> Iterator[Line]:
    if pattern is None or not path.exists() or not _stands_in(path, pattern):
        return
    for record, line in kept_rows(path, manifest.config.goal.format):
        if line and pattern.search(record.raw):
            yield "", line


def _search_originals(
    found: Texts, manifest: Manifest, folder: Path, pattern: re.Pattern[bytes] | None, staging: Path
) -> None:
    kept = sorted(folder.glob(f"{RECEIVED}*"))
    if pattern is None or not kept:
        return
    if "pgp" in manifest.layers:
        found.sealed += 1
        return
    for path in kept:
        if _stands_in(path, pattern) or (manifest.layers and _stands_packed(path, pattern, staging)):
            found.originals.add(folder.name)


def _stands_packed(path: Path, pattern: re.Pattern[bytes], staging: Path) -> bool:
    folder = make_private(staging / f"opened_{path.parent.name}")
    try:
        return _stands_in(unwrap(path, folder, pgp=None, limits=Limits()).path, pattern)
    except CdpError:
        return False


def _stands_in(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Reads a file of any size in pieces; a value lies within a piece, or across two of them."""
    rest = b""
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            if pattern.search(rest + chunk):
                return True
            rest = chunk[-1024:]
    return False
