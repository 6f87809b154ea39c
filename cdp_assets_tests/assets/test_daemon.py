"""The whole product under the daemon: a file is put on the server, and everything else happens by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import yaml

from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import read_copy
from cdp_assets_tests.assets.backfilling import Backfills
from cdp_assets_tests.assets.web import Dev, running_dev, until
from cdp_assets_tests.assets.world import ANNA, BERT, HEADER, MODEL, connection

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]

PATIENCE_S = 240
RUNS = "{ runsOrError { ... on Runs { results { jobName status assetSelection { path } } } } }"


def write_defs(folder: Path, server: EmbeddedServer) -> Path:
    """The test shop as YAML."""
    reached = {
        "host": server.host,
        "port": server.port,
        "username": USERNAME,
        "host_key": server.host_key,
        "password": {"file": str(server.password_file)},
    }
    parts = {"model": ("CustomerModel", MODEL), "shop": ("SftpConnection", connection(server=reached))}
    for name, (kind, attributes) in parts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "defs.yaml").write_text(
            yaml.safe_dump({"type": f"cdp_assets.{kind}", "attributes": attributes}, sort_keys=False)
        )
    return folder


def cities(folder: Path) -> list[str]:
    published = folder / "data" / "warehouse" / "published.duckdb"
    if not published.exists():
        return []
    with read_copy(published) as copy:
        return [city for (city,) in copy.rows(Sql("SELECT city FROM main.profiles ORDER BY city"))]


def arrived(dev: Dev, served: Path, name: str, expected: list[str], delivered: str) -> bool:
    """Whether a file is in the profiles, has its new name, and the export holds what it brought."""
    exported = served / "out" / "vip.csv"
    return (
        (served / "in" / f"{name}.done").exists()
        and exported.exists()
        and exported.read_text() == delivered
        and cities(dev.folder) == expected
    )


def test_what_follows_a_fold_is_done_although_the_process_of_its_run_dies(tmp_path: Path) -> None:
    served = tmp_path / "served"
    for name in ("in", "out", "../home"):
        (served / name).resolve().mkdir(parents=True)
    with EmbeddedServer(served, tmp_path / "state") as server:
        settings = {"CDP_DEFS_DIR": str(write_defs(tmp_path / "defs", server)), "CDP_SENSOR_INTERVAL_S": "2"}
        with running_dev(tmp_path / "home", "--running", **settings) as dev:
            runs = Backfills(dev, "shop/customers")
            killed: list[str] = []

            def kill_what_follows() -> bool:
                for run in runs.all_runs():
                    under_way = run["jobName"].startswith("__") and run["status"] in {"STARTING", "STARTED"}
                    process = runs.process_of(run["runId"]) if under_way else None
                    if process:
                        os.kill(process, signal.SIGKILL)
                        killed.append(run["runId"])
                return bool(killed)

            (served / "in" / "customers_1.csv").write_text(HEADER + ANNA)
            until(kill_what_follows, PATIENCE_S, dev.log())
            assert not (served / "out" / "vip.csv").exists()
            expected = "email,spend\nanna@example.com,600.00\n"
            until(lambda: arrived(dev, served, "customers_1.csv", ["Delft"], expected), PATIENCE_S, dev.log())
            ended = {run["runId"]: run["status"] for run in runs.all_runs()}
    assert {ended[run] for run in killed} == {"FAILURE"}


def test_a_file_on_the_server_becomes_profiles_a_new_name_and_an_export(tmp_path: Path) -> None:
    served = tmp_path / "served"
    for name in ("in", "out", "../home"):
        (served / name).resolve().mkdir(parents=True)
    with EmbeddedServer(served, tmp_path / "state") as server:
        defs = write_defs(tmp_path / "defs", server)
        settings = {"CDP_DEFS_DIR": str(defs), "CDP_SENSOR_INTERVAL_S": "2"}
        with running_dev(tmp_path / "home", "--running", **settings) as dev:
            (served / "in" / "customers_1.csv").write_text(HEADER + ANNA)
            first = "email,spend\nanna@example.com,600.00\n"
            until(lambda: arrived(dev, served, "customers_1.csv", ["Delft"], first), PATIENCE_S, dev.log())
            (served / "in" / "customers_2.csv").write_text(HEADER + BERT + ANNA)
            second = "email,spend\nanna@example.com,1200.00\n"
            both = ["Breda", "Delft"]
            until(lambda: arrived(dev, served, "customers_2.csv", both, second), PATIENCE_S, dev.log())
            runs = dev.ask(RUNS)["runsOrError"]["results"]
            assert not (dev.folder / "data" / "sftp").exists(), "the sample server is not for this deployment"
    assert {run["status"] for run in runs} <= {"SUCCESS", "STARTED", "STARTING", "QUEUED"}
    jobs = [run["jobName"] for run in runs]
    assert (jobs.count("shop__land_arrivals"), jobs.count("fold_profiles"), len(jobs)) == (2, 2, 6)
