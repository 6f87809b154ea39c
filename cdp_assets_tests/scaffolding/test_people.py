"""What finds people in the files, and what becomes of rows whose people another file brings."""

import gzip
import shutil

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets_tests.scaffolding.files import CUSTOMERS

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


def customers_of(count, *more):
    people = "".join(f"K{number:03};a{number}@x.example;Ede\n" for number in range(1, count + 1))
    return "Klantnr;E-mail;Plaats\n" + people + "".join(f"{row}\n" for row in more)


def orders_of(*numbers):
    rows = [f"B{place};{number};20-11-2026\n" for place, number in enumerate(numbers)]
    return "Bestelnummer;Klantnr;Besteld\n" + "".join(rows)


LINES = "Bestelnummer;Artikel;Aantal\nB0;thee;1\nB0;koffie;2\nB1;thee;1\n"
DIRTY = (";c@x.example;Ede", ";d@x.example;Ede", "K001;e@x.example;Ede")


@pytest.mark.parametrize("orders", [orders_of("K001", "K002", "K003"), orders_of("K001", "K001", "K003")])
def test_a_few_rows_without_a_key_of_their_own_do_not_keep_orders_from_it(server, sshd, capsys, orders):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261125.csv").write_text(customers_of(97, *DIRTY))
    (shop / "bestellingen_20261125.csv").write_text(orders)
    (shop / "bestelregels_20261125.csv").write_text(LINES)
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "people are found by 'Klantnr', as it is a key in other files, different in nearly every row there" in told
    assert "(3 of 100 rows there have none or one of an earlier row)" in told
    assert (
        "left out: bestelregels_*.csv: bestelregels_20261125.csv has no column that finds people, but its"
        " 'Bestelnummer' is a key in bestellingen_20261125.csv\n    if its rows belong to the rows there, import the"
        " two together, as linked files: docs/importing.md#linked-files; the goal bestellingen has a draft of it in its"
        " comments\n"
    ) in told
    assert "!! 2 rows have no 'E-mail'" not in told
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.identifiers[0].column for name, goal in goals.items()} == {
        "klanten": "E-mail",
        "bestellingen": "Klantnr",
    }
    target = folder / "winkel" / "defs.yaml"
    written = target.read_text()
    assert "Rows of bestelregels_*.csv belong to rows here" in written
    own = next(line for line in written.splitlines() if line.startswith("      files:") and "bestellingen" in line)
    drafted = next(line for line in written.splitlines() if line.startswith("      # files:"))
    written = written.replace(own, drafted.replace("# files:", "files:"))
    target.write_text(written.replace("# events:", "events:").replace("#   - {type: order", "  - {type: order"))
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    (link,) = goals["bestellingen"].files.linked
    assert (link.name, link.file) == ("bestelregels", "bestelregels_*.csv")
    assert (link.parent_column, link.column) == ("Bestelnummer", "Bestelnummer")
    (event,) = goals["bestellingen"].events
    assert (event.id, event.date, event.nested[0].source) == ("Bestelnummer", "Besteld", "bestelregels")
    capsys.readouterr()
    assert main(["preview", "winkel", "bestellingen"]) == 0
    assert "Events of type order" in capsys.readouterr().out


