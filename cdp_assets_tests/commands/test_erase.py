"""`python -m cdp_assets erase`: from a file, standard input or the command line; what it prints."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import timedelta

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.assets.fold_metadata import fold_metadata
from cdp_assets.commands.summary import print_summary
from cdp_assets.commands.tables import new_console
from cdp_assets.config.model import Deployment
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, connection
from cdp_assets_tests.support.lab import Lab


@pytest.fixture
def room(tmp_path, monkeypatch):
    shop = connection(goals=[CUSTOMERS])
    for name, kind, attributes in (("model", "CustomerModel", MODEL), ("shop", "SftpConnection", shop)):
        (tmp_path / "defs" / name).mkdir(parents=True)
        component = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (tmp_path / "defs" / name / "defs.yaml").write_text(yaml.safe_dump(component))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    room = Lab(tmp_path / "data", Deployment.model_validate({"model": MODEL, "connections": [shop]}))
    room.land("customers", "customers_20260101.csv", "E-Mail,City,Spend\nc@d.nl,Ede,1\na@b.nl,Breda,2.50\n")
    room.fold()
    return room


def test_a_file_of_people_is_erased_and_the_report_names_nobody(room, tmp_path, capsys):
    people = tmp_path / "people.csv"
    people.write_text("email\na@b.nl\n\nnew@b.nl\n")
    assert main(["erase", "--file", str(people)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 profile erased; 2 identifiers are kept out from now on",
        "no profile has ever had what you gave as identifier 2: is it written right? It is kept out too",
        "removed:",
        "  1 row in 1 batch, which keeps its place",
        "  0 texts of rejected rows and cells",
        "  1 file as it was received, of those batches: `reland` cannot read these anew",
        "  0 snapshots; 0 deliveries that had not arrived",
        "  1 row of main.identifiers",
        "  1 row of main.imported_profiles",
        "  1 row of main.profiles",
        "  the warehouse was rebuilt, its file and the readers' copy were written anew",
        "not reached:",
        "  file on the server: in/customers_20260101.csv",
        "  backups of the data folder",
        "  copies of the warehouse that programs opened before and still hold open",
        "  what other people's rows say of them, such as an e-mail in a remark",
    ]
    assert room.rows("SELECT email FROM main.profiles") == [("c@d.nl",)]
    assert main(["erase", "--lift", "--file", str(people)]) == 0
    assert capsys.readouterr().out == "2 erasures lifted: whoever they name may come in again\n"


def test_a_file_that_held_the_erased_stays_as_it_was_imported_and_says_why(room, tmp_path, capsys):
    assert main(["erase", "a@b.nl"]) == 0
    room.land("customers", "customers_20260102.csv", "E-Mail,City,Spend\ne@f.nl,Ede,1\n")
    (place,) = tmp_path.glob("defs/shop/defs.yaml")
    told = yaml.safe_load(place.read_text())
    told["attributes"]["goals"][0]["mappings"].pop()
    place.write_text(yaml.safe_dump(told))
    capsys.readouterr()
    assert main(["reland", "shop", "customers"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("customers_20260101.csv of ")
    assert first.endswith(
        "): stays as it was imported: the file as received was removed, as it held 1 row of people who are erased,"
        " so it cannot be imported anew"
    )
    assert re.fullmatch(r"customers_20260102.csv of \S+ \S+ UTC \(batch \w{8}\): landed anew as batch \w{8}", second)


def test_rows_that_are_held_back_are_told_in_the_summary_of_their_import(room, capsys):
    assert main(["erase", "a@b.nl"]) == 0
    since = room.land(
        "customers", "customers_20260102.csv", "E-Mail,City,Spend\ne@f.nl,Ede,1\na@b.nl,Ede,1\ng@h.nl,Ede,many\n"
    ).manifest.landed_at + timedelta(microseconds=1)
    with open_warehouse(room.folders.warehouse) as database:
        result = fold_batches(database, room.deployment.model, room.folders, since)
    capsys.readouterr()
    print_summary(new_console(), room.folders, since, room.deployment.event_types)
    told = capsys.readouterr().out
    assert (
        "1 row held back because of an erasure\n1 row imported without some of their cells, which are rejected\n"
        in told
    )
    facts = fold_metadata(result)
    assert (facts["rows excluded: erased"], facts["cells rejected"]) == (1, 1)


def test_earlier_erasures_are_listed_without_whom(room, capsys):
    assert main(["erase", "--list"]) == 0
    assert capsys.readouterr().out == "nobody is kept out: nobody was erased, or all erasures were lifted\n"
    assert main(["erase", "a@b.nl", "nobody@b.nl"]) == 0
    assert main(["erase", "c@d.nl"]) == 0
    capsys.readouterr()
    assert main(["erase", "--list"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[2:] for line in told.splitlines()[3:] if line] == [
        ["1", "1", "email", "1"],
        ["2", "2", "email", "2"],
    ]
    assert "b.nl" not in told
    assert main(["erase", "--lift", "nobody@b.nl", "c@d.nl"]) == 0
    capsys.readouterr()
    assert main(["erase", "--list", "--json"]) == 0
    (left,) = json.loads(capsys.readouterr().out)
    assert {key: left[key] for key in ("people", "identifiers", "kinds")} == {
        "people": 1,
        "identifiers": 1,
        "kinds": "email 1",
    }
    assert main(["erase", "--list", "a@b.nl"]) == 1


def test_whoever_has_no_profile_is_to_be_named_by_all_identifiers(room, capsys):
    assert main(["erase", "nobody@b.nl"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0 profiles erased; 1 identifier is kept out from now on"
    assert said[1].endswith("erase the person's other identifiers too, such as the customer number")
    assert said[2] == "what you gave is kept out: the same with --lift lets it in again"


def test_what_may_be_several_identifiers_is_told_to_be_kept_out_as_each(room, tmp_path, capsys):
    text = {"name": "number", "type": "text"}
    model = MODEL | {"properties": [*MODEL["properties"], text]}
    finds = [{"column": "E-Mail", "property": "email"}, {"column": "Number", "property": "number"}]
    shop = connection(goals=[CUSTOMERS | {"identifiers": finds}])
    for name, kind, attributes in (("model", "CustomerModel", model), ("shop", "SftpConnection", shop)):
        component = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (tmp_path / "defs" / name / "defs.yaml").write_text(yaml.safe_dump(component))
    assert main(["erase", "K00500"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0 profiles erased; 2 identifiers are kept out from now on"
    assert said[2] == (
        "what you gave is kept out, as email and as number, for it may be either: the same with --lift lets it in again"
    )


def test_people_from_standard_input_told_in_json(room, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a@b.nl\nc@d.nl\n"))
    assert main(["erase", "--file", "-", "--property", "email", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["people"], told["rows"], told["identifiers"]) == (2, 2, 2)
    assert room.rows("SELECT email FROM main.profiles") == []


@pytest.mark.parametrize(
    ("words", "text", "told"),
    [
        ([], "", "name people by their identifiers, or give a file of them with --file"),
        (["--file", "-"], "", "name people by their identifiers, or give a file of them with --file"),
        (["--file", "-"], "mail\na@b.nl\n", "no import finds profiles by mail; identifiers are: email"),
        (["--file", "-"], "email\na@b.nl,Breda\n", "row 2 has 2 cells; 1 is expected, as in the header"),
        (["--file", "gone.csv"], "", "gone.csv cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_erases_nobody(room, monkeypatch, capsys, words, text, told):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main(["erase", *words]) == 1
    assert capsys.readouterr().err == f"error: {told}\n"
    assert len(room.rows("SELECT email FROM main.profiles")) == 2


def test_who_has_it_in_a_property_that_finds_nobody_is_not_erased_and_that_is_told(room, capsys):
    assert main(["erase", "BREDA"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "NOT ERASED: identifier 1 of those given: 1 profile has it in city, which finds nobody;"
        " `python -m cdp_assets profile` with it tells what does"
    )
    assert room.rows("SELECT count(*) FROM main.profiles") == [(2,)]
    assert main(["profile", "breda"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: no profile has this value in email, or as its id; 1 profile has it in city, which finds nobody:"
        " look for email a@b.nl"
    )
