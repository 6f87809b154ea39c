"""Config in, asset specs out; nothing here reads, runs or opens anything.

Keys: `<connection>/files` → `<connection>/<import goal>` → `profiles` → `segments/<name>` →
`<connection>/<export goal>`, and `<connection>/done` behind `profiles`. A goal of groups leads to
`groups/<type>` instead, and `profiles` stand behind no group: who belongs to one is told by the profiles.
`events/<type>` and `products` stand behind the goals that bring events.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import dagster as dg
import yaml

from cdp_assets.assets.lineage import (
    event_lineage,
    export_columns,
    import_columns,
    member_columns,
    property_lineage,
    telling_sources,
)
from cdp_assets.assets.runtime import now
from cdp_assets.assets.when import when_it_runs
from cdp_assets.config.conditions import Condition
from cdp_assets.config.connections import Connection
from cdp_assets.config.events import INTERACTIONS, EventImport, EventType
from cdp_assets.config.export_columns import InteractionsColumn
from cdp_assets.config.export_events import chosen_types
from cdp_assets.config.export_targets import Naming
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.groups import GROUP_ID, GroupType
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import UNDESCRIBED, Property
from cdp_assets.config.segments import Segment
from cdp_assets.files.sealing import is_encrypted
from cdp_assets.sql import interactions
from cdp_assets.sql.event_tables import event_table
from cdp_assets.sql.lifecycle_tables import LIFECYCLE_MEMBERS
from cdp_assets.sql.records import groups_name
from cdp_assets.sql.schema import Table
from cdp_assets.sql.tables import PRODUCTS

WAREHOUSE_GROUP = "warehouse"
SEGMENTS_GROUP = "segments"
LIFECYCLES_GROUP = "lifecycles"
PROFILES_KEY = dg.AssetKey("profiles")
PRODUCTS_KEY = dg.AssetKey("products")

_OWN_COLUMNS = (
    dg.TableColumn("profile_id", "uuid", "Id of the profile; stays the same for ever."),
    dg.TableColumn("creation_date", "timestamp", "When the file came that created the profile, in UTC."),
    dg.TableColumn("last_modified_date", "timestamp", "When the file came that last changed it, in UTC."),
)


_OWN_GROUP_COLUMNS = (
    dg.TableColumn(GROUP_ID.name, "text", GROUP_ID.description),
    dg.TableColumn("creation_date", "timestamp", "When the file came that created the group, in UTC."),
    dg.TableColumn("last_modified_date", "timestamp", "When the file came that last changed it, in UTC."),
)
_WORDS_FOR_TYPES = {"varchar": "text", "bigint": "number", "timestamptz": "timestamp"}
"""What the engine calls a type → what people read; others have names of their own."""


def group_in(connection: Connection) -> str:
    """Group of what comes from a server. Two groups per connection, as one would make the lineage a circle."""
    return f"{connection.name}_in"


def group_out(connection: Connection) -> str:
    """Group of what is done to a server: renamed files, deliveries."""
    return f"{connection.name}_out"


def files_key(connection: Connection) -> dg.AssetKey:
    """Key of what stands on the server."""
    return dg.AssetKey([connection.name, "files"])


def done_key(connection: Connection) -> dg.AssetKey:
    """Key of the renaming of files that are safely in."""
    return dg.AssetKey([connection.name, "done"])


def goal_key(connection: Connection, goal: ImportGoal | ExportProfilesGoal) -> dg.AssetKey:
    """Key of a goal's batches or exports."""
    return dg.AssetKey([connection.name, goal.name])


def groups_key(group_type: str) -> dg.AssetKey:
    """Key of the groups of a type."""
    return dg.AssetKey(["groups", group_type])


def segment_key(name: str) -> dg.AssetKey:
    """Key of a segment's members."""
    return dg.AssetKey(["segments", name])


