"""All checks that the YAML sets limits for, and which of them hold exports back.

Each check is told from what is there: batches, ledger, warehouse and, for deliveries, the server. Asking changes
nothing, so asking twice gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.limits import HoldingLimit, Limit, Severity
from cdp_assets.config.model import Deployment
from cdp_assets.config.segments import Segment
from cdp_assets.flows import judge_files, judge_stored
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.verdicts import Facts, Verdict
from cdp_assets.warehouse import open_warehouse

CONNECTION_FILES = "files"
"""Last part of the key of the asset that stands for a connection's files."""


OF_A_FILE = frozenset({"reject_rate", "volume"})
"""Checks of the latest file: another file that fails is another failure."""


@dataclass(frozen=True)
class Check:
    """One check that is switched on."""

    asset: tuple[str, ...]
    """Key of the asset it is about."""
    name: str
    promise: str
    """What is so while it passes."""
    level: Severity
    blocks: bool
    judge: Callable[[Facts], Verdict]
    stored: bool = False
    """Whether it asks the warehouse."""
    heavy: bool = False
    """Whether asking takes long where there are many profiles."""

    @property
    def label(self) -> str:
        """For people: asset and check."""
        return f"{'/'.join(self.asset)} {self.name}"


def checks_of(deployment: Deployment) -> list[Check]:
    """Every check of a deployment that is switched on; none of what is switched off itself."""
    found = list(_of_the_model(deployment))
    for connection in deployment.connections:
        found += checks_of_connection(connection)
    for segment in deployment.model.segments:
        found += _of_a_segment(segment)
    return found


def checks_of_connection(connection: Connection) -> Iterator[Check]:
    """The checks of a connection's files, imports and exports that are switched on."""
    if not connection.enabled:
        return
    yield from _of_a_connection(connection)
    for goal in connection.imports:
        if goal.active:
            yield from _of_an_import(connection, goal)
    for export in connection.exports:
        if export.active:
            yield from _of_an_export(connection, export)


def _check(
    asset: tuple[str, ...],
    name: str,
    promise: str,
    limit: Limit | None,
    judge: Callable[[Facts], Verdict],
    *,
    stored: bool = True,
) -> Iterator[Check]:
    if limit is not None:
        blocks = isinstance(limit, HoldingLimit) and limit.blocks
        level = limit.level if isinstance(limit, HoldingLimit) else limit.severity
        told = f"{promise} While this fails, no export goes out." if blocks else promise
        yield Check(asset, name, told, level, blocks, judge, stored, heavy=name == "unique_identifiers")


def _of_the_model(deployment: Deployment) -> Iterator[Check]:
    checks, asset = deployment.model.checks, ("profiles",)
    if checks.unique_identifiers is not None:
        judge = partial(judge_stored.judge_unique_identifiers, limit=checks.unique_identifiers)
        promise = "No value that identifies people is held by two profiles of a domain group."
        yield from _check(asset, "unique_identifiers", promise, checks.unique_identifiers, judge)
    if checks.fresh is not None:
        judge = partial(judge_stored.judge_profiles_fresh, limit=checks.fresh)
        promise = f"A batch came in within the last {_span(checks.fresh.within_hours, 'hour')}."
        yield from _check(asset, "fresh", promise, checks.fresh, judge)


def _of_a_connection(connection: Connection) -> Iterator[Check]:
    limit = connection.checks.stale
    if limit is not None:
        goals = [goal.name for goal in connection.imports if goal.active]
        judge = partial(judge_files.judge_stale, connection=connection.name, goals=goals, limit=limit)
        promise = f"Some goal got a new file within the last {_span(limit.within_days, 'day')}."
        yield from _check((connection.name, CONNECTION_FILES), "stale", promise, limit, judge, stored=False)


