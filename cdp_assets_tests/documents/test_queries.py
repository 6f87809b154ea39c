"""SQL and Python of the documents, on what the demo leaves."""

import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from cdp_assets_tests.documents.blocks import ROOT, blocks, blocks_of
from cdp_assets_tests.documents.conftest import PRINTED
from cdp_assets_tests.documents.printed import difference

# The first one waits for the demo.
pytestmark = pytest.mark.timeout(1500)

FINDS_NOTHING = {
    "ops.attempts": "no file of the sample shop is refused",
    "main.consent_changes": "no file of the sample shop has permission levels, zones or objectives",
    "ops.consent_mismatches": "no connection of the sample shop has objectives",
}
"""Tables that hold nothing after the demo; a query of any other one brings rows."""


def statements(block):
    return [statement.query for statement in duckdb.extract_statements(block.text)]


QUERIES = [(block, statement) for block in blocks_of("sql") for statement in statements(block)]


@pytest.mark.parametrize(("block", "query"), QUERIES, ids=str)
def test_every_query_is_answered(demo: Path, block, query):
    with duckdb.connect(str(demo / "data/warehouse/published.duckdb"), read_only=True) as database:
        rows = database.execute(query).fetchall()
    assert (rows == []) == any(table in query for table in FINDS_NOTHING)


@pytest.mark.parametrize("block", blocks_of("python"), ids=str)
def test_every_python_block_runs(demo: Path, block):
    command = [demo / ".venv/bin/python", "-W", "error", "-c", block.text]
    done = subprocess.run(command, cwd=demo, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("┌") == block.text.count(".show()")
    assert not re.search(r"\b0 rows", done.stdout)


def test_the_demo_prints_what_the_readme_shows(demo: Path):
    (typed,) = [
        typed
        for block in blocks(ROOT / "README.md")
        for typed in block.typed
        if typed.command == "make demo" and typed.shown
    ]
    assert difference(typed.shown or "", (demo / PRINTED).read_text()) == ""
