"""Backfill: a year of daily deltas, all at once against one by one; the warehouses must come out the same.

One goal    `DAYS` files (365) of `DAY_ROWS` rows (20,000) over `PEOPLE` (1,000,000), each person every so many days
Two goals   two such files a day, interleaved, both writing one property: one sets it, the other adds to it
At once     all files are on the server: one landing of all, one fold
One by one  every day: its files land, fold, and the readers' copy is made, which is told apart
Each way has a process of its own.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from cdp_assets.config.model import Deployment
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.publish import publish
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, size
from cdp_assets_tests.benchmarks._ours import NOW, Done, fold, land, shop
from cdp_assets_tests.benchmarks._peak import peak_of_tree
from cdp_assets_tests.benchmarks._people import RULES, people_goal, write_people
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

FIRST_DAY = date(2025, 1, 1)
ONE_GOAL = [people_goal()]
TWO_GOALS = [
    people_goal("balances", rules={**RULES, "spend": "set"}),
    people_goal("orders", columns=("spend",), identifiers=("email",)),
]


def run() -> str:
    """The figures, as one line of ratios."""
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        one = _compare("one goal", sshd, Path(made), ONE_GOAL)
        two = _compare("two goals, one property", sshd, Path(made), TWO_GOALS)
    peak = max(done.peak_gb for done in (*one, *two))
    ratios = [
        f"{name} {at_once.committed_s / daily.committed_s:.2f} x one by one"
        f" (readers' copies add {daily.publish_s / daily.committed_s:.2f} x to these)"
        for name, (at_once, daily) in (("one goal", one), ("two goals", two))
    ]
    return f"backfill: at once, {', '.join(ratios)}, peak {peak:.2f} GB"


def _compare(title: str, sshd: Sshd, work: Path, goals: Sequence[dict[str, object]]) -> tuple[Done, Done]:
    """At once and one by one."""
    print(title, flush=True)
    made = work / "made"
    days = [_write_day(made, goals, day) for day in range(size("DAYS", 365))]
    found, sums = [], []
    for name, steps in (("at once", [[file for files in days for file in files]]), ("one by one", days)):
        inbox, data = sshd.folder("inbox-"), work / "data"
        settle()
        done = apart(_bring_in, shop(sshd, inbox, *goals), data, inbox, steps)
        print(
            f"  {name}: land {done.land_s:.1f} s, fold {done.fold_s:.1f} s, readers' copies {done.publish_s:.1f} s,"
            f" peak {done.peak_gb:.2f} GB",
            flush=True,
        )
        found.append(done)
        sums.append(_sums(data))
        for folder in (inbox, data):
            shutil.rmtree(folder)
    assert sums[0] == sums[1], sums
    shutil.rmtree(made)
    at_once, daily = found
    return at_once, daily


def _write_day(folder: Path, goals: Sequence[dict[str, object]], day: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    people, rows = size("PEOPLE", 1_000_000), size("DAY_ROWS", 20_000)
    gap = people // rows
    files = [folder / f"{goal['name']}_{FIRST_DAY + timedelta(days=day)}.csv" for goal in goals]
    write_people(files[0], range(day % gap, people, gap)[:rows])
    for file in files[1:]:
        shutil.copyfile(files[0], file)
    return files


def _bring_in(setup: Deployment, data: Path, inbox: Path, steps: Sequence[Sequence[Path]]) -> Done:
    """The files of each step appear together and are brought in before the next one's."""
    folders, seconds = DataFolders(data), [0.0, 0.0, 0.0]
    with peak_of_tree() as peak:
        for number, files in enumerate(steps):
            for file in files:
                shutil.copyfile(file, inbox / file.name)
            now = NOW + timedelta(days=number)
            marks = [time.perf_counter()]
            land(setup, folders, now)
            marks.append(time.perf_counter())
            fold(setup, folders, now)
            marks.append(time.perf_counter())
            publish(folders)
            marks.append(time.perf_counter())
            seconds = [total + end - start for total, (start, end) in zip(seconds, pairwise(marks), strict=True)]
    land_s, fold_s, publish_s = seconds
    return Done(land_s, fold_s, publish_s, peak.gb)


def _sums(data: Path) -> tuple[object, ...]:
    """What tells two warehouses apart for little."""
    with open_warehouse(DataFolders(data).warehouse) as database:
        return database.row(Sql("SELECT count(*), sum(spend), sum(visits), sum(len(tags)) FROM main.profiles"))
