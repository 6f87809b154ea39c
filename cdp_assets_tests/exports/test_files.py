"""What stands in the files, byte for byte."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from cdp_assets.errors import ConfigError, NothingFoldedError
from cdp_assets.sql import schema, tables
from cdp_assets.sql.lifecycle_tables import LIFECYCLE_MEMBERS
from cdp_assets.sql.text import Sql
from cdp_assets_tests.support.exported import UUID, Desk, goal

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "note"},
    {"name": "tags", "multiple": True},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "last_visit", "type": "datetime"},
]
NOTE = [{"property": "email", "identifier": True}, {"property": "note"}]


@pytest.fixture
def desk(tmp_path):
    def make(profiles=None, *, columns=NOTE, model=None, segments=("vip",), members=None, **settings):
        found = Desk(tmp_path, PROPERTIES, goal(columns=columns, **settings), model, segments)
        if profiles is not None:
            found.fill(profiles, members)
        return found

    return make


def notes(*texts):
    """Profiles from 1 with these notes."""
    return {number: {"email": f"p{number}@x.com", "note": text} for number, text in enumerate(texts, start=1)}


ONBOARDING = {
    "lifecycles": [
        {
            "id": "onboarding",
            "name": "Onboarding",
            "entrance": {"property": "email", "not_is_empty": True},
            "stages": [{"id": "new", "where": {"property": "email", "not_is_empty": True}}],
        }
    ]
}


def test_the_example_of_the_specification(tmp_path):
    """Section 10.3, byte for byte."""
    columns = [
        {"profile_id": {}, "as": "id"},
        {"property": "email"},
        {"segments": "all"},
        {"lifecycles": "all"},
        {"property": "last_visit"},
        {"text": "cdp", "as": "source"},
    ]
    layout = {"date_format": "yyyy-MM-dd HH:mm", "timezone": "Europe/Amsterdam"}
    visit = datetime.fromtimestamp(1679913371.990, UTC)
    setup = goal(columns=columns, format=layout, ids="names")
    desk = Desk(tmp_path, PROPERTIES, setup, ONBOARDING, ("vip", "newsletter"))
    desk.deployment = with_titles(desk.deployment, {"vip": "VIP", "newsletter": "Newsletter"})
    jane = "41ebc321-b02b-4e8a-a368-82995c81fb18"
    desk.fill({1: {"email": "jane@example.com", "last_visit": visit}}, {"newsletter": [1], "vip": [1]})
    with desk.warehouse() as database:
        for table in ("profiles", "segment_members"):
            database.run(f"UPDATE main.{table} SET profile_id = '{jane}'")
        columns = ["lifecycle", "profile_id", "state", "stage"]
        database.insert(LIFECYCLE_MEMBERS.path, columns, [["onboarding", jane, "in_stage", "new"]])
    (data,) = desk.contents()
    assert data == (
        b"id,email,segments,lifecycles,last_visit,source\n"
        b"41ebc321-b02b-4e8a-a368-82995c81fb18,jane@example.com,VIP|Newsletter,Onboarding,2023-03-27 12:36,cdp\n"
    )


def with_titles(deployment, titles):
    data = deployment.model_dump(by_alias=True, mode="json")
    for segment in data["model"]["segments"]:
        segment["title"] = titles[segment["name"]]
    return type(deployment).model_validate(data)


def test_dates_are_unix_milliseconds_unless_a_column_says_otherwise(desk):
    columns = [
        {"property": "last_visit"},
        {"property": "last_visit", "as": "day", "date_format": "DD.MM.YYYY", "timezone": "Asia/Tokyo"},
        {"property": "creation_date", "as": "made", "date_format": "yyyy-MM-dd"},
    ]
    visit = datetime.fromtimestamp(1679913371.990, UTC)
    found = desk({1: {"last_visit": visit}}, columns=columns)
    assert found.text() == "last_visit,day,made\n1679913371990,27.03.2023,2026-03-01\n"


LAYOUTS = [
    ({}, 'p1@x.com,"a,b"\np2@x.com,"say ""x"""\np3@x.com,\np4@x.com," blank"\np5@x.com,"two\nlines"\n'),
    ({"separator": ";"}, 'p1@x.com;a,b\np2@x.com;"say ""x"""\np3@x.com;\np4@x.com;" blank"\np5@x.com;"two\nlines"\n'),
    ({"quoting": "all", "null_text": "NULL"},
     '"p1@x.com","a,b"\n"p2@x.com","say ""x"""\n"p3@x.com",NULL\n"p4@x.com"," blank"\n"p5@x.com","two\nlines"\n'),
    ({"escape": "\\", "line_ending": "crlf", "separator": "\\t"},
     'p1@x.com\ta,b\r\np2@x.com\t"say \\"x\\""\r\np3@x.com\t\r\np4@x.com\t" blank"\r\np5@x.com\t"two\nlines"\r\n'),
    ({"quote": "'"}, "p1@x.com,'a,b'\np2@x.com,say \"x\"\np3@x.com,\np4@x.com,' blank'\np5@x.com,'two\nlines'\n"),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "rows"), LAYOUTS)
