"""Parallel: the same files as one goal, one after the other, and as 20 goals that land at once, a process each.

One goal   `GOALS` files (20) land in one process; the fold takes them in one pass
At once    every goal lands its own file in a process of its own; the fold takes a pass for each goal
`ROWS=6000000` is the number of rows of all files together. Both end with the same number of profiles. Memory is of all
processes together, without the server.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

from cdp_assets.config.model import Deployment
from cdp_assets.flows.folders import DataFolders
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, size, timed
from cdp_assets_tests.benchmarks._ours import NOW, Done, fold, land, shop
from cdp_assets_tests.benchmarks._peak import peak_of_tree
from cdp_assets_tests.benchmarks._people import people_goal, write_people
from cdp_assets_tests.support.sshd import running_sshd, throw_away_account

_START_S = 600
"""Processes have so long to import what they need; only then the clock starts."""
_LAND_S = 3600


def run() -> str:
    """The figures, as one line of ratios."""
    rows, goals = size("ROWS", 6_000_000), size("GOALS", 20)
    names = [f"goal{number}" for number in range(1, goals + 1)]
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        inbox, data, each = sshd.folder("inbox-"), Path(made) / "data", rows // goals
        for number, name in enumerate(names):
            apart(write_people, inbox / f"{name}_{number}.csv", range(number * each, (number + 1) * each))
        one = people_goal() | {"files": {"root": "goal*.csv", "delta": True, "keep_received": False}}
        alone, profiles = _measured(shop(sshd, inbox, one), data, ["people"])
        at_once, same = _measured(shop(sshd, inbox, *(people_goal(name) for name in names)), data, names)
    assert profiles == same == each * goals, (profiles, same)
    return (
        f"parallel: {goals} goals at once {at_once.committed_s / alone.committed_s:.2f} x one goal"
        f" (land {at_once.land_s / alone.land_s:.2f} x, fold {at_once.fold_s / alone.fold_s:.2f} x),"
        f" peak {alone.peak_gb:.2f} GB one, {at_once.peak_gb:.2f} GB {goals}"
    )


def _measured(setup: Deployment, data: Path, names: Sequence[str]) -> tuple[Done, int]:
    """What it took, and how many profiles there are."""
    print(f"{len(names)} goals", flush=True)
    settle()
    landed = apart(_land_at_once, setup, data, names)
    folded = apart(_fold, setup, data)
    with open_warehouse(DataFolders(data).warehouse) as database:
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
    shutil.rmtree(data)
    print(f"  peak landing {landed.peak_gb:.2f} GB, folding {folded.peak_gb:.2f} GB", flush=True)
    return Done(landed.land_s, folded.fold_s, 0.0, max(landed.peak_gb, folded.peak_gb)), profiles


def _land_at_once(setup: Deployment, data: Path, names: Sequence[str]) -> Done:
    """A process for each goal; they begin together."""
    context = get_context("spawn")
    gate = context.Barrier(len(names) + 1)
    processes = [context.Process(target=_land_one, args=(setup, data, name, gate)) for name in names]
    with peak_of_tree() as peak:
        for process in processes:
            process.start()
        gate.wait(_START_S)
        seconds = timed("land", lambda: _join(processes))
    assert all(process.exitcode == 0 for process in processes), "a landing failed, see above"
    return Done(seconds, 0.0, 0.0, peak.gb)


def _join(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.join(_LAND_S)


def _land_one(setup: Deployment, data: Path, name: str, gate: Barrier) -> None:
    gate.wait(_START_S)
    land(setup, DataFolders(data), NOW, name)


def _fold(setup: Deployment, data: Path) -> Done:
    with peak_of_tree() as peak:
        seconds = timed("fold", lambda: fold(setup, DataFolders(data), NOW))
    return Done(0.0, seconds, 0.0, peak.gb)
