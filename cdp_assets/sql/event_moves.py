"""Events of profiles that became others: they go to the survivor; of two with one key the one written last stays.

Of events of drop folders the one that came first stays; their ids hold the date where it tells events apart.

Reads   merged_pairs (see `survivors`), main.events_<type>
Writes  main.events_<type>, main.events_<type>_<nested>; (temporary) event_old: the keys of events that give way
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cdp_assets.config.drop_goals import dropped_event_type
from cdp_assets.sql.event_tables import event_table
from cdp_assets.sql.events import KEY
from cdp_assets.sql.text import Sql, ident, sql

_DROPPED = frozenset(column.name for column in event_table(dropped_event_type("any")).columns)
"""Columns of the events of drop folders."""


@dataclass(frozen=True)
class TablesOfType:
    """The tables of one event type."""

    own: str
    items: tuple[str, ...]
    dropped: bool = False
    """Whether they come from drop folders."""

    @property
    def paths(self) -> list[Sql]:
        """All of them."""
        return [ident("main", name) for name in (self.own, *self.items)]


def tables_by_type(tables: Mapping[str, Collection[str]]) -> list[TablesOfType]:
    """The tables of events, each type's together. `tables`: all there are, with their columns."""
    own = sorted((name for name, columns in tables.items() if "set_at_position" in columns), key=len, reverse=True)
    items: dict[str, list[str]] = {name: [] for name in own}
    for name, columns in tables.items():
        if "index" in columns:
            items[next(one for one in own if name.startswith(f"{one}_"))].append(name)
    return [TablesOfType(name, tuple(found), {*tables[name]} == _DROPPED) for name, found in items.items()]


def make_losers(of: TablesOfType) -> Sql:
    """Makes `event_old`: of events that meet in a survivor, all but the one that stays."""
    return sql(
        "CREATE OR REPLACE TEMP TABLE event_old AS\n"
        "WITH people AS (SELECT profile_id, replaced_by AS heir FROM merged_pairs UNION"
        " SELECT replaced_by, replaced_by FROM merged_pairs)\n"
        "SELECT {key} FROM {events} JOIN people USING (profile_id) QUALIFY row_number() OVER"
        " (PARTITION BY heir, event_id, {date} ORDER BY set_at_position {turn}, set_at_row {turn}) > 1",
        key=KEY,
        date=Sql("NULL" if of.dropped else "date"),
        turn=Sql("ASC" if of.dropped else "DESC"),
        events=of.paths[0],
    )


def move_events(of: TablesOfType) -> Sequence[Sql]:
    """Removes those in `event_old`, and gives the others to the survivors."""
    return [
        *(
            sql("DELETE FROM {t} WHERE ({key}) IN (SELECT ({key}) FROM event_old)", t=table, key=KEY)
            for table in of.paths
        ),
        *(
            sql(
                "UPDATE {table} SET profile_id = replaced_by FROM merged_pairs AS pairs"
                " WHERE pairs.profile_id = {table}.profile_id",
                table=table,
            )
            for table in of.paths
        ),
    ]