def test_quotes_stand_where_they_are_needed(desk, layout, rows):
    found = desk(notes("a,b", 'say "x"', None, " blank", "two\nlines"), format=layout | {"header": False})
    assert found.text() == rows


def test_without_a_quote_character_a_value_that_needs_it_is_an_error_that_tells_where(desk):
    found = desk(notes("fine", "a,b"), format={"quote": ""})
    with pytest.raises(ConfigError, match=f"^Value needs quoting: column 'note' of profile {UUID.format(2)}; give"):
        found.contents()
    assert desk(notes("fine", 'say "x"'), format={"quote": ""}).text().endswith('p2@x.com,say "x"\n')


@pytest.mark.parametrize(
    ("layout", "begins"),
    [
        ({"bom": True}, b"\xef\xbb\xbfemail,note\np1@x.com,\xc3\xa9"),
        ({"encoding": "latin-1"}, b"email,note\np1@x.com,\xe9"),
        ({"encoding": "utf-16"}, "email,note\np1@x.com,é".encode("utf-16")),
    ],
)
def test_encodings(desk, layout, begins):
    (data,) = desk(notes("é"), format=layout).contents()
    assert data.startswith(begins)


def test_a_character_the_encoding_lacks_is_an_error_that_tells_where(desk):
    found = desk(notes("é", "10 €"), format={"encoding": "latin-1"})
    told = rf"column 'note' of profile {UUID.format(2)} holds the character U\+20AC, which latin-1 does not have"
    with pytest.raises(ConfigError, match=told):
        found.contents()
    assert b"10 \x80" in desk(notes("10 €"), format={"encoding": "windows-1252"}).contents()[0]


def test_formulas_are_guarded_on_demand_and_numbers_never(desk):
    columns = [{"property": "note"}, {"property": "spend"}]
    people = {
        number: {"note": text, "spend": Decimal(-5)} for number, text in enumerate(["=1+1", "+1", "-1", "@x", "ok"])
    }
    found = desk(people, columns=columns, format={"formula_guard": True, "header": False})
    assert found.text() == "'=1+1,-5.00\n'+1,-5.00\n'-1,-5.00\n'@x,-5.00\nok,-5.00\n"


def test_one_value_of_several_that_holds_their_separator_is_an_error_unless_it_is_kept(desk):
    people, columns = {1: {"tags": ["a|b", "c"]}}, [{"property": "tags"}]
    with pytest.raises(ConfigError, match="multi-value separator: column 'tags' of profile"):
        desk(people, columns=columns).contents()
    kept = desk(people, columns=columns, format={"multi_value_inside": "keep"})
    assert kept.text() == "tags\na|b|c\n"


def test_a_row_of_one_empty_cell_is_still_a_row(desk):
    assert desk(notes(None, "x"), columns=[{"property": "note"}]).text() == 'note\n""\nx\n'


def test_rows_are_sorted_by_properties_then_by_id(desk):
    people = {1: {"note": "b"}, 2: {"note": "a"}, 3: {}, 4: {"note": "b"}}
    order = [{"property": "note", "descending": True}]
    found = desk(people, columns=[{"profile_id": {}}], order_by=order, format={"header": False})
    assert [int(line[-1]) for line in found.text().split()] == [1, 4, 2, 3]


