"""What stands on a server, and the import goals: one partition for each wildcard value, or each time window.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from pydantic import Field

from cdp_assets.assets.metadata import Metadata, landing_metadata, table
from cdp_assets.assets.missing import files_metadata
from cdp_assets.assets.partitions import add_partitions, partitions_of
from cdp_assets.assets.preview_metadata import preview_metadata
from cdp_assets.assets.rehearsals import DRY_RUN, rehearsal_events
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, failure, now
from cdp_assets.assets.specs import files_key, files_spec, goal_key, import_spec
from cdp_assets.assets.trends import trend
from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import Deployment, batch_config
from cdp_assets.counted import counted, first_of
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import natural_key
from cdp_assets.files.sftp import open_server
from cdp_assets.files.windows import those_there
from cdp_assets.flows.batch_states import COUNTING, goal_standings
from cdp_assets.flows.dry_run import dry_run_partitions
from cdp_assets.flows.import_files import Outcome, after_landing, land_partitions, warnings_about
from cdp_assets.flows.judge_files import deliveries
from cdp_assets.flows.known_batches import known_entries
from cdp_assets.flows.run_connection import check_enabled
from cdp_assets.flows.take_look import take_look, take_settled_look

PARTITIONS_PER_RUN = 25
FILES_SHOWN = 90
"""Files in the picture of how many rows there were."""
MAX_TOLD = 20
"""Refused files named in one message."""
LEFT_OUT = {
    "superseded": "a newer version is there",
    "duplicate": "the same bytes came before",
    "withdrawn": "it was withdrawn",
    "replaced": "it was landed anew",
}
"""State of a batch that does not count → why."""
Recorded = dg.MaterializeResult[None] | dg.AssetMaterialization | dg.AssetObservation


class ImportConfig(dg.Config):
    """How an import goal runs."""

    dry_run: bool = Field(default=False, description=DRY_RUN)


def files_asset(deployment: Deployment, connection: Connection) -> dg.AssetsDefinition:
    """The connection's files: observing it lists what is on the server, adds partitions and previews the newest."""
    spec = files_spec(connection)

    def _files(context: dg.OpExecutionContext) -> dg.ObserveResult:
        with as_dagster_failure():
            check_enabled(connection)
            with open_server(connection.server) as server:
                look = take_look(connection, server, data_folders(), now())
                previews = preview_metadata(deployment, connection, look, server, data_folders())
        add_partitions(context.instance, connection, look)
        # Without a data version: a further file would mark the partitions of all others as outdated.
        return dg.ObserveResult(asset_key=spec.key, metadata=files_metadata(connection, look) | previews)

    with warnings.catch_warnings():
        # Beta in Dagster 1.13, like every way to observe; nobody who loads our definitions can do about it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        observable: dg.AssetsDefinition = dg.multi_observable_source_asset(
            specs=[spec], name=f"{connection.name}__files"
        )(_files)
    return observable


def import_asset(deployment: Deployment, connection: Connection, goal: ImportGoal) -> dg.AssetsDefinition:
    """An import goal: lands the files of its partitions.

    A partition without anything new is landed anew from the kept files under today's config; where that
    changes nothing, nothing happens. A bad file fails its own partition only.
    """
    partitions = partitions_of(connection, goal)
    landing = batch_config(deployment, connection, goal)
    spec = import_spec(connection, goal, code_version(deployment, connection, goal))

    @dg.multi_asset(
        # A dry run makes nothing, and nothing behind it in the same run is made either.
        specs=[spec.replace_attributes(skippable=True)],
        name=f"{connection.name}__{goal.name}",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(PARTITIONS_PER_RUN) if partitions else None,
        op_tags={"cdp/connection": connection.name},
    )
    def _import(context: dg.AssetExecutionContext, config: ImportConfig) -> Iterator[Recorded]:
        keys = chosen_keys(context, connection, goal, partitions) if partitions else [""]
        folders = data_folders()
        if config.dry_run:
            with as_dagster_failure():
                check_enabled(connection, goal.name)
                run = dry_run_partitions(deployment, connection, goal, keys, folders, now())
            yield from rehearsal_events(context, connection, run)
            return
        outcomes: dict[str, list[Outcome]] = {}
        with as_dagster_failure(context.log):
            check_enabled(connection, goal.name)
            pgp = opening_keys(connection.pgp)
            with open_server(connection.server) as server:
                look = take_settled_look(connection, server, folders, now())
                for key, found in land_partitions(landing, keys, look, server, folders, now(), pgp):
                    outcomes[key] = found
                    for outcome in found:
                        context.log.info(f"{outcome.name or key}: {outcome.error or 'landed'}")
                    for line in warnings_of(found):
                        context.log.warning(line)
        landed = [outcome for found in outcomes.values() for outcome in found]
        metadata = files_metadata(connection, after_landing(look, landed))
        context.log_event(dg.AssetObservation(files_key(connection), metadata=metadata))
        yield from _results(context, connection, goal, outcomes)

    return _import


