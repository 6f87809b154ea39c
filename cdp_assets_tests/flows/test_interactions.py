"""Interactions viewed (spec.md 9.4): rows of a file as views, clicks and conversions of their profiles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cdp_assets.config.check import check
from cdp_assets_tests.flows.test_fold import goal
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "crm"}, {"name": "city"}]
VIEWED = {"id": "what", "kind": "how", "time": "when", "value": "worth"}
HEADER = "email,what,how,when,worth\n"
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def viewed_goal(interactions=VIEWED, **settings):
    return goal(interactions=interactions, **settings) | {"mappings": settings.get("mappings", [])}


def lab(tmp_path, *goals, **model):
    return Lab(tmp_path, deployment(PROPERTIES, list(goals) or [viewed_goal()], **model))


def land(room, text, day=1, *, header=HEADER, **settings):
    at = EPOCH + timedelta(days=day)
    return room.land(
        "customers", f"customers_202602{day:02d}.csv", header + text, look_at=at, modified_at=at, **settings
    )


def seen(room, columns="interaction_id, kind, time, value"):
    return room.rows(f"SELECT {columns} FROM main.interactions ORDER BY ALL")


def rejects(room):
    return room.rows("SELECT line_no, column_name, raw_text, reason FROM ops.rejects ORDER BY ALL")


def test_each_row_is_an_interaction_of_its_profile_and_a_repeated_one_counts_once(tmp_path):
    room = lab(tmp_path)
    land(
        room,
        "a@x.com,banner,view,2026-01-01,\na@x.com,banner,Click,2026-01-01,\na@x.com,banner,VIEW,2026-01-01,\n"
        "b@x.com,banner,conversion,2026-01-01,9.95\nb@x.com,,,,\n",
    )
    land(room, "a@x.com,banner,view,2026-01-02,\nb@x.com,banner,conversion,2026-01-01,12\n", 2)
    room.fold()
    assert seen(room) == [
        ("banner", "CLICK", DAY, None),
        ("banner", "CONVERSION", DAY, Decimal("12.0000")),
        ("banner", "VIEW", DAY, None),
        ("banner", "VIEW", DAY + timedelta(days=1), None),
    ]
    names = "events_received, events_created, events_set, events_rejected"
    assert room.rows(f"SELECT {names} FROM ops.batches ORDER BY position") == [(4, 3, 0, 0), (2, 1, 1, 0)]
    before = room.dump()
    assert len(before["events_interactions"]) == 4
    room.fold(rebuild=True)
    assert room.dump() == before
    assert len(seen(room)) == 4


def test_a_fixed_kind_needs_no_column_and_a_wrong_one_is_rejected_with_the_accepted(tmp_path):
    room = lab(tmp_path, viewed_goal({"id": "what", "kind": "view", "time": "when"}))
    land(room, "a@x.com,banner,,2026-01-01,\na@x.com,,,2026-01-01,\na@x.com,popup,,soon,\na@x.com,,x,,1\n")
    room.fold()
    assert seen(room, "interaction_id, kind") == [("banner", "VIEW")]
    assert rejects(room) == [
        (3, "what", None, "#: required key [interaction_id] not found"),
        (4, "when", "soon", "Missing event date"),
    ]
    other = lab(tmp_path / "other")
    land(other, "a@x.com,banner,open,2026-01-01,\na@x.com,banner,,2026-01-01,\na@x.com,popup,click,2026-01-01,x\n")
    other.fold()
    assert seen(other) == []
    assert rejects(other) == [
        (2, "how", "open", "#/kind/0: expected one of: VIEW, CLICK, CONVERSION"),
        (3, "how", None, "#: required key [kind] not found"),
        (4, "worth", "x", "#/value/0: expected type: Number, found: String"),
    ]


def test_late_files_and_merged_profiles_end_in_the_same_interactions(tmp_path):
    identifiers = [{"column": "email", "property": "email"}, {"column": "crm", "property": "crm"}]
    settings = {"identifiers": identifiers}
    header = "email,crm,what,how,when,worth\n"
    texts = {
        1: "a@x.com,,banner,view,2026-01-01,1\n,7,banner,view,2026-01-01,2\n",
        2: ",7,popup,click,2026-01-02,\n",
        3: "a@x.com,7,banner,view,2026-01-03,\n",
    }
    dumps = []
    for number, order in enumerate([(1, 2, 3), (3, 2, 1)]):
        room = lab(tmp_path / str(number), viewed_goal(**settings), merging={})
        for day in order:
            land(room, texts[day], day, header=header)
            room.fold()
        assert room.rows("SELECT count(DISTINCT profile_id) FROM main.interactions") == [(1,)]
        assert seen(room, "interaction_id, kind, value") == [
            ("banner", "VIEW", Decimal("2.0000")),
            ("banner", "VIEW", None),
            ("popup", "CLICK", None),
        ]
        dumps.append(room.dump())
    assert dumps[0] == dumps[1]


def test_they_stand_beside_mappings_and_events_and_may_come_from_a_linked_file(tmp_path):
    linked = [{"name": "seen", "file": "seen_*.csv", "column": "crm", "parent_column": "crm"}]
    interactions = {"id": "seen.what", "kind": "seen.how", "time": "seen.when", "source": "seen"}
    room = lab(tmp_path, viewed_goal(interactions, files={"linked": linked}))
    text = ("seen_20260201.csv", "crm,what,how,when\n7,banner,view,2026-01-01\n7,banner,click,2026-01-02\n")
    land(room, "a@x.com,7\nb@x.com,8\n", header="email,crm\n", linked={"seen": text})
    room.fold()
    assert seen(room, "interaction_id, kind") == [("banner", "CLICK"), ("banner", "VIEW")]


def test_a_full_file_applies_its_rows_anew_once_the_kind_is_another(tmp_path):
    room = lab(tmp_path, viewed_goal({"id": "what", "kind": "view", "time": "when"}, files={"delta": False}))
    land(room, "a@x.com,banner,,2026-01-01,\n")
    room.fold()
    room.deployment = deployment(
        PROPERTIES, [viewed_goal({"id": "what", "kind": "click", "time": "when"}, files={"delta": False})]
    )
    land(room, "a@x.com,banner,,2026-01-01,\nb@x.com,banner,,2026-01-01,\n", 2)
    room.fold()
    assert seen(room, "interaction_id, kind") == [("banner", "CLICK"), ("banner", "CLICK"), ("banner", "VIEW")]


def test_every_column_and_the_view_itself_tell_what_they_are(tmp_path):
    room = lab(tmp_path)
    land(room, "a@x.com,banner,view,2026-01-01,\n")
    room.fold()
    where = "schema_name = 'main' AND {} = 'interactions'"
    found = room.rows(f"SELECT column_name, comment FROM duckdb_columns() WHERE {where.format('table_name')}")
    assert [name for name, _ in found] == ["profile_id", "interaction_id", "kind", "time", "value"]
    assert all(comment for _, comment in found)
    ((comment,),) = room.rows(f"SELECT comment FROM duckdb_views() WHERE {where.format('view_name')}")
    assert comment


def test_what_profiles_saw_can_be_asked_for_in_a_segment(tmp_path):
    condition = {"field": "interaction_id", "contains_any": ["banner"]}
    segment = {"name": "saw_it", "where": {"event": {"type": "interactions", "where": [condition]}}}
    assert check(deployment(PROPERTIES, [viewed_goal()], segments=[segment])) == []


@pytest.mark.parametrize(
    ("interactions", "events", "told"),
    [
        (VIEWED | {"source": "none"}, [], "unknown source 'none'"),
        (VIEWED, [{"type": "interactions", "date": "when"}], "are brought by the goal's `interactions`"),
    ],
)
def test_what_does_not_fit_is_told_at_load(interactions, events, told):
    found = check(deployment(PROPERTIES, [viewed_goal(interactions, events=events)]))
    assert [told in finding.message for finding in found] == [True]
