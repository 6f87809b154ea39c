"""Kill the process at its first step, its second, … until a run ends alive; a restart must set everything right.

After SQLite's way of testing: each death starts from the same server folder and data folder, and is followed
by an undisturbed run. Then warehouse, ledger, server and local folders must be what they are without a death.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.folders import DataFolders
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse, read_copy
from cdp_assets_tests.faults.driver import VERBS
from cdp_assets_tests.support.connected import START, WRITTEN, Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import KILLED, Driver, driver
from cdp_assets_tests.support.proxy import Proxy

HEADER = "email,city,points,tags\n"
FACTS = {
    "batches": "SELECT name, state, note, position, sha256, rows_received, rows_created, rows_modified, rows_unchanged,"
    " rows_not_found, rows_rejected, cells_rejected, replayed_created, replayed_modified,"
    " events_received, events_created, events_set, replayed_events_created FROM ops.batches",
    "rejects": "SELECT file, level, row_no, line_no, column_name, raw_text, reason FROM ops.rejects",
    "attempts": "SELECT DISTINCT path, error FROM ops.attempts",
    "acknowledgements": "SELECT path, renamed_to FROM ops.acknowledgements",
    "exported": "SELECT goal, profile_id, row_digest FROM ops.exported_rows",
    "exports": "SELECT DISTINCT goal, path, state, sha256, rows FROM ops.exports",
    "members": "SELECT segment, profile_id FROM main.segment_members",
    "changes": 'SELECT segment, sum(joined), sum("left") FROM ops.segment_changes GROUP BY ALL',
    "ids": "SELECT profile_id, created_by_value, creation_date, last_modified_date FROM main.profiles",
}


BOUGHT = {
    "type": "order",
    "id": "basket",
    "date": "on",
    "on_missing_date": "now",
    "nested": [
        {"property": "product", "source": "lines", "mappings": [{"column": "lines.points", "property": "id"}]},
    ],
    "product_store": "main",
}


@dataclass(frozen=True)
class Story:
    """Files that arrive one after the other; deaths come in the run of the last arrival."""

    arrivals: tuple[dict[str, str], ...]
    replays: bool = False


FIRST = {
    "customers_2026-02-01.csv": HEADER + "a@x.com,Rome,10,red\nb@x.com,Oslo,1,\n",
    "customers_2026-02-03.csv": HEADER + "a@x.com,Bonn,5,blue\nc@x.com,Kiel,many,\n",
    "points_1.csv": 'email,points\nb@x.com,100\n"c@x.com" x,1\nz@x.com,7\n',
    "points_2.csv": "mail,points\nb@x.com,100\n",
    "baskets_1.csv": "basket,email\n1,a@x.com\n2,b@x.com\n",
    "lines_1.csv": "of,points\n1,3\n1,4\n2,1\n3,9\n",
}
AGAIN = {"points_1.csv": FIRST["points_1.csv"]}
LATE = {"customers_2026-02-02.csv": HEADER + "a@x.com,Lyon,3,late\nd@x.com,Graz,2,\n"}
# Name, size and second of a file that is `.done`, with another content.
REWRITTEN = {"customers_2026-02-03.csv": FIRST["customers_2026-02-03.csv"].replace("Bonn", "Lund")}
# Dated after the look that saw the others, so that it is appended.
NEXT = {
    "customers_2027-02-04.csv": HEADER + "a@x.com,Paris,1,green\nd@x.com,Wien,40,\n",
    "baskets_2.csv": "basket,email\n5,d@x.com\n",
    "lines_2.csv": "of,points\n5,2\n",
}
STORIES = {
    "first fold": Story((FIRST,)),
    "append": Story((FIRST, NEXT | AGAIN)),
    "replay": Story((FIRST, NEXT | LATE | AGAIN | REWRITTEN), replays=True),
}


class Stage:
    """The world before the last arrival, to be set up anew for every death."""

    def __init__(self, shop: Shop, driver: Driver, kept: Path) -> None:
        self.shop, self.driver, self._kept = shop, driver, kept

    def keep(self) -> None:
        shutil.copytree(self.shop.remote, self._kept / "remote")
        shutil.copytree(self.shop.folders.root, self._kept / "data")

    def restore(self) -> None:
        for name, folder in self.shop.dirs.items():
            for path in folder.iterdir():
                path.unlink()
            for path in (self._kept / "remote" / name).iterdir():
                self.shop.give(Path(shutil.copy2(path, folder)))
        shutil.rmtree(self.shop.folders.root)
        shutil.copytree(self._kept / "data", self.shop.folders.root)

    def die_at(self, number: int, now) -> bool:
        """Whether the process reached its step of that number, and died there."""
        return self.driver.run(now, kill_at=number) == KILLED


@contextmanager
def stage(sshd, tmp_path: Path, story: Story) -> Iterator[tuple[Stage, Any]]:
    """Everything up to the last arrival has run; the files of the last arrival are on the server."""
    points = import_goal("points", files={"delta": True}, mappings=[{"column": "points", "property": "points"}])
    lines = {"name": "lines", "file": "lines_*.csv", "parent_column": "basket", "column": "of"}
    baskets = import_goal(
        "baskets",
        files={"delta": True, "linked": [lines]},
        mappings=[{"column": "lines.points", "property": "points", "rule": "sum"}],
        events=[BOUGHT],
    )
    goals = [
        import_goal(files={"delta": True}),
        points | {"allow_create": False},
        baskets,
        export_goal(),
        export_goal("all_vips", population="all", file={"name": "vips", "gzip": True}),
    ]
    shop = Shop(sshd, tmp_path / "data", goals)
    shop.snapshots = {"after": 1e-9, "keep": 2}
    shop.folders.root.mkdir()
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        for number, files in enumerate(story.arrivals, start=1):
            now = START + timedelta(hours=number)
            for name, content in files.items():
                shop.put(name, content, written=WRITTEN)
            if number < len(story.arrivals):
                assert process.run(now) == 0
        found = Stage(shop, process, tmp_path / "kept")
        found.keep()
        yield found, now


def outcome(shop: Shop) -> dict[str, Any]:
    """Everything that must not depend on deaths, after checking what must be gone."""
    with open_warehouse(shop.folders.warehouse) as database:
        facts = {name: sorted(map(repr, database.rows(Sql(query)))) for name, query in FACTS.items()}
        dump = canonical_dump(database)
    with read_copy(shop.folders.published) as copy:
        assert canonical_dump(copy) == dump, "the published copy is behind"
    assert leftovers(shop.folders) == []
    return facts | {"dump": dump, "server": shop.tree()}


def leftovers(folders: DataFolders) -> list[str]:
    """What a finished run has no use for."""
    found = [*folders.staging.iterdir(), *folders.published.parent.glob(".published.*")]
    found += folders.snapshots.glob(".*")
    found += [path for path in (folders.root / "exports").glob("*/*/*") if path.is_dir()]
    return [str(path) for path in found]


def first_of_each_name(world: Stage, now) -> list[int]:
    """The numbers of the steps where a name comes for the first time, of a run without a death."""
    world.restore()
    world.driver.trace.unlink(missing_ok=True)
    assert world.driver.run(now, fault="list:0") == 0
    passed = [line.split(" ", 1) for line in world.driver.trace.read_text().splitlines()]
    return sorted({name: int(number) for number, name in reversed(passed)}.values())


def check_deaths(world: Stage, now, numbers: Iterable[int], expected: dict[str, Any], *, twice: bool = False) -> int:
    """Dies at each of the steps, recovers, compares; gives the number of deaths. Ends where no death comes."""
    deaths = 0
    for number in numbers:
        world.restore()
        if not world.die_at(number, now):
            assert outcome(world.shop) == expected
            break
        if twice:
            world.die_at(number // 2 + 3, now)
        assert world.driver.run(now) == 0, world.driver.trace.read_text()
        assert outcome(world.shop) == expected, world.driver.trace.read_text()
        deaths += 1
    return deaths


def undisturbed(world: Stage, now, story: Story) -> dict[str, Any]:
    assert world.driver.run(now) == 0
    expected = outcome(world.shop)
    assert world.shop.rows("SELECT count(replayed_created) > 0 FROM ops.batches") == [(story.replays,)]
    return expected


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        pytest.param("first fold", slice(0, None, 10), id="first fold, some kinds"),
        pytest.param("replay", slice(0, None, 2), marks=pytest.mark.slow, id="replay, half of the kinds"),
        pytest.param("replay", slice(1, None, 2), marks=pytest.mark.slow, id="replay, the other half"),
    ],
)
def test_a_death_at_every_kind_of_step_leaves_no_trace(sshd, tmp_path, name, kinds):
    with stage(sshd, tmp_path, STORIES[name]) as (world, now):
        expected = undisturbed(world, now, STORIES[name])
        numbers = first_of_each_name(world, now)[kinds]
        assert check_deaths(world, now, numbers, expected) == len(numbers) > 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("twice", [False, True], ids=["once", "again while recovering"])
@pytest.mark.parametrize("name", STORIES)
def test_a_death_at_any_step_leaves_no_trace(sshd, tmp_path, name, twice):
    with stage(sshd, tmp_path, STORIES[name]) as (world, now):
        expected = undisturbed(world, now, STORIES[name])
        deaths = check_deaths(world, now, range(1, 500, 3 if twice else 1), expected, twice=twice)
        assert deaths > (15 if twice else 40)


@pytest.mark.parametrize(("verb", "direction", "after"), [("import", "down", 400_000), ("deliver", "up", 30_000)])
def test_a_death_in_the_middle_of_a_transfer_leaves_no_trace(sshd, tmp_path, verb, direction, after):
    """The link stalls, the process is killed while it waits, and the next run has a good link."""
    shop = Shop(sshd, tmp_path / "data", [import_goal(), export_goal(file={"name": "vips"})])
    shop.put("customers_1.csv", HEADER + "".join(f"p{number}@x.com,Rome,{number},\n" for number in range(30_000)))
    with Proxy(sshd.port, "stall", after_bytes=after, direction=direction) as proxy:
        bad = shop.settings(port=proxy.port)
        with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
            verbs = VERBS[: VERBS.index(verb)]
            assert process.run(START, verbs) == 0
            process.start(START, [verb], deployment=bad)
            assert proxy.struck.wait(60)
            assert any(path.name.endswith(".part") for path in shop.remote.rglob("*")) == (verb == "deliver")
            assert not shop.tree().get("out/vips.csv")
            (child,) = process.children()
            os.kill(child, signal.SIGKILL)
            assert process.wait() == KILLED
            assert process.run(START) == 0
    assert outcome(shop)["members"]
    assert shop.tree()["out/vips.csv"].count(b"\n") == 29_991
    assert shop.names() == ["customers_1.csv.done"]
    assert shop.names("out") == ["vips.csv"]
