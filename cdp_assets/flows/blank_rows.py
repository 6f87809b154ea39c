"""Takes rows out of a landed batch: their places stay, and nothing of what they held.

So no other row moves, the batch keeps its name and its place in the order, and nothing is landed again. Every file
is replaced whole; the manifest comes last. A second time, or after a death on the way, it comes to the same.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.faults import step
from cdp_assets.files.delimited import Record, read_header, records
from cdp_assets.flows.folders import sync_folder, write_whole
from cdp_assets.flows.keep_rejected import REJECTED_ROWS
from cdp_assets.flows.manifests import Manifest, read_manifest
from cdp_assets.flows.origins import RECEIVED
from cdp_assets.sql import erasing
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

Line = tuple[str, int]
"""File, empty for the root, and its line, from 1."""


@dataclass(frozen=True)
class Blanked:
    """What left a batch."""

    rows: int
    """Rows with an identifier that hold nothing now, earlier ones not counted."""
    rejects: int
    """Texts of rejects."""
    originals: int
    """Copies of files as they were received."""


def make_erased(engine: Database, rows: Collection[int], lines: Collection[Line]) -> None:
    """Makes the tables that the statements of `sql/erasing.py` read."""
    engine.run(erasing.MAKE_ROWS)
    engine.run(erasing.MAKE_LINES)
    engine.insert(Sql("erased_rows"), ["row_no"], [[row] for row in sorted(rows)])
    engine.insert(Sql("erased_lines"), ["file", "line_no"], [list(line) for line in sorted(lines)])


def blank_rows(engine: Database, folder: Path, rows: Collection[int], lines: Collection[Line]) -> Blanked:
    """Empties rows of a batch, masks its rejects, and removes what was kept of its files.

    Args:
        engine: any database; only temporary tables are made in it.
        folder: the batch. Where it is a link, a copy takes its place first, so that only that changes.
        rows: rows of the batch, from 1.
        lines: lines whose rejected rows go, whether or not they are rows of the batch.
    """
    _own_copy(folder)
    for leftover in folder.glob(".*"):
        leftover.unlink()
    make_erased(engine, rows, lines)
    if rows:
        _blank_files(engine, folder, rows)
    (masked,) = engine.row(erasing.rejects_to_mask(str(folder / "rejects.parquet")))
    if masked:
        _replace(folder / "rejects.parquet", lambda target, source: engine.run(erasing.masked_rejects(source, target)))
    manifest = read_manifest(folder)
    own_lines = {line for file, line in lines if not file}
    if own_lines and (folder / REJECTED_ROWS).exists():
        _leave_out(folder / REJECTED_ROWS, manifest.config.goal.format, own_lines)
    originals = list(folder.glob(f"{RECEIVED}*"))
    for original in originals:
        original.unlink()
    step("erase: batch emptied")
    changed = _count_erased(engine, folder, manifest)
    if changed != manifest:
        write_whole(folder / "manifest.json", changed.model_dump_json().encode())
    sync_folder(folder)
    step("erase: batch done")
    return Blanked(changed.rows_erased - manifest.rows_erased, int(masked), len(originals))


def _own_copy(folder: Path) -> None:
    if folder.is_symlink():
        source = folder.resolve()
        folder.unlink()
        shutil.copytree(source, folder)


def _blank_files(engine: Database, folder: Path, rows: Collection[int]) -> None:
    for path in [folder / "batch.parquet", *sorted(folder.glob("events_*.parquet"))]:
        columns = [name for (name,) in engine.rows(erasing.columns_of(str(path)))]

        def write(target: str, source: str, columns: list[str] = columns) -> None:
            named = "root_row" in columns
            engine.run(
                erasing.without_rows(source, target) if named else erasing.blanked_rows(source, columns, rows, target)
            )

        _replace(path, write)


def _replace(path: Path, write: Callable[[str, str], None]) -> None:
    """Puts a file in the place of another by rename. `write` gets the new path and the old one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    write(str(temporary), str(path))
    handle = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    step("erase: before a file is replaced")
    temporary.rename(path)


def _count_erased(engine: Database, folder: Path, manifest: Manifest) -> Manifest:
    """Whoever has an identifier no more, and had one."""
    (left,) = engine.row(erasing.rows_with_identifier(str(folder / "batch.parquet")))
    others = manifest.rows_no_identifier + manifest.rows_rejected + manifest.rows_filtered
    return manifest.model_copy(update={"rows_erased": manifest.rows_received - others - int(left)})


def kept_rows(path: Path, layout: Format) -> Iterator[tuple[Record, int]]:
    """The rows of a file of rejected rows with the line each stood on; 0 = it cannot be told."""
    width = len(read_header(path, layout).columns) if layout.header else None
    for record in _rows(path, layout, width):
        yield record, _line_of(record, layout)


def _rows(path: Path, layout: Format, width: int | None) -> Iterator[Record]:
    found = records(path, layout, width)
    if layout.header:
        next(found, None)
    return found


def _line_of(record: Record, layout: Format) -> int:
    if record.cells is not None and len(record.cells) > 1 and record.cells[-2].isdigit():
        return int(record.cells[-2])
    # A row that cannot be read has line and reason at its end; a quoted reason may hold separators.
    pieces = record.raw.decode(errors="replace").split(layout.separator)
    numbers = [piece for piece in pieces[1:-1] if piece.isdigit()]
    return int(numbers[-1]) if numbers else 0


def _leave_out(path: Path, layout: Format, lines: Collection[int]) -> None:
    """Writes the file of rejected rows without some."""
    gone = [record.raw for record, line in kept_rows(path, layout) if line in lines]
    if not gone:
        return
    content = path.read_bytes()
    for raw in gone:
        content = content.replace(raw, b"", 1)
    write_whole(path, content)
