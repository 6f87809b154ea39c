"""Erases people: from the batches, the warehouse, the ledger, and every copy of these; and keeps them out.

    find      what belongs to them; nothing is changed
    intend    places and keyed hashes are written down; from here on it is carried out, whatever dies
    empty     the rows of batches, the texts of rejects, files as received
    replay    the warehouse from what is left, and the ledger without them
    rewrite   the warehouse's file, in which deleted rows would still stand, and the readers' copy

Every step may be done again. What a dead process leaves is ended by the next fold, or the next erasure.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from filelock import FileLock, Timeout

from cdp_assets.config.exports import Population
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import WarehouseBusyError
from cdp_assets.faults import step
from cdp_assets.files.remote import split_path
from cdp_assets.flows.blank_rows import blank_rows, make_erased
from cdp_assets.flows.erasure_intents import Intent, pending_intents, write_intent
from cdp_assets.flows.erasure_keys import keyed_hash, read_key
from cdp_assets.flows.export_job import staged_folder
from cdp_assets.flows.find_erased import Asked, Found, find_erased
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders, staging_folder
from cdp_assets.flows.keep_out import mask_attempt
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.flows.manifests import SHORT, Manifest, all_batch_folders, read_attempt, read_manifest
from cdp_assets.flows.publish import publish
from cdp_assets.flows.snapshot_files import remove_snapshots
from cdp_assets.sql import erasing, export_ledger, touchpoints
from cdp_assets.sql.erasure_tables import ERASURES
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse, rewrite_file, scratch, writer_lock

WAIT_S = 600
"""How long it waits for a delivery that is under way."""
NO_GOALS: Mapping[tuple[str, str], Population] = MappingProxyType({})


@dataclass
class Erased:
    """What left which place, and what could not be reached."""

    people: int = 0
    """Profiles."""
    unknown: list[int] = field(default_factory=list)
    """Which of the identifiers that were asked for, from 1, no profile holds or ever held; they are kept out too."""
    identifiers: int = 0
    """Identifiers that are kept out from now on."""
    kinds: list[str] = field(default_factory=list)
    """The properties that they are kept out as: what was typed may be a value of several."""
    shared: int = 0
    """Identifiers that other people have too: they stay theirs, and are not kept out."""
    batches: int = 0
    """Batches that something left."""
    rows: int = 0
    """Rows of batches."""
    rejects: int = 0
    """Texts of rejected rows and cells."""
    originals: int = 0
    """Copies of files as they were received."""
    snapshots: int = 0
    staged: int = 0
    """Deliveries that had not arrived, and were given up."""
    tables: dict[str, int] = field(default_factory=dict)
    """Table of the warehouse → rows that named a profile."""
    sources: list[str] = field(default_factory=list)
    """Files on servers that held them."""
    delivered: list[str] = field(default_factory=list)
    """Files that may hold them, as their goals delivered them once or may have; the newest first."""
    sent_back: list[str] = field(default_factory=list)
    """Files of rejected rows of those batches that went back to their sender."""
    sealed: int = 0
    """Batches with encrypted copies that were not searched; no row of the person is in them."""


def erase(
    model: CustomerModelConfig,
    folders: DataFolders,
    asked: Sequence[Asked],
    now: datetime,
    *,
    goals: Mapping[tuple[str, str], Population] = NO_GOALS,
    more: frozenset[str] = frozenset(),
    several: bool = False,
) -> Erased:
    """Erases the people that `asked` names; whoever is unknown is kept out all the same.

    Args:
        model: today's customer model.
        folders: the data folder.
        asked: identifiers.
        now: noted as the time of the erasure.
        goals: connection and name of every export goal, and its population: no delivery of theirs is under way
            meanwhile; of who has left one of `difference`, and was told as removed, nothing is kept.
        more: identifying properties that no batch knows yet.
        several: as in `find_erased`.

    Raises:
        ConfigError: whoever asks must act: an identifier names several people, or a property finds nobody.
        WarehouseBusyError: nobody need act: a delivery or a fold took too long.
    """
    told = Erased()
    with _no_delivery(folders, goals):
        _end_pending(model, folders, now, told)
        with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
            prepare_schemas(database)
            with staging_folder(folders) as staging:
                found = find_erased(model, folders, asked, staging, more=more, several=several)
            write_intent(folders, found, _profile_ids(database, found), now)
        step("erase: intended")
        told.people, told.shared, told.sealed = found.people, found.shared, found.texts.sealed
        told.unknown = sorted(found.unknown)
        told.kinds = sorted({item.property for item in found.hidden})
        removing = [name for name, population in goals.items() if population == "difference"]
        _end_pending(model, folders, now, told, removing)
    return told


def end_erasures(model: CustomerModelConfig, folders: DataFolders, now: datetime) -> None:
    """Carries out what a process began that died; nearly always there is nothing."""
    if any(pending_intents(folders)):
        with _no_delivery(folders, ()):
            _end_pending(model, folders, now, Erased())


def lift(folders: DataFolders, asked: Sequence[Asked]) -> int:
    """Lets people in again whom erasures keep out, with all their identifiers; how many erasures are lifted.

    There is one for each person, and one for each identifier that nobody had when it was erased.

    What was erased does not come back; the next file that names them brings them anew.
    """
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        known = database.rows(erasing.KNOWN)
        if not known:
            return 0
        key, names = read_key(folders), {name for _, _, name, _ in known}
        wanted = {
            (name, keyed_hash(key, name, text))
            for one in asked
            for name in (names if one.property is None else {one.property})
            for text in (one.value.strip(), one.value.strip().lower())
        }
        people = sorted({erasure_id for erasure_id, _, name, value in known if (name, value) in wanted})
        with database.transaction():
            for erasure_id in people:
                database.run(erasing.LIFT, [erasure_id])
    return len(people)


@contextmanager
def _no_delivery(folders: DataFolders, goals: Iterable[tuple[str, str]]) -> Iterator[None]:
    """A delivery under way would remember people after they are gone, or wait with a file that holds them."""
    exports = folders.root / "exports"
    places = {exports / connection / f"{goal}.lock" for connection, goal in goals}
    places |= {*exports.glob("*/*.lock"), *folders.landing.glob("*/returns.lock")}
    with ExitStack() as held:
        for place in sorted(places):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                held.enter_context(FileLock(place, timeout=WAIT_S))
            except Timeout as error:
                message = f"a delivery has held {place.name} for more than {WAIT_S} s; try again when it is done"
                raise WarehouseBusyError(message) from error
        yield


def _profile_ids(database: Database, found: Found) -> list[str]:
    """Ids under which the warehouse knows these profiles."""
    if not database.rows(Sql("SELECT 1 FROM information_schema.tables WHERE table_name = 'profiles'")):
        return []
    ids: list[str] = []
    for group, maker in sorted(found.profiles):
        ids += [str(one) for (one,) in database.rows(erasing.ID_OF_MAKER, [group, *maker])]
    return ids


def _end_pending(
    model: CustomerModelConfig,
    folders: DataFolders,
    now: datetime,
    told: Erased,
    removing: Sequence[tuple[str, str]] = (),
) -> None:
    pending = list(pending_intents(folders))
    if not pending:
        return
    with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
        prepare_schemas(database)
        for _, intent in pending:
            _carry_out(database, folders, intent, told, removing)
        told.snapshots += sum(1 for _ in folders.snapshots.glob("[!.]*"))
        remove_snapshots(folders)
        step("erase: snapshots gone")
        fold_batches(database, model, folders, now, rebuild=True)
    step("erase: replayed")
    with writer_lock(folders.warehouse, WAIT_S):
        rewrite_file(folders.warehouse)
        shutil.rmtree(folders.spill, ignore_errors=True)
    step("erase: file rewritten")
    publish(folders, every_s=0)
    for path, _ in pending:
        path.unlink(missing_ok=True)
    step("erase: done")


def _carry_out(
    database: Database, folders: DataFolders, intent: Intent, told: Erased, removing: Sequence[tuple[str, str]]
) -> None:
    places = {folder.name: folder for folder in all_batch_folders(folders)}
    _empty_batches(folders, intent, places, told)
    step("erase: batches emptied")
    manifests = {name: read_manifest(places[name]) for name in intent.batches if name in places}
    database.run(erasing.MAKE_PROFILES)
    database.insert(Sql("erased_profiles"), ["profile_id"], [[one] for one in intent.profiles])
    _tell_beyond(database, [manifest.batch_id for manifest in manifests.values()], told)
    told.delivered += [path for (path,) in database.rows(erasing.delivered(removing))]
    with database.transaction():
        _hide(database, intent, told)
        _mask_ledger(database, folders, intent, manifests)
        _give_up_deliveries(database, folders, told)
        for schema, table, columns in database.rows(erasing.TABLES_OF_PEOPLE):
            (count,) = database.row(erasing.forget_profiles(schema, table, columns))
            if count:
                told.tables[f"{schema}.{table}"] = told.tables.get(f"{schema}.{table}", 0) + int(count)
        step("erase: before the ledger's commit")
    step("erase: ledger done")
    waiting = {export_id[:SHORT] for export_id, _, _ in database.rows(erasing.STAGED)}
    for folder in (folders.root / "exports").glob("*/*/*"):
        if folder.is_dir() and folder.name not in waiting:
            shutil.rmtree(folder)


def _empty_batches(folders: DataFolders, intent: Intent, places: Mapping[str, Path], told: Erased) -> None:
    with scratch() as engine:
        for name in intent.batches:
            if name in places:
                gone = blank_rows(engine, places[name], intent.rows.get(name, ()), intent.lines.get(name, ()))
                told.rows, told.rejects = told.rows + gone.rows, told.rejects + gone.rejects
                told.originals += gone.originals
        for name, lines in intent.attempts.items():
            if (folders.landing / name).exists():
                told.rejects += mask_attempt(engine, folders.landing / name, lines)
    told.batches += len(intent.batches)


def _tell_beyond(database: Database, ids: Sequence[str], told: Erased) -> None:
    """Notes which files of suppliers, and of rejected rows, held these people."""
    told.sources += [path for path, _ in database.rows(erasing.of_batches(erasing.SOURCES, ids))]
    told.sent_back += [path for (path,) in database.rows(erasing.of_batches(erasing.SENT_BACK, ids))]


def _mask_ledger(database: Database, folders: DataFolders, intent: Intent, manifests: Mapping[str, Manifest]) -> None:
    for name, manifest in manifests.items():
        make_erased(database, intent.rows.get(name, ()), intent.lines.get(name, ()))
        database.run(erasing.mask_ledger(manifest.batch_id, manifest.name))
    for name, lines in intent.attempts.items():
        attempt = read_attempt((folders.landing / name).with_suffix(".json"))
        make_erased(database, (), lines)
        database.run(erasing.mask_ledger(attempt.attempt_id, split_path(attempt.path)[1]))


def _hide(database: Database, intent: Intent, told: Erased) -> None:
    known = {(name, value, group) for _, group, name, value in database.rows(erasing.KNOWN)}
    fresh = [item for item in intent.hidden if (item.property, item.value_hash, item.domain_group) not in known]
    rows = [
        [item.erasure_id, intent.asked_at, item.domain_group, item.property, item.value_hash]
        for item in dict.fromkeys(fresh)
    ]
    database.insert(ERASURES.path, [column.name for column in ERASURES.columns], rows)
    told.identifiers += len(rows)


def _give_up_deliveries(database: Database, folders: DataFolders, told: Erased) -> None:
    """Files that wait for their delivery and hold one of the people are not delivered any more."""
    for export_id, connection, goal in database.rows(erasing.STAGED):
        folder = staged_folder(folders, connection, goal, export_id)
        rows = folder / "delivered.parquet"
        if rows.exists() and database.row(erasing.staged_people(str(rows))) == (0,):
            continue
        database.run(export_ledger.REFUSED, [export_id])
        database.run(touchpoints.RELEASE, [export_id])
        told.staged += 1
