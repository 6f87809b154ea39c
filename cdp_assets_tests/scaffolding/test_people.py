"""What finds people in the files, and what becomes of rows whose people another file brings."""

import gzip
import shutil

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets_tests.scaffolding.files import CUSTOMERS, customers_of, orders_of

ORDERS = "Bestelnr;klantnr;Bedrag;Besteld\nB1;1;5,50;20-11-2026\nB2;1;2,25;21-11-2026\nB3;9;1,00;22-11-2026\n"


def test_rows_that_name_the_people_of_another_file_find_them_there(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    (shop / "bonnen_20261125.csv").write_text(ORDERS)
    (shop / "klanten_20261126.csv.gz").write_bytes(gzip.compress(CUSTOMERS.replace("Ede", "Eén").encode("cp1252")))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "people are found by 'klantnr', as it is a key in other files, different in every row there" in told
    assert "some people have several rows" in told
    assert "people are found by 'card_id'" in told
    assert told.count("nothing tells that these are people") == 1
    assert "klanten_*.csv, also .gz" in told
    assert "Lid sinds: datetime DD-MM-YYYY" in told
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    orders = goals["bonnen"]
    # The orders hold ASCII alone; they come from where the customers come from.
    assert {goal.format.encoding for goal in goals.values()} == {"windows-1252"}
    assert (orders.identifiers[0].column, orders.identifiers[0].property) == ("klantnr", "Klantnr")
    assert (orders.allow_create, goals["klanten"].allow_create) == (False, True)
    assert main(["run", "winkel"]) == 0
    counts = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if "_2026" in line}
    #                                                  rows  new  changed, unchanged, not found
    assert counts["bonnen_20261125.csv"][:5] == ["3", "0", "2", "0", "1"]
    assert counts["klanten_20261124.csv"][:2] == ["2", "2"]


def test_rows_of_orders_can_be_made_events_by_removing_comment_signs(server, sshd, capsys):
    place, known, folder = server
    (sshd.root / "drafted" / "bonnen_20261125.csv").write_text(ORDERS)
    assert main(["scaffold", "winkel", *place, *known]) == 0
    assert "import them as timeline events: docs/events.md" in capsys.readouterr().out
    target = folder / "winkel" / "defs.yaml"
    written = target.read_text()
    # Neither cards nor customers have several rows.
    assert written.count("How an import brings events: docs/events.md") == 1
    target.write_text(written.replace("# events:", "events:").replace("#   - {type: order", "  - {type: order"))
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert [(one.type, one.id, one.date) for one in goals["bonnen"].events] == [("order", "Bestelnr", "Besteld")]
    assert main(["preview", "winkel", "bonnen"]) == 0
    assert "Events of type order" in capsys.readouterr().out


def test_another_key_of_the_people_is_proposed_in_a_comment(server):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "klanten_*.csv"]) == 0
    target = folder / "winkel" / "defs.yaml"
    written = target.read_text()
    assert "# Rows that this does not find would be found by:\n        # - {column: Klantnr, " in written
    target.write_text(written.replace("# - {column: Klantnr", "- {column: Klantnr"))
    (goal,) = load_deployment(folder).find_connection("winkel").imports
    assert [one.column for one in goal.identifiers] == ["E-mail", "Klantnr"]


def test_a_key_that_too_many_rows_share_is_told_and_no_other_takes_its_place(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    double = [f"K{number:03};x{number}@x.example;Ede" for number in (1, 2, 3)]
    (shop / "klanten_20261125.csv").write_text(customers_of(40, *double))
    (shop / "bestellingen_20261125.csv").write_text(orders_of("K001", "K002", "K003"))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert (
        "left out: bestellingen_*.csv: bestellingen_20261125.csv has no column with e-mail addresses, and 'Klantnr', by"
        " which the people of klanten_20261125.csv could be found, is not taken: 3 of 43 rows with one there"
        " have that of an earlier row, and at most 5 % may; mend these, or take it nevertheless with --identifier"
        " 'bestellingen:Klantnr'"
    ) in told
    assert [goal.name for goal in load_deployment(folder).find_connection("winkel").imports] == ["klanten"]
    shutil.rmtree(folder / "winkel")
    assert main(["scaffold", "winkel", *place, *known, "--identifier", "bestellingen:Klantnr"]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    asked = {name: [(one.column, one.property) for one in goal.identifiers] for name, goal in goals.items()}
    assert asked["bestellingen"] == [("Klantnr", "Klantnr")]
    assert asked["klanten"][0] == ("E-mail", "email")


def test_a_column_that_was_asked_for_leaves_other_files_to_be_found_out(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--identifier", "points"]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.identifiers[0].column for name, goal in goals.items()} == {
        "cards": "points",
        "klanten": "E-mail",
    }
    assert main(["scaffold", "zaak", *place, *known, "--identifier", "nobody"]) == 1
    told = capsys.readouterr().err
    assert "--identifier 'nobody': there is no column 'nobody'; cards.csv has card_id, points" in told
    assert main(["scaffold", "zaak", *place, *known, "--identifier", "cards:E-mail"]) == 1
    assert "there is no column 'E-mail'; cards.csv has card_id, points" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([f"M{number:04}" for number in range(40)], True),
        ([str(47000 + number) for number in range(40)], True),
        # What is short is held by any list of numbers.
        ([str(number) for number in range(40)], False),
    ],
)
def test_a_key_under_another_name_is_known_by_its_values(server, sshd, capsys, numbers, found):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    people = "".join(f"{number};a{number}@x.example\n" for number in numbers)
    (shop / "leden.csv").write_text(f"Lidnr;E-mail\n{people}")
    visits = "".join(f"{numbers[place % 30]};2026-11-{1 + place % 28:02}\n" for place in range(60))
    (shop / "bezoek_20261125.csv").write_text(f"Kaart;Dag\n{visits}")
    assert main(["scaffold", "club", *place, *known]) == 0
    told = capsys.readouterr().out
    assert ("by 'Kaart', as nearly all its values are those of 'Lidnr' in leden.csv" in told) is found
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("club").imports}
    assert ("bezoek" in goals) is found
    if found:
        assert [(one.column, one.property) for one in goals["bezoek"].identifiers] == [("Kaart", "Lidnr")]


