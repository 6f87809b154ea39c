"""What happened to the files of a connection that people may want to be told.

Read from the landing folder and the published copy, so that it does not matter who imported, and nobody waits for the
warehouse.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from cdp_assets.config.connections import Connection
from cdp_assets.config.limits import MissingFile
from cdp_assets.counted import counted, first_of
from cdp_assets.errors import WarehouseError
from cdp_assets.files.remote import shown, split_path
from cdp_assets.flows.failed_checks import failed_checks
from cdp_assets.flows.folders import DataFolders, digest, write_whole
from cdp_assets.flows.judge_files import deadlines, judge_missing_file
from cdp_assets.flows.manifests import ID_SIGNS, goal_attempts, read_attempt, read_manifest
from cdp_assets.flows.missing_partitions import missing_partitions
from cdp_assets.flows.refusals import refusals
from cdp_assets.flows.set_aside import set_aside_of
from cdp_assets.flows.shrunken import shrunken_since
from cdp_assets.flows.verdicts import NEWEST, Facts, Verdict
from cdp_assets.sql.event_rejects import reasons_of_batch
from cdp_assets.sql.ledger import FOLDER, SETTLED
from cdp_assets.warehouse import read_copy

MOST_REASONS = 5
"""Told of the rejects of a file."""
_REFUSED = (7, 10, 11)
"""Places of the rows, events and cells that were refused in what `SETTLED` gives."""
_STAYS = "The file stays on the server, and every run tries it again; no other file waits for it."


@dataclass(frozen=True)
class Event:
    """Something that people may want to be told."""

    trigger: str
    key: str
    """What it is about: the same event has the same key for ever."""
    title: str
    text: str
    share: float = 0
    """Per cent of the file's rows that were refused; or of its events, if these are more."""
    details: Callable[[], str] = str
    """What stands below the text; asked for only where somebody is told."""
    batch: str = ""
    """Of a check that says of a batch what `rejects` says: the beginning of its id."""


def happened(connection: Connection, folders: DataFolders, now: datetime) -> list[Event]:
    """What happened to the files of a connection since it was first asked. Asks no server and no writer."""
    since = _since(connection, folders, now)
    return [
        *_settled(connection, folders, since),
        *_refused(connection, folders, since),
        *_due(connection, folders, now),
        *_late(connection, folders, now),
        *_failed_checks(connection, folders, since, now),
    ]


def begin(connection: Connection, folders: DataFolders, now: datetime) -> None:
    """Asks for the first time, if nobody has: what happens from now on is told to those whom it concerns."""
    _since(connection, folders, now)
    for goal in connection.imports:
        if goal.active and goal.checks.missing_file is not None:
            _since(connection, folders, now, goal.name)


def _since(connection: Connection, folders: DataFolders, now: datetime, goal: str = "") -> datetime:
    """When the connection, or for a goal its files, were first asked for: nobody is told of the years before."""
    place = notes_folder(folders, connection.name) / ("since" if not goal else f"since.{goal}")
    if not place.exists():
        write_whole(place, now.isoformat().encode())
    return datetime.fromisoformat(place.read_text())


def _settled(connection: Connection, folders: DataFolders, since: datetime) -> Iterator[Event]:
    if not folders.published.exists():
        return
    try:
        with read_copy(folders.published) as database:
            rows = database.rows(SETTLED, [connection.name, since])
            shrunken = shrunken_since(database, since)
    except WarehouseError:
        return
    for row in rows:
        batch_id, goal, name, state, note, _, changed, _, told, *_, folder, warnings = row
        place = f"{connection.name}/{goal}: {shown(name)}"
        found = (shrunken.get(batch_id, ""), warnings, note if state == "folded" else "")
        doubts = [f"warning: {doubt}" for doubt in found if doubt]
        known = filter(None, [told if state == "folded" else note, *doubts])
        facts = "\n".join([place, *known, f"batch {batch_id[:ID_SIGNS]}"])
        if state == "folded":
            title = f"{place} is in{', with warnings' if doubts else ''}"
            yield Event("success", batch_id, title, facts, details=partial(_aside, folders, batch_id))
        if state != "folded" or not changed:
            yield Event("unchanged", batch_id, f"{place} changed nothing", facts)
        shares = list(_refusals(folders.landing / folder, row)) if state == "folded" else []
        if shares:
            title = f"{place}: {', '.join(how for _, how in shares)}"
            yield Event("rejects", batch_id, title, facts, max(shares)[0], partial(_why_rejected, folders, batch_id))


def _aside(folders: DataFolders, batch_id: str) -> str:
    """What to say of rows that were set aside; empty = there are none."""
    with read_copy(folders.published) as database:
        (folder,) = database.row(FOLDER, [batch_id])
        return "\n".join(set_aside_of(database, read_manifest(folders.landing / folder), folders.landing / folder))


def _refusals(folder: Path, row: tuple[Any, ...]) -> Iterator[tuple[float, str]]:
    """What was refused of a batch, with what only its fold refused; nothing where nothing was."""
    if any(row[place] for place in _REFUSED):
        event_rows, lost = _only_in_batch(folder)
        found = refusals(row[5], row[7], event_rows, row[9], row[10], lost)
        yield from ((share, how) for share, how in found if share)


