"""Tells people what became of a connection's files: each event once, by the notifications of its YAML.

What happened `flows/happened.py` tells. A note is made before anything is sent; a process that dies in between leaves
it, and the message is not sent again: at most once. The next fold enters the notes in `ops.notifications`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Connection
from cdp_assets.config.notifications import Notification
from cdp_assets.faults import step
from cdp_assets.files.announce import announce, why_unreachable
from cdp_assets.files.secrets import secret_label
from cdp_assets.flows.folders import DataFolders, digest, make_private, write_whole
from cdp_assets.flows.happened import Event, notes_folder

MOST = 50
"""Messages of one connection at a time; the others follow the next time."""
_LEAST_FIRST = ("success", "unchanged", "rejects")
"""Triggers of which one file may meet several: the last of them is told, with the facts of all."""
LOST_AFTER = timedelta(minutes=10)
"""A note without an outcome is a dead process's after this."""


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
    if event.batch:
        same = (other for other in events if other.trigger == "rejects" and other.key.startswith(event.batch))
        return any(_is_told(rule, other) for other in same)
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
