"""Lands files one after the other, so that a bad one never stops its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.model import BatchConfig, Deployment, batch_config
from cdp_assets.counted import counted
from cdp_assets.errors import CdpError, FileError, RemoteDownError
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import wildcard_value
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.files.windows import expected_names, known_partition
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.land_files import Landed, current_versions, land_file, reland
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.take_look import Candidate, Look
from cdp_assets.progress import Progress
from cdp_assets.sql.event_rejects import told_reason
from cdp_assets.sql.landing import reject_reasons_query, reject_sample_query
from cdp_assets.warehouse import scratch


@dataclass(frozen=True)
class Outcome:
    """What became of one file, or of one batch landed anew."""

    goal: str
    partition: str
    """A wildcard value or a time window; empty for a goal without partitions."""
    name: str
    landed: Landed | None
    error: str
    """Empty = it is landed."""


@dataclass(frozen=True)
class RejectSample:
    """One reject, for people: masked, since it may hold personal data."""

    line_no: int | None
    column_name: str
    text: str
    reason: str


def after_landing(look: Look, outcomes: Iterable[Outcome]) -> Look:
    """A look with what has been landed since, so that nobody takes it for new."""
    landed = {outcome.landed.manifest.seen_id for outcome in outcomes if outcome.landed}
    candidates = (replace(item, landed=item.landed or item.seen_id in landed) for item in look.candidates)
    return replace(look, candidates=tuple(candidates))


def land_candidates(
    deployment: Deployment,
    connection: Connection,
    candidates: Sequence[Candidate],
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
) -> list[Outcome]:
    """Lands each file under its goal's config of today.

    Raises:
        RemoteDownError: nobody need act: the link was lost; what is landed stays landed.
    """
    configs = {goal.name: batch_config(deployment, connection, goal) for goal in connection.imports}
    keys = opening_keys(connection.pgp)
    outcomes = []
    progress = Progress("landing", len(candidates), "files")
    for candidate in candidates:
        outcomes.append(_land_one(configs[candidate.goal], candidate, server, folders, now, keys))
        progress.add(1)
    return outcomes


def _land_one(
    config: BatchConfig,
    candidate: Candidate,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    keys: PgpKeys | None,
) -> Outcome:
    """What is wrong with one file is its own outcome; a lost link is everybody's."""
    landed, error = None, ""
    try:
        landed = land_file(config, candidate, server, folders, now, keys)
    except RemoteDownError:
        raise
    except CdpError as refused:
        error = str(refused)
    return Outcome(candidate.goal, candidate.partition, candidate.file.name, landed, error)


def land_partition(
    config: BatchConfig,
    key: str,
    look: Look,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    keys: PgpKeys | None = None,
) -> list[Outcome]:
    """Lands what is new of one partition; where nothing is, lands its kept files anew under this config.

    Raises:
        FileError: the partition has no file on the server and was never landed.
        RemoteDownError: nobody need act; the link was lost.
    """
    files = config.goal.files
    fresh = [item for item in look.of(config.goal.name, key) if not item.landed]
    if fresh:
        return [_land_one(config, item, server, folders, now, keys) for item in fresh]
    known = current_versions(folders, config.connection, config.goal.name)
    versions = [item for item in known if known_partition(files, item.partition_key) == key]
    # Dagster may still know a partition by the whole wildcard value, from before keys were shortened.
    versions = versions or [item for item in known if item.partition_key == key]
    if not versions:
        raise FileError(_nothing_there(config, key, look))
    return reland_versions(config, versions, folders, now, keys)


