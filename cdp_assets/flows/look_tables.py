"""What stands in the tables of events, products and groups, for people: counts and a few rows, texts masked.

Names that no person has are shown as they are: of products, metrics, interactions and what the YAML lists as choices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cdp_assets.config.drop_goals import METRIC_FIELD, is_dropped
from cdp_assets.config.events import INTERACTIONS, STANDARD_TYPES, EventType, ItemField
from cdp_assets.flows.fit_columns import Shape
from cdp_assets.flows.import_files import masked
from cdp_assets.sql import table_facts as look
from cdp_assets.sql import tables
from cdp_assets.sql.event_tables import event_table, item_table
from cdp_assets.sql.interactions import VIEW
from cdp_assets.sql.records import PREFIX
from cdp_assets.sql.schema import Table
from cdp_assets.warehouse import Database

SAMPLE = 3
"""Rows of a table that are shown."""
MOST = 20
"""Values of a column whose rows are counted, and products."""
_NOT_SHOWN = frozenset({"profile_id", "set_at_position", "set_at_row"})
"""Whose it is, and what only we need."""
_STANDARD_NAMES = frozenset({"affiliation", "currency"})
_PRODUCT_NAMES = frozenset({"id", "sku", "upc", "category", "name", "variant", "brand"})
"""Fields of standard types that never tell of a person."""


@dataclass(frozen=True)
class TableFacts:
    """One table as it is."""

    name: str
    rows: int
    columns: tuple[str, ...]
    """Those of the sample."""
    sample: tuple[tuple[str, ...], ...]
    """Texts are masked but for plain names; who it is of, and what only we need, is left out."""
    period: tuple[str, str] | None = None
    """Days of the earliest and the latest event."""
    counted_by: str = ""
    """Column whose values are counted; empty = none."""
    counts: tuple[tuple[str, int], ...] = ()
    """Its values with their rows, those with the most first."""


@dataclass(frozen=True)
class GroupFacts:
    """The groups of one type, and who belongs to them."""

    groups: int
    without_members: int
    """Groups to which no profile belongs."""
    profiles: int
    """Profiles that belong to a group that came."""
    dangling_ids: int
    """Ids of groups that profiles name and no file has told of."""
    dangling_profiles: int
    """Profiles that name one of them."""
    sample: TableFacts
    """The groups with the most members."""


@dataclass(frozen=True)
class Facts:
    """What a fold tells of everything it made beside the profiles."""

    events: tuple[TableFacts, ...]
    """Of each type, and of the items of its nested fields."""
    products: TableFacts
    groups: dict[str, GroupFacts]

    def row_counts(self) -> dict[str, int]:
        """How many rows each table has, by its name or the type of its groups."""
        counts = {one.name: one.rows for one in (*self.events, self.products)}
        return counts | {f"groups/{name}": one.groups for name, one in self.groups.items()}


def table_facts(database: Database, shape: Shape) -> Facts:
    """Looks into the tables of events, products and groups."""
    events = [facts for kind in shape.event_types for facts in _of_type(database, kind)]
    groups = {table.name.removeprefix(PREFIX): _groups(database, table) for table in shape.group_tables}
    return Facts(tuple(events), _products(database), groups)


def _of_type(database: Database, kind: EventType) -> list[TableFacts]:
    standard = kind.id in STANDARD_TYPES
    if kind.id == INTERACTIONS:
        return [_facts(database, VIEW.as_table, {"interaction_id", "kind"}, "time", "kind")]
    by = METRIC_FIELD if is_dropped(kind) else next((field.key for field in kind.values if field.choices), "")
    plain = _plain(kind.values, {by} if is_dropped(kind) else _STANDARD_NAMES if standard else ())
    found = [_facts(database, event_table(kind), plain, "date", by)]
    for nested in kind.nested:
        names = _PRODUCT_NAMES if standard and nested.key == "product" else ()
        found.append(_facts(database, item_table(kind, nested), _plain(nested.fields, names)))
    return found


def _plain(fields: Sequence[ItemField], names: Collection[str]) -> set[str]:
    """The fields whose texts may be shown."""
    return {field.key for field in fields if (field.key in names or field.choices) and not field.pii}


def _facts(database: Database, table: Table, plain: Collection[str], time: str = "", by: str = "") -> TableFacts:
    (rows,) = database.row(look.count_of(table))
    columns = [column.name for column in table.columns if column.name not in _NOT_SHOWN]
    # Which rows these are does not matter; nothing is worth sorting all of them for.
    found = database.rows(look.some_rows(table, columns, SAMPLE))
    period = database.row(look.period_of(table, time)) if time and rows else None
    return TableFacts(
        table.name,
        int(rows),
        tuple(columns),
        _sample(found, columns, plain),
        (_day(period[0]), _day(period[1])) if period else None,
        by,
        tuple((_shown(value, plain=True) or "(none)", n) for value, n in _counts(database, table, by)),
    )


def _counts(database: Database, table: Table, by: str) -> list[tuple[object, int]]:
    return database.rows(look.counts_by(table, by, MOST)) if by else []


def _products(database: Database) -> TableFacts:
    table = tables.PRODUCTS
    (rows,) = database.row(look.count_of(table))
    columns = ["product_id", "name", "category", "brand", "price", "ordered"]
    most = database.rows(look.most_ordered(columns, MOST))
    counts = tuple((_shown(value, plain=True) or "(none)", n) for value, n in _counts(database, table, "category"))
    return TableFacts(
        table.name, int(rows), tuple(columns), _sample(most, columns, columns), counted_by="category", counts=counts
    )


def _groups(database: Database, table: Table) -> GroupFacts:
    numbers = [int(number) for number in database.row(look.group_numbers(table))]
    groups, without, profiles, ids, naming = numbers
    columns = ["group_id", *(column.name for column in table.columns[len(tables.GROUP_COLUMNS) :])]
    sample = _sample(database.rows(look.largest_groups(table, columns, SAMPLE)), ["members", *columns], ())
    return GroupFacts(
        groups,
        without,
        profiles,
        ids,
        naming,
        TableFacts(table.name, groups, ("members", *columns), sample),
    )


def _sample(
    rows: Sequence[Sequence[object]], columns: Sequence[str], plain: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(_shown(value, plain=name in plain) for name, value in zip(columns, row, strict=True)) for row in rows
    )


def _shown(value: object, *, plain: bool = False) -> str:
    """A value for people: texts masked, also those of a list, unless they are plain names."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " | ".join(_shown(one, plain=plain) for one in value)
    if isinstance(value, str):
        return value if plain else masked(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _day(value: datetime) -> str:
    return f"{value:%d %b %Y}"
