"""`python -m cdp_assets profile`: what it prints, and its exit code."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.config.model import Deployment
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, connection
from cdp_assets_tests.support.lab import Lab


def room_of(tmp_path, monkeypatch, model, shop) -> Lab:
    """A deployment that the commands find, too."""
    for name, kind, attributes in (("model", "CustomerModel", model), ("shop", "SftpConnection", shop)):
        (tmp_path / "defs" / name).mkdir(parents=True)
        component = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (tmp_path / "defs" / name / "defs.yaml").write_text(yaml.safe_dump(component))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    return Lab(tmp_path / "data", Deployment.model_validate({"model": model, "connections": [shop]}))


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Two days of customers."""
    shop = connection(goals=[CUSTOMERS])
    room = room_of(tmp_path, monkeypatch, MODEL, shop)
    room.land("customers", "customers_20260101.csv", "E-Mail,City,Spend\nc@d.nl,Ede,1\na@b.nl,Breda,2.50\n")
    room.land("customers", "customers_20260102.csv", "E-Mail,City,Spend\na@b.nl,[b]Goes,1\n")
    room.fold()
    return room


def test_a_profile_is_shown_with_the_lines_its_values_came_from(room, capsys):
    assert main(["profile", "a@b.nl"]) == 0
    told = capsys.readouterr().out
    for value in dict.fromkeys(re.findall(r"\b[0-9a-f]{8}\b(?!-)", told)):
        told = told.replace(value, "12345678")
    told = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "an-id", told)
    assert "\n".join(line.rstrip() for line in told.splitlines()).strip("\n") == GOLDEN.strip("\n")


def test_its_stage_in_each_lifecycle_is_shown(room, capsys):
    with open_warehouse(room.folders.warehouse) as database:
        database.run(
            Sql(
                "INSERT INTO main.lifecycle_members (lifecycle, profile_id, state, stage, stage_number)"
                " SELECT 'club', profile_id, 'in_stage', 'buyers', 2 FROM main.profiles"
            )
        )
    assert main(["profile", "a@b.nl"]) == 0
    told = capsys.readouterr().out.partition("Lifecycles")[2]
    assert told.split()[:1] == ["lifecycle"]
    assert ["club", "in_stage", "buyers", "2"] in [line.split()[:4] for line in told.splitlines()]


def test_events_are_shown_with_their_items_and_lines_and_properties_without_regard_to_case(
    tmp_path, monkeypatch, capsys
):
    names = {"property": "product", "mappings": [{"column": "sku", "property": "id"}]}
    names["mappings"] += [{"column": "qty", "property": "quantity"}, {"column": "what", "property": "name"}]
    total = {"column": "sum", "property": "total_revenue"}
    orders = CUSTOMERS | {
        "mappings": [{"column": "City", "property": "City"}],
        "events": [{"type": "order", "id": "no", "date": "day", "nested": [names], "mappings": [total]}],
    }
    model = MODEL | {"properties": [{"name": "email", "type": "email"}, {"name": "City"}], "segments": []}
    shop = connection(goals=[orders])
    room = room_of(tmp_path, monkeypatch, model, shop)
    rows = "".join(f"a@b.nl,Ede,1,2026-01-01,s{n},{n},{'Loaf' if n == 1 else ''},9.5\n" for n in range(1, 6))
    room.land("customers", "customers_20260101.csv", f"E-Mail,City,no,day,sku,qty,what,sum\n{rows}")
    room.fold()
    assert main(["profile", "a@b.nl"]) == 0
    properties, _, events = capsys.readouterr().out.partition("order events, the latest")
    assert [line.split()[0] for line in properties.splitlines() if "customers_2026" in line] == ["City", "email"]
    heading, _, *body = events.strip().splitlines()
    assert heading.split() == ["date", "(UTC)", "what", "it", "holds", "file", "line"]
    assert max(map(len, events.splitlines())) <= 100
    text = " ".join(" ".join(body).split())
    assert all(told in text for told in ("1 x Loaf", "2 x s2", "3 x s3", "2 more", "total_revenue 9.50,"))
    assert ("s4" in text, body[0].split()[-1]) == (False, "6")
    assert main(["profile", "a@b.nl", "--json"]) == 0
    (event,) = json.loads(capsys.readouterr().out)["events"]["events_order"]
    assert (event["line"], [item["id"] for item in event["product"]]) == (6, ["s1", "s2", "s3", "s4", "s5"])


