"""Checks of a connection that fail, for people who are told: once until it passes again, or once for each file.

Since when a check fails stands in a file beside the notes; a check that passes leaves it. Asks no server, and of the
warehouse the readers' copy alone, so that nobody waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.flows.check_limits import OF_A_FILE, Check, checks_of_connection
from cdp_assets.flows.folders import DataFolders, make_private, write_whole
from cdp_assets.flows.verdicts import BATCH, LIMIT_HOURS, NEWEST, Facts, Verdict
from cdp_assets.warehouse import read_copy

_TOLD_OTHERWISE = frozenset({"missing_file"})
"""Has a trigger of its own."""


@dataclass(frozen=True)
class FailedCheck:
    """A check that fails, from when this was first seen."""

    label: str
    told: str
    since: datetime
    batch: str = ""
    """Beginning of the id of the batch it is about; empty = about no single one."""


def failed_checks(
    connection: Connection, folders: DataFolders, now: datetime, asked_since: datetime, place: Path
) -> list[FailedCheck]:
    """Every check of a connection's files, goals and exports that fails.

    Args:
        connection: what is checked.
        folders: of this deployment.
        now: for limits of age, and noted as the beginning of a failure that is seen first.
        asked_since: before that nothing could be late.
        place: the file with the failures that are known.

    Raises:
        WarehouseError: nobody need act; the readers' copy cannot be opened just now.
    """
    known: dict[str, str] = json.loads(place.read_bytes()) if place.exists() else {}
    checks = [check for check in checks_of_connection(connection) if check.name not in _TOLD_OTHERWISE]
    failed = {_key(check, found): (check, found) for check, found in _failing(checks, folders, now, asked_since)}
    since = {key: known.get(key, now.isoformat()) for key in failed}
    if since != known:
        make_private(place.parent)
        write_whole(place, json.dumps(since).encode())
    return [
        FailedCheck(check.label, found.told, datetime.fromisoformat(since[key]), str(found.figures.get(BATCH, "")))
        for key, (check, found) in failed.items()
    ]


def _key(check: Check, found: Verdict) -> str:
    return f"{check.label}: {found.told}" if check.name in OF_A_FILE else check.label


def _failing(
    checks: list[Check], folders: DataFolders, now: datetime, asked_since: datetime
) -> Iterator[tuple[Check, Verdict]]:
    with read_copy(folders.published) if folders.published.exists() else nullcontext() as database:
        facts = Facts(folders, now, database)
        for check in checks:
            verdict = check.judge(facts)
            if not verdict.passed and not _too_early(verdict, now, asked_since):
                yield check, verdict


def _too_early(verdict: Verdict, now: datetime, asked_since: datetime) -> bool:
    """Whether nothing ever came, and it need not have come yet."""
    hours = verdict.figures.get(LIMIT_HOURS)
    never = isinstance(hours, int | float) and NEWEST not in verdict.figures
    return never and now - asked_since < timedelta(hours=float(hours or 0))
