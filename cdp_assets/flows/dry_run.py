"""Tries an import out: the same look, landing and fold as in earnest, on a mirror that is thrown away.

Nothing is renamed, returned or delivered, and neither the data folder nor the server is any different afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import CustomerModelConfig, Deployment, batch_config
from cdp_assets.counted import first_of
from cdp_assets.errors import ConfigError
from cdp_assets.faults import step
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown, split_path
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.about_nobody import AboutNobody, Taken, about_nobody
from cdp_assets.flows.check_limits import OF_A_FILE, checks_of_connection
from cdp_assets.flows.dated_twice import dated_twice
from cdp_assets.flows.file_sets import PassedOver
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import (
    Outcome,
    RejectSample,
    events_lost,
    is_little_taken,
    land_candidates,
    land_partitions,
    little_taken_message,
    masked,
)
from cdp_assets.flows.land_files import Landed
from cdp_assets.flows.manifests import SHORT, all_attempts, read_attempt
from cdp_assets.flows.mirror import mirrored
from cdp_assets.flows.set_aside import set_aside_of
from cdp_assets.flows.shared_files import sharing
from cdp_assets.flows.shrunken import shrunken_since
from cdp_assets.flows.snapshots import only_used
from cdp_assets.flows.take_look import Candidate, Look, take_settled_look
from cdp_assets.flows.verdicts import Facts
from cdp_assets.sql.event_rejects import plain_reason, told_reason
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import Database, open_warehouse

COUNTED = ("rows_", "cells_rejected", "events_")
MOST_REASONS = 20
KNOWN = "this version was landed before; nothing would be done"

_CHANGED_NOBODY = ("rows_not_found", "rows_no_identifier", "rows_received")


@dataclass(frozen=True)
class Reason:
    """Why rows or cells of a file would be rejected."""

    level: str
    """`row`, `cell`, `event` or `linked row`."""
    reason: str
    count: int


@dataclass(frozen=True)
class Rehearsed:
    """What would become of one file."""

    goal: str
    partition: str
    name: str
    state: str
    """`folded`, `superseded`, `duplicate` as in the ledger; `refused`; `known` = landed before."""
    note: str
    """Why it would be refused or left out; empty = nothing to say."""
    superseded: str
    """Whose place it would take, in a sentence; empty = that of no file that counts."""
    counts: dict[str, int]
    """The counts of its row of the ledger, by column; of a refused file none."""
    reasons: tuple[Reason, ...]
    """The most frequent first, and about `MOST_REASONS` at most."""
    more_reasons: int
    """How many others there are."""
    warnings: tuple[str, ...]
    """To be told loudly: that few rows would be imported, or that the file is perhaps not what it seems."""
    set_aside: tuple[str, ...]
    """What to say of rows of linked files, and of identifiers, that would not be taken."""
    sample: tuple[RejectSample, ...]
    """Some rejects of every reason and column, masked, in the order of their lines."""


@dataclass(frozen=True)
class DryRun:
    """What an import would do now."""

    files: tuple[Rehearsed, ...]
    """In the order they would land."""
    passed_over: tuple[PassedOver, ...]
    """Files that wait for something, or that their sender must rename first."""
    waiting: int
    """Other batches that have landed already and would be folded with them."""
    rebuilds: bool
    """Whether the warehouse would be rebuilt, because a batch comes before one already in."""
    profiles: int
    """Profiles there would be."""
    about_nobody: tuple[AboutNobody, ...] = ()
    """What to say of each goal that has rows about people nobody had brought before."""
    failing: tuple[str, ...] = ()
    """A line for each check of the files' rows that would fail then."""

    @property
    def refused(self) -> tuple[str, ...]:
        """One line for each file that would be refused."""
        return tuple(f"{item.goal}: {shown(item.name)}: {item.note}" for item in self.files if item.state == "refused")


