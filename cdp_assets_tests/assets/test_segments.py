"""Segments as assets: in the order of need, and with their trend."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from cdp_assets.assets.build import model_definitions
from cdp_assets.assets.trends import INLINE, gauge, trend
from cdp_assets.config.model import Deployment
from cdp_assets_tests.assets.test_after_each_fold import Ticks
from cdp_assets_tests.assets.world import ANNA, BERT, MODEL, World, told

NEW = {"name": "new", "where": {"all": [{"inverse_of": "vip"}, {"property": "creation_date", "in_last_days": 1}]}}
NEW_IN_BREDA = {"name": "new_in_breda", "where": {"all": [{"segment": "new"}, {"sql": "city = 'Breda'"}]}}
VIP = {"name": "vip", "where": {"property": "spend", "in_range": {"min": 500}}}


@pytest.fixture
def needy(shop: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A shop whose segments are listed in the wrong order."""
    monkeypatch.setitem(MODEL, "segments", [NEW_IN_BREDA, NEW, VIP])
    shop.set_up()
    shop.put("customers_1.csv", ANNA, BERT)
    shop.add_partitions("1")
    assert shop.materialize("shop/customers", "1").success
    assert shop.materialize("profiles").success
    return shop


def test_a_segment_by_hand_brings_what_it_needs_up_to_date_once(needy: World) -> None:
    assert needy.materialize("segments/new_in_breda").success
    assert needy.materialize("segments/new_in_breda").success
    for name, times in (("vip", 1), ("new", 1), ("new_in_breda", 2)):
        events = needy.materializations(f"segments/{name}")
        assert [told(event)["dagster/row_count"] for event in events] == [1] * times


def test_after_a_fold_all_of_them_are_computed_once(needy: World) -> None:
    ticks = Ticks(needy)
    needy.put("customers_2.csv", "cleo@example.com,Delft,900\n")
    needy.add_partitions("2")
    assert needy.materialize("shop/customers", "2").success
    assert needy.materialize("profiles").success
    everything = {"segments/vip", "segments/new", "segments/new_in_breda"}
    assert ticks.next() >= everything
    ticks.run(everything)
    for _ in range(3):
        assert not ticks.next() & everything
    assert len(needy.rows("SELECT * FROM ops.segment_changes")) == 3


def test_the_trend_is_a_picture_and_a_table(needy: World) -> None:
    assert needy.materialize("segments/vip").success
    needy.put("customers_2.csv", "cleo@example.com,Delft,900\n")
    needy.add_partitions("2")
    assert needy.materialize("shop/customers", "2").success
    assert needy.materialize("profiles").success
    assert needy.materialize("segments/vip").success
    latest, first = needy.materializations("segments/vip")
    assert "trend" not in first.metadata
    picture = str(told(latest)["trend"])
    assert picture.startswith("![1 to 2 members in 2 runs](data:image/svg+xml;base64,")
    svg = ElementTree.fromstring(base64.b64decode(picture.split("base64,")[1].rstrip(")")))
    assert [text.text for text in svg.iter() if text.tag.endswith("text")][:2] == ["highest 2", "lowest 1"]
    assert [record.data["members"] for record in latest.metadata["runs"].records] == [2, 1]


def test_a_segment_hangs_on_what_it_asks_for() -> None:
    model = {
        **MODEL,
        "properties": [*MODEL["properties"], {"name": "home", "group_type": "household"}],
        "group_types": [{"id": "household"}],
        "event_types": [{"id": "visit"}],
        "segments": [
            VIP,
            {"name": "guests", "where": {"all": [
                {"event": {"type": "visit"}}, {"group": {"type": "household"}}, {"inverse_of": "vip"},
                {"event": {"type": "order", "count": {"at_most": 0}}},
                {"lifecycle": "club", "in_stage": ["one"]},
            ]}},
        ],
        "lifecycles": [
            {"id": "club", "entrance": {"segment": "vip"}, "stages": [{"id": "one", "where": {"segment": "vip"}}]}
        ],
    }  # fmt: skip
    found = model_definitions(Deployment.model_validate({"model": model, "connections": []}))
    (spec,) = [one for one in found.resolve_all_asset_specs() if one.key.path[-1] == "guests"]
    keys = {dep.asset_key.to_user_string() for dep in spec.deps}
    assert keys == {"profiles", "events/visit", "groups/household", "segments/vip", "lifecycles/club"}


