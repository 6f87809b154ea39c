"""A connection drafted from what stands on a real OpenSSH server: it passes the check and imports as it stands."""

import os

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets.flows.guess_layout import guess_format
from cdp_assets_tests.scaffolding.files import CUSTOMERS


def test_the_draft_passes_the_check_and_imports(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known]) == 0
    told = capsys.readouterr().out
    assert "left out: log_*.csv: log_20261125.csv has no column with e-mail addresses" in told
    deployment = load_deployment(folder)
    goals = {goal.name: goal for goal in deployment.find_connection("winkel").imports}
    assert {name: goal.identifiers[0].column for name, goal in goals.items()} == {
        "cards": "card_id",
        "klanten": "E-mail",
    }
    assert (goals["klanten"].files.root, goals["klanten"].format.decimal) == ("klanten_*.csv", ",")
    kinds = {prop.name: str(prop.type) for prop in deployment.model.properties}
    assert kinds["Omzet"] == "decimal"
    assert "{name: Omzet, type: decimal, precision: 2}" in (folder / "model" / "defs.yaml").read_text()
    assert kinds["Lid_sinds"] == "datetime"
    assert {prop.name for prop in deployment.model.properties if prop.pii} == {"card_id", "email", "Klantnr"}
    assert main(["check"]) == 0
    model = folder / "model" / "defs.yaml"
    model.write_text(model.read_text().replace("  # ", "  "))
    assert [segment.name for segment in load_deployment(folder).model.segments] == ["has_address"]
    assert main(["dry-run", "winkel"]) == 0
    assert "Rejected" not in capsys.readouterr().out
    assert main(["preview", "winkel", "klanten"]) == 0
    previewed = capsys.readouterr().out
    # What finds people is mapped too, and stands there once; its narrow cell is folded behind the comma.
    assert "email (finds," in previewed
    assert "email (set)" not in previewed
    assert "2024-12-31" in previewed
    assert "00:00:00" not in previewed


def test_no_log_in_is_sent_to_a_server_that_nobody_compared(server, capsys):
    place, _, folder = server
    assert main(["scaffold", "winkel", *place]) == 1
    assert "--host-key SHA256:" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_what_is_there_stays_as_it_is(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "cards.csv", "--identifier", "points"]) == 0
    written = (folder / "winkel" / "defs.yaml").read_text()
    assert "identifiers:\n        - {column: points, property: points}\n" in written
    assert main(["scaffold", "winkel", *place, *known]) == 1
    assert "is there already" in capsys.readouterr().err
    assert (folder / "winkel" / "defs.yaml").read_text() == written


def test_addresses_are_mapped_to_the_property_of_the_examples_whatever_finds_people(server, capsys):
    place, known, folder = server
    asked = ["--files", "klanten_*.csv", "--identifier", "Klantnr"]
    assert main(["scaffold", "winkel", *place, *known, *asked]) == 0
    deployment = load_deployment(folder)
    (goal,) = deployment.find_connection("winkel").imports
    assert [(one.column, one.property) for one in goal.identifiers] == [("Klantnr", "Klantnr")]
    assert {one.column: one.property for one in goal.mappings}["E-mail"] == "email"
    assert [prop.name for prop in deployment.model.properties if prop.type == "email"] == ["email"]
    written = (folder / "winkel" / "defs.yaml").read_text()
    assert (
        "# Rows that this does not find would be found by:\n        # - {column: E-mail, property: email}\n" in written
    )
    assert _examples(folder) == ("has_address", "email")


def test_the_examples_name_what_is_filled_where_no_file_has_addresses(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "cards.csv"]) == 0
    assert [prop.name for prop in load_deployment(folder).model.properties] == ["card_id", "points"]
    assert f"written: {folder / 'model' / 'defs.yaml'}" in capsys.readouterr().out
    assert _examples(folder) == ("is_known", "card_id")


def _examples(folder):
    """What the drafted segment asks for and the drafted export sends, with their comment signs removed."""
    for path, signs in ((folder / "model" / "defs.yaml", "  # "), (folder / "winkel" / "defs.yaml", "    # ")):
        lines = path.read_text().splitlines()
        shown = [signs[:-2] + line.removeprefix(signs) if line.startswith(signs) else line for line in lines]
        path.write_text("\n".join(shown) + "\n")
    (export,) = load_deployment(folder).find_connection("winkel").exports
    return export.segment, export.columns[0].property