def lifecycle_key(lifecycle_id: str) -> dg.AssetKey:
    """Key of who is in which stage of a lifecycle."""
    return dg.AssetKey(["lifecycles", lifecycle_id])


def _tags(connection: Connection) -> dict[str, str]:
    """What people find a connection's assets by; nothing enforces the roles."""
    return {
        **{f"label/{label}": "" for label in connection.labels},
        **{f"edit_role/{role}": "" for role in connection.edit_roles},
        **({"favorite": ""} if connection.favorite else {}),
    }


def as_code(text: str) -> str:
    """A text as a code span of Markdown, which shows every character; elsewhere a backslash before a dot is lost.

    The fence is longer than any row of backticks in the text.
    """
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def files_spec(connection: Connection) -> dg.AssetSpec:
    """The files on the server: not made by us, only looked at."""
    server = connection.server
    return dg.AssetSpec(
        files_key(connection),
        description=connection.description or f"What stands on {server.host} for {connection.name}.",
        group_name=group_in(connection),
        owners=connection.owners,
        tags=_tags(connection),
        kinds={"sftp"},
        metadata={"server": f"{server.username}@{server.host}:{server.port}"},
    )


def import_spec(connection: Connection, goal: ImportGoal, code_version: str) -> dg.AssetSpec:
    """One typed Parquet batch for each version of each file the goal takes.

    `code_version` changes with the goal's YAML, so that Dagster marks partitions landed under an older one.
    """
    where = "/".join(part for part in (goal.files.directory.rstrip("/"), goal.files.root) if part)
    made = f"groups of type {goal.group_type}" if goal.group_type else "profiles"
    return dg.AssetSpec(
        goal_key(connection, goal),
        deps=[files_key(connection)],
        description=goal.description or f"Typed and checked rows for the {made}.\n\nOf {as_code(where)}.",
        group_name=group_in(connection),
        owners=connection.owners,
        tags=_tags(connection),
        kinds={"csv", "parquet"},
        code_version=code_version,
        metadata={
            "files": where,
            "runs": when_it_runs(connection, goal),
            **import_columns(files_key(connection), goal),
        },
    )


def warehouse_specs(deployment: Deployment) -> list[dg.AssetSpec]:
    """Everything the fold makes: the profiles, the groups and events of each type, and products if a goal has any."""
    stores = bool(_bringing(deployment, lambda event: event.product_store is not None))
    return [
        profiles_spec(deployment),
        *(groups_spec(deployment, kind) for kind in deployment.model.group_types),
        *(events_spec(deployment, kind) for kind in deployment.event_types),
        *([products_spec(deployment)] if stores else []),
    ]


def profiles_spec(deployment: Deployment) -> dg.AssetSpec:
    """One row per customer, made of the batches of all goals that import profiles, in their order."""
    lineage = property_lineage(_importing(deployment, ""))
    return dg.AssetSpec(
        PROFILES_KEY,
        deps=_feeding(deployment, ""),
        description="One row per customer, of all import goals.\n\nMerged by the rules of each property.",
        group_name=WAREHOUSE_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        metadata={
            "dagster/table_name": "main.profiles",
            "dagster/column_schema": telling_sources(profile_columns(deployment.model), lineage),
            "dagster/column_lineage": lineage,
        },
    )


def groups_spec(deployment: Deployment, kind: GroupType) -> dg.AssetSpec:
    """One row per group of a type, made of the batches of all goals that import such groups, in their order."""
    schema = dg.TableSchema([*_OWN_GROUP_COLUMNS, *(_column(prop) for prop in kind.properties)])
    lineage = property_lineage(_importing(deployment, kind.id))
    return dg.AssetSpec(
        groups_key(kind.id),
        deps=_feeding(deployment, kind.id),
        description=kind.description or f"One row per group of type {kind.label}.",
        group_name=WAREHOUSE_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        metadata={
            "dagster/table_name": f"main.{groups_name(kind.id)}",
            "dagster/column_schema": telling_sources(schema, lineage),
            "dagster/column_lineage": lineage,
        },
    )


