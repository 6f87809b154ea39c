"""Which columns `profiles` has: today's properties, checked against the batches that filled them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.errors import ConfigError
from cdp_assets.flows.manifests import Manifest
from cdp_assets.sql import schema, tables
from cdp_assets.sql.text import Sql, joined, sql
from cdp_assets.warehouse import Database


def wanted_columns(model: CustomerModelConfig, batches: Iterable[Manifest]) -> list[Property]:
    """Today's properties, and identifiers that only older batches know.

    Raises:
        ConfigError: the YAML author must act: a property's type no longer fits batches already landed.
    """
    columns = {prop.name: prop for prop in model.properties}
    clashes: dict[tuple[str, str, str], str] = {}
    for manifest in batches:
        config = manifest.config
        known = {identifier.property for identifier in config.goal.identifier_columns}
        for prop in config.properties:
            column = columns.setdefault(prop.name, prop) if prop.name in known else columns.get(prop.name)
            if column is not None and column.type_signature != prop.type_signature:
                clashes[(prop.name, column.type_signature, prop.type_signature)] = config.goal_id.replace("/", " ")
    if clashes:
        message = "; ".join(
            f"property {name} is {today}, but files of {goal} were imported while it was {then}:"
            f" run `python -m cdp_assets reland {goal}` or change the type back"
            for (name, today, then), goal in sorted(clashes.items())
        )
        raise ConfigError(message)
    return list(columns.values())


def need_replay(database: Database, properties: Sequence[Property], folded: Iterable[Manifest]) -> bool:
    """Whether only a replay gives the columns what they must hold.

    That is so if a column was dropped while its property was away, and batches have values for it; or if a
    property got another type before any batch wrote it.
    """
    present = _present(database)
    if not present:
        return False
    wanted = tables.profiles_table(properties).columns
    types = joined(", ", (sql("typeof(NULL::{type})", type=column.type) for column in wanted))
    spelled = database.row(sql("SELECT {types}", types=types))
    if any(present.get(column.name, kind) != kind for column, kind in zip(wanted, spelled, strict=True)):
        return True
    missing = {column.name for column in wanted} - present.keys()
    return bool(missing) and any(prop.name in missing for batch in folded for prop in batch.config.properties)


def add_missing_columns(database: Database, properties: Sequence[Property]) -> None:
    """Makes `profiles`, or gives it the columns of new properties, in a transaction of its own."""
    table = tables.profiles_table(properties)
    present = _present(database)
    with database.transaction():
        if not present:
            for statement in schema.create_table(table):
                database.run(statement)
            return
        for column in table.columns:
            for statement in [] if column.name in present else schema.add_column(table, column):
                database.run(statement)


def _present(database: Database) -> dict[str, str]:
    """Column → type of `profiles` as it is; empty if there is no such table."""
    query = Sql(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'main' AND table_name = 'profiles'"
    )
    return dict(database.rows(query))
