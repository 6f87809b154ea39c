"""What the warehouse says of one profile: its row, and everything that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cdp_assets.config.consent import TARGETS
from cdp_assets.config.events import ITEM_COLUMNS
from cdp_assets.errors import ConfigError, NothingFoldedError, WarehouseBusyError
from cdp_assets.flows.collect_rows import Value
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.held_elsewhere import held_elsewhere
from cdp_assets.flows.ledger import require_profiles
from cdp_assets.flows.trace_profile import OWN, Maker
from cdp_assets.sql import looking, members
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.warehouse import Database, open_warehouse, read_copy

Items = dict[str, dict[tuple[str, datetime], list[dict[str, Any]]]]
"""Key of a nested field → id and date of an event → its items, in their order."""
LAST = 5
"""Events shown of each type."""
MOST = 100
"""Rows shown of any other table."""
OTHER_TABLES = ("consents", "list_memberships", "lifecycle_members")
"""Tables that tell of profiles, where there are such."""


@dataclass(frozen=True)
class Listed:
    """Some rows of one table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int


@dataclass(frozen=True)
class Known:
    """A profile as it stands."""

    profile_id: str
    found_by: str
    """Which property the value was found in; empty = it is the id."""
    others: int
    """How many more profiles hold that value, all made later."""
    domain_group: str
    created: Maker
    creation_date: datetime
    last_modified_date: datetime
    properties: dict[str, Any]
    """Every property, also those without a value."""
    consent: dict[str, Any]
    """Permission level, zone, consented and refused objectives."""
    identifiers: tuple[Value, ...]
    replaced: dict[Maker, str]
    """Profiles that became this one → their ids."""
    connections: tuple[str, ...]
    events: dict[str, Listed]
    """Per table that has some, the latest events; their last two columns are position and row of their batch."""
    items: dict[str, Items]
    """The items of these events, per table of events that has nested fields."""
    groups: tuple[tuple[str, str, str, bool], ...]
    """Group type, id, the property that says so, and whether the group has not come yet."""
    segments: tuple[tuple[str, datetime], ...]
    others_tables: dict[str, Listed]
    """Consents and the like, by table."""
    conflicts: Listed
    folded: tuple[tuple[int, str], ...]
    """Place in the order and folder of every batch in this warehouse."""


@contextmanager
def readable_warehouse(folders: DataFolders) -> Iterator[tuple[Database, datetime | None]]:
    """The writer's file if nobody is writing, else the readers' copy with the time it was made.

    Raises:
        NothingFoldedError: nobody need act: nothing was folded yet.
    """
    if not folders.warehouse.exists():
        raise NothingFoldedError("there are no profiles yet: import files and let the fold run first")
    with _open(folders) as found:
        require_profiles(found[0])
        yield found


@contextmanager
def _open(folders: DataFolders) -> Iterator[tuple[Database, datetime | None]]:
    made = None
    with ExitStack() as stack:
        try:
            database = stack.enter_context(open_warehouse(folders.warehouse, wait_s=0))
        except WarehouseBusyError:
            if not folders.published.exists():
                raise
            made = datetime.fromtimestamp(folders.published.stat().st_mtime, tz=UTC)
            database = stack.enter_context(read_copy(folders.published))
        yield database, made


def read_profile(database: Database, value: str, property_name: str | None) -> Known:
    """The profile that a value finds; of several the one made first, as rows of files find it.

    Raises:
        ConfigError: the caller must act: nobody has it, or the property finds nobody.
    """
    profile_id, found_by, others = _find(database, value, property_name)
    names = [name for (name,) in database.rows(looking.COLUMNS, ["profiles"])]
    row = dict(zip(names, database.row(looking.profile_row(names), [profile_id]), strict=True))
    replaced = {tuple(maker): str(gone) for gone, *maker in database.rows(looking.REPLACED, [profile_id])}
    conflicts = database.rows(looking.CONFLICTS, {"id": profile_id})
    events = _events(database, profile_id)
    return Known(
        str(profile_id),
        found_by,
        others,
        row["domain_group"],
        (row["created_by_property"], row["created_by_value"], row["created_by_number"]),
        row["creation_date"],
        row["last_modified_date"],
        {name: value for name, value in row.items() if name not in OWN},
        {name: row[name] for name in TARGETS},
        tuple(database.rows(looking.IDENTIFIERS, [profile_id])),
        replaced,
        tuple(name for (name,) in database.rows(looking.CONNECTIONS, [profile_id])),
        events,
        _items(database, profile_id, events),
        tuple(_groups(database, profile_id)),
        tuple(database.rows(looking.SEGMENTS, [profile_id])),
        _others(database, profile_id),
        Listed(looking.CONFLICT_COLUMNS, tuple(conflicts), len(conflicts)),
        tuple(database.rows(looking.FOLDED)),
    )