def events_key(type_id: str) -> dg.AssetKey:
    """Key of the events of a type; interactions have one of their own."""
    return dg.AssetKey([INTERACTIONS] if type_id == INTERACTIONS else ["events", type_id])


def events_spec(deployment: Deployment, kind: EventType) -> dg.AssetSpec:
    """The timeline events of one type, of all import goals that bring them."""
    table, told = event_table(kind), f"Timeline events of type {kind.name or kind.id}, of all customers."
    if kind.id == INTERACTIONS:
        table, told = interactions.VIEW.as_table, interactions.VIEW.comment
    lineage = event_lineage(kind.id, _importing(deployment, ""))
    return dg.AssetSpec(
        events_key(kind.id),
        deps=_bringing(deployment, lambda event: event.type == kind.id),
        description=kind.description or told,
        group_name=WAREHOUSE_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        metadata={
            "dagster/table_name": f"main.{table.name}",
            "dagster/column_schema": telling_sources(_table_columns(table, kind), lineage),
            "dagster/column_lineage": lineage,
        },
    )


def products_spec(deployment: Deployment) -> dg.AssetSpec:
    """The products of all stores, as the current events tell of them."""
    return dg.AssetSpec(
        PRODUCTS_KEY,
        deps=_bringing(deployment, lambda event: event.product_store is not None),
        description="The products of each store.\n\nWhat the current events tell of them.",
        group_name=WAREHOUSE_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        metadata={"dagster/table_name": "main.products", "dagster/column_schema": _table_columns(PRODUCTS)},
    )


def _feeding(deployment: Deployment, group_type: str) -> list[dg.AssetKey]:
    """Keys of the goals that import profiles (for the empty text), or groups of this type."""
    return [key for key, _ in _importing(deployment, group_type)]


def _importing(deployment: Deployment, group_type: str) -> list[tuple[dg.AssetKey, ImportGoal]]:
    """The goals that import profiles (for the empty text), or groups of this type, with their keys."""
    return [
        (goal_key(connection, goal), goal)
        for connection in deployment.connections
        for goal in connection.imports
        if goal.group_type == group_type
    ]


def _bringing(deployment: Deployment, wanted: Callable[[EventImport], bool]) -> list[dg.AssetKey]:
    """The import goals with such an entry of events."""
    return [
        goal_key(connection, goal)
        for connection in deployment.connections
        for goal in connection.imports
        if any(wanted(event) for event in goal.events)
    ]


def _table_columns(table: Table, kind: EventType | None = None) -> dg.TableSchema:
    pii = {field.key for field in kind.values if field.pii} if kind else set()
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name, _type_told(column.type), column.comment, tags={"pii": ""} if column.name in pii else None
            )
            for column in table.columns
        ]
    )


def _type_told(engines: str) -> str:
    """A type in the words that the columns of profiles have, `[]` for a list as there."""
    one, listed, _ = engines.lower().partition("[]")
    return f"{_WORDS_FOR_TYPES.get(one, one)}{listed}"


def profile_columns(model: CustomerModelConfig) -> dg.TableSchema:
    """The columns analysts see: ours, then one for each property."""
    return dg.TableSchema([*_OWN_COLUMNS, *(_column(prop) for prop in model.properties)])


def done_spec(connection: Connection) -> dg.AssetSpec:
    """Files whose rows are in the warehouse get `.done` behind their name; rejected rows go back."""
    types = sorted({goal.group_type for goal in connection.imports if goal.group_type})
    return dg.AssetSpec(
        done_key(connection),
        deps=[PROFILES_KEY, *map(groups_key, types)],
        description="Renames files to .done once they are in.\n\nThat is when their rows are safely in the warehouse.",
        group_name=group_out(connection),
        owners=connection.owners,
        tags=_tags(connection),
        kinds={"sftp"},
    )


