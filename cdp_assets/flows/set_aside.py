"""Files and rows that a run landed and set aside, as sentences for people, so that none is left out without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.dated_twice import dated_twice
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import Manifest, Part, read_manifest
from cdp_assets.sql.held_values import held_by_several
from cdp_assets.sql.records import records_of
from cdp_assets.sql.single_rows import HELD
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

_NOT_COUNTED = Sql(
    "SELECT name, note FROM ops.batches WHERE landed_at >= ? AND state IN ('duplicate', 'superseded')"
    " ORDER BY landed_at, name, batch_id"
)
_COUNTED_TWICE = Sql(
    "SELECT name, note FROM ops.batches WHERE folded_at >= ? AND state = 'folded' AND note <> '' ORDER BY position"
)
_FOLDED = Sql("SELECT folder FROM ops.batches WHERE folded_at >= ? AND state = 'folded' ORDER BY position")
_CONFLICTS = Sql(
    "SELECT count(*), reason FROM ops.identity_conflicts WHERE batch_id = ? GROUP BY reason ORDER BY reason"
)


_ANEW = Sql(
    "SELECT name FROM ops.batches WHERE folded_at >= ? AND state = 'folded' AND version_id IN"
    " (SELECT version_id FROM ops.batches WHERE state = 'replaced') ORDER BY position"
)
_FEW = 3


def set_aside_since(database: Database, folders: DataFolders, since: datetime) -> Iterator[str]:
    """What to say of files that landed since then and do not count, and of rows and identifiers of the others."""
    for name, note in database.rows(_NOT_COUNTED, [since]):
        yield f"{shown(name)} landed and does not count: {note}."
    anew = [shown(name) for (name,) in database.rows(_ANEW, [since])]
    if anew:
        more = f" and {counted(len(anew) - _FEW, 'more file')}" if len(anew) > _FEW else ""
        was = "was" if len(anew) == 1 else "were"
        yield f"{', '.join(anew[:_FEW])}{more} {was} imported anew, as the settings they are imported by changed."
    batches = [folders.landing / folder for (folder,) in database.rows(_FOLDED, [since])]
    manifests = [read_manifest(folder) for folder in batches]
    yield from _repeated_in(manifests)
    for folder, manifest in zip(batches, manifests, strict=True):
        yield from _not_taken(database, manifest, folder)
    yield from dated_twice(database, manifests)


def set_aside_of(database: Database, manifest: Manifest, folder: Path) -> Iterator[str]:
    """What to say of a batch without rows, and of rows and identifiers that were not taken. `folder`: the batch's."""
    yield from _repeated_in([manifest])
    yield from _not_taken(database, manifest, folder)


def _repeated_in(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Of whom several rows of a file tell different things, a line for each goal."""
    goals: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for manifest in manifests:
        if manifest.repeated:
            key = manifest.config.connection, manifest.config.goal.name
            goals.setdefault(key, []).append((shown(manifest.name), *manifest.repeated))
    for (_, goal), found in goals.items():
        name, column, count = max(found, key=lambda one: one[-1])
        which = f"{counted(len(found), 'file')} of {goal}: up to" if len(found) > 1 else f"{name}:"
        stand = "stands" if count == 1 else "stand"
        yield (
            f"{which} {counted(count, 'value')} of {shown(column)} {stand} in several rows that say"
            " different things; of each property the last row counts."
        )


def _not_taken(database: Database, manifest: Manifest, folder: Path) -> Iterator[str]:
    if not manifest.rows_received:
        yield f"{shown(manifest.name)} has no rows, only its header."
    # Of a look-up file one root file names few rows.
    yield from (_orphans_told(part) for part in manifest.parts if part.orphan_rows and not part.static)
    for count, reason in database.rows(_CONFLICTS, [manifest.batch_id]):
        yield _conflicts_told(manifest.name, count, reason)
    yield from _held_by_several(database, manifest, folder)


def _held_by_several(database: Database, manifest: Manifest, folder: Path) -> Iterator[str]:
    """Of identifiers of a file that several profiles hold, as an address that a couple shares: one alone is found."""
    config = manifest.config
    if not config.has_one_identifier or config.merging or config.goal.drop is not None:
        return
    item = config.goal.identifier_columns[0]
    (count,) = database.row(held_by_several(records_of(config), item.property, str(folder / "batch.parquet")))
    if count:
        are, holder = ("is", "its holders") if count == 1 else ("are", "the holders of each")
        noun = config.goal.group_type or "profile"
        yield (
            f"{shown(manifest.name)}: {counted(count, 'value')} of {shown(item.column)} {are} held by several {noun}s;"
            f" a row goes to the one of {holder} that was made first, and to no other."
        )


def counted_twice_since(database: Database, since: datetime) -> Iterator[str]:
    """What to warn of: files folded since then whose content came before under another name or date."""
    yield from (f"{shown(name)}: {note}" for name, note in database.rows(_COUNTED_TWICE, [since]))


def _orphans_told(part: Part) -> str:
    """Of a linked file some rows of which belong to nothing."""
    belong = "belongs" if part.orphan_rows == 1 else "belong"
    return (
        f"{shown(part.name)} ({part.alias}): {part.orphan_rows:,} of {counted(part.rows, 'row')} {belong} to no row"
        f" of the file that it is linked to, and {_are(part.orphan_rows)} left out."
    )


def _conflicts_told(name: str, count: int, reason: str) -> str:
    """Of identifiers that rows of a file bring for one profile while another has them."""
    where = "(`ops.identity_conflicts` lists both sides)"
    if reason != HELD:
        return f"{shown(name)}: {counted(count, 'identifier')} of its rows {_are(count)} not taken: {reason} {where}."
    belong, stay = ("belongs", "stays") if count == 1 else ("belong", "stay")
    return (
        f"{shown(name)}: {counted(count, 'identifier')} of its rows {belong} to another profile than the one that the"
        f" row was applied to, and {stay} there {where}."
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
