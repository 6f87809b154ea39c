"""The column of viewed interactions: each once, the first one first, by ids or names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.config.check import check
from cdp_assets.config.events import INTERACTIONS, whole_types
from cdp_assets.sql import schema
from cdp_assets.sql.event_tables import event_tables
from cdp_assets_tests.support.exported import NOW, UUID, Desk, goal
from cdp_assets_tests.support.lab import deployment

PROPERTIES = [{"name": "email", "type": "email"}]
SEEN = [(1, "b", "VIEW", 1), (1, "a", "VIEW", 2), (1, "b", "VIEW", 3), (1, "c", "CLICK", 0), (2, "a", "CLICK", 0)]


def desk(folder, column, **settings):
    columns = [{"property": "email"}, column]
    found = Desk(folder, PROPERTIES, goal(columns=columns, **settings), {"interactions": {"a": "Autumn"}})
    found.fill({number: {"email": f"p{number}@x.com"} for number in (1, 2)})
    return found


def see(room, rows=SEEN):
    (table,) = event_tables(whole_types((), [INTERACTIONS]))
    with room.warehouse() as database:
        for statement in schema.create_table(table):
            database.run(statement)
        values = [
            [UUID.format(who), f"{kind} {what}", what, kind, NOW + timedelta(days=day)] for who, what, kind, day in rows
        ]
        database.insert(table.path, ["profile_id", "event_id", "interaction_id", "kind", "date"], values)


@pytest.mark.parametrize(
    ("column", "settings", "told"),
    [
        ({"viewed_interactions": "all"}, {}, "b|a"),
        ({"viewed_interactions": "all"}, {"ids": "names"}, "b|Autumn"),
        ({"viewed_interactions": ["a", "c"], "as": "viewed"}, {}, "a"),
    ],
)
def test_each_viewed_interaction_stands_once_the_first_one_first(tmp_path, column, settings, told):
    room = desk(tmp_path, column, **settings)
    name = column.get("as", "viewed_interactions")
    assert room.text() == f"email,{name}\np1@x.com,\np2@x.com,\n"
    see(room)
    assert room.text() == f"email,{name}\np1@x.com,{told}\np2@x.com,\n"


def test_a_column_that_nothing_can_fill_is_told_at_load():
    columns = [{"property": "email"}, {"viewed_interactions": "all"}]
    where = {"name": "vip", "where": {"property": "email", "operator": "not_is_empty"}}
    (found,) = check(deployment(PROPERTIES, [goal(columns=columns)], [where]))
    assert found.location == ("goals", 0, "columns", 1, "viewed_interactions")
    assert "no import goal brings interactions" in found.message