def dry_run(
    deployment: Deployment,
    connection: Connection,
    folders: DataFolders,
    now: datetime,
    goal: str | None = None,
    names: Collection[str] = (),
    only: Collection[str] = (),
) -> DryRun:
    """What would happen to the new files of a connection, or of one of its goals, also if that is switched off.

    `names` chooses files by name, `only` by short seen id; left out = all that are new.

    Raises:
        ConfigError: the caller must act: no new file has a name that was given.
        WarehouseBusyError: nobody need act: the warehouse was being written for too long.
    """
    with mirrored(folders) as mirror:
        with open_server(connection.server) as server:
            look = take_settled_look(connection, server, mirror, now, inactive=goal is not None)
            fresh = [item for item in look.new(goal) if not only or item.tried_id[:SHORT] in only]
            wanted = _named(look, fresh, names) if names else fresh
            outcomes = land_candidates(deployment, connection, wanted, server, mirror, now)
        step("dry run: landed")
        run = _rehearse(deployment.model, mirror, outcomes, _passed_over(look, goal), now)
        run = replace(run, failing=tuple(_failing(connection, mirror, outcomes, now)))
    return _with_sharing(run, connection)


def dry_run_partitions(
    deployment: Deployment,
    connection: Connection,
    goal: ImportGoal,
    keys: Sequence[str],
    folders: DataFolders,
    now: datetime,
) -> DryRun:
    """What materialising these partitions would do: of one without a new file, landing its kept files anew."""
    config = batch_config(deployment, connection, goal)
    with mirrored(folders) as mirror:
        with open_server(connection.server) as server:
            look = take_settled_look(connection, server, mirror, now)
            landed = land_partitions(config, keys, look, server, mirror, now, opening_keys(connection.pgp))
            found = [outcome for _, partition in landed for outcome in partition]
        step("dry run: landed")
        run = _rehearse(deployment.model, mirror, found, _passed_over(look, goal.name), now)
        run = replace(run, failing=tuple(_failing(connection, mirror, found, now)))
    return _with_sharing(run, connection)


def _failing(connection: Connection, mirror: DataFolders, outcomes: Sequence[Outcome], now: datetime) -> Iterator[str]:
    """The checks of what the files hold that would fail, of goals that would have new ones."""
    landed = {outcome.goal for outcome in outcomes if outcome.landed}
    for check in checks_of_connection(connection):
        if check.name in OF_A_FILE and check.asset[-1] in landed:
            verdict = check.judge(Facts(mirror, now))
            if not verdict.passed:
                blocks = ", and no export would go out" if check.blocks else ""
                yield f"check {check.label} would fail{blocks}: {verdict.told}"


def _with_sharing(run: DryRun, connection: Connection) -> DryRun:
    """With a warning at each file that other goals take as well."""
    goals = {goal.name: goal for goal in connection.imports}
    files = [
        replace(item, warnings=(*item.warnings, *sharing(connection, goals[item.goal], [item.name])))
        for item in run.files
    ]
    return replace(run, files=tuple(files))


def _named(look: Look, fresh: Sequence[Candidate], names: Collection[str]) -> list[Candidate]:
    missing = sorted(set(names) - {item.file.name for item in fresh})
    if not missing:
        return [item for item in fresh if item.file.name in names]
    why = {item.name: item.reason for item in look.passed_over}
    why |= {item.file.name: "it was imported already" for item in look.candidates if item.landed}
    told = "; ".join(f"{shown(name)}: {why.get(name, 'no goal asked for finds it on the server')}" for name in missing)
    new = ", ".join(shown(item.file.name) for item in fresh[:20]) or "none"
    raise ConfigError(f"not new: {told}. New are: {new}")


def _passed_over(look: Look, goal: str | None) -> tuple[PassedOver, ...]:
    return tuple(item for item in look.passed_over if item.kind != "other" and goal in {None, item.goal})


def _rehearse(
    model: CustomerModelConfig,
    mirror: DataFolders,
    outcomes: Sequence[Outcome],
    passed_over: tuple[PassedOver, ...],
    now: datetime,
) -> DryRun:
    with open_warehouse(mirror.warehouse, temporary=mirror.spill) as database:
        result = fold_batches(database, only_used(model), mirror, now)
        entries = {str(entry["batch_id"]): entry for entry in (*result.folded, *result.left_out)}
        attempts = _new_attempts(mirror)
        shrunken = shrunken_since(database, now)
        files = tuple(
            _rehearsed(database, outcome, entries, attempts, result.superseded, shrunken) for outcome in outcomes
        )
        unknown = about_nobody(
            database,
            (
                Taken(
                    outcome.landed.manifest,
                    outcome.landed.folder,
                    *(item.counts.get(name, 0) for name in _CHANGED_NOBODY),
                )
                for outcome, item in zip(outcomes, files, strict=True)
                if outcome.landed
            ),
            imported=False,
        )
    own = {outcome.landed.manifest.batch_id for outcome in outcomes if outcome.landed}
    waiting = len(entries.keys() - own)
    return DryRun(files, passed_over, waiting, result.replayed, result.profiles, tuple(unknown))


