"""Which tables and columns the customer model makes, checked against the batches that filled them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cdp_assets.config.events import INTERACTIONS, EventType, whole_types
from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.metrics import Metric
from cdp_assets.config.model import BatchConfig, CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.errors import ConfigError
from cdp_assets.flows.manifests import Manifest
from cdp_assets.sql import interactions, members, schema, tables, views
from cdp_assets.sql.event_tables import EVENT_TABLES, event_table_name, event_tables
from cdp_assets.sql.metrics import metric_view
from cdp_assets.sql.records import GROUP_TABLES, PREFIX, groups_name
from cdp_assets.sql.text import Sql, ident, joined, sql
from cdp_assets.sql.views import View
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Shape:
    """What the customer model asks of the warehouse: a column for each property, tables for each type of its own."""

    properties: tuple[Property, ...]
    event_types: tuple[EventType, ...] = ()
    groups: Mapping[str, tuple[Property, ...]] = field(default_factory=dict)
    """Group type → its properties."""
    metrics: tuple[Metric, ...] = ()
    """Declared metrics of drop folders."""

    @property
    def group_tables(self) -> tuple[schema.Table, ...]:
        """The tables of all group types."""
        return tuple(tables.groups_table(group_type, properties) for group_type, properties in self.groups.items())

    @property
    def event_tables(self) -> tuple[schema.Table, ...]:
        """The tables of all event types."""
        return event_tables(self.event_types)

    @property
    def tables(self) -> tuple[schema.Table, ...]:
        """Every table whose columns the model decides."""
        return (tables.profiles_table(self.properties), *self.group_tables, *self.event_tables)

    @property
    def views(self) -> tuple[View, ...]:
        """The views over these tables, beside those of members."""
        there = {kind.id for kind in self.event_types}
        own = (interactions.VIEW,) if INTERACTIONS in there else ()
        return own + tuple(metric_view(metric) for metric in self.metrics if metric.folders in there)

    @property
    def parts(self) -> dict[str, str]:
        """Name of everything that batches may know → its type."""
        return dict(_parts(self.properties, self.event_types, self.groups))


def parts_of(config: BatchConfig) -> dict[str, str]:
    """What a batch knows of it, likewise."""
    if config.goal.group_type:
        return dict(_parts((), (), {config.goal.group_type: _with_a_column(config)}))
    return dict(_parts(config.properties, config.event_types, {}))


def _with_a_column(config: BatchConfig) -> list[Property]:
    """The properties of a batch of groups that have a column of their own."""
    return [prop for prop in config.properties if prop.name != GROUP_ID.name]


def part_name(table: schema.Table, column: str) -> str:
    """How a column is called among the parts; our own columns are none."""
    return column if table.name == "profiles" else f"{table.name}.{column}"


def _parts(
    properties: Iterable[Property], kinds: Iterable[EventType], groups: Mapping[str, Iterable[Property]]
) -> Iterator[tuple[str, str]]:
    for prop in properties:
        yield prop.name, prop.type_signature
    for group_type, held in groups.items():
        yield groups_name(group_type), "groups"
        yield from ((f"{groups_name(group_type)}.{prop.name}", prop.type_signature) for prop in held)
    for kind in kinds:
        yield event_table_name(kind.id), "events"
        yield from ((f"{event_table_name(kind.id)}.{field.key}", field.prop.type_signature) for field in kind.values)
        for nested in kind.nested:
            yield event_table_name(kind.id, nested.key), "items"
            for item in nested.fields:
                yield f"{event_table_name(kind.id, nested.key)}.{item.key}", item.prop.type_signature


def wanted_shape(model: CustomerModelConfig, batches: Iterable[Manifest]) -> Shape:
    """Today's properties and types, and identifiers, standard types and group types that only batches know.

    Raises:
        ConfigError: the YAML author must act: a type no longer fits batches already landed.
    """
    batches = list(batches)
    records = {
        group_type: {prop.name: prop for prop in model.record_properties(group_type)}
        for group_type in ("", *(kind.id for kind in model.group_types))
    }
    named = sorted({kind.id for manifest in batches for kind in manifest.config.event_types})
    kinds = whole_types(model.event_types, named)
    clashes: dict[tuple[str, str, str], list[str]] = {}
    for manifest in batches:
        config = manifest.config
        columns = records.setdefault(config.goal.group_type, {})
        known = {identifier.property for identifier in config.goal.identifier_columns}
        for prop in _with_a_column(config) if config.goal.group_type else config.properties:
            if prop.name in known:
                columns.setdefault(prop.name, prop)
    shape = Shape(
        tuple(records.pop("").values()),
        kinds,
        {group_type: tuple(columns.values()) for group_type, columns in records.items()},
        model.metrics,
    )
    for manifest in batches:
        for name, then in parts_of(manifest.config).items():
            if shape.parts.get(name, then) != then:
                clashes.setdefault((name, shape.parts[name], then), []).append(manifest.goal_id.replace("/", " "))
    if clashes:
        message = "; ".join(
            f"{_told(name)} is {today}, but files of {', '.join(dict.fromkeys(goals))} were imported while it was"
            f" {then}: run {_relands(goals)} or change the type back"
            for (name, today, then), goals in sorted(clashes.items())
        )
        raise ConfigError(message)
    return shape


def _relands(goals: Iterable[str]) -> str:
    """What lands all their files anew; the last of the commands folds them."""
    return " and ".join(f"`python -m cdp_assets reland {goal}`" for goal in dict.fromkeys(goals))


def _told(name: str) -> str:
    table, _, column = name.rpartition(".")
    if table.startswith(PREFIX):
        return f"property {column} of group type {table.removeprefix(PREFIX)}"
    return f"field {name}" if table else f"property {name}"


def need_replay(database: Database, shape: Shape, folded: Sequence[Manifest]) -> bool:
    """Whether only a replay gives the columns what they must hold.

    That is so if a column, or table, was dropped while its property was away, and batches have values for it; or if
    one got another type before any batch wrote it.
    """
    present = {table.name: _present(database, table) for table in shape.tables}
    if not present["profiles"]:
        return False
    missing = set()
    for table in shape.tables:
        there = present[table.name]
        missing |= {part_name(table, column.name) for column in table.columns if column.name not in there}
        missing |= set() if there else {table.name}
        if there and _types_differ(database, table, there):
            return True
    return bool(missing) and any(missing & parts_of(batch.config).keys() for batch in folded)


def _types_differ(database: Database, table: schema.Table, present: dict[str, str]) -> bool:
    types = joined(", ", (sql("typeof(NULL::{type})", type=column.type) for column in table.columns))
    spelled = database.row(sql("SELECT {types}", types=types))
    return any(present.get(column.name, kind) != kind for column, kind in zip(table.columns, spelled, strict=True))


def fit_tables(database: Database, shape: Shape) -> None:
    """Adds what is missing, and drops what a fold that died made for batches that do not count any more."""
    add_missing_columns(database, shape)
    with database.transaction():
        drop_other_tables(database, shape)


def add_missing_columns(database: Database, shape: Shape) -> None:
    """Makes the tables, or gives them the columns of new properties and fields, in a transaction of its own."""
    with database.transaction():
        for table in shape.tables:
            present = _present(database, table)
            if not present:
                for statement in schema.create_table(table):
                    database.run(statement)
                continue
            for column in table.columns:
                for statement in [] if column.name in present else schema.add_column(table, column):
                    database.run(statement)
        make_views(database, shape)


def make_views(database: Database, shape: Shape, *, anew: bool = False) -> None:
    """Makes the views that are missing or tell of something else. `anew`: every one."""
    told = {name: (comment, columns) for name, comment, columns in database.rows(views.VIEWS)}
    there = {name: comment for name, (comment, _) in told.items()}
    for view in shape.views:
        for statement in view.statements() if anew or told.get(view.name) != view.told else ():
            database.run(statement)
    for group_type in shape.groups:
        links = [prop for prop in shape.properties if prop.group_type == group_type]
        same = there.get(members.members_name(group_type)) == members.members_comment(group_type, links)
        for statement in members.members_view(group_type, links) if anew or not same else ():
            database.run(statement)


def drop_other_tables(database: Database, shape: Shape) -> None:
    """Drops the tables of event and group types that nobody names any more, and the views of them."""
    wanted = {table.name for table in shape.tables}
    kept = {tables.REPLACES_NAME, *(view.name for view in shape.views)} | {
        name for name, _ in database.rows(members.VIEWS)
    }
    for name, *_ in database.rows(views.VIEWS):
        if name not in kept:
            database.run(views.drop_view(name))
    for name, _ in (*database.rows(EVENT_TABLES), *database.rows(GROUP_TABLES)):
        if name not in wanted:
            view = ident("main", members.members_name(name.removeprefix(PREFIX)))
            for statement in (sql("DROP VIEW IF EXISTS {v}", v=view), sql("DROP TABLE {t}", t=ident("main", name))):
                database.run(statement)


def _present(database: Database, table: schema.Table) -> dict[str, str]:
    """Column → type of a table as it is; empty if there is no such table."""
    query = Sql(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
    )
    return dict(database.rows(query, [table.schema, table.name]))