def test_files_of_several_folders_are_drafted_together(server, sshd, capsys):
    place, known, folder = server
    (sshd.root / "drafted" / "bonnen").mkdir()
    (sshd.root / "drafted" / "bonnen" / "bonnen_20261125.csv").write_text(ORDERS)
    more = ["--directory", str(sshd.root / "drafted" / "bonnen")]
    assert main(["scaffold", "winkel", *place, *known, *more]) == 0
    assert "people are found by 'klantnr', as it is a key in other files" in capsys.readouterr().out
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.files.directory.rpartition("/")[2] for name, goal in goals.items()} == {
        "cards": "drafted",
        "klanten": "drafted",
        "bonnen": "bonnen",
    }


def test_a_key_that_a_goal_has_finds_the_people_of_another_connection(server, sshd, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "klanten_*.csv"]) == 0
    (sshd.root / "drafted" / "bonnen_20261125.csv").write_text(ORDERS)
    assert main(["scaffold", "kassa", *place, *known, "--files", "bonnen_*.csv"]) == 0
    assert "people are found by 'klantnr', as goal winkel/klanten has it too" in capsys.readouterr().out
    (goal,) = load_deployment(folder).find_connection("kassa").imports
    assert [(one.column, one.property) for one in goal.identifiers] == [("klantnr", "Klantnr")]
    assert goal.allow_create is False


def test_goals_of_people_come_before_those_of_what_they_did(server, sshd):
    place, known, folder = server
    booked = "Buchung;E-Mail;Datum\nB1;a@x.example;2026-11-20\nB2;a@x.example;2026-11-21\nB3;n@x.example;2026-11-22\n"
    (sshd.root / "drafted" / "buchungen_20261125.csv").write_text(booked)
    assert main(["scaffold", "hotel", *place, *known]) == 0
    goals = load_deployment(folder).find_connection("hotel").imports
    assert [(goal.name, goal.allow_create) for goal in goals] == [
        ("klanten", True), ("buchungen", False), ("cards", True),
    ]  # fmt: skip
    assert [goal.active for goal in goals] == [True, True, False], "nothing tells that cards are people"
    written = (folder / "hotel" / "defs.yaml").read_text()
    assert written.count("# false: another goal brings these people, one row each.") == 1
    assert "Lines of one order are items of its event, under `nested`" in written


def test_one_row_twice_makes_no_events_and_a_birthday_is_the_date_of_none(server, sshd, capsys):
    place, known, folder = server
    people = "".join(f"p{number}@x.example,1980-05-01\n" for number in range(40))
    (sshd.root / "drafted" / "people.csv").write_text(f"email,birthday\n{people}p1@x.example,1980-05-01\n")
    (sshd.root / "drafted" / "twins.csv").write_text(f"email,birthday\n{people}{people}")
    assert main(["scaffold", "hotel", *place, *known, "--files", "people.csv"]) == 0
    told = capsys.readouterr().out
    assert "!! 1 row repeats what finds a person in an earlier one" in told
    assert "several rows" not in told + (folder / "hotel" / "defs.yaml").read_text()
    assert main(["scaffold", "second", *place, *known, "--files", "twins.csv"]) == 0
    assert "some people have several rows" in capsys.readouterr().out
    assert "type: order" not in (folder / "second" / "defs.yaml").read_text()


def test_a_key_that_not_everybody_has_finds_those_who_have_it(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    people = "".join(f"a{number}@x.example;{f'C{number:04}' if number % 2 else ''}\n" for number in range(60))
    (shop / "klanten_20261125.csv").write_text(f"E-mail;Kaart\n{people}")
    (shop / "klanten_20261118.csv").write_text(f"E-mail;Kaart\n{people}")
    cards = "".join(f"C{number:04};{number}\n" for number in range(1, 60, 2))
    (shop / "passen_20261126.csv").write_text(f"card;points\n{cards}")
    assert main(["scaffold", "winkel", *place, *known]) == 0
    assert "nearly all its values are those of 'Kaart' in klanten_20261125.csv" in capsys.readouterr().out
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    (found,) = goals["passen"].identifiers
    assert (found.column, found.property) == ("card", "Kaart")
    shutil.rmtree(folder / "winkel")
    assert main(["scaffold", "winkel", *place, *known, "--identifier", "passen:card"]) == 0
    asked = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.identifiers for name, goal in asked.items()} == {
        name: goal.identifiers for name, goal in goals.items()
    }
