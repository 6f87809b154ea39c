"""The shop of these tests as YAML, and commands at a terminal."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from cdp_assets.__main__ import main
from cdp_assets_tests.assets.world import World


def write_down(shop: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop as YAML, where commands look for it, and a Dagster home of its own."""
    parts = {"model": ("CustomerModel", shop.deployment.model), "shop": ("SftpConnection", shop.connection)}
    for name, (kind, config) in parts.items():
        (folder / "written" / name).mkdir(parents=True)
        attributes = config.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        text = json.dumps({"type": f"cdp_assets.{kind}", "attributes": attributes})
        (folder / "written" / name / "defs.yaml").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CDP_DEFS_DIR", str(folder / "written"))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "home"))


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command prints into a pipe and how it ends, without the seconds a process of its own takes to start."""
    printed, wrong = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(wrong):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), wrong.getvalue())
