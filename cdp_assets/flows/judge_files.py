"""Judges the files of import goals by their limits: read from the landing folder alone, so that nobody waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from cdp_assets.config.limits import MissingFile, RejectRate, Stale, Volume
from cdp_assets.config.schedules import Weekday
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import natural_key
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import ID_SIGNS, batch_folders, goal_attempts, read_attempt
from cdp_assets.flows.refusals import refusals
from cdp_assets.flows.return_rejects import GIVEN_DIGITS, rejects_given
from cdp_assets.flows.verdicts import BATCH, Facts, Verdict, age_verdict, as_time, volume_verdict
from cdp_assets.flows.withdrawals import withdrawn_versions

_DAYS_BACK = 15
"""Two due days of a week lie within so many."""


@dataclass(frozen=True)
class Received:
    """One version of a file, as it was landed last."""

    version: str
    name: str
    seen_at: datetime
    """When a look saw it first."""
    landed_at: datetime
    rows: int
    rejected: int
    """With those of which only the event was refused."""
    partition: str = ""
    """Wildcard value of its name."""
    batch_id: str = ""
    refused: tuple[tuple[float, str], ...] = ((0.0, ""),)
    """As `refusals` tells of it."""

    @property
    def rejected_share(self) -> float:
        """Per cent of its rows that were rejected, or of its rows with an event, if these are more."""
        return max(self.refused)[0]


def received_files(folders: DataFolders, connection: str, goals: Iterable[str]) -> list[Received]:
    """Every version of every file that was landed and is not withdrawn, those seen first before the others."""
    out = withdrawn_versions(folders)
    found: dict[str, Received] = {}
    for goal in goals:
        for folder in batch_folders(folders, connection, goal):
            one = _received(folder)
            known = found.get(one.version)
            if one.version not in out and (known is None or known.landed_at < one.landed_at):
                found[one.version] = one
    return sorted(found.values(), key=lambda one: (one.seen_at, natural_key(one.name), one.version))


@lru_cache(maxsize=200_000)
def _received(folder: Path) -> Received:
    """Kept, as batches never change: a sensor asks again and again."""
    told = json.loads((folder / "manifest.json").read_bytes())
    return Received(
        told["version_id"],
        told["name"],
        datetime.fromisoformat(told["look_at"]),
        datetime.fromisoformat(told["landed_at"]),
        told["rows_received"],
        told["rows_rejected"] + told.get("event_rows_rejected", 0),
        told["partition_key"],
        told["batch_id"],
        tuple(
            refusals(
                told["rows_received"],
                told["rows_rejected"],
                told.get("event_rows_rejected", 0),
                told.get("events_received", 0),
                told.get("events_rejected", 0),
                told.get("lost"),
            )
        ),
    )


def deliveries(folders: DataFolders, connection: str, goal: str) -> list[Received]:
    """Those of `received_files` that say how much a sender delivers: not those that rejected rows came back in."""
    given = {folder.name.split("-")[1][:GIVEN_DIGITS] for folder in batch_folders(folders, connection, goal)}
    return [one for one in received_files(folders, connection, [goal]) if given.isdisjoint(rejects_given(one.name))]


def _latest(files: Sequence[Received]) -> list[Received]:
    """What the latest look brought."""
    return [one for one in files if one.seen_at == files[-1].seen_at]


def judge_reject_rate(facts: Facts, connection: str, goal: str, limit: RejectRate) -> Verdict:
    """The rejected rows of what came last; of several files that of the one with the highest share decides."""
    files = received_files(facts.folders, connection, [goal])
    if not files:
        return Verdict(passed=True, told="No file has been imported yet.")
    latest = _latest(files)
    worst = max(latest, key=lambda one: (one.rejected_share, one.rejected))
    share = worst.rejected_share
    verb = "above" if share > limit.above else "within"
    told = f"{shown(worst.name)}: {_worst(worst)}, {verb} the limit of {limit.above:g} %."
    bad = sum(one.rejected_share > limit.above for one in latest)
    if len(latest) > 1:
        told += f" It is the worst of {len(latest)} files that came together; {bad} of them are above the limit."
    figures: dict[str, int | float | str] = {"rows received": worst.rows, "rows rejected": worst.rejected}
    figures |= {"rejected (%)": round(share, 2), BATCH: worst.batch_id[:ID_SIGNS]}
    return Verdict(bad == 0, told, figures)


def _worst(file: Received) -> str:
    """What was refused of it, where the share is highest; where nothing was, its rows."""
    return max(file.refused, key=lambda one: one[0])[1]


def judge_volume(facts: Facts, connection: str, goal: str, limit: Volume) -> Verdict:
    """The rows of what came last; of several files each is compared with those before it, and one may fail all."""
    files = deliveries(facts.folders, connection, goal)
    if not files:
        return Verdict(passed=True, told="No file has been imported yet.")
    verdicts = []
    for place in range(len(files) - len(_latest(files)), len(files)):
        before = [one.rows for one in files[:place]]
        verdicts.append(volume_verdict(f"{shown(files[place].name)}: rows", files[place].rows, before, limit))
    return next((verdict for verdict in verdicts if not verdict.passed), verdicts[-1])


def judge_missing_file(facts: Facts, connection: str, goal: str, limit: MissingFile) -> Verdict:
    """Whether the newest file is young enough, or came for the last deadline; one that comes late mends it."""
    files = received_files(facts.folders, connection, [goal])
    newest = files[-1] if files else None
    if limit.within_days is not None:
        what = "The newest file was seen"
        verdict = age_verdict(what, newest.seen_at if newest else None, facts.now, limit.within_days * 86_400)
        since = facts.now - timedelta(days=limit.within_days)
    else:
        since, deadline = deadlines(limit, facts.now)
        came = newest is not None and newest.seen_at > since
        named = f"{shown(newest.name)}, seen on {as_time(newest.seen_at)}" if newest else "none ever came"
        said = f"{deadline:%A, %d %B %Y, %H:%M} ({limit.timezone})"
        told = f"The file due by {said} is there: {named}." if came else f"No file by {said}; the newest: {named}."
        verdict = Verdict(came, told, {"due": said})
    refused = _refused_since(facts.folders, connection, goal, since)
    if refused and not verdict.passed:
        more = (
            f"{counted(refused, 'file')} came since {as_time(since)} and {'was' if refused == 1 else 'were'} refused."
        )
        told = f"{verdict.told} {more}"
        return Verdict(passed=False, told=told, figures={**verdict.figures, "files refused": refused})
    return verdict


def deadlines(limit: MissingFile, now: datetime) -> tuple[datetime, datetime]:
    """The last deadline that is over and the one before it, the earlier first; both in the limit's time zone."""
    zone = ZoneInfo(limit.timezone)
    hour, minute = map(int, (limit.by or "00:00").split(":"))
    days = limit.days_of_week or tuple(Weekday)
    names = list(Weekday)
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    back = [today - timedelta(days=number) for number in range(_DAYS_BACK)]
    due = [moment for moment in back if names[moment.weekday()] in days and moment <= now]
    return due[1], due[0]


def _refused_since(folders: DataFolders, connection: str, goal: str, since: datetime) -> int:
    attempts = map(read_attempt, goal_attempts(folders, connection, goal))
    return sum(attempt.failed_at > since for attempt in attempts)


def judge_stale(facts: Facts, connection: str, goals: Sequence[str], limit: Stale) -> Verdict:
    """Whether any goal of a connection got a new file lately."""
    files = received_files(facts.folders, connection, goals)
    what = "The newest file of all goals was seen"
    return age_verdict(what, files[-1].seen_at if files else None, facts.now, limit.within_days * 86_400)
