"""Kill an erasure at its first step, its second, …: the next fold ends it, or it has not begun."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse, read_copy
from cdp_assets_tests.privacy.searching import traces
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import KILLED, driver

JANE = "jane@x.com"
OTHERS = (".lock", ".folded.json")
"""Beginnings of names of files that hold nothing of anybody."""
HEADER = "email,city,points,tags\n"
FACTS = (
    "SELECT name, state, position, rows_created, rows_erased, replayed_created, replayed_erased FROM ops.batches",
    "SELECT file, level, row_no, line_no, raw_text FROM ops.rejects",
    "SELECT profile_id, row_digest FROM ops.exported_rows",
    "SELECT segment, profile_id FROM main.segment_members",
    "SELECT count(*), count(DISTINCT value_hash) FROM ops.erasures",
)


def outcome(shop):
    with open_warehouse(shop.folders.warehouse) as database:
        facts = [sorted(map(repr, database.rows(Sql(fact)))) for fact in FACTS]
        dump = canonical_dump(database)
    with read_copy(shop.folders.published) as copy:
        assert canonical_dump(copy) == dump
    return facts, dump


def leftovers(shop):
    """Files that an ended erasure has no use for."""
    hidden = [path for path in shop.folders.root.rglob(".*") if path.is_file() and not path.name.startswith(OTHERS)]
    return [*hidden, *shop.folders.erasures.glob("*.json")]


def numbers_of(process, at):
    """The steps where a name comes for the first time."""
    process.trace.unlink(missing_ok=True)
    assert process.run(at, [f"erase {JANE}"], fault="list:0") == 0
    passed = [line.split(" ", 1) for line in process.trace.read_text().splitlines()]
    return sorted({name: int(number) for number, name in reversed(passed)}.values())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)], ids=["some steps", "every step"])
def test_a_death_at_any_step_of_an_erasure_leaves_no_trace(sshd, tmp_path, every):
    shop = Shop(sshd, tmp_path / "data", [import_goal(), export_goal()])
    shop.put("customers_1.csv", HEADER + 'jane@x.com,Rome,10,\nbob@x.com,Oslo,11,\n"jane@x.com" x\n')
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        at = shop.now
        assert process.run(at) == 0
        shop.put("customers_2.csv", HEADER + "bob@x.com,Kiel,12,\njane@x.com,Bonn,10,\n")
        at += timedelta(hours=1)
        assert process.run(at, ["land"]) == 0
        kept = tmp_path / "kept"
        shutil.copytree(shop.folders.root, kept)
        kinds = numbers_of(process, at)
        assert traces(shop.folders.root, JANE) == leftovers(shop) == []
        expected = outcome(shop)
        begun = 0
        for number in kinds[::every]:
            shutil.rmtree(shop.folders.root)
            shutil.copytree(kept, shop.folders.root)
            assert process.run(at, [f"erase {JANE}"], kill_at=number) == KILLED
            intended = bool(list(shop.folders.erasures.glob("*.json")))
            verbs = ["fold"] if intended else [f"erase {JANE}"]
            assert process.run(at, verbs) == 0
            last = process.trace.read_text().splitlines()[-1]
            assert traces(shop.folders.root, JANE) == leftovers(shop) == [], last
            assert outcome(shop) == expected, last
            begun += intended
        assert begun > 14 // every