def _of_an_import(connection: Connection, goal: ImportGoal) -> Iterator[Check]:
    checks, asset = goal.checks, (connection.name, goal.name)
    if checks.reject_rate is not None:
        judge = partial(judge_files.judge_reject_rate, connection=asset[0], goal=asset[1], limit=checks.reject_rate)
        promise = f"At most {checks.reject_rate.above:g} % of the rows of the latest file are rejected."
        yield from _check(asset, "reject_rate", promise, checks.reject_rate, judge, stored=False)
    if checks.missing_file is not None:
        judge = partial(judge_files.judge_missing_file, connection=asset[0], goal=asset[1], limit=checks.missing_file)
        promise = _when(checks.missing_file.by, checks.missing_file.within_days, checks.missing_file.days_of_week)
        yield from _check(asset, "missing_file", promise, checks.missing_file, judge, stored=False)
    if checks.volume is not None:
        judge = partial(judge_files.judge_volume, connection=asset[0], goal=asset[1], limit=checks.volume)
        promise = "The latest file has about as many rows as those before it."
        yield from _check(asset, "volume", promise, checks.volume, judge, stored=False)


def _span(length: float, unit: str) -> str:
    return unit if length == 1 else f"{length:g} {unit}s"


def _when(by: str | None, within_days: float | None, days: tuple[str, ...]) -> str:
    if by is None and within_days is not None:
        return f"A new file was seen within the last {_span(within_days, 'day')}."
    return f"A new file was seen by {by} on {', '.join(days) if days else 'every day'}."


def _of_a_segment(segment: Segment) -> Iterator[Check]:
    checks, asset = segment.checks, ("segments", segment.name)
    if checks.size is not None:
        judge = partial(judge_stored.judge_size, segment=segment.name, limit=checks.size)
        yield from _check(asset, "size", "It has as many members as are expected.", checks.size, judge)
    if checks.volume is not None:
        judge = partial(judge_stored.judge_members, segment=segment.name, limit=checks.volume)
        yield from _check(asset, "volume", "It has about as many members as before.", checks.volume, judge)
    if checks.fresh is not None:
        judge = partial(judge_stored.judge_segment_fresh, segment=segment.name, limit=checks.fresh)
        promise = f"It was computed within the last {_span(checks.fresh.within_hours, 'hour')}."
        yield from _check(asset, "fresh", promise, checks.fresh, judge)


def _of_an_export(connection: Connection, goal: ExportProfilesGoal) -> Iterator[Check]:
    checks, asset = goal.checks, (connection.name, goal.name)
    if checks.complete is not None:
        judge = partial(judge_stored.judge_complete, connection=connection, goal=goal, limit=checks.complete)
        promise = "The last delivery holds everybody it should, and its files stand there as they were sent."
        yield from _check(asset, "complete", promise, checks.complete, judge)
    if checks.fresh is not None:
        judge = partial(judge_stored.judge_delivered, connection=connection.name, goal=goal.name, limit=checks.fresh)
        promise = f"Something was delivered within the last {_span(checks.fresh.within_hours, 'hour')}."
        yield from _check(asset, "fresh", promise, checks.fresh, judge)


@contextmanager
def asking(folders: DataFolders, now: datetime, *, stored: bool = True, ask_server: bool = False) -> Iterator[Facts]:
    """What is there now, read from the warehouse itself; the lock is held until the block ends."""
    if stored and folders.warehouse.exists():
        with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
            yield Facts(folders, now, database, ask_server)
    else:
        yield Facts(folders, now, None, ask_server)


def held_back(deployment: Deployment, goal: ExportProfilesGoal, folders: DataFolders, now: datetime) -> list[str]:
    """Why an export must not go out: each failed check that blocks, of files, profiles and the segments it uses."""
    segments = {("segments", name) for name in goal.segments_used(tuple(one.name for one in deployment.model.segments))}
    blocking = [
        check
        for check in checks_of(deployment)
        if check.blocks and (check.asset[0] != "segments" or check.asset in segments)
    ]
    if not blocking:
        return []
    with asking(folders, now, stored=any(check.stored for check in blocking)) as facts:
        verdicts = [(check, check.judge(facts)) for check in blocking]
    return [f"{check.label}: {verdict.told}" for check, verdict in verdicts if not verdict.passed]
