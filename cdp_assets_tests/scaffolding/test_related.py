"""Files about the people of others: orders, their lines, refusals; who finds whom, and whom they make."""

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets_tests.scaffolding.files import DIRTY, customers_of, orders_of

LINES = "Bestelnummer;Artikel;Aantal\nB0;thee;1\nB0;koffie;2\nB1;thee;1\n"


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
    fields = [(one.column, one.property) for one in event.nested[0].mappings]
    assert fields == [("bestelregels.Artikel", "id"), ("bestelregels.Aantal", "quantity")]
    capsys.readouterr()
    assert main(["preview", "winkel", "bestellingen"]) == 0
    told = capsys.readouterr().out
    assert "Events of type order" in told
    assert "rejected: 0" in " ".join(told.split())


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
    assert creating == {"klanten": True, "nieuwe": True, "afmeldingen": False}
    # The only file of customers may lack some: so refusals still make them, and that is told.
    (shop / "nieuwe_20261126.csv").unlink()
    (folder / "winkel" / "defs.yaml").unlink()
    assert main(["scaffold", "winkel", *place, *known]) == 0
    why = "afmeldingen: allow_create is true, as klanten_20261125.csv is the only file with these people"
    assert why in capsys.readouterr().out
    (shop / "klanten_20261118.csv").write_text(customers_of(90))
    (folder / "winkel" / "defs.yaml").unlink()
    assert main(["scaffold", "winkel", *place, *known]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert {name: goal.allow_create for name, goal in goals.items()} == {"klanten": True, "afmeldingen": False}


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


WINES = [f"W{number};Wein {number};{number},50" for number in range(100, 130)]
SOLD = [f"B{100 + row // 2};K{row % 9:03};20-11-2026;W{100 + row % 25};{row % 3 + 1}" for row in range(60)]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_list_of_products_is_looked_up_where_it_is_laid_out_alike(server, sshd, capsys, separator):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "klanten_20261125.csv").write_text(customers_of(20))
    sold = "\n".join(["Bon;Klantnr;Moment;Artikelnr;Aantal", *SOLD, ""])
    (shop / "bonnen_20261125.csv").write_text(sold.replace(";", separator))
    (shop / "wijnen.csv").write_text("\n".join(["Artikelnr;Naam;Prijs", *WINES, ""]))
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "wijnen.csv has no column that finds people; rows of bonnen_20261125.csv name its 'Artikelnr'" in told
    written = (folder / "winkel" / "defs.yaml").read_text()
    items = "{property: product, mappings: [{column: Artikelnr, property: id}, {column: Aantal, property: quantity}]}"
    assert items in written
    if separator == ";":
        link = "linked: [{name: wijnen, file: wijnen.csv, parent_column: Artikelnr, column: Artikelnr, static: true}]"
        assert link in written
    else:
        assert "it is laid out otherwise (separator ';' instead of '\\t')" in told
        assert "linked:" not in written


def test_a_file_of_addresses_alone_has_no_line_of_column_names(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    for old in shop.iterdir():
        old.unlink()
    (shop / "weg_20261125.txt").write_text("a@x.example;1\nb@x.example;2\n")
    assert main(["scaffold", "winkel", *place, *known]) == 0
    assert "!! the first line holds an address, so there is no line of column names" in capsys.readouterr().out
    (goal,) = load_deployment(folder).find_connection("winkel").imports
    assert (goal.format.header, goal.identifiers[0].column) == (False, "1")
    assert main(["run", "winkel"]) == 0
    assert "2 profiles in the warehouse" in capsys.readouterr().out