@lru_cache(maxsize=200_000)
def _only_in_batch(folder: Path) -> tuple[int, tuple[str, int, int] | None]:
    """Rows whose event was refused, and the column with the most refused cells; of a batch that is gone, nothing.

    Kept, as batches never change: a sensor asks again and again.
    """
    try:
        told = json.loads((folder / "manifest.json").read_bytes())
    except FileNotFoundError:
        return 0, None
    return told.get("event_rows_rejected", 0), told.get("lost")


def _why_rejected(folders: DataFolders, batch_id: str) -> str:
    """The most frequent reasons, without a person's values, and how to get at the rows."""
    with read_copy(folders.published) as database:
        (folder,) = database.row(FOLDER, [batch_id])
        manifest = read_manifest(folders.landing / folder)
        config = manifest.config
        reasons = database.rows(reasons_of_batch(config.event_types), [batch_id])
    told = first_of(reasons, MOST_REASONS)
    lines = [f"{counted(count, level)}: {reason}" for reason, level, count in told]
    if len(reasons) > len(told):
        lines.append(f"… and {len(reasons) - len(told)} more reasons")
    place = f"{config.connection} {config.goal.name} --batch {batch_id[:ID_SIGNS]}"
    aside = _aside(folders, batch_id)
    cells = " --cells" if manifest.cells_rejected else ""
    also = ", and those that were imported without some of their cells" if cells else ""
    return "\n".join(
        [
            *([f"\n{aside}"] if aside else []),
            "\nwhy, the most frequent reasons first:",
            *lines,
            f"\nthe rejected rows as a file{also}, each with its reason, to be mended and sent again:",
            f"python -m cdp_assets rejects {place}{cells} -o rejected.csv",
        ]
    )


def _refused(connection: Connection, folders: DataFolders, since: datetime) -> Iterator[Event]:
    for goal in connection.imports:
        for path in goal_attempts(folders, connection.name, goal.name):
            attempt = read_attempt(path)
            if attempt.failed_at >= since:
                title = f"{connection.name}/{goal.name}: {shown(split_path(attempt.path)[1])} was refused"
                # A file that stays as it is is tried again by every run, and refused for the same reason.
                key = digest(attempt.seen_id, attempt.error)
                yield Event("failure", key, title, f"{title}\n{attempt.error}\n\n{_STAYS}")


def _late(connection: Connection, folders: DataFolders, now: datetime) -> Iterator[Event]:
    """Goals whose file has not come by the limit of their check; told once for each deadline."""
    for goal in connection.imports:
        limit = goal.checks.missing_file
        if goal.active and limit is not None:
            asked_since = _since(connection, folders, now, goal.name)
            verdict = judge_missing_file(Facts(folders, now), connection.name, goal.name, limit)
            if not verdict.passed and not _was_due_before(limit, verdict, asked_since, now):
                named = verdict.figures.get("due", verdict.figures.get("newest", "ever"))
                title = f"{connection.name}/{goal.name}: a file is missing"
                yield Event("missing", f"{goal.name}/missing_file/{named}", title, f"{title}\n{verdict.told}")


def _failed_checks(connection: Connection, folders: DataFolders, since: datetime, now: datetime) -> Iterator[Event]:
    """Where somebody is told of them at all: asking goes through all files."""
    if not any("checks" in rule.when for rule in connection.notifications):
        return
    try:
        found = failed_checks(connection, folders, now, since, notes_folder(folders, connection.name) / "checks")
    except WarehouseError:
        # The copy was just being replaced; the next look tells.
        return
    for check in found:
        title = f"check {check.label} fails"
        key = f"{check.label}/{check.since.isoformat()}"
        yield Event("checks", key, title, f"{title}\n{check.told}", batch=check.batch)


def _was_due_before(limit: MissingFile, verdict: Verdict, asked_since: datetime, now: datetime) -> bool:
    """Whether the file should have come before anybody asked for it: before its goal and limit were in the YAML."""
    if limit.within_days is None:
        return deadlines(limit, now)[1] <= asked_since
    return NEWEST not in verdict.figures and now - asked_since < timedelta(days=limit.within_days)


def _due(connection: Connection, folders: DataFolders, now: datetime) -> Iterator[Event]:
    for goal in connection.imports:
        if goal.active and goal.files.partitions is not None:
            missing = missing_partitions(connection.name, goal, folders, now)
            if missing.gaps:
                title = f"{connection.name}/{goal.name}: no file for {missing.gaps[-1].last}"
                gaps = "\n".join(map(str, missing.gaps[-20:]))
                yield Event("missing", f"{goal.name}/{missing.gaps[-1].last}", title, f"{title}\nmissing are:\n{gaps}")


def notes_folder(folders: DataFolders, connection: str) -> Path:
    """Where the notes about messages of a connection stand."""
    return folders.root / "notifications" / connection
