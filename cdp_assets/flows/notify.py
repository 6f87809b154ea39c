"""Tells people what became of a connection's files: each event once, by the notifications of its YAML.

What happened is read from the landing folder and the published copy, so that it does not matter who imported, and
nobody waits for the warehouse. A note is made before anything is sent; a process that dies in between leaves it, and
the message is not sent again: at most once. The next fold enters the notes in `ops.notifications`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Connection
from cdp_assets.config.limits import MissingFile
from cdp_assets.config.notifications import Notification
from cdp_assets.counted import counted, first_of
from cdp_assets.errors import WarehouseError
from cdp_assets.faults import step
from cdp_assets.files.announce import announce, why_unreachable
from cdp_assets.files.remote import shown, split_path
from cdp_assets.files.secrets import secret_label
from cdp_assets.flows.failed_checks import failed_checks
from cdp_assets.flows.folders import DataFolders, digest, make_private, write_whole
from cdp_assets.flows.judge_files import deadlines, judge_missing_file
from cdp_assets.flows.manifests import ID_SIGNS, goal_attempts, read_attempt, read_manifest
from cdp_assets.flows.missing_partitions import missing_partitions
from cdp_assets.flows.verdicts import NEWEST, Facts, Verdict
from cdp_assets.sql.event_rejects import reasons_of_batch
from cdp_assets.sql.ledger import FOLDER, SETTLED
from cdp_assets.warehouse import read_copy

MOST = 50
"""Messages of one connection at a time; the others follow the next time."""
MOST_REASONS = 5
"""Told of the rejects of a file."""
_STAYS = "The file stays on the server, and every run tries it again; no other file waits for it."
_LEAST_FIRST = ("success", "unchanged", "rejects")
"""Triggers of which one file may meet several: the last of them is told, with the facts of all."""
LOST_AFTER = timedelta(minutes=10)
"""A note without an outcome is a dead process's after this."""


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
    except WarehouseError:
        return
    for batch_id, goal, name, state, note, received, changed, refused, told, *events, warnings in rows:
        place = f"{connection.name}/{goal}: {shown(name)}"
        doubts = [f"warning: {doubt}" for doubt in (warnings, note if state == "folded" else "") if doubt]
        known = filter(None, [told if state == "folded" else note, *doubts])
        facts = "\n".join([place, *known, f"batch {batch_id[:ID_SIGNS]}"])
        if state == "folded":
            yield Event("success", batch_id, f"{place} is in", facts)
        if state != "folded" or not changed:
            yield Event("unchanged", batch_id, f"{place} changed nothing", facts)
        shares = [_share(refused, received, "row"), _share(events[1], events[0], "event")]
        if any(share for share, _ in shares):
            title = f"{place}: {', '.join(told for share, told in shares if share)}"
            most = max(share for share, _ in shares)
            yield Event("rejects", batch_id, title, facts, most, partial(_why_rejected, folders, batch_id))


def _share(rejected: int, received: int, what: str) -> tuple[float, str]:
    """Per cent of the rows, or of the rows with an event, that were refused; and in words."""
    share = 100 * rejected / received if received else 0.0
    return share, f"{rejected:,} of {counted(received, what)} rejected ({share:.1f} %)"


