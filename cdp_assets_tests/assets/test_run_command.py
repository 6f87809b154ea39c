"""`python -m cdp_assets run`: a connection from the terminal, as one Dagster run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets_tests.assets.world import ANNA, BERT, World


def test_a_goal_is_run_and_its_counts_are_told(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"model": ("CustomerModel", shop.deployment.model), "shop": ("SftpConnection", shop.connection)}
    for name, (kind, config) in parts.items():
        folder = tmp_path / "written" / name
        folder.mkdir(parents=True)
        attributes = config.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        text = json.dumps({"type": f"cdp_assets.{kind}", "attributes": attributes})
        (folder / "defs.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "written"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    shop.put("customers_1.csv", ANNA, BERT)
    command = [sys.executable, "-m", "cdp_assets", "run", "shop", "customers"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "customers_1.csv" in told
    assert "2 profiles in the warehouse" in told
    assert "Delivered" not in told
    with dg.DagsterInstance.get() as instance:
        assert [run.job_name for run in instance.get_runs()] == ["shop__customers__run_now"]
