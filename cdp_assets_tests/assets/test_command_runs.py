"""Runs of commands whose process is killed, which Dagster's own monitor does not see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets.assets.command_runs import DIED, carried_out, end_dead_runs
from cdp_assets.assets.failures import failure_event
from cdp_assets_tests.assets.terminal import run_command, write_down
from cdp_assets_tests.assets.world import ANNA, World
from cdp_assets_tests.support.proxy import Proxy


def status(instance: dg.DagsterInstance) -> list[dg.DagsterRunStatus]:
    return [run.status for run in instance.get_runs()]


def test_the_run_of_a_command_that_was_killed_is_marked_failed(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("customers_1.csv", ANNA)
    with Proxy(shop.server.port, "stall", after_bytes=1_000) as proxy:
        slow = shop.connection.server.model_copy(update={"port": proxy.port})
        shop.set_up(server=slow.model_dump(mode="json", exclude_defaults=True))
        write_down(shop, tmp_path, monkeypatch)
        with subprocess.Popen(
            [sys.executable, "-m", "cdp_assets", "run", "shop"], stdout=subprocess.DEVNULL
        ) as command:
            assert proxy.struck.wait(60)
            with dg.DagsterInstance.get() as instance:
                end_dead_runs(instance)
                assert status(instance) == [dg.DagsterRunStatus.STARTED]
                command.kill()
                command.wait(10)
                shop.instance = instance
                shop.tick("fold_waiting_batches")
                (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE
    event = failure_event("shop", run, [])
    assert event is not None
    assert event.text.endswith(DIED)
    assert list((tmp_path / "home" / "commands").iterdir()) == []


def test_a_command_that_ends_by_itself_leaves_nothing(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA)
    assert run_command("run", "shop", "customers").returncode == 0
    assert list((tmp_path / "home" / "commands").iterdir()) == []


def test_nor_does_one_that_is_stopped_at_the_terminal(shop: World) -> None:
    with pytest.raises(KeyboardInterrupt), carried_out(shop.instance):
        raise KeyboardInterrupt
    assert list((Path(shop.instance.root_directory) / "commands").iterdir()) == []