def _why_rejected(folders: DataFolders, batch_id: str) -> str:
    """The most frequent reasons, without a person's values, and how to get at the rows."""
    with read_copy(folders.published) as database:
        (folder,) = database.row(FOLDER, [batch_id])
        config = read_manifest(folders.landing / folder).config
        reasons = database.rows(reasons_of_batch(config.event_types), [batch_id])
    told = first_of(reasons, MOST_REASONS)
    lines = [f"{counted(count, level)}: {reason}" for reason, level, count in told]
    if len(reasons) > len(told):
        lines.append(f"… and {len(reasons) - len(told)} more reasons")
    place = f"{config.connection} {config.goal.name} --batch {batch_id[:ID_SIGNS]}"
    return "\n".join(
        [
            "\nwhy, the most frequent reasons first:",
            *lines,
            "\nthe rejected rows as a file, each with its reason, to be mended and sent again:",
            f"python -m cdp_assets rejects {place} -o rejected.csv",
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
        yield Event("checks", key, title, f"{title}\n{check.told}")


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


def tell(connection: Connection, events: list[Event], folders: DataFolders, now: datetime) -> list[tuple[str, str]]:
    """Sends what was not told before to whom it concerns.

    Returns:
        The title of each message, and what went wrong, which is noted as well; empty = it was sent.
    """
    told: list[tuple[str, str]] = []
    for event in events:
        for number, rule in enumerate(connection.notifications):
            if len(told) < MOST and _is_told(rule, event) and not _is_told_better(rule, event, events):
                error = _tell_once(connection.name, number, rule, event, folders, now)
                told += [] if error is None else [(event.title, error)]
    return told


def places_told(connection: Connection) -> tuple[SecretRef, ...]:
    """Every place that messages of a connection are sent to."""
    return tuple(dict.fromkeys(target for rule in connection.notifications for target in rule.to))


def untold(connection: Connection) -> list[str]:
    """Places that no message can be sent to as things stand, each with what is wrong."""
    return [f"no notification can be sent: {wrong}" for wrong in map(why_unreachable, places_told(connection)) if wrong]


def idle(connection: Connection) -> list[str]:
    """Triggers of which nothing can ever be told, each with what it lacks."""
    asked = {trigger for rule in connection.notifications for trigger in rule.when}
    goals = [goal for goal in connection.imports if goal.active]
    if "missing" not in asked or any(goal.files.partitions or goal.checks.missing_file for goal in goals):
        return []
    lacks = "no goal has partitions by time or checks.missing_file, which say when a file is due"
    return [f"nothing is ever told of when: [missing]: {lacks}"]


def send_test(connection: Connection) -> Iterator[tuple[str, str]]:
    """Sends a message to every place; where each stands, and what went wrong, empty = it was taken."""
    title = f"{connection.name}: a test message"
    text = f"{title}\nNothing has happened. Messages about the files of {connection.name} come here."
    for target in places_told(connection):
        yield secret_label(target), announce(target, title, text)


def _is_told(rule: Notification, event: Event) -> bool:
    return event.trigger in rule.when and (event.trigger != "rejects" or event.share > rule.rejects_above)


def _is_told_better(rule: Notification, event: Event, events: Iterable[Event]) -> bool:
    """Whether another message of the rule says all that this one would, of the same file."""
    if event.trigger not in _LEAST_FIRST:
        return False
    better = _LEAST_FIRST[_LEAST_FIRST.index(event.trigger) + 1 :]
    return any(other.key == event.key and other.trigger in better and _is_told(rule, other) for other in events)


def _tell_once(
    connection: str, number: int, rule: Notification, event: Event, folders: DataFolders, now: datetime
) -> str | None:
    """What went wrong, empty = nothing; None = it was told before."""
    note_id = digest(connection, number, event.trigger, event.key)
    place = make_private(notes_folder(folders, connection)) / f"{note_id}.json"
    if place.exists():
        _give_up(place, now)
        return None
    text = "\n".join(filter(None, (event.text, event.details())))
    note: dict[str, Any] = {"notification_id": note_id, "time": now.isoformat(), "connection": connection}
    note |= {"trigger": event.trigger, "text": text, "sent": None, "error": ""}
    try:
        with place.open("x") as file:
            json.dump(note, file)
    except FileExistsError:  # another process was faster
        return None
    step("notify: noted")
    errors = [error for target in rule.to if (error := announce(target, event.title, text))]
    step("notify: sent")
    error = "; ".join(errors)
    note |= {"sent": len(rule.to) - len(errors), "error": error}
    write_whole(place, json.dumps(note).encode())
    return error


def _give_up(place: Path, now: datetime) -> None:
    """Settles the note of a process that died while it was sending."""
    try:
        note = json.loads(place.read_bytes())
    except json.JSONDecodeError:
        return
    if note["sent"] is None and now - datetime.fromisoformat(note["time"]) > LOST_AFTER:
        note |= {"sent": 0, "error": "the process died while it was sending; it is not sent again"}
        write_whole(place, json.dumps(note).encode())