def _nothing_there(config: BatchConfig, key: str, look: Look) -> str:
    """That a partition has no file, what was looked for, and files that are its own but not complete yet."""
    files = config.goal.files
    if not key:
        return f"File not found: {files.root}"
    told = f"no file for partition {key!r} of {config.goal_id} on the server, and none was landed before"
    if files.partitions is not None:
        told += f"; looked for {expected_names(files, key)} in {shown(files.directory) or 'the user directory'!r}"
    waits = [item for item in look.passed_over if item.kind == "waits" and item.goal == config.goal.name]
    own = [item for item in waits if known_partition(files, wildcard_value(files, item.name) or "") == key]
    return "; ".join([told, *(f"{shown(item.name)} {item.reason}" for item in own)])


def land_partitions(
    config: BatchConfig,
    keys: Sequence[str],
    look: Look,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    keyring: PgpKeys | None = None,
) -> Iterator[tuple[str, list[Outcome]]]:
    """As `land_partition`, one after the other as they are asked for; what is wrong with one is its own outcome."""
    for key in keys:
        try:
            found = land_partition(config, key, look, server, folders, now, keyring)
        except FileError as error:
            found = [Outcome(config.goal.name, key, "", None, str(error))]
        yield key, found


def reland_versions(
    config: BatchConfig,
    versions: Sequence[Manifest],
    folders: DataFolders,
    now: datetime,
    keys: PgpKeys | None = None,
) -> list[Outcome]:
    """Lands kept files anew under this config; those it gives the same batch for stay as they are."""
    outcomes = []
    for version in versions:
        landed, error = None, ""
        try:
            landed = reland(config, version, folders, now, keys)
        except CdpError as refused:
            error = str(refused)
        partition = known_partition(config.goal.files, version.partition_key) or ""
        outcomes.append(Outcome(config.goal.name, partition, version.name, landed, error))
    return outcomes


def reject_sample(landed: Landed, limit: int = 20) -> list[RejectSample]:
    """The first rejects of a batch, masked."""
    if not landed.manifest.has_rejects:
        return []
    with scratch() as engine:
        told = told_reason(landed.manifest.config.event_types)
        rows = engine.rows(reject_sample_query(str(landed.folder / "rejects.parquet"), limit, told))
    return [RejectSample(line, column or "", masked(text or ""), reason) for line, column, text, reason in rows]


def warnings_about(landed: Landed) -> list[str]:
    """What to tell loudly of a file that landed: most of its rows are rejected, or it is perhaps not what it seems."""
    manifest = landed.manifest
    warnings = [*events_lost(manifest.events_received, manifest.events_rejected), *manifest.warnings]
    if not is_little_taken(manifest.rows_received, manifest.rows_rejected):
        return warnings
    with scratch() as engine:
        reasons = engine.rows(reject_reasons_query(str(landed.folder / "rejects.parquet")))
    told = little_taken_message(manifest.rows_received, manifest.rows_rejected, [reason for reason, _ in reasons])
    return [told, *warnings]


def is_little_taken(received: int, rejected: int) -> bool:
    """Whether most rows of a file are rejected; a single bad row is no more than that."""
    return rejected > 1 and 2 * rejected > received


def little_taken_message(rows: int, rejected: int, reasons: Sequence[str]) -> str:
    """In words, with the commonest of the reasons, which stands first."""
    others = f", and {counted(len(reasons) - 1, 'other reason')}" if len(reasons) > 1 else ""
    why = f": {reasons[0]}{others}" if reasons else ""
    if rejected < rows:
        return f"most of it is not imported: {rejected:,} of {rows:,} rows are rejected{why}"
    return f"nothing of it is imported: all {rows:,} rows are rejected{why}"


def events_lost(received: int, rejected: int) -> list[str]:
    """What to warn of if most events of a file are rejected, whose rows may all be fine otherwise."""
    if not is_little_taken(received, rejected):
        return []
    return [f"most of its events are not imported: {rejected:,} of {received:,} are rejected"]


def masked(text: str) -> str:
    """A text people can recognise in their file without it being shown: its ends and its length."""
    if len(text) <= 2:
        return "•" * len(text)
    return f"{text[0]}…{text[-1]} ({counted(len(text), 'character')})"
