"""Segments in a warehouse of a few people: who needs whom, what analysts write in SQL, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError, NothingFoldedError, WarehouseError
from cdp_assets.flows.compute_members import compute_members
from cdp_assets.flows.compute_segments import Computed
from cdp_assets.sql.schema import create_table
from cdp_assets.sql.tables import profiles_table
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.documents.blocks import ROOT, blocks
from cdp_assets_tests.support.fresh import make_fresh

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
VIP = {"name": "vip", "where": {"property": "spend", "in_range": {"min": 500}}}
NOT_VIP = {"name": "not_vip", "where": {"inverse_of": "vip"}}
IN_EDE = {"name": "in_ede", "where": {"all": [{"segment": "not_vip"}, {"property": "city", "values": ["ede"]}]}}
PEOPLE = {1: ("Ede", 600), 2: ("Ede", 20), 3: ("Epe", None), 4: (None, 500)}


def model(*segments):
    properties = [{"name": "city"}, {"name": "spend", "type": "decimal"}, {"name": "seen", "type": "datetime"}]
    return CustomerModelConfig.model_validate({"properties": properties, "segments": segments})


def written(text):
    return model({"name": "written", "where": {"sql": text}})


@pytest.fixture
def warehouse(tmp_path):
    make_fresh(tmp_path / "warehouse.duckdb")
    with open_warehouse(tmp_path / "warehouse.duckdb", temporary=tmp_path / "spill") as database:
        for statement in create_table(profiles_table(model().properties)):
            database.run(statement)
        rows = [[person(number), *given, NOW - timedelta(days=number)] for number, given in PEOPLE.items()]
        database.insert(Sql("main.profiles"), ["profile_id", "city", "spend", "seen"], rows)
        yield database


def person(number):
    return f"00000000-0000-0000-0000-{number:012d}"


def compute_segments(database, setup, names, at, *, anew=True):
    return compute_members(database, setup, at, segments=names, anew=anew).segments


def members(database, segment):
    query = Sql("SELECT profile_id FROM main.segment_members WHERE segment = ? ORDER BY profile_id")
    return [one.int for (one,) in database.rows(query, [segment])]


def selected(database, text):
    compute_segments(database, written(text), ["written"], NOW)
    return members(database, "written")


def test_what_a_segment_needs_is_computed_before_it(warehouse):
    found = compute_segments(warehouse, model(IN_EDE, NOT_VIP, VIP), ["in_ede"], NOW)
    assert list(found) == ["vip", "not_vip", "in_ede"]
    assert [members(warehouse, name) for name in found] == [[1, 4], [2, 3], [2]]


def test_a_needed_segment_is_left_alone_while_it_is_current(warehouse):
    everything = model(IN_EDE, NOT_VIP, VIP)
    compute_segments(warehouse, everything, ["in_ede"], NOW)
    assert list(compute_segments(warehouse, everything, ["in_ede"], LATER, anew=False)) == ["in_ede"]
    cheaper = model(IN_EDE, NOT_VIP, VIP | {"where": {"property": "spend", "in_range": {"min": 10}}})
    found = compute_segments(warehouse, cheaper, ["in_ede"], LATER, anew=False)
    assert list(found) == ["vip", "not_vip", "in_ede"]
    assert members(warehouse, "in_ede") == []


def test_a_needed_segment_is_computed_again_after_a_fold(warehouse):
    compute_segments(warehouse, model(VIP, NOT_VIP), ["vip"], NOW)
    warehouse.run(Sql("INSERT INTO ops.batches (batch_id, folded_at) VALUES ('b', ?)"), [LATER])
    assert list(compute_segments(warehouse, model(VIP, NOT_VIP), ["not_vip"], LATER, anew=False)) == ["vip", "not_vip"]
    assert list(compute_segments(warehouse, model(VIP, NOT_VIP), ["not_vip"], LATER, anew=False)) == ["not_vip"]


def test_who_stays_keeps_the_time_of_entry(warehouse):
    compute_segments(warehouse, model(VIP), ["vip"], NOW)
    warehouse.run(Sql("UPDATE main.profiles SET spend = 1000 - coalesce(spend, 0) WHERE profile_id <> ?"), [person(4)])
    found = compute_segments(warehouse, model(VIP), ["vip"], LATER)["vip"]
    assert (found.size, found.joined, found.left, found.profiles) == (3, 2, 1, 4)
    assert found.history == (Computed(NOW, 2, 2, 0), Computed(LATER, 3, 2, 1))
    rows = warehouse.rows(Sql("SELECT profile_id, entered_at FROM main.segment_members ORDER BY profile_id"))
    assert [(one.int, at) for one, at in rows] == [(2, LATER), (3, LATER), (4, NOW)]


def test_again_without_changes_nobody_joins_or_leaves(warehouse):
    compute_segments(warehouse, model(VIP), ["vip"], NOW)
    again = compute_segments(warehouse, model(VIP), ["vip"], LATER)["vip"]
    assert (again.size, again.joined, again.left) == (2, 0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("city = 'Ede'", [1, 2]),
        ("city = 'Ede' -- and nobody else", [1, 2]),
        ("spend IS NULL OR spend < 100;", [2, 3]),
        ("spend > avg(spend) OVER ()", [1, 4]),
        ("spend > (SELECT avg(spend) FROM profiles)", [1, 4]),
        ("(SELECT max(spend) FROM profiles) = spend", [1]),
        ("seen >= $now - INTERVAL 2 DAY", [1, 2]),
        ("SELECT profile_id FROM profiles WHERE city = 'Ede'", [1, 2]),
        ("SELECT profile_id FROM profiles WHERE seen < $now - INTERVAL '60 hours'; ", [3, 4]),
        ("FROM profiles SELECT profile_id WHERE spend > 100 -- big", [1, 4]),
        ("WITH big AS (SELECT * FROM profiles WHERE spend > 30) SELECT profile_id FROM big", [1, 4]),
        ("SELECT NULL::UUID UNION ALL SELECT profile_id FROM profiles WHERE city = 'Epe'", [3]),
        ("SELECT '00000000-0000-0000-0000-00000000dead'::UUID", []),
        ("city = '{x}' OR city = 'Epe'", [3]),
    ],
)
def test_sql_of_an_analyst_selects(warehouse, text, expected):
    assert selected(warehouse, text) == expected


def test_the_birthdays_of_the_documents_come_every_year(warehouse):
    (block,) = [block.text for block in blocks(ROOT / "docs" / "segments.md") if "birthday_soon" in block.text]
    (recipe,) = yaml.safe_load(block)
    born = {1: "1980-03-01", 2: "1980-03-08", 3: "1980-03-09", 4: "1980-02-28"}
    for number, day in born.items():
        warehouse.run(Sql("UPDATE main.profiles SET seen = ?::TIMESTAMPTZ WHERE profile_id = ?"), [day, person(number)])
    assert selected(warehouse, recipe["where"]["sql"].replace("birthday", "seen")) == [1, 2]


def test_sql_stands_in_a_tree_beside_other_conditions(warehouse):
    tree = {"all": [{"not": {"sql": "city = 'Ede'"}}, {"inverse_of": "vip"}]}
    compute_segments(warehouse, model({"name": "mixed", "where": tree}, VIP), ["mixed"], NOW)
    assert members(warehouse, "mixed") == [3]


REFUSED = [
    ("DELETE FROM profiles", "can only read, by a SELECT or an expression"),
    ("COPY profiles TO 'x.csv'", "can only read"),
    ("ATTACH 'x.duckdb'", "can only read"),
    ("SET threads = 1", "can only read"),
    ("city = ", "cannot be read as SQL: syntax error at or near"),
    ("SELECT profile_id FROM profiles; SELECT 1", "must be one SELECT"),
    ("true); DELETE FROM profiles; SELECT (true", "can only read"),
    ("true), (false", "must be one SELECT of profile_id, or one expression"),
    ("true) FROM profiles WHERE (true", "must be one SELECT of profile_id, or one expression"),
    ("SELECT profile_id FROM read_csv('people.csv')", "may read tables only, not read_csv()"),
    ("city IN (SELECT content FROM read_text('/etc/passwd'))", "may read tables only, not read_text()"),
    ("SELECT profile_id FROM query('DELETE FROM profiles')", "may read tables only, not query()"),
    ("seen > now() - INTERVAL 1 DAY", "may not use now(), which changes by itself; write $now"),
    ("seen::DATE = current_date", "may not use current_date, which"),
    ("age(seen) > INTERVAL 1 DAY", "may not use age(), which"),
    ("random() < 0.5", "may not use random(), which"),
    ("SELECT profile_id FROM profiles USING SAMPLE 10", "may not leave anything to chance"),
    ("seen > $today", "has an unknown parameter $today; there is $now"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_sql_that_is_no_condition_is_refused_before_it_runs(warehouse, text, told):
    with pytest.raises(ConfigError, match="segment written: sql ") as caught:
        selected(warehouse, text)
    assert told in str(caught.value)
    assert warehouse.row(Sql("SELECT count(*) FROM main.profiles")) == (4,)


@pytest.mark.parametrize("text", ["SELECT profile_id FROM '{}'", "city IN (SELECT a FROM '{}')"])
def test_a_file_is_no_table(warehouse, tmp_path, text):
    path = tmp_path / "people.csv"
    path.write_text("profile_id,a\n1,2\n")
    with pytest.raises(WarehouseError, match=r"Catalog Error|Permission Error"):
        selected(warehouse, text.format(path))


def test_sql_that_fails_on_the_data_spares_the_segments_before_it(warehouse):
    bad = {"name": "bad", "where": {"sql": "CAST(city AS INTEGER) > 3"}}
    with pytest.raises(WarehouseError, match="Conversion Error"):
        compute_segments(warehouse, model(VIP, bad), ["vip", "bad"], NOW)
    assert members(warehouse, "vip") == [1, 4]
    assert members(warehouse, "bad") == []


def test_a_property_without_a_column_waits_for_the_fold(warehouse):
    new = CustomerModelConfig.model_validate(
        {
            "properties": [{"name": "size"}],
            "segments": [{"name": "big", "where": {"property": "size", "values": ["XL"]}}],
        }
    )
    with pytest.raises(NothingFoldedError, match="segment big asks for size, new in the YAML: let the fold run first"):
        compute_segments(warehouse, new, ["big"], NOW)