def test_rows_of_refusals_about_people_of_a_larger_file_make_nobody(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261125.csv").write_text(customers_of(97, ";;Ede"))
    gone = "".join(f"a{number}@x.example;{number:02}/05/2026\n" for number in range(1, 12))
    (shop / "afmeldingen_20261126.csv").write_text(f"E-mail;Op\n{gone}")
    new = "".join(f"K{number:03};a{number}@x.example;Goes\n" for number in range(80, 99))
    (shop / "nieuwe_20261126.csv").write_text(f"Klantnr;E-mail;Plaats\n{new}")
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "as it holds e-mail addresses, nearly all of them those of klanten_20261125.csv" in told
    assert "!! 1 row has no 'E-mail' and would be left out" in told
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    creating = {name: goal.allow_create for name, goal in goals.items()}
    # The only file of customers may lack some: so refusals still make them, and that is told.
    assert creating == {"klanten": True, "nieuwe": True, "afmeldingen": True}
    assert "afmeldingen: allow_create is true, as klanten_20261125.csv is the only file with these people" in told
    (shop / "klanten_20261118.csv").write_text(customers_of(90))
    (shop / "nieuwe_20261126.csv").unlink()
    creating.pop("nieuwe")
    (folder / "winkel" / "defs.yaml").unlink()
    assert main(["scaffold", "winkel", *place, *known]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.allow_create for name, goal in goals.items()} == creating | {"afmeldingen": False}


def test_orders_dated_before_the_first_file_of_customers_are_not_lost(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261124.csv").write_text(customers_of(97, *DIRTY[:2]))
    (shop / "klanten_20261125.csv").write_text(customers_of(97, *DIRTY[:2]))
    (shop / "bestellingen_20261120.csv").write_text(orders_of("K001", "K002", "K003", "K002"))
    (shop / "bestellingen_20261126.csv").write_text(orders_of("K001"))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    why = "bestellingen_20261120.csv is dated before klanten_20261124.csv, the first file with these people"
    assert f"bestellingen: allow_create is true, as {why}" in capsys.readouterr().out
    target = folder / "winkel" / "defs.yaml"
    assert f" true, as {why}." in comments_of(target.read_text())
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert goals["bestellingen"].allow_create
    # What orders know people by finds those whom they made.
    assert "# Where that finds nobody: rows with one value here are one person, whatever" in target.read_text()
    assert [one.column for one in goals["klanten"].identifiers] == ["E-mail", "Klantnr"]
    written = target.read_text().replace("# events:", "events:").replace("#   - {type: order", "  - {type: order")
    target.write_text(written)
    assert main(["run", "winkel"]) == 0
    capsys.readouterr()
    people = "(SELECT count(*) FROM main.profiles) AS people"
    joined = "main.events_order JOIN main.profiles USING (profile_id) WHERE email IS NOT NULL"
    assert (
        main(["query", f"SELECT {people}, count(DISTINCT profile_id) AS buyers, count(*) AS orders FROM {joined}"]) == 0
    )
    # The order of the later file is one of the earlier one.
    assert ["99", "3", "4"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def comments_of(written):
    return " ".join(written.replace("\n      # ", " ").split())


def test_two_people_with_one_number_do_not_become_one(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261124.csv").write_text(customers_of(97, "K001;e@x.example;Ede"))
    (shop / "bestellingen_20261120.csv").write_text(orders_of("K001", "K002", "K003", "K002"))
    (shop / "bestellingen_20261126.csv").write_text(orders_of("K001", "K002"))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    why = (
        "bestellingen_20261120.csv is dated before klanten_20261124.csv, the first file with these people,"
        " and 1 row of klanten_20261124.csv has a 'Klantnr' of somebody else"
    )
    assert f"!! bestellingen: allow_create is false, although {why}; rows about people" in capsys.readouterr().out
    target = folder / "winkel" / "defs.yaml"
    written = target.read_text()
    assert f"false, although {why}. true needs" in comments_of(written)
    assert "# Not by Klantnr while 1 row has that of somebody else: they would become one.\n" in written
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert [one.column for one in goals["klanten"].identifiers] == ["E-mail"]
    assert not goals["bestellingen"].allow_create
    target.write_text(written.replace("# events:", "events:").replace("#   - {type: order", "  - {type: order"))
    assert main(["run", "winkel"]) == 0
    told = capsys.readouterr().out
    assert "98 profiles in the warehouse" in told
    assert "4 rows are about people nobody had brought before, and were left out" in " ".join(told.split())


def test_codes_tell_events_and_their_lines_apart_whatever_their_column_is_called(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261125.csv").write_text(customers_of(9))
    (shop / "bonnen_20261125.csv").write_text("Bon;Klantnr;Moment\nB001;K001;20-11-2026\nB002;K001;20-11-2026\n")
    (shop / "bonregels_20261125.csv").write_text("Bon;Artikel\nB001;thee\nB001;koffie\nB002;thee\n")
    (shop / "winkels.csv").write_text("Winkel;Plaats\nNoord;Ede\nZuid;Ede\n")
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "no column that finds people, but its 'Bon' is a key in bonnen_20261125.csv\n" in told
    assert "if they are things such as shops or households, import them as groups: docs/groups.md\n" in told
    written = (folder / "winkel" / "defs.yaml").read_text()
    assert "#   - {type: order, id: Bon, date: Moment, all_properties: true, nested: [{" in written


def test_orders_make_who_is_missing_in_the_only_file_of_customers(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    (shop / "kaarten.csv").write_text("E-mail;Plaats\na@x.example;Ede\n")
    (shop / "boekingen_20261125.csv").write_text("E-mail;Datum\na@x.example;20-11-2026\na@x.example;21-11-2026\n")
    for old in shop.glob("klanten_*"):
        old.unlink()
    assert main(["scaffold", "hotel", *place, *known]) == 0
    told = "boekingen: allow_create is true, as kaarten.csv is the only file with these people"
    assert told in capsys.readouterr().out
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("hotel").imports}
    assert goals["boekingen"].allow_create
    assert [one.column for one in goals["kaarten"].identifiers] == ["E-mail"]


def test_another_key_of_the_people_is_proposed_in_a_comment(server):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "klanten_*.csv"]) == 0
    target = folder / "winkel" / "defs.yaml"
    written = target.read_text()
    assert "# Rows that this does not find would be found by:\n        # - {column: Klantnr, " in written
    target.write_text(written.replace("# - {column: Klantnr", "- {column: Klantnr"))
    (goal,) = load_deployment(folder).find_connection("winkel").imports
    assert [one.column for one in goal.identifiers] == ["E-mail", "Klantnr"]


def test_a_key_that_too_many_rows_lack_is_told_and_no_other_takes_its_place(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261125.csv").write_text(customers_of(40, *DIRTY))
    (shop / "bestellingen_20261125.csv").write_text(orders_of("K001", "K002", "K003"))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert (
        "left out: bestellingen_*.csv: bestellingen_20261125.csv has no column with e-mail addresses, and 'Klantnr', by"
        " which the people of klanten_20261125.csv could be found, is not taken: 3 of 43 rows there have none or one of"
        " an earlier row, and at most 5 % may; mend these, or take it nevertheless with --identifier"
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
        ("klanten", True), ("cards", True), ("buchungen", False),
    ]  # fmt: skip
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
