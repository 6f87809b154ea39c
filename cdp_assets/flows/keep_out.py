"""Keeps erased people out: empties the rows of fresh batches that name them, before anything of these is entered.

Landing knows of no database, so the rows stand in a batch from its landing until the next fold, and no longer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from cdp_assets.flows.blank_rows import Line, blank_rows, kept_rows, make_erased
from cdp_assets.flows.erasure_keys import keyed_hash, pads, read_key
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.keep_rejected import REJECTED_ROWS
from cdp_assets.flows.manifests import (
    SHORT,
    Manifest,
    all_attempts,
    all_batch_folders,
    read_attempt,
    read_manifest,
    rejects_beside,
)
from cdp_assets.sql import erasing, ledger
from cdp_assets.sql.mentions import lines_of
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, scratch


def keep_out(database: Database, folders: DataFolders) -> None:
    """Empties the rows of erased people in batches that the ledger does not know, or knows with more of them empty.

    Raises:
        LocalDiskError: the operator of this machine must act: the key is gone.
    """
    erased = database.rows(erasing.KNOWN)
    if not erased:
        return
    key = read_key(folders)
    with scratch() as engine:
        _make_pads(engine, key)
        for manifest, folder in _fresh(database, folders):
            own = manifest.config.goal.domain_group
            hashes = {(name, value) for _, group, name, value in erased if group in {None, own}}
            if hashes:
                _empty(engine, manifest, folder, key, hashes)
        _mask_attempts(engine, database, folders, key, {(name, value) for _, _, name, value in erased})


def _fresh(database: Database, folders: DataFolders) -> Iterator[tuple[Manifest, Path]]:
    """Batches of profiles that the ledger does not know, or that were put back from a backup."""
    known = {batch_id[:SHORT]: int(count) for batch_id, count in database.rows(ledger.ERASED_ROWS)}
    for folder in all_batch_folders(folders):
        before = known.get(folder.name.split("-")[1])
        if before != 0:
            manifest = read_manifest(folder)
            is_known = before is not None and manifest.rows_erased >= before
            if not manifest.config.goal.group_type and not is_known:
                yield manifest, folder


def _mask_attempts(
    engine: Database, database: Database, folders: DataFolders, key: bytes, hashes: Collection[tuple[str, str]]
) -> None:
    entered = {attempt_id for (attempt_id,) in database.rows(ledger.KNOWN_ATTEMPTS)}
    for path in all_attempts(folders):
        rejects = rejects_beside(path)
        if rejects.exists() and read_attempt(path).attempt_id not in entered:
            lines = set(_lines_naming(engine, rejects, key, hashes))
            if lines:
                mask_attempt(engine, rejects, lines)


def mask_attempt(engine: Database, rejects: Path, lines: Collection[Line]) -> int:
    """Takes the texts of some lines from the rejects of a refused file; how many."""
    make_erased(engine, (), lines)
    (masked,) = engine.row(erasing.rejects_to_mask(str(rejects)))
    if masked:
        temporary = rejects.with_name(f".{rejects.name}")
        temporary.unlink(missing_ok=True)
        engine.run(erasing.masked_rejects(str(rejects), str(temporary)))
        temporary.rename(rejects)
    return int(masked)


def _make_pads(engine: Database, key: bytes) -> None:
    engine.run(erasing.MAKE_PADS)
    engine.insert(Sql("pads"), ["inner_pad", "outer_pad"], [list(pads(key))])


def _empty(engine: Database, manifest: Manifest, folder: Path, key: bytes, hashes: Collection[tuple[str, str]]) -> None:
    engine.run(erasing.MAKE_HASHES)
    engine.insert(Sql("erased_hashes"), ["property", "value_hash"], [list(one) for one in sorted(hashes)])
    identifying = {name for name, _ in hashes}
    parquet = str(folder / "batch.parquet")
    engine.run(erasing.find_erased_values(manifest.config, manifest.present, identifying, parquet))
    query = erasing.rows_naming(manifest.config, manifest.present, identifying, parquet, Sql("wanted"))
    rows = sorted(row for (row,) in engine.rows(query))
    lines: set[Line] = set()
    if manifest.has_rejects:
        lines |= set(_lines_naming(engine, folder / "rejects.parquet", key, hashes))
        lines |= set(_kept_lines_naming(folder / REJECTED_ROWS, manifest, key, hashes))
    if not rows and not lines:
        return
    if manifest.header_lines is not None:
        lines |= {("", row + manifest.header_lines) for row in rows}
    elif rows:
        lines |= {("", line) for _, line in engine.rows(lines_of(parquet, rows))}
    blank_rows(engine, folder, rows, lines)


def _lines_naming(engine: Database, rejects: Path, key: bytes, hashes: Collection[tuple[str, str]]) -> Iterator[Line]:
    """Lines whose rejected text holds an erased value."""
    for file, line, text in engine.rows(erasing.all_reject_texts(str(rejects))):
        if _names_erased(text, key, hashes):
            yield file, line


def _kept_lines_naming(
    path: Path, manifest: Manifest, key: bytes, hashes: Collection[tuple[str, str]]
) -> Iterator[Line]:
    """Lines whose rejected row, as it is kept for its sender, holds an erased value."""
    layout = manifest.config.goal.format
    for record, line in kept_rows(path, layout) if path.exists() else ():
        if line and _names_erased(record.raw.decode(errors="replace"), key, hashes, layout.separator):
            yield "", line


def _names_erased(text: str, key: bytes, hashes: Collection[tuple[str, str]], separator: str = "") -> bool:
    """Whether an erased value is a cell of a text, or a word of one."""
    names = {name for name, _ in hashes}
    pieces = re.split(f"[,;|\t\r\n{re.escape(separator)}]", text)
    words = {word for piece in pieces for word in _words(piece)}
    return any((name, keyed_hash(key, name, word)) in hashes for name in names for word in words)


def _words(piece: str) -> Iterator[str]:
    bare = piece.strip(" \"'")
    for word in {bare, *re.split(r"[\s\"'<>()]+", bare)} - {""}:
        yield word
        yield word.lower()
