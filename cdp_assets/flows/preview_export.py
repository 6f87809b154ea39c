"""Shows what an export goal would deliver, from the published copy of the warehouse: nothing is delivered or noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError, NothingFoldedError
from cdp_assets.files.remote import path_of
from cdp_assets.flows.export_goal import file_name
from cdp_assets.flows.folders import DataFolders
from cdp_assets.sql import exports
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import read_copy

_COMPUTED = Sql("SELECT strftime(max(computed_at), '%Y-%m-%d %H:%M:%S') FROM ops.segment_changes WHERE segment = ?")
_COLUMNS = Sql("SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = 'profiles'")


@dataclass(frozen=True)
class ExportPreview:
    """What a run that starts now would deliver."""

    goal: str
    directory: str
    """On the server."""
    name: str
    """Of the file; a name with a time changes with the moment of the run."""
    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    """The first rows of the file, as texts."""
    due: int
    """Profiles in the file."""
    no_identifier: int
    unchanged: int
    """Members left out because nothing changed since their last delivery."""
    as_of: datetime
    """When the published copy was made."""
    computed_at: str
    """When the segment's members were computed last, UTC; empty = never."""


def preview_export(
    connection: Connection,
    goal: ExportProfilesGoal,
    model: CustomerModelConfig,
    folders: DataFolders,
    now: datetime,
    most_rows: int,
) -> ExportPreview:
    """What would be delivered of the members the segment had when it was computed last.

    Raises:
        NothingFoldedError: nobody need act; nothing was imported and published yet.
        ConfigError: a property of the YAML is not in the warehouse yet.
    """
    if not folders.published.exists():
        raise NothingFoldedError("nothing was imported and published yet, so there is nobody to export")
    segment = model.find_segment(goal.segment)
    assert segment is not None, goal.segment
    path = path_of(connection.server, goal.directory, file_name(goal, segment.label, now))
    directory, _, name = path.rpartition("/")
    with read_copy(folders.published) as database:
        there = {column for (column,) in database.rows(_COLUMNS)}
        absent = sorted(prop.name for prop in model.properties if prop.name not in there)
        if absent:
            message = f"the warehouse has no {', '.join(absent)} yet; new properties come with the next fold"
            raise ConfigError(message)
        database.run(exports.population(connection, goal, model))
        due, no_identifier, unchanged = (int(count) for count in database.row(exports.COUNTS))
        rows = sql("{rows} LIMIT {most}", rows=exports.export_rows(goal, model), most=literal(most_rows))
        found = database.rows(rows)
        (computed,) = database.row(_COMPUTED, [segment.name])
    return ExportPreview(
        goal.name,
        directory or ".",
        name,
        tuple(column.column_name for column in goal.columns),
        tuple(found),
        due,
        no_identifier,
        unchanged,
        datetime.fromtimestamp(folders.published.stat().st_mtime, tz=UTC),
        computed or "",
    )