def test_profiles_without_an_identifier_or_in_an_excluded_segment_are_counted(desk):
    people = notes("a", "b", "c") | {9: {"note": "no address"}}
    members = {"vip": [1, 2, 3, 9], "left_out": [2, 9]}
    found = desk(people, segments=("vip", "left_out"), members=members, exclude_segments=["left_out"])
    made, _ = found.export()
    counts = made.counts
    assert (made.rows, counts.due, counts.excluded_segment, counts.no_identifier) == (2, 2, 2, 0)


def test_ids_give_way_to_names(desk):
    columns = [{"profile_id": {}}, {"segments": ["vip"], "as": "in"}]
    found = desk(notes("a") | {2: {}}, columns=columns, ids="names", model={"display_name": "email"})
    assert found.text() == f"profile_id,in\np1@x.com,Vip\n{UUID.format(2)},Vip\n"


def test_groups_give_way_to_their_names(tmp_path):
    properties = [
        {"name": "home", "group_type": "household"},
        {"name": "homes", "multiple": True, "group_type": "household"},
    ]
    kind = {"id": "household", "display_name": "family", "properties": [{"name": "family", "pii": True}]}
    columns = [{"property": "home"}, {"property": "homes"}]
    settings = goal(columns=columns, ids="names", format={"header": False})
    found = Desk(tmp_path, [PROPERTIES[0], *properties], settings, {"group_types": [kind]})
    found.fill(
        {1: {"home": "h1", "homes": ["h2", "h3", "h1"]}, 2: {"home": "h2"}, 3: {"homes": ["h9"]}, 4: {"homes": []}}
    )
    with found.warehouse() as database:
        for statement in schema.create_table(
            tables.groups_table("household", found.job.model.group_types[0].properties)
        ):
            database.run(statement)
        database.insert(
            Sql("main.groups_household"), ["group_id", "family"], [["h1", "Ito"], ["h2", None], ["h3", "O'Hara"]]
        )
    assert found.text() == "Ito,h2|O'Hara|Ito\nh2,\n,h9\n,\n"
    data = found.deployment.model_dump(by_alias=True, mode="json")
    data["connections"][0]["goals"][0]["processors"] = [{"pseudonymize": {}}]
    found.deployment = type(found.deployment).model_validate(data)
    assert "Ito" not in found.text()


def families(tmp_path, name, home="home"):
    """An export of the home of one profile by the group's `name`."""
    kind = {"id": "household", "display_name": name, "properties": [{"name": name}]}
    columns = [{"property": home}]
    settings = goal(columns=columns, ids="names", format={"header": False})
    found = Desk(tmp_path, [{"name": home, "group_type": "household"}], settings, {"group_types": [kind]})
    found.fill({1: {home: "h1"}})
    return found


@pytest.mark.parametrize("name", ["display_name", "label", "group_id_2", "profiles"])
@pytest.mark.parametrize("home", ["home", "display_name", "row_digest", "excluded", "stage"])
def test_any_name_of_the_naming_property_and_of_the_one_that_names_groups_can_be_exported(tmp_path, name, home):
    found = families(tmp_path, name, home)
    with found.warehouse() as database:
        kind = found.job.model.group_types[0]
        for statement in schema.create_table(tables.groups_table("household", kind.properties)):
            database.run(statement)
        database.insert(Sql("main.groups_household"), ["group_id", name], [["h1", "Ito"]])
    assert found.text() == "Ito\n"


@pytest.mark.parametrize("there", [True, False], ids=["no column yet", "no table yet"])
def test_a_name_of_groups_that_is_new_in_the_yaml_waits_for_the_fold(tmp_path, there):
    found = families(tmp_path, "display_name")
    if there:
        with found.warehouse() as database:
            for statement in schema.create_table(tables.groups_table("household", ())):
                database.run(statement)
    with pytest.raises(
        NothingFoldedError, match=r"shop/out asks for display_name of groups_household, new in the YAML: let the fold"
    ):
        found.export()


def test_processors_change_drop_and_add_before_writing(desk):
    processors = [
        {"filter": {"field": "note", "pattern": "^drop$", "keep": "other"}},
        {"casing": {"fields": ["note"], "to": "upper"}},
        {"concatenate": {"fields": ["email", "note"], "separator": "/", "into": "both"}},
    ]
    found = desk(notes("a", "drop", "c"), processors=processors)
    made, folder = found.export()
    text = (folder / "1").read_text()
    assert text == "email,note,both\np1@x.com,A,p1@x.com/A\np3@x.com,C,p3@x.com/C\n"
    assert (made.rows, made.counts.filtered) == (2, 1)
    with found.warehouse() as database:
        assert database.row("SELECT count(*) FROM ops.exported_rows") == (2,)


