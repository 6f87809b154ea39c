"""The fold, the acknowledgement and exports, as assets.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from cdp_assets.assets.fold_metadata import (
    events_metadata,
    filled_metadata,
    fold_messages,
    fold_metadata,
    groups_metadata,
    products_metadata,
)
from cdp_assets.assets.metadata import Metadata, batch_metadata, done_metadata, export_metadata, unsettled
from cdp_assets.assets.partitions import partition_in
from cdp_assets.assets.runtime import as_dagster_failure, data_folders, failure, now
from cdp_assets.assets.specs import (
    PRODUCTS_KEY,
    PROFILES_KEY,
    done_spec,
    events_key,
    export_spec,
    groups_key,
    warehouse_specs,
)
from cdp_assets.config.connections import Connection
from cdp_assets.config.events import INTERACTIONS, EventType
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.fill_rates import fill_rates
from cdp_assets.flows.fold_batches import FoldResult
from cdp_assets.flows.ledger import counted_today, note_told
from cdp_assets.sql.event_tables import event_tables
from cdp_assets.sql.interactions import VIEW

POOL = "warehouse"
FOLD = "fold"
"""Name of the op that is the warehouse's only writer."""

C = dg.AutomationCondition
AFTER_UPSTREAM = (C.any_deps_updated().since_last_handled() & ~C.any_deps_in_progress() & ~C.in_progress()).with_label(
    "after what it is made of changed"
)
"""Not `eager`: that waits for ever for a partition that never came."""


def fold_events(deployment: Deployment, result: FoldResult) -> Iterator[dg.AssetObservation]:
    """What each batch did, as an observation on the partition it was landed for.

    So it is of batches whose state has changed since it was told, whoever changed it.
    """
    for entry in (*_changed(result), *result.folded, *result.left_out):
        connection, goal, value = _place(entry)
        partition = partition_in(deployment, connection, goal, value)
        metadata = batch_metadata(entry, result.superseded.get(str(entry["batch_id"]), ""))
        yield dg.AssetObservation(dg.AssetKey([connection, goal]), partition=partition, metadata=metadata)


def _changed(result: FoldResult) -> list[Mapping[str, object]]:
    """Batches whose state was told otherwise, with what they do now; of a partition, the one that counts comes last.

    One that gave way to another has nothing to tell beside that one.
    """
    counting = {_place(entry) for entry in (*result.changed, *result.folded) if entry["state"] == "folded"}
    told = [
        counted_today(entry)
        for entry in result.changed
        if entry["state"] not in {"replaced", "superseded"} or _place(entry) not in counting
    ]
    return sorted(told, key=lambda entry: entry["state"] == "folded")


def _place(entry: Mapping[str, object]) -> tuple[str, str, str]:
    return str(entry["connection"]), str(entry["goal"]), str(entry["partition_key"])


def folded_assets(deployment: Deployment, result: FoldResult) -> dict[dg.AssetKey, Metadata]:
    """What a fold made, with what is told of it."""
    found: dict[dg.AssetKey, Metadata] = {PROFILES_KEY: fold_metadata(result) | _filled(deployment)}
    found |= {
        groups_key(kind.id): groups_metadata(kind.id, result.facts.groups[kind.id])
        for kind in deployment.model.group_types
    }
    facts = {item.name: item for item in result.facts.events}
    for kind in deployment.event_types:
        # Of a standard type that only goals name, there are no tables before its first file.
        own, *items = [facts.get(name) for name in _told_tables(kind)]
        told = [item for item in items if item is not None]
        found[events_key(kind.id)] = events_metadata(own, told) if own else {"dagster/row_count": 0}
    if any(spec.key == PRODUCTS_KEY for spec in warehouse_specs(deployment)):
        found[PRODUCTS_KEY] = products_metadata(result.facts.products)
    return found


def _told_tables(kind: EventType) -> list[str]:
    """What analysts read the events of a type by: its own table first, then those of its items."""
    return [VIEW.name] if kind.id == INTERACTIONS else [table.name for table in event_tables([kind])]


def _filled(deployment: Deployment) -> Metadata:
    """How full each property is."""
    return filled_metadata(fill_rates(data_folders(), [prop.name for prop in deployment.model.properties]))


def fold_asset(deployment: Deployment) -> dg.AssetsDefinition:
    """Folds every batch that waits into the profiles, groups and events, whichever of them a run asks for."""

    @dg.multi_asset(specs=warehouse_specs(deployment), name=FOLD, pool=POOL, can_subset=True)
    def _fold(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetObservation]:
        with as_dagster_failure(context.log):
            result = run_connection.fold_and_publish(deployment.model, data_folders(), now())
        for message in fold_messages(result):
            context.log.info(message)
        yield from fold_events(deployment, result)
        for key, metadata in folded_assets(deployment, result).items():
            if key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)
            else:
                # It was made all the same: one fold makes everything.
                context.log_event(dg.AssetMaterialization(key, metadata=metadata))
        note_told(data_folders(), result.states)

    return _fold


def done_asset(connection: Connection) -> dg.AssetsDefinition:
    """Renames the files of folded batches, and sends their rejected rows back."""
    spec = done_spec(connection)
    if connection.enabled and connection.run_mode != "manual":
        spec = spec.replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"{connection.name}__done")
    def _done() -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            outcomes = run_connection.acknowledge(connection, data_folders(), now())
            returned = run_connection.give_back(connection, data_folders(), now())
        failed = unsettled(outcomes, returned)
        if failed:
            raise failure("\n".join(failed), done_metadata(outcomes, returned))
        return dg.MaterializeResult(asset_key=spec.key, metadata=done_metadata(outcomes, returned))

    return _done


def export_asset(deployment: Deployment, connection: Connection, goal: ExportProfilesGoal) -> dg.AssetsDefinition:
    """Delivers a segment; by itself where the connection runs on arrival, after its segment."""
    spec = export_spec(deployment, connection, goal)
    if connection.enabled and goal.active and connection.run_mode == "arrival":
        spec = spec.replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"{connection.name}__{goal.name}")
    def _export(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with as_dagster_failure(context.log):
            run_connection.check_enabled(connection, goal.name)
            (delivered,) = run_connection.deliver(deployment, connection, data_folders(), now(), goal.name)
            run_connection.publish_copy(deployment.model, data_folders())
        if delivered.error:
            raise failure(delivered.error)
        return dg.MaterializeResult(asset_key=spec.key, metadata=export_metadata(delivered.exports))

    return _export