def test_a_connection_whose_files_tell_nobody_is_not_written(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "log_*.csv"]) == 1
    assert not (folder / "winkel").exists()


@pytest.mark.parametrize(
    ("text", "separator", "decimal", "encoding"),
    [
        ("a,b\n1.5,2\n", ",", ".", "utf-8"),
        ("a;b\n1,5;x\n1.000,25;y\n", ";", ",", "utf-8"),
        ("a\tb\n1,000.5\tx\n", "\t", ".", "utf-8"),
        ('"a;x";"b,y,z"\n1;2\n', ";", ".", "utf-8"),
        ("a|b|c\n1|2|3\n", "|", ".", "utf-8"),
        ("a;b\nZoë;1\n", ";", ".", "windows-1252"),
        ("a;b\nZoë;1\n", ";", ".", "utf-16"),
        ("a\n1\n", ",", ".", "utf-8"),
        ('a,b\n1,"7,50"\n', ",", ",", "utf-8"),
        ('a,b\n1,"1,234"\n', ",", ".", "utf-8"),
        ('a,b\nx,"1,234.50"\n', ",", ".", "utf-8"),
        ("a;b\n5 657,26 €;x\n1\u202f000,5;y\n", ";", ",", "utf-8"),
    ],
)
def test_the_layout_is_told_by_the_text(text, separator, decimal, encoding):
    layout = guess_format(text.encode(encoding))
    assert (layout.separator, layout.decimal, layout.encoding) == (separator, decimal, encoding)


def test_what_a_file_does_not_tell_itself_is_taken_from_the_others(server, sshd, capsys):
    place, known, folder = server
    shop = sshd.root / "drafted"
    (shop / "punten.csv").write_text("E-mail;Saldo\na@x.example;1.050\nb@x.example;2.500\n")
    assert main(["scaffold", "winkel", *place, *known]) == 0
    why = "1.050 is taken for 1050, as other files have a decimal comma; else set format.decimal: '.'"
    assert f"!! {why}" in capsys.readouterr().out
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("winkel").imports}
    assert (goals["punten"].format.decimal, goals["klanten"].format.decimal) == (",", ",")
    # Of UTF-8 and an old encoding, ASCII is taken for UTF-8.
    (shop / "oud.csv").write_bytes("E-mail;Naam\na@x.example;Zoë\n".encode("cp1252"))
    (shop / "nieuw.csv").write_text("E-mail;Naam\na@x.example;Zoë\n")
    assert main(["scaffold", "zaak", *place, *known]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("zaak").imports}
    assert {name: goals[name].format.encoding for name in ("oud", "nieuw", "punten")} == {
        "oud": "windows-1252",
        "nieuw": "utf-8",
        "punten": "utf-8",
    }
    # Those with the same separator tell first.
    (shop / "nieuw.csv").write_text("E-mail,Naam\na@x.example,Zoë\n")
    assert main(["scaffold", "post", *place, *known]) == 0
    goals = {goal.name: goal for goal in load_deployment(folder).find_connection("post").imports}
    assert (goals["nieuw"].format.encoding, goals["punten"].format.encoding) == ("utf-8", "windows-1252")
    # Alone it is taken as it stands, with a word.
    assert main(["scaffold", "bank", *place, *known, "--files", "punten.csv"]) == 0
    assert "!! 1.050 is taken for a number with decimals; if the point groups digits" in capsys.readouterr().out


