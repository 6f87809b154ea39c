"""One case per cross rule, over a deployment in which everything else fits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cdp_assets.config.check import Finding, check
from cdp_assets.config.known import Unread, listed, nearest_first
from cdp_assets.config.model import Deployment

GOOD: dict[str, Any] = {
    "model": {
        "properties": [
            {"name": "email", "type": "email"},
            {"name": "city"},
            {"name": "tags", "multiple": True},
            {"name": "spend", "type": "decimal"},
            {"name": "points", "type": "number", "multiple": True},
            {"name": "born", "type": "datetime"},
        ],
        "group_types": [{"id": "club", "properties": [{"name": "title"}, {"name": "colours", "multiple": True}]}],
        "segments": [
            {"name": "vip", "title": "Very", "where": {"property": "spend", "operator": "in_range", "min": 5}},
            {
                "name": "old",
                "where": {
                    "all": [
                        {"property": "born", "operator": "in_range", "max": "1950-01-01T00:00:00Z"},
                        {"any": [{"property": "city", "operator": "contains_any", "values": ["Ede"]}]},
                    ]
                },
            },
        ],
    },
    "connections": [
        {
            "name": "shop",
            "server": {"host": "h", "username": "u", "host_key": "SHA256:k", "password": {"env": "P"}},
            "goals": [
                {
                    "type": "import_profiles",
                    "name": "customers",
                    "files": {"root": "a.csv"},
                    "identifiers": [{"column": "E-Mail", "property": "email"}],
                    "mappings": [
                        {"column": "City", "property": "city"},
                        {"column": "Tags", "property": "tags", "rule": "add"},
                        {"column": "Spend", "property": "spend", "rule": "sum"},
                    ],
                },
                {
                    "type": "export_profiles",
                    "name": "vips",
                    "segment": "vip",
                    "directory": "out",
                    "file": {"name": "{segment}"},
                    "columns": [{"property": "email", "identifier": True}, {"profile_id": {}}],
                },
            ],
        }
    ],
}
MODEL, SHOP = GOOD["model"], GOOD["connections"][0]
Change = Callable[[dict[str, Any]], Any]


def set_at(*path: str | int, to: Any) -> Change:
    def change(data: dict[str, Any]) -> None:
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = to

    return change


def add_to(*path: str | int, item: Any) -> Change:
    def change(data: dict[str, Any]) -> None:
        for part in path:
            data = data[part]
        data.append(item)

    return change


def findings(change: Change) -> list[Finding]:
    data = copy.deepcopy(GOOD)
    change(data)
    return check(Deployment.model_validate(data))


PROPERTIES, SEGMENTS = ("model", "properties"), ("model", "segments")
GOALS = ("connections", 0, "goals")
IMPORT, EXPORT = (*GOALS, 0), (*GOALS, 1)
CLUBS = {
    "type": "import_groups",
    "name": "clubs",
    "group_type": "club",
    "files": {"root": "clubs.csv"},
    "identifiers": [{"column": "Id"}],
    "mappings": [{"column": "Title", "property": "title"}],
}
TYPES = ("model", "group_types")
KNOWN = "email, city, tags, spend, points, born"

CASES: list[tuple[str, Change, tuple[str | int, ...], str]] = [
    ("property case", add_to(*PROPERTIES, item={"name": "City"}), ("properties", 6, "name"),
     "property name 'City' is taken by 'city' (case does not count)"),
    ("reserved property", add_to(*PROPERTIES, item={"name": "Profile_ID"}), ("properties", 6, "name"),
     "property name 'Profile_ID' is reserved; take another name than: consented_objectives, created_at_position,"),
    ("segment twice", set_at(*SEGMENTS, 1, "name", to="vip"), ("segments", 1, "name"),
     "segment name 'vip' is taken by an earlier segment"),
    ("condition property", set_at(*SEGMENTS, 0, "where", "property", to="spent"),
     ("segments", 0, "where", "property"), "unknown property 'spent'; known, nearest first: spend, "),
    ("nested condition", set_at(*SEGMENTS, 1, "where", "all", 1, "any", 0, "property", to="cty"),
     ("segments", 1, "where", "all", 1, "any", 0, "property"),
     "unknown property 'cty'; known, nearest first: city, "),
    ("range of text", set_at(*SEGMENTS, 0, "where", "property", to="city"), ("segments", 0, "where", "operator"),
     "in_range needs a property of type currency, datetime, decimal, number; 'city' is text; accepted: contains_all,"),
    ("number bound", set_at(*SEGMENTS, 0, "where", "min", to="2026-01-01T00:00:00Z"),
     ("segments", 0, "where", "min"), "min must be a number such as 100; 'spend' is decimal"),
    ("time bound", set_at(*SEGMENTS, 1, "where", "all", 0, "max", to=7),
     ("segments", 1, "where", "all", 0, "max"),
     "max must be a date and time such as 2026-01-31T00:00:00Z; 'born' is datetime"),
    ("number value", set_at(*SEGMENTS, 0, "where",
     to={"property": "spend", "operator": "contains_any", "values": [5, "5.0", "lots"]}),
     ("segments", 0, "where", "values", 2), "'lots' is no number; 'spend' is decimal"),
    ("connection twice", add_to("connections", item=SHOP), ("name",),
     "connection name 'shop' is taken by another connection"),
    ("reserved connection", set_at("connections", 0, "name", to="segments"), ("name",),
     "connection name 'segments' is reserved; take another name than: events, "),
    ("goal twice", set_at(*EXPORT, "name", to="customers"), ("goals", 1, "name"),
     "goal name 'customers' is taken by an earlier goal"),
    ("reserved goal", set_at(*IMPORT, "name", to="done"), ("goals", 0, "name"),
     "goal name 'done' is reserved; take another name than: done, files"),
    ("mapping property", set_at(*IMPORT, "mappings", 0, "property", to="town"),
     ("goals", 0, "mappings", 0, "property"), "unknown property 'town'; known, nearest first: "),
    ("identifier property", set_at(*IMPORT, "identifiers", 0, "property", to="mail"),
     ("goals", 0, "identifiers", 0, "property"), "unknown property 'mail'; known, nearest first: email, "),
    ("identifier type", set_at(*IMPORT, "identifiers", 0, "property", to="born"),
     ("goals", 0, "identifiers", 0, "property"),
     "an identifier is of one of the types email, number, text; 'born' is datetime"),
    ("our own ending", set_at(*IMPORT, "files", "ready", to={"file": "{name}.done"}),
     ("goals", 0, "files", "ready", "file"),
     "imported files get .done behind their name (rename_done), which would look like a ready file; name another"),
    ("two identifiers", add_to(*IMPORT, "identifiers", item={"column": "C", "property": "email"}),
     ("goals", 0, "identifiers", 1, "property"),
     ("property 'email' identifies by column 'E-Mail' already; one property is read from one column"
      " (of several: docs/identifying.md)")),
    ("identifier twice", add_to(*IMPORT, "identifiers", item={"column": "E-Mail", "property": "email"}),
     ("goals", 0, "identifiers", 1), "this identifier stands in the list already; remove one"),
    ("group with itself", add_to(*IMPORT, "identifiers", item={"all": [{"column": "City", "property": "city"}] * 2}),
     ("goals", 0, "identifiers", 1), "this group names a column twice; remove one"),
    ("identifier column", add_to(*IMPORT, "mappings", item={"column": "Mail2", "property": "email"}),
     ("goals", 0, "mappings", 3, "column"),
     "'email' identifies this goal's profiles by column 'E-Mail'; a mapping into it must read that column, not"),
    ("add to one value", set_at(*IMPORT, "mappings", 0, "rule", to="add"), ("goals", 0, "mappings", 0, "rule"),
     "rule add needs multiple: true on property 'city'; without it, accepted: set, set_if_empty, set_or_clear"),
    ("sum of text", set_at(*IMPORT, "mappings", 0, "rule", to="sum"), ("goals", 0, "mappings", 0, "rule"),
     "rule sum needs a property with one value of type currency, decimal, number; 'city' is text; accepted: set, "),
    ("sum of several", set_at(*IMPORT, "mappings", 2, "property", to="points"),
     ("goals", 0, "mappings", 2, "rule"),
     "rule sum needs a property with one value of type currency, decimal, number; 'points' holds several values; "),
    ("mapped twice", add_to(*IMPORT, "mappings", item={"column": "City", "property": "city"}),
     ("goals", 0, "mappings", 3), "column 'City' into 'city' by rule set is mapped twice; remove one"),
    ("export segment", set_at(*EXPORT, "segment", to="vips"), ("goals", 1, "segment"),
     "unknown segment 'vips'; known, nearest first: vip, old"),
    ("export column", add_to(*EXPORT, "columns", item={"property": "town"}),
     ("goals", 1, "columns", 2, "property"), "unknown property 'town'; known, nearest first: "),
    ("same file", add_to(*GOALS, item=SHOP["goals"][1] | {"name": "again", "directory": "out/",
     "file": {"name": "Very.csv"}}), ("goals", 2, "file", "name"),
     "goal 'vips' writes the same file 'out/Very.csv'; give another name or directory, or put {goal} or {run_id}"),
    ("group type twice", add_to(*TYPES, item={"id": "club"}), ("group_types", 1, "id"),
     "group type 'club' is there already; give this one another id"),
    ("place of the members", add_to(*TYPES, item={"id": "club_members"}), ("group_types", 1, "id"),
     "groups_club_members is where the members of 'club' stand; give this group type another id"),
    ("reserved group property", add_to(*TYPES, 0, "properties", item={"name": "Group_id"}),
     ("group_types", 0, "properties", 2, "name"), "property name 'Group_id' is reserved; take another name than: "),
    ("group property twice", add_to(*TYPES, 0, "properties", item={"name": "title"}),
     ("group_types", 0, "properties", 2, "name"), "property name 'title' is taken by 'title'"),
    ("group in a group", set_at(*TYPES, 0, "properties", 0, "group_type", to="club"),
     ("group_types", 0, "properties", 0, "group_type"), "only profiles belong to groups; a group's property cannot"),
    ("link to no type", set_at(*PROPERTIES, 1, "group_type", to="clubs"), ("properties", 1, "group_type"),
     "unknown group type 'clubs'; known, nearest first: club"),
    ("goal of no type", add_to(*GOALS, item=CLUBS | {"group_type": "team"}), ("goals", 2, "group_type"),
     "unknown group type 'team'; known, nearest first: club"),
    ("profile's property in a group", add_to(*GOALS, item=CLUBS | {"mappings": [{"column": "City",
     "property": "city"}]}), ("goals", 2, "mappings", 0, "property"), "unknown property 'city'; known, "),
    ("group found by several values", add_to(*GOALS, item=CLUBS | {"identifiers": [{"column": "C",
     "property": "colours"}]}), ("goals", 2, "identifiers", 0, "property"),
     "a group is found by a property of one value; 'colours' holds several"),
    ("objective twice", set_at("model", "objectives", to=[{"id": "Ads"}, {"id": "ads"}]), ("objectives", 1, "id"),
     "objective 'ads' is there already (case does not count); give this one another id"),
    ("consent without objectives", add_to(*IMPORT, "mappings", item={"column": "Yes",
     "property": "consented_objectives", "rule": "add"}), ("goals", 0, "mappings", 3, "property"),
     "consented_objectives holds ids of objectives; name some in the customer model: objectives"),
    ("rule of a level", add_to(*IMPORT, "mappings", item={"column": "L", "property": "permission_level",
     "rule": "set_if_empty"}), ("goals", 0, "mappings", 3, "rule"),
     "permission_level is written by rule set, not set_if_empty"),
    ("consent in a group", add_to(*GOALS, item=CLUBS | {"mappings": [{"column": "L", "property": "permission_level"}]}),
     ("goals", 2, "mappings", 0, "property"), "unknown property 'permission_level'; known, nearest first: "),
    ("written group id", add_to(*GOALS, item=CLUBS | {"mappings": [{"column": "Id", "property": "group_id"}]}),
     ("goals", 2, "mappings", 0, "property"),
     "a group keeps the id it was made with, so group_id is no property to write; map this column into another"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "location", "message"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_rule_finds_its_mistake_and_only_that(change: Change, location: tuple[str | int, ...], message: str) -> None:
    found = findings(change)
    assert [(one.location, one.message[: len(message)]) for one in found] == [(location, message)]


def test_a_deployment_in_which_all_fits_has_no_findings() -> None:
    assert check(Deployment.model_validate(GOOD)) == []


@pytest.mark.parametrize(
    "change",
    [
        add_to(*GOALS, item=SHOP["goals"][1] | {"name": "b", "file": {"name": "{segment}_{timestamp}"}}),
        add_to(*GOALS, item=SHOP["goals"][1] | {"name": "b", "directory": "other"}),
        add_to(*GOALS, item=SHOP["goals"][1] | {"name": "b", "file": {"name": "{segment}", "gzip": True}}),
        add_to(*IMPORT, "mappings", item={"column": "E-Mail", "property": "email"}),
        add_to(*IMPORT, "mappings", item={"column": "City", "property": "city", "rule": "set_if_empty"}),
        set_at(*IMPORT, "format", to={"separator": ",", "decimal": ","}),
    ],
)
def test_what_only_looks_like_a_mistake_is_none(change: Change) -> None:
    assert findings(change) == []


def test_a_finding_tells_two_connections_of_one_name_apart() -> None:
    [found] = findings(add_to("connections", item=SHOP))
    assert (found.component, found.connection) == ("shop", 1)


def test_what_could_not_be_read_is_neither_unknown_nor_asked_for_its_type() -> None:
    data = copy.deepcopy(GOOD)
    data["model"]["properties"] = data["model"]["properties"][:1]
    data["model"]["segments"] = []
    unread = Unread(frozenset({"city", "tags", "spend"}), frozenset({"vip"}))
    deployment = Deployment.model_validate(data)
    assert check(deployment, unread) == []
    assert len(check(deployment)) == 4
    assert check(deployment, Unread(model=True)) == []


def test_suggestions_come_nearest_first_whatever_their_case() -> None:
    assert nearest_first("CITY", ["email", "capacity", "city"]) == ["city", "capacity", "email"]


def test_a_long_list_is_shortened() -> None:
    assert listed([str(number) for number in range(22)]).endswith("19, … and 2 more")
    assert listed([]) == "(none)"