def test_pseudonymize_hashes_every_column_of_a_property_that_identifies(tmp_path):
    properties = [PROPERTIES[0], {"name": "phones", "multiple": True, "pii": True}, {"name": "note"}]
    columns = [{"property": "email", "as": "who"}, {"property": "phones"}, {"property": "note"}, {"profile_id": {}}]
    found = Desk(tmp_path, properties, goal(columns=columns, processors=[{"pseudonymize": {}}]))
    found.fill({1: {"email": "a@x.com", "phones": ["+31", "+32"], "note": "a@x.com"}, 2: {}})
    sha = {text: hashlib.sha256(text.encode()).hexdigest() for text in ("a@x.com", "+31", "+32")}
    assert found.text().splitlines()[1:] == [
        f"{sha['a@x.com']},{sha['+31']}|{sha['+32']},a@x.com,{UUID.format(1)}",
        f",,,{UUID.format(2)}",
    ]


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
@pytest.mark.parametrize("key", ["k", "é" * 33])
def test_with_a_key_pseudonyms_are_hmacs_of_it(tmp_path, monkeypatch, algorithm, key):
    properties = [PROPERTIES[0], {"name": "phones", "multiple": True, "pii": True}]
    columns = [{"property": "email"}, {"property": "phones"}]
    processors = [{"pseudonymize": {"algorithm": algorithm, "key": {"env": "PSEUDONYM_KEY"}, "normalise": True}}]
    found = Desk(tmp_path, properties, goal(columns=columns, processors=processors))
    found.fill({1: {"email": "A@x.com ", "phones": ["+31", "é"]}, 2: {}})
    with pytest.raises(ConfigError, match="environment variable PSEUDONYM_KEY is not set"):
        found.contents()
    monkeypatch.setenv("PSEUDONYM_KEY", key)
    mail, *phones = (hmac.new(key.encode(), text.encode(), algorithm).hexdigest() for text in ("a@x.com", "+31", "é"))
    assert found.text().splitlines()[1:] == [f"{mail},{'|'.join(phones)}", ","]


@pytest.mark.parametrize("split", [{"rows": 7}, {"rows": 20}, {"bytes": 1_000}, {"bytes": 1_003}])
@pytest.mark.parametrize("layout", [{}, {"encoding": "utf-16", "line_ending": "crlf"}, {"header": False, "bom": True}])
def test_parts_together_are_the_whole_and_each_is_within_its_bounds(desk, split, layout):
    people = notes(*(f"né {'😀' * (number % 9)} {number}\nx" for number in range(40)), "n" * 3_000, "last")
    whole = desk(people, format=layout).text()
    found = desk(people, format=layout, file={"split": split})
    made, folder = found.export()
    parts = [(folder / str(file.number)).read_bytes() for file in made.files]
    codec = found.job.goal.format.codec
    head = 0 if layout.get("header") is False else len(whole.splitlines(keepends=True)[0])
    assert whole[:head] + "".join(part.decode(codec)[head:] for part in parts) == whole
    assert [file.part for file in made.files] == list(range(1, len(parts) + 1))
    if "rows" in split:
        assert [file.rows for file in made.files[:-1]] == [split["rows"]] * (len(parts) - 1)
    else:
        assert all(len(part) <= split["bytes"] or file.rows == 1 for part, file in zip(parts, made.files, strict=True))
        sizes = [len(part) for part in parts]
        assert len([one for one, two in pairwise(sizes) if one + two <= split["bytes"]]) == 0


@pytest.mark.parametrize(
    ("population", "when_empty", "files"),
    [("all", "auto", 1), ("changed", "auto", 0), ("all", "no_file", 0), ("changed", "header", 1)],
)
def test_nobody_to_deliver(desk, population, when_empty, files):
    found = desk({}, population=population, file={"when_empty": when_empty})
    assert found.contents() == [b"email,note\n"] * files
