"""What `check` says of export goals, each alone and beside the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdp_assets.config.check import check
from cdp_assets.config.model import Deployment, pii_properties
from cdp_assets.config.processors import Processor
from cdp_assets_tests.support.exported import ANYBODY, goal
from cdp_assets_tests.support.lab import SERVER

COLUMNS = [{"property": "email", "identifier": True}, {"property": "tags"}]


def deployment(*goals: dict[str, Any], model: dict[str, Any] | None = None, **connection: Any) -> Deployment:
    properties = [{"name": "email", "type": "email"}, {"name": "tags", "multiple": True}, {"name": "crm", "pii": True}]
    segments = [{"name": name, "where": ANYBODY} for name in ("vip", "old")]
    found = [{"columns": COLUMNS} | item for item in goals]
    return Deployment.model_validate(
        {
            "model": {"properties": properties, "segments": segments} | (model or {}),
            "connections": [{"name": "shop", "server": SERVER, "goals": found} | connection],
        }
    )


def findings(*goals: dict[str, Any], **settings: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return [(one.location, one.message) for one in check(deployment(*goals, **settings))]


CASES = [
    ({"exclude_segments": ["older"]}, ("exclude_segments", 0), "unknown segment 'older'; known, nearest first: old"),
    ({"exclude_segments": ["vip"]}, ("exclude_segments", 0), "'vip' is the segment itself: nobody would be left"),
    ({"columns": [{"segments": ["vop"]}]}, ("columns", 0, "segments", 0), "unknown segment 'vop'"),
    ({"columns": [{"property": "mail"}]}, ("columns", 0, "property"), "unknown property 'mail'"),
    ({"order_by": ["name"]}, ("order_by", 0, "property"), "unknown property 'name'"),
    ({"order_by": ["tags"]}, ("order_by", 0, "property"), "'tags' holds several values; rows are sorted by single"),
    ({"processors": [{"trim": {"fields": ["mail"]}}]}, ("processors", 0),
     'Processor 1 (trim): field "mail" not found; the file has, nearest first: email, tags'),
    ({"processors": [{"pseudonymize": {"keep": ["mail"]}}]}, ("processors", 0),
     'Processor 1 (pseudonymize): field "mail" not found'),
    ({"processors": [{"trim": {"fields": ["email"]}, "stream": "events"}]}, ("processors", 0),
     "Processor 1 (trim): no file of this goal is meant by stream 'events'; accepted: profiles, events, nested, all"),
    ({"events": {"types": ["ordr"]}}, ("events", "types", 0), "unknown event type 'ordr'; known, nearest first: order"),
    ({"events": {"types": ["order"]}, "processors": [{"trim": {"fields": ["quantiti"]}, "stream": "order"}]},
     ("processors", 0), 'Processor 1 (trim): field "quantiti" not found; the file has, nearest first: quantity'),
    ({"events": {"types": ["order"]}, "processors": [{"trim": {"fields": ["sku", "index"]}, "stream": "events"}]},
     ("processors", 0), 'Processor 1 (trim): field "sku" not found; the file has, nearest first: dis'),
    ({"events": {"types": "all"}, "processors": [{"trim": {"fields": ["tax", "coupon"]}, "stream": "events"}]},
     ("processors", 0), 'Processor 1 (trim): file abandoned_basket has field "coupon", but not "tax"; name one file'),
    ({"events": {"types": ["order"]}, "format": {"quote": "", "separator": "_"}}, ("events",),
     "Value needs quoting: header 'profile_id' of order; give format.quote"),
    ({"events": {"types": ["order"]}, "file": {"name": "order"}}, ("events",),
     "profiles and events would go into the same file 'order.csv'; give another file.name"),
    ({"format": {"quote": ""}, "columns": [{"text": "x", "as": "a,b"}]}, ("columns", 0),
     "Value needs quoting: header 'a,b'; give format.quote, or another header"),
    ({"format": {"encoding": "latin-1"}, "columns": [{"text": "x", "as": "Preis €"}]}, ("columns", 0),
     "header 'Preis €' cannot be written in latin-1; choose utf-8"),
    ({"pgp": {"sign": True, "public_keys": [{"env": "K"}]}}, ("pgp", "sign"),
     "files are signed with the connection's own key; give pgp.private_key on the connection"),
    ({"pgp": {"armor": True}}, ("pgp", "armor"), "armor is about encrypted files, and there are no public_keys"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "place", "told"), CASES)
def test_a_mistake_is_told_with_its_place(settings, place, told):
    ((where, message),) = findings(goal() | settings)
    assert (where, message[: len(told)]) == (("goals", 0, *place), told)


def test_fields_that_processors_make_are_known_to_those_after_them():
    made = [{"fixed_value": {"field": "by", "value": "x"}}, {"casing": {"fields": ["by"], "to": "upper"}}]
    assert findings(goal(processors=made)) == []


def test_columns_of_our_own_are_no_mistakes():
    assert findings(goal(columns=[{"property": "creation_date"}], order_by=["last_modified_date"])) == []


TWINS = [
    ({}, {}, True),
    ({"file": {"name": "{goal}"}}, {"file": {"name": "{goal}"}}, False),
    ({"file": {"name": "x"}}, {"file": {"name": "x.csv"}}, True),
    ({"file": {"name": "x"}}, {"file": {"name": "x", "gzip": True}}, False),
    ({"file": {"name": "{segment}"}}, {"file": {"name": "Vip"}, "segment": "old"}, False),
    ({"file": {"name": "{segment}"}}, {"file": {"name": "vip"}, "segment": "old"}, True),
    ({"directory": "out"}, {"directory": "./out/"}, True),
    ({"directory": "out"}, {"directory": "/out"}, False),
    ({"file": {"name": "{run_id}"}}, {"file": {"name": "{run_id}"}}, False),
    ({"file": {"name": "{yyyy-MM-dd}"}}, {"file": {"name": "{yyyy-MM-dd}"}}, True),
]


def test_two_goals_never_write_the_same_file_of_events():
    one, two = ({"file": {"name": "{run_id}"}, "events": {"types": types}} for types in (["order"], "all"))
    assert [where for where, _ in findings(goal() | one, goal(name="again") | two)] == [("goals", 1, "events")]
    assert findings(goal() | one, goal(name="again", directory="there") | two) == []


def test_a_field_never_stands_beside_a_column_of_its_name():
    model = {"event_types": [{"id": "visit", "fields": [{"key": "event_type"}]}]}
    ((where, told),) = findings(goal(events={"types": "all"}), model=model)
    assert (where, told[:40]) == (("goals", 0, "events", "types"), "field 'event_type' of 'visit' has the na")


@pytest.mark.parametrize(("one", "two", "same"), TWINS)
def test_two_goals_never_write_the_same_file(one, two, same):
    found = findings(goal() | one, goal(name="again") | two)
    assert [where for where, _ in found] == [("goals", 1, "file", "name")] * same


def test_two_connections_to_one_server_never_write_the_same_file():
    setup = deployment(goal())
    twin = setup.connections[0].model_copy(update={"name": "other"})
    (found,) = check(setup.model_copy(update={"connections": (*setup.connections, twin)}))
    assert found.message.startswith("goal 'shop/out' writes the same file ")


def test_a_display_name_is_a_property_of_one_value():
    told = [message for _, message in findings(goal(), model={"display_name": "tags"})]
    assert told == ["'tags' holds several values; a profile is named by a property with one"]
    assert findings(goal(), model={"display_name": "crm"}) == []


def test_a_group_is_named_by_a_property_of_its_own():
    def told(name):
        properties = [{"name": "family"}, {"name": "dogs", "multiple": True}]
        kind = {"id": "household", "display_name": name, "properties": properties}
        return [message for _, message in findings(goal(), model={"group_types": [kind]})]

    assert told("famili") == ["group type 'household' has no property 'famili'; it has, nearest first: family, dogs"]
    assert told("dogs") == ["'dogs' holds several values; a group is named by a property with one"]
    assert told("family") == []


def test_who_is_identified_by_what():
    assert pii_properties(deployment(goal())) == {"email", "crm"}


def test_batches_know_their_hash_processor_as_before():
    """A batch is known by the text of its config, which must not change with the release."""
    processor = Processor.model_validate({"hash": {"fields": ["a"]}})
    told = {"hash": {"fields": ["a"], "algorithm": "sha256", "normalise": False}}
    assert json.loads(processor.model_dump_json()) == told