def test_a_lifecycle_is_an_asset_behind_what_it_asks_for(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [
        {"id": "looking", "where": {"property": "city", "not_is_empty": True}},
        {"id": "buying", "name": "Buying", "where": {"segment": "vip"}},
    ]
    club = {"id": "club", "entrance": {"property": "email", "not_is_empty": True}, "stages": stages}
    starters = {"name": "starters", "where": {"lifecycle": "club", "not_in_stage": ["buying"]}}
    monkeypatch.setitem(MODEL, "segments", [VIP, starters])
    monkeypatch.setitem(MODEL, "lifecycles", [club])
    shop.set_up()
    shop.put("customers_1.csv", ANNA, BERT)
    shop.add_partitions("1")
    assert shop.materialize("shop/customers", "1").success
    assert shop.materialize("profiles").success
    for _ in range(2):
        assert shop.materialize("lifecycles/club").success
    assert len(shop.materializations("segments/vip")) == 1
    latest, _ = shop.materializations("lifecycles/club")
    assert [told(latest)[key] for key in ("dagster/row_count", "entered", "left", "completed")] == [2, 0, 0, 0]
    stages_told = [(row.data["stage"], row.data["profiles"]) for row in latest.metadata["stages"].records]
    assert stages_told == [("looking", 1), ("Buying", 1), ("(not assigned)", 0), ("(completed)", 0)]
    assert str(told(latest)["trend"]).startswith("![2 to 2 members in 2 runs]")
    assert [row.data["stages"] for row in latest.metadata["runs"].records] == ["looking 1, Buying 1"] * 2
    assert shop.materialize("segments/starters").success
    assert told(shop.materializations("segments/starters")[0])["dagster/row_count"] == 1
    assert len(shop.materializations("lifecycles/club")) == 2


def lines_of(picture: object) -> list[str]:
    """The words in a picture."""
    svg = ElementTree.fromstring(base64.b64decode(str(picture).split("base64,")[1].rstrip(")")))
    return [text.text or "" for text in svg.iter() if text.tag.endswith("text")]


def test_a_goal_shows_the_rows_of_its_files_and_how_many_were_rejected(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.put("customers_2.csv", ANNA, BERT, "cleo@example.com,Ede,1\n", "wrong,Ede,1\n")
    assert shop.run("shop__land_arrivals").success
    latest = told(shop.materializations("shop/customers")[0])
    assert str(latest["rows per file"]).startswith("![1 to 4 rows in 2 files]")
    assert lines_of(latest["rows per file"]) == ["highest 4", "lowest 1", "1", "2"]
    assert lines_of(latest["rejected (%) per file"])[:2] == ["highest 25", "lowest 0"]


def test_the_profiles_show_how_full_each_property_is(shop: World) -> None:
    shop.put("customers_1.csv", ANNA, "bert@example.com,,20\n")
    assert shop.run("shop__run_now").success
    rows = shop.materializations("profiles")[0].metadata["profiles with a value"].records
    told_rows = [(row.data["property"], row.data["filled"]) for row in rows]
    assert told_rows == [("email", "100.0 %"), ("spend", "100.0 %"), ("city", "50.0 %")]
    assert rows[2].data["of all"] == "███████░░░░░░░"


def test_only_a_property_that_all_profiles_have_has_a_full_bar() -> None:
    assert [gauge(share).count("█") for share in (0, 50, 99.5, 99.99, 100)] == [0, 7, 13, 13, 14]


def test_a_picture_of_many_points_is_short_enough_to_be_shown_at_once_and_keeps_its_peak() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    points = [(start + timedelta(days=day), 9_876_543.0 if day == 77 else day % 9) for day in range(200)]
    for ends in (None, ("a_file_with_quite_a_long_name_1.csv", "a_file_with_quite_a_long_name_2.csv")):
        picture = trend(points, "per cent rejected", "files", ends=ends)
        assert len(picture) < INLINE
        svg = ElementTree.fromstring(base64.b64decode(picture.split("base64,")[1].rstrip(")")))
        (line,) = [one.attrib["d"] for one in svg if one.tag.endswith("path")]
        drawn = [int(place.split(",")[1]) for place in line.removeprefix("M").split()]
        assert len(drawn) > 20
        assert max(drawn) - min(drawn) > 40