def _asked(deployment: Deployment, asking: Segment | Lifecycle) -> list[dg.AssetKey]:
    """What conditions are answered from."""
    kinds = {kind.id for kind in deployment.event_types}
    events = [events_key(name) for name in asking.event_types if name in kinds]
    groups = [groups_key(name) for name in asking.group_types]
    others = [*map(segment_key, asking.segments), *map(lifecycle_key, asking.lifecycles)]
    return [PROFILES_KEY, *groups, *events, *others]


def lifecycle_spec(deployment: Deployment, lifecycle: Lifecycle) -> dg.AssetSpec:
    """Who is in which stage of a lifecycle."""
    stages = ", ".join(stage.label for stage in lifecycle.stages)
    return dg.AssetSpec(
        lifecycle_key(lifecycle.id),
        deps=_asked(deployment, lifecycle),
        description=lifecycle.description or f"Who is in which stage of {lifecycle.label}: {stages}.",
        group_name=LIFECYCLES_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        code_version=lifecycle.definition,
        metadata={
            "dagster/table_name": "main.lifecycle_members",
            "dagster/column_schema": _table_columns(LIFECYCLE_MEMBERS),
        },
    )


def segment_spec(deployment: Deployment, segment: Segment) -> dg.AssetSpec:
    """The profiles that meet a segment's condition."""
    return dg.AssetSpec(
        segment_key(segment.name),
        deps=_asked(deployment, segment),
        description=segment.description or f"Members of {segment.label}.",
        group_name=SEGMENTS_GROUP,
        owners=deployment.model.owners,
        kinds={"duckdb"},
        code_version=segment.definition,
        metadata={
            "title": segment.label,
            "condition": _as_yaml(segment.where),
            "dagster/table_name": "main.segment_members",
            **member_columns("segment", PROFILES_KEY, segment.properties),
        },
    )


def _as_yaml(condition: Condition) -> dg.MetadataValue:
    """A condition as it may be written in the YAML."""
    written = condition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dg.MetadataValue.md(f"```yaml\n{yaml.safe_dump(written, allow_unicode=True, sort_keys=False)}```")


def export_spec(deployment: Deployment, connection: Connection, goal: ExportProfilesGoal) -> dg.AssetSpec:
    """A file with the members of a segment, delivered whole or not at all."""
    model = deployment.model
    events = [events_key(kind.id) for kind in chosen_types(goal.events, deployment.event_types)]
    if any(isinstance(column, InteractionsColumn) for column in goal.columns):
        events = list(dict.fromkeys([*events, events_key(INTERACTIONS)]))
    naming = Naming(goal, goal.segment, now(), "", is_encrypted(connection, goal))
    where = "/".join(part for part in (goal.directory.rstrip("/"), naming.whole_template) if part)
    return dg.AssetSpec(
        goal_key(connection, goal),
        deps=[
            *(segment_key(name) for name in goal.segments_used(tuple(segment.name for segment in model.segments))),
            *events,
            *map(lifecycle_key, goal.lifecycles_used(tuple(lifecycle.id for lifecycle in model.lifecycles))),
        ],
        description=goal.description or f"The members of {goal.segment}, as a file.\n\nDelivered to {as_code(where)}.",
        group_name=group_out(connection),
        owners=connection.owners,
        tags=_tags(connection),
        kinds={"csv", "sftp"},
        metadata={
            "file": where,
            "runs": when_it_runs(connection, goal),
            **export_columns(
                goal,
                PROFILES_KEY,
                {one.name: segment_key(one.name) for one in model.segments},
                model.properties,
                tuple(one.id for one in model.lifecycles),
            ),
        },
    )


def _column(prop: Property) -> dg.TableColumn:
    return dg.TableColumn(
        prop.name,
        prop.type_signature,
        prop.description or UNDESCRIBED,
        tags={"pii": ""} if prop.pii else None,
    )
