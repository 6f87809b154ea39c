"""Cells with long texts among their values, and dates whose format only later rows tell."""

from __future__ import annotations

import duckdb
import pytest

from cdp_assets.config.properties import MAX_TEXT_LENGTH
from cdp_assets.flows.write_batch import FIRST_ROWS, MANY_ROWS
from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [{"name": "crm"}, {"name": "tags", "multiple": True}, {"name": "day", "type": "datetime"}]


def goal(*columns):
    return {
        "type": "import_profiles",
        "name": "people",
        "files": {"root": "people_*.csv", "delta": True},
        "identifiers": [{"column": "crm", "property": "crm"}],
        "mappings": [
            {"column": column, "property": column, "rule": "add" if column == "tags" else "set"} for column in columns
        ],
    }


def test_only_the_too_long_of_several_texts_is_left_out(tmp_path):
    fits, too_long, many = "é" * MAX_TEXT_LENGTH, "é" * (MAX_TEXT_LENGTH + 1), "|".join(["x" * 600, "y"] * 400)
    cells = [f"a|{too_long}|b|a", f"{fits}|a|{fits}", too_long, many, "a| |a", ""]
    text = "crm,tags\n" + "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    landed = Lab(tmp_path, deployment(PROPERTIES, [goal("tags")])).land("people", "people_1.csv", text)
    found = duckdb.sql(f"SELECT m0, m0_invalid FROM '{landed.folder}/batch.parquet'").fetchall()
    assert found == [
        (["a", "b"], cells[0]),
        ([fits, "a"], None),
        (None, too_long),
        (["x" * 600, "y"], None),
        (["a"], None),
        (None, None),
    ]
    assert landed.manifest.cells_rejected == 2


@pytest.mark.parametrize("told_at", [0, FIRST_ROWS // 2, FIRST_ROWS + 1, MANY_ROWS])
@pytest.mark.parametrize("rows", [MANY_ROWS, MANY_ROWS + 1])
def test_wherever_the_rows_tell_the_format_of_a_date_it_holds_for_all(tmp_path, told_at, rows):
    days = ["03/04/2026"] * rows
    days[min(told_at, rows - 1)] = "25/04/2026"
    text = "crm,day\n" + "".join(f"{number},{day}\n" for number, day in enumerate(days))
    landed = Lab(tmp_path, deployment(PROPERTIES, [goal("day")])).land("people", "people_1.csv", text)
    batch = f"'{landed.folder}/batch.parquet'"
    found = duckdb.sql(
        f"SELECT (m0 AT TIME ZONE 'UTC')::DATE::VARCHAR, count(*), count(m0_invalid) FROM {batch} GROUP BY 1 ORDER BY 2"
    ).fetchall()
    assert found == [("2026-04-25", 1, 0), ("2026-04-03", rows - 1, 0)]


@pytest.mark.parametrize("odd_at", [0, MANY_ROWS])
def test_a_date_that_nothing_reads_does_not_change_the_others(tmp_path, odd_at):
    days = ["2026-04-03"] * (MANY_ROWS + 1)
    days[odd_at] = "soon"
    text = "crm,day\n" + "".join(f"{number},{day}\n" for number, day in enumerate(days))
    landed = Lab(tmp_path, deployment(PROPERTIES, [goal("day")])).land("people", "people_1.csv", text)
    batch = f"'{landed.folder}/batch.parquet'"
    assert duckdb.sql(f"SELECT count(m0), max(m0_invalid) FROM {batch}").fetchall() == [(MANY_ROWS, "soon")]
    rejected = duckdb.sql(f"SELECT line_no, raw_text FROM '{landed.folder}/rejects.parquet'").fetchall()
    assert rejected == [(odd_at + 2, "soon")]
