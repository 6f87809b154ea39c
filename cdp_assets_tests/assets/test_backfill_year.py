"""A year of daily delta files, backfilled from the page in random order while things fail, and delivered day by day."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp_assets.config.model import Deployment
from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.flows import run_connection
from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import waiting
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.assets.backfilling import Backfills
from cdp_assets_tests.assets.web import Dev, running_dev, until
from cdp_assets_tests.assets.world import CUSTOMERS, HEADER, MODEL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

DAYS = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
PATIENCE_S = 600
BROKEN = 6
"""Files that cannot be read at first."""
KILLED = 2
"""Runs whose process is killed."""
CITIES = ("Delft", "Breda", "Gouda", "Zeist", "")


def content(dice: random.Random) -> str:
    """A delta: people come back on other days with another city, so that the order of the files shows."""
    rows = [
        f"p{dice.randrange(500)}@example.com,{dice.choice(CITIES)},{dice.randrange(1, 100)}\n"
        for _ in range(dice.randrange(20, 80))
    ]
    return HEADER + "".join(rows)


def put(served: Path, day: date, text: str, seconds: int = 0) -> None:
    path = served / "in" / f"customers_{day:%Y%m%d}.csv"
    path.write_text(text)
    os.utime(path, (1_700_000_000 + seconds, 1_700_000_000 + seconds))


def shop(server: EmbeddedServer) -> dict[str, Any]:
    """The test shop with a window for each day, run by nobody but the person at the page."""
    windows = {"partitions": {"by": "day", "start": DAYS[0].isoformat()}}
    return {
        "name": "shop",
        "run": "manual",
        "server": {
            "host": server.host,
            "port": server.port,
            "username": USERNAME,
            "host_key": server.host_key,
            "password": {"file": str(server.password_file)},
        },
        "goals": [CUSTOMERS | {"files": CUSTOMERS["files"] | windows}],
    }


def write_defs(folder: Path, server: EmbeddedServer) -> Path:
    for name, kind, attributes in (("model", "CustomerModel", MODEL), ("shop", "SftpConnection", shop(server))):
        (folder / name).mkdir(parents=True)
        told = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (folder / name / "defs.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return folder


def in_blocks(dice: random.Random) -> list[list[str]]:
    """The year cut at random into pieces of at most 25 days, in random order."""
    keys, blocks = [day.isoformat() for day in DAYS], []
    while keys:
        size = dice.randint(18, 25)
        blocks.append(keys[:size])
        keys = keys[size:]
    dice.shuffle(blocks)
    return blocks


def served_by(root: Path) -> Path:
    for name in ("in", "out"):
        (root / name).mkdir(parents=True)
    return root


def folded_once_more(backfills: Backfills, data: DataFolders, folds: int) -> bool:
    """Whether nothing waits any more, after so many folds and not one more."""
    done = [run for run in backfills.all_runs() if run["jobName"] == "fold_profiles"]
    assert len(done) <= folds, f"{len(done)} folds"
    return len(done) == folds and done[0]["status"] == "SUCCESS" and not waiting(data)


def disturb(backfills: Backfills, server: EmbeddedServer) -> None:
    """Kills runs in the middle of their landing, then takes the server away until a run has failed for it."""
    killed: set[str] = set()

    def kill_one() -> bool:
        for run in backfills.runs("STARTED"):
            process = backfills.process_of(run) if run not in killed else None
            if process:
                os.kill(process, signal.SIGKILL)
                killed.add(run)
                return True
        return False

    for _ in range(KILLED):
        until(kill_one, PATIENCE_S, "a run to kill")
    until(lambda: backfills.runs("SUCCESS"), PATIENCE_S, "a run that succeeds")
    before = set(backfills.runs("FAILURE")) | killed
    server.stop()
    until(lambda: set(backfills.runs("FAILURE")) - before, PATIENCE_S, "a run that misses the server")
    server.start()


def backfill(dev: Dev, server: EmbeddedServer, texts: dict[date, str], dice: random.Random) -> None:
    """What a person does at the page: four backfills, and another of what failed, until the year is in."""
    served, data = server.folder, DataFolders(dev.folder / "data")
    backfills, keys = Backfills(dev, "shop/customers"), [day.isoformat() for day in DAYS]
    broken = dice.sample(DAYS, BROKEN)
    for day in DAYS:
        put(served, day, "what is this\n" if day in broken else texts[day])
    blocks = in_blocks(dice)
    for start in range(4):
        backfills.launch([key for block in blocks[start::4] for key in block])
    disturb(backfills, server)
    until(backfills.are_over, PATIENCE_S, dev.log())
    until(lambda: folded_once_more(backfills, data, 1), PATIENCE_S, "the fold")
    failed = backfills.without(keys)
    assert {day.isoformat() for day in broken} <= set(failed)
    assert len(failed) < len(keys)
    for day in broken:
        put(served, day, texts[day], seconds=60)
    backfills.launch(failed)
    until(backfills.are_over, PATIENCE_S, dev.log())
    assert backfills.without(keys) == []
    until(lambda: folded_once_more(backfills, data, 2), PATIENCE_S, "the second fold")
    check = until(lambda: backfills.check("no_missing_partitions"), PATIENCE_S, "the check of missing partitions")
    assert check["severity"] == "WARN"


def day_by_day(root: Path, texts: dict[date, str]) -> dict[str, list[str]]:
    """The same files in another data folder: each one comes, is imported and folded before the next."""
    served = served_by(root / "served")
    with EmbeddedServer(served, root / "state") as server:
        told = {"model": MODEL, "connections": [shop(server)]}
        deployment, folders = Deployment.model_validate(told), DataFolders(root / "data")
        (connection,) = deployment.connections
        for day in DAYS:
            put(served, day, texts[day])
            moment = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
            run_connection.import_new(deployment, connection, folders, moment)
            run_connection.fold_and_publish(deployment.model, folders, moment)
            (served / "in" / f"customers_{day:%Y%m%d}.csv").unlink()
    return dumped(folders)


def dumped(folders: DataFolders) -> dict[str, list[str]]:
    with open_warehouse(folders.warehouse) as database:
        return canonical_dump(database)


def test_a_year_backfilled_while_things_fail_ends_as_the_year_day_by_day(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    texts = {day: content(dice) for day in DAYS}
    home = tmp_path / "home"
    home.mkdir()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        days = beside.submit(day_by_day, tmp_path / "days", texts)
        with EmbeddedServer(served_by(tmp_path / "served"), tmp_path / "state") as server:
            settings = {"CDP_DEFS_DIR": str(write_defs(tmp_path / "defs", server)), "CDP_SENSOR_INTERVAL_S": "2"}
            with running_dev(home, "--running", **settings) as dev:
                backfill(dev, server, texts, dice)
        expected = days.result(PATIENCE_S)
    assert any(expected.values())
    assert dumped(DataFolders(home / "data")) == expected