def _aside(database: Database, landed: Landed) -> Iterator[str]:
    yield from set_aside_of(database, landed.manifest, landed.folder)
    yield from dated_twice(database, [landed.manifest])


def _reasons(told: Sql) -> Sql:
    return sql(
        "SELECT level, {told}, count(*) FROM ops.rejects WHERE batch_id = ? GROUP BY ALL ORDER BY 3 DESC, 1, 2",
        told=told,
    )


def _sample(told: Sql) -> Sql:
    """Of every reason and column as many, from the first on, as there is room for."""
    return sql(
        "SELECT line_no, column_name, raw_text, reason FROM (SELECT *, row_number() OVER"
        " (PARTITION BY level, column_name, reason ORDER BY line_no, raw_text) AS turn"
        " FROM (SELECT level, line_no, column_name, raw_text, {told} AS reason FROM ops.rejects WHERE batch_id = ?)"
        " ORDER BY turn, line_no, column_name, reason LIMIT 20) ORDER BY line_no, column_name, reason",
        told=told,
    )


def _new_attempts(mirror: DataFolders) -> dict[tuple[str, str], str]:
    """(goal, path) → id of the attempt that was made here; those of the past are links."""
    made = [read_attempt(path) for path in all_attempts(mirror) if not path.is_symlink()]
    return {(attempt.goal, split_path(attempt.path)[1]): attempt.attempt_id for attempt in made}


def _rehearsed(
    database: Database,
    outcome: Outcome,
    entries: Mapping[str, Mapping[str, object]],
    attempts: Mapping[tuple[str, str], str],
    superseded: Mapping[str, str],
    shrunken: Mapping[str, str],
) -> Rehearsed:
    state, note, counts = "refused", outcome.error, {}
    key = attempts.get((outcome.goal, outcome.name), "")
    if outcome.landed is not None:
        key = outcome.landed.manifest.batch_id
        entry = entries.get(key, {"state": "known", "note": outcome.landed.note or KNOWN})
        state, note = str(entry["state"]), str(entry["note"])
        counts = {name: value for name, value in entry.items() if isinstance(value, int) and name.startswith(COUNTED)}
        key = key if counts else ""
    kinds = outcome.landed.manifest.config.event_types if outcome.landed else ()
    reasons = tuple(Reason(*row) for row in database.rows(_reasons(plain_reason(kinds)), [key]))
    rows = database.rows(_sample(told_reason(kinds)), [key])
    sample = tuple(RejectSample(line, column or "", masked(text or ""), reason) for line, column, text, reason in rows)
    received, rejected = counts.get("rows_received", 0), counts.get("rows_rejected", 0)
    warnings = events_lost(counts.get("events_received", 0), counts.get("events_rejected", 0))
    if outcome.landed:
        manifest = outcome.landed.manifest
        warnings += [told for told in [shrunken.get(manifest.batch_id, "")] if told]
        warnings += manifest.warnings
    if is_little_taken(received, rejected):
        why = [item.reason for item in reasons if item.level == "row"]
        warnings.insert(0, little_taken_message(received, rejected, why))
    return Rehearsed(
        outcome.goal,
        outcome.partition,
        outcome.name,
        state,
        note,
        superseded.get(outcome.landed.manifest.batch_id, "") if outcome.landed else "",
        counts,
        tuple(first_of(reasons, MOST_REASONS)),
        len(reasons) - len(first_of(reasons, MOST_REASONS)),
        tuple(warnings),
        tuple(_aside(database, outcome.landed)) if outcome.landed and counts else (),
        sample,
    )