def chosen_keys(
    context: dg.AssetExecutionContext,
    connection: Connection,
    goal: ImportGoal,
    partitions: dg.PartitionsDefinition[str],
) -> list[str]:
    """The partitions a run was started for, in order.

    Raises:
        dg.Failure: Whoever started the run must act: Dagster knows no such partition.
    """
    first, last = context.partition_key_range
    known = partitions.get_partition_keys(dynamic_partitions_store=context.instance)
    unknown = [key for key in dict.fromkeys((first, last)) if key not in known]
    if not unknown:
        return sorted(context.partition_keys, key=natural_key)
    told = f"{connection.name}/{goal.name} has no partition {' and no '.join(repr(shown(key)) for key in unknown)}"
    told += f"; {those_there(known)}"
    if goal.files.partitions is None:
        files = files_key(connection).to_user_string()
        told += f". Observe {files} first, which gives every file on the server its partition, then choose one"
    raise failure(told)


def _results(
    context: dg.AssetExecutionContext,
    connection: Connection,
    goal: ImportGoal,
    outcomes: dict[str, list[Outcome]],
) -> Iterator[Recorded]:
    """Good partitions are recorded, each with its own metadata; then bad ones fail the run."""
    key = goal_key(connection, goal)
    states = _states(connection, goal, outcomes)
    known = _folded_before(outcomes, states)
    bad = [outcome for found in outcomes.values() for outcome in found if outcome.error]
    good = {name: found for name, found in outcomes.items() if not any(outcome.error for outcome in found)}
    if bad:
        for name, found in good.items():
            yield dg.AssetMaterialization(
                key, partition=name or None, metadata=partition_metadata(found, states, known)
            )
        for outcome in bad:
            yield dg.AssetObservation(key, partition=outcome.partition or None, metadata=landing_metadata(outcome))
        told = [f"{outcome.name or outcome.partition}: {outcome.error}" for outcome in bad]
        files = sum(bool(outcome.name) for outcome in bad)
        raise failure(refused(told, files), {"files refused": files})
    if len(good) == 1:
        (found,) = good.values()
        shown_all = partition_metadata(found, states, known) | goal_trends(connection.name, goal.name)
        yield dg.MaterializeResult(asset_key=key, metadata=shown_all)
        return
    trends = goal_trends(connection.name, goal.name)
    for name, found in good.items():
        context.add_asset_metadata(partition_metadata(found, states, known) | trends, asset_key=key, partition_key=name)
    yield dg.MaterializeResult(asset_key=key)


def _states(connection: Connection, goal: ImportGoal, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, str]:
    """Batch → whether and why it counts, in the ledger's words; empty where every partition brought one new file."""
    if all(len(found) == 1 and found[0].landed and found[0].landed.is_new for found in outcomes.values()):
        return {}
    standings = goal_standings(data_folders(), connection.name, goal.name)
    return {item.manifest.batch_id: item.state for item in standings}