def test_files_of_a_kind_that_are_laid_out_otherwise_are_told(server, sshd, capsys):
    place, known, _ = server
    folder = sshd.root / "drafted"
    (folder / "klanten_20261101.csv").write_bytes((CUSTOMERS + "3;c@x.example;Oloé;1;31-12-2024\n").encode("cp1252"))
    (folder / "klanten_20261102.csv").write_text(CUSTOMERS.replace(",", ".").replace(";", ","))
    (folder / "klanten_20261103.csv").write_text(CUSTOMERS.replace("Omzet", "Bedrag"))
    (folder / "klanten_20261104.csv").write_text(CUSTOMERS.replace("Ede", "Oloé"))
    os.utime(folder / "klanten_20261125.csv", (2_000_000_000, 2_000_000_000))
    assert main(["scaffold", "winkel", *place, *known, "--files", "klanten_*.csv"]) == 0
    advice = "a goal reads all its files alike, so have it sent like the others, or give it a goal of its own"
    out = r", and keep it out of this one by match: regex and root: '(?!(?:klanten_%s\.csv)$)klanten_(.*)\.csv'"
    warnings = [
        f"klanten_20261101.csv: looks like windows-1252, but format.encoding is utf-8; {advice}{out % 20261101}",
        f"klanten_20261102.csv: has ',' between its columns, but format.separator is ';'; {advice}{out % 20261102}",
        "klanten_20261103.csv: lacks Omzet, which klanten_20261125.csv has",
    ]
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("    !! klanten")] == [f"    !! {warning}" for warning in warnings]
    assert main(["preview", "winkel"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert [f"warning: {warning}" in told for warning in warnings] == [True] * 3


def test_times_without_an_offset_are_asked_about(server, sshd, capsys):
    place, known, folder = server
    rows = "a@x.example,2026-11-20 10:30,2026-11-20T10:30:00Z,2026-11-20\n"
    (sshd.root / "drafted" / "visits.csv").write_text(f"email,seen,sent,joined\n{rows}")
    assert main(["scaffold", "hotel", *place, *known, "--files", "visits.csv"]) == 0
    assert "!! times without an offset are taken as UTC (seen); if they" in capsys.readouterr().out
    written = (folder / "hotel" / "defs.yaml").read_text()
    assert "# Times without an offset are taken as UTC: seen.\n" in written
    assert "# Add timezone: Europe/Berlin here if they are of there.\n      format: {" in written


def test_whether_files_are_deltas_stands_in_the_draft_with_what_it_means(server):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known]) == 0
    lines = (folder / "winkel" / "defs.yaml").read_text().splitlines()
    files = [number for number, line in enumerate(lines) if line.strip().startswith("files:")]
    assert len(files) == 2
    for number in files:
        assert lines[number].endswith("delta: false}")
        assert "Change it to true if each file holds only what is new or changed" in lines[number - 1]


def test_what_fails_leaves_the_yaml_as_it_was(server, capsys):
    place, known, folder = server
    assert main(["scaffold", "winkel", *place, *known, "--files", "nothing_*.csv"]) == 1
    assert "kinds there: cards.csv, klanten_*.csv, log_*.csv" in capsys.readouterr().err
    assert list(folder.rglob("*.yaml")) == []


def test_a_connection_that_cannot_be_written_leaves_no_model_either(server, capsys):
    place, known, folder = server
    (folder / "winkel").write_text("in the way")
    assert main(["scaffold", "winkel", *place, *known]) == 1
    assert capsys.readouterr().err.startswith("error: nothing was written: ")
    assert [path.name for path in folder.rglob("*")] == ["winkel"]


@pytest.mark.parametrize(
    ("header", "cells", "pattern"),
    [
        ("Geboren,Lid", "25/04/1990,01/12/2026", "DD/MM/YYYY"),
        ("Geboren,Lid", "25/04/1990,31/12/2026", "DD/MM/YYYY"),
        ("Geboren,Lid", "25/04/1990,31/12/2026 10:30", "auto"),
        ("Geboren,Lid", "25/04/1990,2026-12-31", "auto"),
    ],
)
def test_days_with_slashes_that_are_day_first_are_pinned(server, sshd, capsys, header, cells, pattern):
    place, known, folder = server
    (sshd.root / "drafted" / "leden.csv").write_text(f"E-mail,{header}\na@x.example,{cells}\n")
    assert main(["scaffold", "winkel", *place, *known, "--files", "leden.csv"]) == 0
    told = capsys.readouterr().out
    (goal,) = load_deployment(folder).find_connection("winkel").imports
    assert goal.format.date_format == pattern
    assert ("!! dates are day first (Geboren" in told) == (pattern == "auto")
