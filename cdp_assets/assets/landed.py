"""What a job of ops landed, recorded on the assets of the goals as their own runs record it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster._core.events import AssetMaterializationPlannedData

from cdp_assets.assets.imports import code_version, goal_trends
from cdp_assets.assets.metadata import landing_metadata
from cdp_assets.assets.partitions import has_partition
from cdp_assets.assets.provenance import of_landing
from cdp_assets.assets.specs import files_key
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment
from cdp_assets.flows.import_files import Outcome


def landed_events(
    deployment: Deployment, connection: Connection, outcomes: Sequence[Outcome]
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    """Records what a job of ops landed on the goals' own partitions; a refused file is an observation.

    So is one outside the time windows, on the asset itself: Dagster has no partition for it.
    """
    versions = {goal.name: code_version(deployment, connection, goal) for goal in connection.imports}
    trends = {name: goal_trends(connection.name, name) for name in {outcome.goal for outcome in outcomes}}
    for outcome in outcomes:
        key, partition = dg.AssetKey([connection.name, outcome.goal]), outcome.partition or None
        if partition and not has_partition(connection, outcome.goal, partition):
            outside = {"outside the partitions": f"{partition} lies before the first window, or after the present one"}
            yield dg.AssetObservation(key, metadata={**landing_metadata(outcome), **outside})
        elif outcome.error:
            yield dg.AssetObservation(key, partition=partition, metadata=landing_metadata(outcome))
        else:
            yield dg.AssetMaterialization(
                key,
                partition=partition,
                metadata=landing_metadata(outcome) | trends[outcome.goal],
                tags=_provenance(connection, versions[outcome.goal], outcome),
            )


def note_refused(context: dg.OpExecutionContext, connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Makes Dagster show the partitions of refused files as failed once the job has failed at its end.

    Of a job of ops it does not know what it was to make, and would go on to show them as missing. As nothing was
    made, a partition that another file of the run landed is left alone.
    """
    made = {(outcome.goal, outcome.partition) for outcome in outcomes if not outcome.error}
    refused_ones = dict.fromkeys((one.goal, one.partition) for one in outcomes if one.error and one.name)
    for goal, partition in refused_ones:
        if (goal, partition) not in made and has_partition(connection, goal, partition):
            planned = AssetMaterializationPlannedData(dg.AssetKey([connection.name, goal]), partition)
            event = dg.DagsterEvent.build_asset_materialization_planned_event(
                context.job_name, str(context.op_handle), planned
            )
            context.instance.report_dagster_event(event, context.run_id)


def _provenance(connection: Connection, version: str, outcome: Outcome) -> dict[str, str]:
    batch_id = outcome.landed.manifest.batch_id if outcome.landed else ""
    return of_landing(files_key(connection), version, batch_id)