def _folded_before(
    outcomes: Mapping[str, Sequence[Outcome]], states: Mapping[str, str]
) -> dict[str, Mapping[str, object]]:
    """Batch → its row of the ledger, for those that were there already: what they did is to stay on their page."""
    landed = [outcome.landed for found in outcomes.values() for outcome in found if outcome.landed]
    again = {item.manifest.batch_id for item in landed if not item.is_new}
    return known_entries(data_folders(), {batch_id: states[batch_id] for batch_id in again if batch_id in states})


def goal_trends(connection: str, goal: str) -> Metadata:
    """How many rows the goal's files had, and how many of them were rejected; each file is one step."""
    files = deliveries(data_folders(), connection, goal)
    files = sorted(files, key=lambda one: (natural_key(one.partition), one.seen_at))[-FILES_SHOWN:]
    if len(files) < 2:
        return {}
    first, last = files[0], files[-1]
    # The files' own dates where they have some: all of them may have been seen first on the same day.
    ends = (shown(first.partition or first.name), shown(last.partition or last.name))
    rows = [(one.seen_at, one.rows) for one in files]
    metadata: Metadata = {"rows per file": dg.MetadataValue.md(trend(rows, "rows", "files", ends=ends))}
    if any(one.rejected for one in files):
        rates = [(one.seen_at, round(one.rejected_share, 2)) for one in files]
        picture = trend(rates, "per cent rejected", "files", ends=ends)
        metadata["rejected (%) per file"] = dg.MetadataValue.md(picture)
    return metadata


def partition_metadata(
    outcomes: Sequence[Outcome], states: Mapping[str, str], known: Mapping[str, Mapping[str, object]]
) -> Metadata:
    """The metadata of a partition's latest file that counts, and a list of all where there are several.

    Args:
        outcomes: of files of the partition that are all landed.
        states: batch → its state; of one that is not named, the rows count.
        known: the ledger's rows of batches that were landed before, by batch.
    """
    manifests = [outcome.landed.manifest for outcome in outcomes if outcome.landed]
    left_out = {item.batch_id for item in manifests if states.get(item.batch_id, "waiting") not in COUNTING}
    latest = [one for one in outcomes if not (one.landed and one.landed.manifest.batch_id in left_out)] or outcomes
    landed = latest[-1].landed
    metadata = landing_metadata(latest[-1], known.get(landed.manifest.batch_id) if landed else None)
    if len(outcomes) > 1:
        counting = [item for item in manifests if item.batch_id not in left_out]
        rows = [
            [
                shown(item.name),
                f"{counted(item.rows_received, 'row')}, {item.rows_rejected:,} rejected",
                f"does not count: {LEFT_OUT[states[item.batch_id]]}" if item.batch_id in left_out else "counts",
            ]
            for item in manifests
        ]
        metadata["files that count"] = len(counting)
        metadata["files"] = table(["file", "rows", "does it count"], rows)
        metadata["dagster/partition_row_count"] = sum(item.rows_received for item in counting)
    return metadata


def warnings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """What to tell loudly of files that landed, one line each."""
    told = [(outcome, warning) for outcome in outcomes if outcome.landed for warning in warnings_about(outcome.landed)]
    return [f"{outcome.goal}: {shown(outcome.name)}: {warning}" for outcome, warning in told]


def refused(bad: Sequence[str], files: int) -> str:
    """What to tell of so many files that were refused, and of partitions without a file, one line each."""
    told = first_of(bad, MAX_TOLD)
    more = f"\n… and {len(bad) - len(told)} more" if len(bad) > len(told) else ""
    head = (
        "1 file was refused. It stays on the server, and run now tries it again; no other file waits for it.\n"
        if files == 1
        else f"{files:,} files were refused. They stay on the server, and run now tries them again;"
        " no other file waits for them.\n"
    )
    return (head if files else "") + "\n".join(told) + more


def code_version(deployment: Deployment, connection: Connection, goal: ImportGoal) -> str:
    """Changes where today's YAML would make another batch of the same file."""
    return batch_config(deployment, connection, goal).config_hash[:12]
