"""`python -m cdp_assets dry-run` and `rejects`, against a real OpenSSH."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets_tests.support.connected import WRITTEN, Shop, import_goal

BAD = "email;city;points\na@x.com;Ede;1\nnö;Ede;2\nb@x.com;Ede;many\n"
CELLS = (
    "email;city;points;reject_line;reject_reason\n"
    "nö;Ede;2;3;email: not a valid e-mail address\n"
    "b@x.com;Ede;many;4;points: not a whole number, or too large\n"
)
ROWS = CELLS.partition("b@x")[0]


@pytest.fixture
def shop(sshd, tmp_path, monkeypatch):
    """A file with a bad row and a bad cell is on the server, and the YAML where commands look for it."""
    layout = {"separator": ";", "encoding": "latin-1"}
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True}, format=layout)])
    settings = shop.settings()
    (connection,) = settings["connections"]
    for name, kind, attributes in (
        ("model", "CustomerModel", settings["model"]),
        ("shop", "SftpConnection", connection),
    ):
        (tmp_path / "defs" / name).mkdir(parents=True)
        component = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (tmp_path / "defs" / name / "defs.yaml").write_text(yaml.safe_dump(component))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    shop.put("customers_1.csv", BAD.encode("latin-1"))
    return shop


def test_a_dry_run_is_told_in_words(shop, capsys):
    assert main(["dry-run", "shop", "customers", "--file", "customers_1.csv"]) == 0
    assert capsys.readouterr().out == (
        "customers_1.csv (customers/1): would be imported\n"
        "  rows: 3 received, 2 created, 0 modified, 0 unchanged, 1 rejected, 1 cell rejected\n"
        "  WARNING: the file has no column tags; what is mapped from there stays as it is\n"
        "  1 cell rejected: points: not a whole number, or too large\n"
        "  1 row rejected: email: not a valid e-mail address\n"
        "    line 3: email: ••: not a valid e-mail address\n"
        "    line 4: points: m…y (4 characters): not a whole number, or too large\n"
        "WARNING: check shop/customers reject_rate would fail: customers_1.csv: 1 of 3 rows rejected (33.3 %), above"
        " the limit of 5 %.\n"
        "There would be 2 profiles. Nothing was written.\n"
    )
    assert not shop.folders.warehouse.exists()
    assert shop.names() == ["customers_1.csv"]


def test_a_dry_run_shows_a_few_rejects_of_every_reason(shop, capsys):
    many = "".join(f"a{number}@x.com;Ede;many\n" for number in range(30))
    shop.put("customers_2.csv", f"email;city;points\n{many}nobody;Ede;2\nb@x.com;Ede;2;3\n")
    assert main(["dry-run", "shop", "customers", "--file", "customers_2.csv"]) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    line ")]
    assert [line.split(":")[1].strip() for line in shown] == ["points"] * 3 + ["email", "whole row"]
    assert shown[0] == "    line 2: points: m…y (4 characters): not a whole number, or too large"
    assert shown[-2] == "    line 32: email: n…y (6 characters): not a valid e-mail address"
    assert shown[-1].startswith("    line 33: whole row: ")
    assert shown[-1].endswith(": the row has 4 cells, the header has 3")


def test_a_dry_run_warns_of_a_file_in_another_encoding(shop, capsys):
    shop.put("customers_2.csv", "email;city;points\na@x.com;Köln;1\nbo@x.com;Zürich;2\n".encode("cp1252"))
    settings = shop.settings()["connections"][0]
    settings["goals"][0]["format"]["encoding"] = "utf-8"
    component = {"type": "cdp_assets.SftpConnection", "attributes": settings}
    (shop.folders.root.parent / "defs" / "shop" / "defs.yaml").write_text(yaml.safe_dump(component))
    assert main(["dry-run", "shop", "customers", "--file", "customers_2.csv"]) == 0
    reason = (
        "not UTF-8; it looks like windows-1252: set `format: {encoding: windows-1252}`, if all files of the goal are so"
    )
    told = capsys.readouterr().out
    assert f"  WARNING: nothing of it is imported: all 2 rows are rejected: {reason}\n" in told
    assert f"  2 rows rejected: {reason}\n" in told


def test_a_dry_run_warns_where_most_rows_of_a_file_are_rejected(shop, capsys):
    shop.put("customers_2.csv", "email;city;points\nx;Ede;1\ny;Ede;1\na@x.com;Ede;1\n")
    assert main(["dry-run", "shop", "customers", "--file", "customers_2.csv"]) == 0
    warning = "most of it is not imported: 2 of 3 rows are rejected: email: not a valid e-mail address\n"
    assert f"  WARNING: {warning}" in capsys.readouterr().out


def test_a_dry_run_warns_of_a_file_that_looks_like_utf_8(shop, capsys):
    shop.put("customers_2.csv", "email;city;points\na@x.com;Köln;1\n".encode())
    settings = shop.settings()["connections"][0]
    settings["goals"][0]["format"]["encoding"] = "latin-1"
    component = {"type": "cdp_assets.SftpConnection", "attributes": settings}
    (shop.folders.root.parent / "defs" / "shop" / "defs.yaml").write_text(yaml.safe_dump(component))
    assert main(["dry-run", "shop", "customers", "--file", "customers_2.csv"]) == 0
    assert (
        "  WARNING: looks like UTF-8: 1 character outside ASCII, each written as UTF-8 writes it; but format.encoding"
        " is latin-1, which reads ü as Ã¼; set format.encoding: utf-8, or leave it out\n"
    ) in capsys.readouterr().out


def test_a_dry_run_warns_of_a_row_with_fewer_cells_than_the_header(shop, capsys):
    shop.put("customers_2.csv", "email;city;points\na@x.com;Ede;1\nb@x.com\n")
    assert main(["dry-run", "shop", "customers", "--file", "customers_2.csv"]) == 0
    warning = "1 row has fewer cells than the header has (line 3): the missing ones count as empty\n"
    assert f"  WARNING: {warning}" in capsys.readouterr().out


def test_a_dry_run_that_would_refuse_a_file_says_so_by_its_exit_code_too(shop, capsys):
    shop.put("customers_2.csv", "name\nx\n")
    assert main(["dry-run", "shop"]) == 1
    assert "customers_2.csv (customers/2): would be REFUSED: Column" in capsys.readouterr().out


def test_a_dry_run_with_nothing_new_says_so(shop, capsys):
    shop.import_all()
    assert main(["dry-run", "shop"]) == 0
    assert capsys.readouterr().out == "no new files\nThere would be 2 profiles. Nothing was written.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dry-run", "shap"], "error: no connection shap; there are: shop (read from DEFS)\n"),
        (["rejects", "shop", "orders"], "error: shop has no import goal orders; there are: customers\n"),
        (
            ["dry-run", "shop", "--file", "x"],
            "error: not new: x: no goal asked for finds it on the server. New are: customers_1.csv\n",
        ),
        (
            ["rejects", "shop", "-o", "-"],
            "error: no such batch has rejected rows or events; these have: no batch\n",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(shop, capsys, arguments, message, tmp_path):
    assert main(arguments) == 1
    assert capsys.readouterr().err.replace(str(tmp_path / "defs"), "DEFS") == message


def test_batches_with_rejects_are_listed(shop, capsys):
    assert main(["rejects", "shop"]) == 0
    assert capsys.readouterr().out == "no rejects\n"
    batch = landed(shop)
    assert main(["rejects", "shop"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "batch",
        "landed",
        "(UTC)",
        "state",
        "rows",
        "cells",
        "events",
        "linked",
        "goal/partition",
        "file",
    ]
    assert line.split()[:1] + line.split()[3:] == [
        batch[:8],
        "folded",
        "1",
        "1",
        "0",
        "0",
        "customers/1",
        "customers_1.csv",
    ]


def test_rejected_events_are_counted_and_their_rows_written(shop, tmp_path, capfdbinary):
    """The only reject is in an event."""
    place = tmp_path / "defs" / "shop" / "defs.yaml"
    told = yaml.safe_load(place.read_text())
    (goal,) = told["attributes"]["goals"]
    goal["events"] = [
        {"type": "order", "date": "day", "mappings": [{"column": "total", "property": "total_revenue"}]},
    ]
    place.write_text(yaml.safe_dump(told))
    shop._goals[0]["events"] = goal["events"]
    shop.put("customers_1.csv", "email;day;total\na@x.com;2026-01-01;abc\n")
    batch = landed(shop)
    assert main(["rejects", "shop"]) == 0
    (_, line) = capfdbinary.readouterr().out.decode().splitlines()
    assert line.split()[3:] == ["folded", "0", "0", "1", "0", "customers/1", "customers_1.csv"]
    assert main(["rejects", "shop", "--batch", batch[:8], "-o", "-"]) == 0
    assert capfdbinary.readouterr().out.decode() == (
        "email;day;total;reject_line;reject_reason\n"
        "a@x.com;2026-01-01;abc;2;\"total: 'abc' is not a decimal number, or too large; the order is left out\"\n"
    )


@pytest.mark.parametrize(("options", "expected"), [([], ROWS), (["--cells"], CELLS)])
def test_rows_are_written_as_their_sender_writes_them(shop, tmp_path, capfdbinary, options, expected):
    batch = landed(shop)
    target = tmp_path / "rows.csv"
    assert main(["rejects", "shop", "--batch", batch[:8], *options, "-o", str(target)]) == 0
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (expected.encode("latin-1"), 0o600)
    capfdbinary.readouterr()
    assert main(["rejects", "shop", "customers", "--partition", "1", *options, "-o", "-"]) == 0
    assert capfdbinary.readouterr().out == expected.encode("latin-1")
    assert list(shop.folders.staging.iterdir()) == []


def test_of_a_batch_with_rejected_cells_alone_the_option_is_told(shop, tmp_path, capsys):
    shop.put("customers_1.csv", "email;city;points\na@x.com;Ede;1\nb@x.com;Ede;many\n")
    landed(shop)
    assert main(["rejects", "shop", "customers", "--partition", "1", "-o", "-"]) == 1
    assert capsys.readouterr().err == (
        "error: only 1 cell rejected, and its row was imported without it; to write what was received, add --cells\n"
    )


def test_rows_of_several_batches_are_not_mixed(shop, capsys):
    landed(shop)
    shop.put("customers_2.csv", BAD)
    shop.import_all()
    assert main(["rejects", "shop", "-o", "-"]) == 1
    assert "error: 2 batches fit; choose one with --batch: " in capsys.readouterr().err
    shop.put("customers_3.csv", "email;city;points\nc@x.com;Ede;1\n")
    shop.import_all()
    capsys.readouterr()
    assert main(["rejects", "shop", "customers", "--partition", "3", "-o", "-"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: no such batch has rejected rows or events; these have: ")
    assert "(customers_1.csv, folded, landed 2026-03-01 07:30 UTC), " in told
    assert "(customers_2.csv, folded, landed 2026-03-01 08:30 UTC)" in told


def test_a_withdrawal_tells_how_many_rows_are_fewer_and_putting_back_how_many_are_more(shop, capsys):
    landed(shop)
    shop.put("customers_20260401.csv", "email;city;points\nnew@x.com;Ede;1\n")
    shop.import_all()
    assert main(["withdraw", "shop", "customers", "20260401"]) == 0
    assert capsys.readouterr().out.endswith(
        ": withdrawn\nmain.profiles: 2 rows, 1 fewer\n2 profiles, warehouse rebuilt\n"
    )
    assert main(["withdraw", "shop", "customers", "20260401", "--undo"]) == 0
    assert ": put back\nmain.profiles: 3 rows, 1 more\n3 profiles" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["-o", "-"]], ids=["listed", "written"])
def test_a_partition_or_batch_that_is_not_there_is_told_with_the_nearest(shop, capsys, options):
    shop.put("customers_20260401.csv", BAD)
    landed(shop)
    assert main(["rejects", "shop", "--partition", "2026040", *options]) == 1
    nearest = "it has, nearest first: '20260401', '1'"
    assert capsys.readouterr().err == f"error: shop has no partition '2026040'; {nearest}\n"
    assert main(["rejects", "shop", "customers", "--batch", "no", *options]) == 1
    assert capsys.readouterr().err == "error: no batch of shop/customers has an id that begins with no\n"


def test_batches_that_do_not_count_are_left_out_until_they_are_asked_for(shop, capfdbinary):
    name = "customers_20260401.csv"
    shop.put(name, BAD)
    landed(shop)
    shop.put(name, BAD.replace("1\n", "2\n"), written=WRITTEN + timedelta(days=1))
    shop.import_all()
    assert main(["withdraw", "shop", "customers", "1"]) == 0
    capfdbinary.readouterr()
    assert main(["rejects", "shop"]) == 0
    _, line, others = capfdbinary.readouterr().out.decode().splitlines()
    assert line.split()[1:4] == ["2026-03-01", "08:30", "folded"]
    told = "2 batches with rejects do not count (1 superseded, 1 withdrawn): --all lists them too"
    assert others == told
    assert main(["rejects", "shop", "--all"]) == 0
    _, *lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split()[3] for line in lines] == ["withdrawn", "superseded", "folded"]
    assert main(["rejects", "shop", "--partition", "20260401", "-o", "-"]) == 0, "one of the two counts"
    assert capfdbinary.readouterr().out.decode("latin-1").startswith(ROWS.partition("\n")[0])
    (superseded,) = [line.split()[0] for line in lines if "superseded" in line]
    assert main(["rejects", "shop", "--batch", superseded]) == 0
    assert capfdbinary.readouterr().out.decode().count("\n") == 2
    assert main(["rejects", "shop", "--all", "--partition", "20260401", "-o", "-"]) == 1
    assert f"{superseded} ({name}, superseded, landed 2026-03-01 07:30 UTC)" in capfdbinary.readouterr().err.decode()


def test_a_place_that_cannot_be_written_is_told(shop, tmp_path, capsys):
    landed(shop)
    assert main(["rejects", "shop", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"error: could not write {tmp_path}: ")


def landed(shop) -> str:
    """Id of the first batch."""
    shop.import_all()
    return str(shop.rows("SELECT batch_id FROM ops.batches ORDER BY name")[0][0])
