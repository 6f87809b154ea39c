"""The acid test for CSV readers (csv-spectrum): every file comes out of the landing exactly as its JSON says.

Twelve files, of which eleven have a right expectation. That of `location_coordinates` was never made from its
file: it names another telephone number, and holds one object where there should be a list of rows.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdp_assets.files.delimited import read_header
from cdp_assets.flows.write_batch import Job, write_carefully, write_fast
from cdp_assets.sql.landing import parquet_rows
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import scratch
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

SOURCE = Path(__file__).parents[2].parent / "shared" / "data" / "csv-spectrum"
NAMES = (
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
    "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
)  # fmt: skip
PLAIN = {"comma_in_quotes", "empty", "location_coordinates", "simple", "utf8"}
"""Files with one row on every line, ended by LF, and no blank beside a quote: the engine may read them as they are."""

pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason=f"needs csv-spectrum as shared/data/{SOURCE.name} beside the project"
)


def expected(name):
    found = json.loads((SOURCE / "json" / f"{name}.json").read_text("utf-8"))
    if name == "location_coordinates":
        return [found | {"Contact Phone Number": "2095257564"}]
    return found


def lab(root, columns):
    goal = {
        "type": "import_profiles",
        "name": "g",
        "files": {"root": "*.csv"},
        "identifiers": [{"column": columns[0], "property": "key"}],
        "mappings": [{"column": column, "property": f"p{place}"} for place, column in enumerate(columns)],
    }
    return Lab(root, deployment([{"name": "key"}, *({"name": f"p{place}"} for place in range(len(columns)))], [goal]))


def rows_of(folder, columns):
    """The batch as JSON would have it: a missing value is an empty text."""
    values = Sql(", ".join(f"coalesce(m{place}, '')" for place in range(len(columns))))
    query = sql("SELECT {values} FROM {batch}", values=values, batch=parquet_rows([str(folder / "batch.parquet")]))
    with scratch() as engine:
        return [dict(zip(columns, row, strict=True)) for row in engine.rows(query)]


def test_the_list_of_files_is_complete():
    assert sorted(path.stem for path in (SOURCE / "csvs").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_landed_as_expected(tmp_path, name):
    columns = list(expected(name)[0])
    landed = lab(tmp_path, columns).land("g", f"{name}.csv", (SOURCE / "csvs" / f"{name}.csv").read_bytes())
    assert list(landed.manifest.columns) == columns
    assert (landed.manifest.rows_rejected, landed.manifest.padded_rows) == (0, 0)
    assert rows_of(landed.folder, columns) == expected(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", [write_fast, write_carefully])
def test_each_way_alone_reads_it_as_expected_or_leaves_it_to_the_other(tmp_path, name, write):
    columns = list(expected(name)[0])
    config, source = lab(tmp_path / "lab", columns).config("g"), SOURCE / "csvs" / f"{name}.csv"
    with scratch() as engine:
        header = read_header(source, config.goal.format)
        written = write(engine, Job(config, header, source, tmp_path, tmp_path, EPOCH))
    assert (written is not None) == (write is write_carefully or name in PLAIN)
    if written is not None:
        assert rows_of(tmp_path, columns) == expected(name)