def _find(database: Database, value: str, property_name: str | None) -> tuple[object, str, int]:
    indexed = [name for (name,) in database.rows(looking.IDENTIFYING)]
    if property_name is not None and property_name not in indexed:
        known = ", ".join(indexed) or "none"
        raise ConfigError(f"no import finds profiles by {property_name}; identifiers are: {known}")
    for text in dict.fromkeys([value, value.strip(), value.strip().lower()]):
        held = [
            (name, found) for name, found, *_ in database.rows(looking.HOLDERS, [text]) if property_name in {None, name}
        ]
        if held:
            name, first = held[0]
            return first, name, len({found for _, found in held} - {first})
    by_id = database.rows(looking.BY_ID, {"id": value.strip().lower()}) if property_name is None else []
    if by_id:
        return by_id[0][0], "", 0
    told = property_name or ", ".join(indexed) or "no property"
    elsewhere = held_elsewhere(database, value)
    raise ConfigError(
        f"no profile has this value in {told}, or as its id;"
        f" {elsewhere or 'values are looked up whole, as they are stored'}"
    )


def _events(database: Database, profile_id: object) -> dict[str, Listed]:
    found = {}
    for table, columns in database.rows(EVENT_TABLES):
        if "index" not in columns:
            shown = [name for name in columns if name != "profile_id"]
            listed = _listed(database, table, shown, profile_id, LAST, "date")
            if listed.total:
                found[table] = listed
    return found


def _items(database: Database, profile_id: object, events: dict[str, Listed]) -> dict[str, Items]:
    """The items of the events that are shown; a table of items is named after that of its events."""
    found: dict[str, Items] = {}
    for table, columns in database.rows(EVENT_TABLES):
        owner = max((name for name in events if table.startswith(f"{name}_")), key=len, default=None)
        if "index" not in columns or owner is None:
            continue
        listed = events[owner]
        id_at, date_at = listed.columns.index("event_id"), listed.columns.index("date")
        shown = [name for name in columns if name not in ITEM_COLUMNS]
        for row in listed.rows:
            key = (row[id_at], row[date_at])
            rows = database.rows(looking.items_of_event(table, shown), [profile_id, *key])
            items = [dict(zip(shown, item, strict=True)) for item in rows]
            found.setdefault(owner, {}).setdefault(table.removeprefix(f"{owner}_"), {})[key] = items
    return found


def _listed(
    database: Database, table: str, columns: list[str], profile_id: object, most: int, latest: str = ""
) -> Listed:
    (total,) = database.row(looking.count_of_profile(table), [profile_id])
    rows = database.rows(looking.rows_of_profile(table, columns, latest), [profile_id, most])
    return Listed(tuple(columns), tuple(rows), int(total))


def _groups(database: Database, profile_id: object) -> Iterator[tuple[str, str, str, bool]]:
    for view, _ in sorted(database.rows(members.VIEWS)):
        group_type = view.removeprefix("groups_").removesuffix("_members")
        listed = _listed(database, view, ["group_id", "property", "is_dangling"], profile_id, MOST)
        yield from ((group_type, *row) for row in listed.rows)


def _others(database: Database, profile_id: object) -> dict[str, Listed]:
    found = {}
    for table in OTHER_TABLES:
        columns = [name for (name,) in database.rows(looking.COLUMNS, [table])]
        if "profile_id" in columns:
            shown = [name for name in columns if name != "profile_id"]
            listed = _listed(database, table, shown, profile_id, MOST)
            if listed.total:
                found[table] = listed
    return found