def test_whole_days_are_shown_without_a_time(tmp_path, monkeypatch, capsys):
    mappings = [{"column": "born", "property": "born"}, {"column": "seen", "property": "seen"}]
    goal = CUSTOMERS | {"identifiers": [{"column": "email", "property": "email"}], "mappings": mappings}
    born = {"name": "born", "type": "datetime", "whole_days": True}
    model = {"properties": [{"name": "email", "type": "email"}, born, {"name": "seen", "type": "datetime"}]}
    shop = connection(goals=[goal])
    room = room_of(tmp_path, monkeypatch, model, shop)
    room.land("customers", "customers_20260101.csv", "email,born,seen\na@b.nl,1968-02-06,2025-12-31\n")
    room.fold()
    assert main(["profile", "a@b.nl"]) == 0
    told = capsys.readouterr().out
    assert "1968-02-06 " in told
    assert "1968-02-06 00:00" not in told
    assert "2025-12-31 00:00" in told
    assert main(["profile", "a@b.nl", "--history", "born"]) == 0
    told = capsys.readouterr().out
    assert "1968-02-06" in told
    assert "1968-02-06 00:00" not in told


def test_the_history_of_a_property_is_told_from_the_first(room, capsys):
    assert main(["profile", "a@b.nl", "--history", "city"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "customers_2026" in line]
    assert [line[1:3] for line in lines] == [["·", "Breda"], ["Breda", "[b]Goes"]]


def test_as_json_every_value_stands_beside_its_rows(room, capsys):
    assert main(["profile", "a@b.nl", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"] is True
    assert told["properties"]["city"]["value"] == "[b]Goes"
    assert [(item["file"], item["line"]) for item in told["properties"]["city"]["from"]] == [
        ("customers_20260102.csv", 2)
    ]


def test_another_value_than_the_files_make_is_told_loudly(room, capsys):
    with open_warehouse(room.folders.warehouse) as database:
        database.run(Sql("UPDATE main.profiles SET city = 'Rome'"))
    assert main(["profile", "a@b.nl"]) == 1
    assert "WARNING: folding the rows of this profile anew gives another value for city" in capsys.readouterr().err


def test_a_property_that_is_not_there_is_told(room, capsys):
    assert main(["profile", "a@b.nl", "--history", "town"]) == 1
    assert "profiles have no property town; there are: city" in capsys.readouterr().err


GOLDEN = """
profile an-id (DEFAULT)
  found by email
  created 2026-01-01 00:00 UTC by email a@b.nl
  last modified 2026-01-01 00:00 UTC
  imported by shop
  2 rows of files lead to it

Properties
property   value     file                     line   seen (UTC)         batch
────────────────────────────────────────────────────────────────────────────────
city       [b]Goes   customers_20260102.csv      2   2026-01-01 00:00   12345678
email      a@b.nl    customers_20260101.csv      3   2026-01-01 00:00   12345678
spend      3.50      customers_20260102.csv      2   2026-01-01 00:00   12345678
                     customers_20260101.csv      3   2026-01-01 00:00   12345678
"""


def test_by_a_number_that_was_replaced_is_told_who_came_of_it(tmp_path, monkeypatch, capsys):
    number = {"column": "number", "property": "number"}
    email = {"column": "email", "property": "email"}
    goal = CUSTOMERS | {"identifiers": [number, email], "mappings": [number | {"rule": "set"}]}
    model = {"properties": [{"name": "email", "type": "email"}, {"name": "number"}]}
    room = room_of(tmp_path, monkeypatch, model, connection(goals=[goal]))
    room.land("customers", "customers_20260101.csv", "number,email\n71,a@b.nl\n")
    room.land("customers", "customers_20260102.csv", "number,email\n72,a@b.nl\n")
    room.fold()
    assert main(["profile", "71"]) == 1
    assert capsys.readouterr().err == (
        "error: no profile has this value in email, number, or as its id; 1 profile comes of number 71, which no"
        " longer finds anybody: look for email a@b.nl\n"
    )
