"""Run now: everything a connection does, in order, from one look at its server.

    look → land each file → fold → acknowledge → select → deliver

The same flows the assets use; nothing is held over a transfer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.errors import CdpError, ConfigError, RemoteError
from cdp_assets.faults import step
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.acknowledge_files import Acknowledged, acknowledge_files
from cdp_assets.flows.check_limits import held_back
from cdp_assets.flows.compute_members import Members, compute_members
from cdp_assets.flows.erase_profiles import end_erasures
from cdp_assets.flows.export_goal import export_goal
from cdp_assets.flows.export_job import Export, ExportJob
from cdp_assets.flows.fold_batches import FoldResult, fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import Outcome, after_landing, land_candidates
from cdp_assets.flows.manifests import SHORT
from cdp_assets.flows.publish import is_stale, publish
from cdp_assets.flows.return_rejects import Returned, return_rejects
from cdp_assets.flows.take_look import Look, take_look, take_settled_look
from cdp_assets.warehouse import open_warehouse


@dataclass(frozen=True)
class Imported:
    """What one look found and what became of it."""

    look: Look
    """What was landed from it counts as landed."""
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Delivered:
    """One export goal's deliveries, or why they failed."""

    goal: str
    exports: tuple[Export, ...]
    error: str
    """Empty = delivered, or nothing was due."""


def check_enabled(connection: Connection, goal: str | None = None) -> None:
    """Refuses to run what the YAML switches off.

    Raises:
        ConfigError: the YAML author must act, if it was meant to run.
    """
    if not connection.enabled:
        raise ConfigError(f"connection {connection.name} is switched off (enabled: false)")
    for item in connection.goals:
        if item.name == goal and not item.active:
            raise ConfigError(f"goal {connection.name}/{item.name} is switched off (active: false)")


def import_new(
    deployment: Deployment,
    connection: Connection,
    folders: DataFolders,
    now: datetime,
    goal: str | None = None,
    only: Collection[str] = (),
) -> Imported:
    """Lands what is new of a connection, or of one of its goals.

    A goal whose directory cannot be listed stops no other; the look tells of it.

    `only` names files, by short seen id, that are known to have stood still; left out = all that do now.
    """
    check_enabled(connection, goal)
    with open_server(connection.server) as server:
        look = (take_look if only else take_settled_look)(connection, server, folders, now, going_on=True)
        if goal is not None and goal in look.unlisted:
            raise RemoteError(look.unlisted[goal])
        wanted = [item for item in look.new(goal) if not only or item.tried_id[:SHORT] in only]
        outcomes = land_candidates(deployment, connection, wanted, server, folders, now)
    return Imported(after_landing(look, outcomes), tuple(outcomes))


def fold_and_publish(
    model: CustomerModelConfig, folders: DataFolders, now: datetime, *, rebuild: bool = False, at_once: bool = False
) -> FoldResult:
    """Folds what was landed, and publishes a copy unless the last one is young enough.

    An erasure whose process died is ended first.
    """
    end_erasures(model, folders, now)
    with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
        result = fold_batches(database, model, folders, now, rebuild=rebuild)
    step("fold: done")
    publish_copy(model, folders, at_once=at_once)
    return result


def publish_copy(model: CustomerModelConfig, folders: DataFolders, *, at_once: bool = False) -> None:
    """Gives readers what was written since the last copy, unless that one is young enough or says it all."""
    if is_stale(folders):
        publish(folders, every_s=0 if at_once else model.publish_every_s)


def acknowledge(connection: Connection, folders: DataFolders, now: datetime) -> list[Acknowledged]:
    """Renames the files of this connection that are safely in."""
    check_enabled(connection)
    with open_server(connection.server) as server:
        return acknowledge_files(connection, server, folders, now)


def give_back(connection: Connection, folders: DataFolders, now: datetime) -> list[Returned]:
    """Sends the rejected rows of this connection's folded files back, where its goals say so."""
    check_enabled(connection)
    return return_rejects(connection, folders, now)


def select(
    model: CustomerModelConfig,
    folders: DataFolders,
    now: datetime,
    segments: tuple[str, ...],
    lifecycles: tuple[str, ...] = (),
    *,
    anew: bool = True,
) -> Members:
    """Computes who is in these segments and lifecycles, and in what they need.

    Not `anew`: of what segments need only what is out of date.
    """
    with open_warehouse(folders.warehouse, temporary=folders.spill) as database:
        return compute_members(database, model, now, segments=segments, lifecycles=lifecycles, anew=anew)


def deliver(
    deployment: Deployment, connection: Connection, folders: DataFolders, now: datetime, goal: str | None = None
) -> Iterator[Delivered]:
    """Delivers the active export goals in their order; one that fails, or is held back, does not stop the next."""
    check_enabled(connection, goal)
    wanted = [item for item in connection.exports if item.active and goal in {None, item.name}]
    if not wanted:
        return
    with open_server(connection.server) as server:
        for item in wanted:
            held = held_back(deployment, item, folders, now)
            if held:
                yield Delivered(item.name, (), "nothing was delivered, as a check failed:\n" + "\n".join(held))
                continue
            try:
                done = export_goal(ExportJob.of(deployment, connection, item, now), server, folders)
            except CdpError as error:
                yield Delivered(item.name, (), str(error))
            else:
                yield Delivered(item.name, tuple(done), "")


def lifecycles_of(model: CustomerModelConfig, connection: Connection, goal: str | None = None) -> tuple[str, ...]:
    """The lifecycles that the active export goals of a connection are placed in or show."""
    known = tuple(lifecycle.id for lifecycle in model.lifecycles)
    goals = [item for item in connection.exports if item.active and goal in {None, item.name}]
    return tuple(dict.fromkeys(name for item in goals for name in item.lifecycles_used(known)))


def segments_of(model: CustomerModelConfig, connection: Connection, goal: str | None = None) -> tuple[str, ...]:
    """The segments that the active export goals of a connection send, leave out or show, in their order."""
    goals: list[ExportProfilesGoal] = [item for item in connection.exports if item.active and goal in {None, item.name}]
    known = tuple(segment.name for segment in model.segments)
    return tuple(dict.fromkeys(name for item in goals for name in item.segments_used(known)))
