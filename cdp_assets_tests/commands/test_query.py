"""`python -m cdp_assets query`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import io

import pytest

from cdp_assets.__main__ import main
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.publish import publish
from cdp_assets.sql.history import View, make_view
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A copy for readers, with a table of three rows and one of many columns."""
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path))
    folders = DataFolders(tmp_path)
    with open_warehouse(folders.warehouse) as database:
        database.run(
            Sql(
                "CREATE TABLE people AS SELECT * FROM (VALUES ('Ada', 1.50, ['a', 'b,c'], true),"
                " ('Bo', NULL, NULL, false), ('Cy', 10.25, [], NULL)) AS p(name, spend, tags, active)"
            )
        )
        database.run(Sql("COMMENT ON TABLE people IS 'Who is there.'"))
        columns = ", ".join(f"'value {n}' AS column_{n}" for n in range(20))
        database.run(Sql(f"CREATE TABLE wide AS SELECT {columns}"))
        database.run(Sql("CREATE VIEW rich AS FROM people WHERE spend > 5"))
    publish(folders)
    return folders


def told(capsys, *arguments):
    code = main(["query", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_without_a_query_it_lists_tables_and_views(folders, capsys):
    code, out, _ = told(capsys)
    assert code == 0
    assert [line.split() for line in out.splitlines() if line.startswith("main.")] == [
        ["main.people", "3", "Who", "is", "there."],
        ["main.rich", "·", "a", "view"],
        ["main.wide", "1", "·"],
    ]


def test_what_an_analyst_asks_first_is_listed_first_and_without_codes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path))
    view = View("notes", "What was noted.", Sql("SELECT 1 AS n"), {"n": "A number."})
    with open_warehouse(DataFolders(tmp_path).warehouse) as database:
        database.run(Sql("CREATE SCHEMA ops"))
        for name, rows in (("main.a_empty", 0), ("main.people", 2), ("ops.batches", 1), ("ops.a_empty", 0)):
            database.run(Sql(f"CREATE TABLE {name} AS SELECT range AS n FROM range({rows})"))
        for statement in make_view(view):
            database.run(statement)
    publish(DataFolders(tmp_path))
    _, out, _ = told(capsys)
    names = [line.split()[0] for line in out.splitlines() if line.startswith(("main.", "ops."))]
    assert names == ["main.people", "ops.batches", "ops.notes"]
    assert "2 tables without rows: main.a_empty, ops.a_empty\n" in out
    assert "What was noted." in out
    assert view.told.rsplit(" ", 1)[1] not in out


def test_rows_that_fit_are_one_table(folders, capsys):
    code, out, _ = told(capsys, "SELECT * FROM people ORDER BY name")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["name", "spend", "tags", "active"] in lines
    assert ["Ada", "1.50", '["a",', '"b,c"]', "true"] in lines
    assert ["Bo", "·", "·", "false"] in lines
    assert ["3", "rows"] in lines


def test_rows_that_do_not_fit_stand_one_below_the_other(folders, capsys):
    code, out, _ = told(capsys, "FROM wide")
    assert code == 0
    assert "row 1" in out
    assert max(map(len, out.splitlines())) <= 100
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("column_")] == [str(n) for n in range(20)]


def test_more_rows_than_are_shown_are_told(folders, capsys):
    _, out, _ = told(capsys, "FROM people ORDER BY name", "--limit", "1")
    assert "the first 1 row; --limit shows more" in out
    assert "Bo" not in out


def test_all_rows_can_be_written_as_csv(folders, capsys, tmp_path):
    code, out, _ = told(capsys, "FROM people ORDER BY name", "-o", str(tmp_path / "people.csv"), "--limit", "1")
    assert (code, out) == (0, f"3 rows written to {tmp_path / 'people.csv'}\n")
    assert list(csv.reader(io.StringIO((tmp_path / "people.csv").read_text(encoding="utf-8")))) == [
        ["name", "spend", "tags", "active"],
        ["Ada", "1.50", '["a", "b,c"]', "true"],
        ["Bo", "", "", "false"],
        ["Cy", "10.25", "[]", ""],
    ]
    _, out, _ = told(capsys, "FROM rich", "-o", "-")
    assert out == "name,spend,tags,active\nCy,10.25,[],\n"


def test_a_query_comes_from_the_input_too(folders, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*)\nFROM people"))
    _, out, _ = told(capsys, "-", "-o", "-")
    assert out == "count_star()\n3\n"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT nothing FROM people", 'Referenced column "nothing" not found'),
        ("DELETE FROM people", "attached in read-only mode"),
        ("FROM '/etc/passwd'", "does not exist"),
        ("FROM read_csv('/etc/passwd')", "disabled"),
        ("COPY people TO 'out.csv'", "disabled"),
        ("ATTACH 'other.duckdb'", "disabled"),
        ("SET enable_external_access = true", "locked"),
    ],
)
def test_what_it_cannot_do_is_told_in_a_line_or_two(folders, capsys, query, wanted):
    code, out, err = told(capsys, query)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert wanted in err
    assert "Traceback" not in err
    assert "in the statement" not in err


def test_without_a_copy_it_says_what_makes_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "empty"))
    code, _, err = told(capsys, "SELECT 1")
    assert code == 1
    assert "no copy for readers" in err
    assert "run" in err
    assert not (tmp_path / "empty").exists()


def test_whole_days_are_shown_as_days_and_written_as_moments(folders, capsys):
    day, moment = "TIMESTAMPTZ '1975-12-15 00:00:00+00'", "TIMESTAMPTZ '2026-11-26 09:30:00+00'"
    text = f"SELECT {day} AS day, unnest([{day}, {moment}]) AS at, NULL::TIMESTAMPTZ AS none"
    _, out, _ = told(capsys, text)
    assert out.splitlines()[2].split() == ["1975-12-15", "1975-12-15", "00:00:00+00:00", "·"]
    _, out, _ = told(capsys, text, "-o", "-")
    assert out.splitlines()[1] == "1975-12-15 00:00:00+00:00,1975-12-15 00:00:00+00:00,"
