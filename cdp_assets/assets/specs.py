"""Config in, asset specs out; nothing here reads, runs or opens anything.

Keys: `<connection>/files` → `<connection>/<import goal>` → `profiles` → `segments/<name>` →
`<connection>/<export goal>`, and `<connection>/done` behind `profiles`.
"""

from __future__ import annotations

import dagster as dg

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ExportProfilesGoal, ImportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import Property
from cdp_assets.config.segments import Segment

WAREHOUSE_GROUP = "warehouse"
SEGMENTS_GROUP = "segments"
PROFILES_KEY = dg.AssetKey("profiles")

_OWN_COLUMNS = (
    dg.TableColumn("profile_id", "uuid", "Id of the profile; stays the same for ever."),
    dg.TableColumn("creation_date", "timestamp", "When the file came that created the profile, in UTC."),
    dg.TableColumn("last_modified_date", "timestamp", "When the file came that last changed it, in UTC."),
)


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


def goal_key(connection: Connection, goal: ImportProfilesGoal | ExportProfilesGoal) -> dg.AssetKey:
    """Key of a goal's batches or exports."""
    return dg.AssetKey([connection.name, goal.name])


def segment_key(name: str) -> dg.AssetKey:
    """Key of a segment's members."""
    return dg.AssetKey(["segments", name])


def files_spec(connection: Connection) -> dg.AssetSpec:
    """The files on the server: not made by us, only looked at."""
    server = connection.server
    return dg.AssetSpec(
        files_key(connection),
        description=connection.description or f"What stands on {server.host} for {connection.name}.",
        group_name=group_in(connection),
        kinds={"sftp"},
        metadata={"server": f"{server.username}@{server.host}:{server.port}"},
    )


def import_spec(connection: Connection, goal: ImportProfilesGoal, code_version: str) -> dg.AssetSpec:
    """One typed Parquet batch for each version of each file the goal takes.

    `code_version` changes with the goal's YAML, so that Dagster marks partitions landed under an older one.
    """
    where = "/".join(part for part in (goal.files.directory.rstrip("/"), goal.files.root) if part)
    return dg.AssetSpec(
        goal_key(connection, goal),
        deps=[files_key(connection)],
        description=goal.description or f"Rows of {where}, typed and checked, ready for the profiles.",
        group_name=group_in(connection),
        kinds={"csv", "parquet"},
        code_version=code_version,
        metadata={"files": where},
    )


def profiles_spec(deployment: Deployment) -> dg.AssetSpec:
    """One row per customer, made of the batches of all import goals in their order."""
    return dg.AssetSpec(
        PROFILES_KEY,
        deps=[goal_key(connection, goal) for connection in deployment.connections for goal in connection.imports],
        description="One row per customer: everything the import goals know, merged by their rules.",
        group_name=WAREHOUSE_GROUP,
        kinds={"duckdb"},
        metadata={"dagster/table_name": "main.profiles", "dagster/column_schema": profile_columns(deployment.model)},
    )


def profile_columns(model: CustomerModelConfig) -> dg.TableSchema:
    """The columns analysts see: ours, then one for each property."""
    return dg.TableSchema([*_OWN_COLUMNS, *(_column(prop) for prop in model.properties)])


def done_spec(connection: Connection) -> dg.AssetSpec:
    """Files whose rows are in the profiles get `.done` behind their name; rejected rows go back."""
    return dg.AssetSpec(
        done_key(connection),
        deps=[PROFILES_KEY],
        description="Renames files to .done once their rows are safely in the profiles.",
        group_name=group_out(connection),
        kinds={"sftp"},
    )


def segment_spec(segment: Segment) -> dg.AssetSpec:
    """The profiles that meet a segment's condition."""
    return dg.AssetSpec(
        segment_key(segment.name),
        deps=[PROFILES_KEY, *map(segment_key, segment.needs)],
        description=segment.description or f"Profiles that meet the condition of {segment.label}.",
        group_name=SEGMENTS_GROUP,
        kinds={"duckdb"},
        code_version=segment.definition,
        metadata={"dagster/table_name": "main.segment_members"},
    )


def export_spec(connection: Connection, goal: ExportProfilesGoal) -> dg.AssetSpec:
    """A file with the members of a segment, delivered whole or not at all."""
    where = "/".join(part for part in (goal.directory.rstrip("/"), goal.file.name) if part)
    return dg.AssetSpec(
        goal_key(connection, goal),
        deps=[segment_key(goal.segment)],
        description=goal.description or f"Writes the members of {goal.segment} to {where}.",
        group_name=group_out(connection),
        kinds={"csv", "sftp"},
        metadata={"file": where},
    )


def _column(prop: Property) -> dg.TableColumn:
    return dg.TableColumn(
        prop.name, prop.type_signature, prop.description or None, tags={"pii": ""} if prop.pii else None
    )
