"""What `dev` and `demo` prepare before Dagster starts."""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.commands.dagster_dev import says_what_is_so
from cdp_assets.commands.dagster_home import prepare_dagster_home, workspace_file
from cdp_assets.commands.plain_output import started
from cdp_assets.commands.sample_server import uses_sample_server
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets_tests.assets.world import deployment

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without any file of this project, and no variable of ours set."""
    monkeypatch.chdir(tmp_path)
    for name in ("DAGSTER_HOME", "CDP_DATA_DIR", "CDP_DEFS_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def test_an_installed_package_brings_the_settings_and_the_workspace_of_the_project(elsewhere: Path) -> None:
    home = prepare_dagster_home()
    assert home == elsewhere / ".dagster_home" == Path(os.environ["DAGSTER_HOME"])
    assert (home / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()
    written = yaml.safe_load(workspace_file(home).read_text())
    assert written == yaml.safe_load((ROOT / "workspace.yaml").read_text())


def test_the_settings_of_the_working_directory_are_taken_over_each_time(elsewhere: Path) -> None:
    home = prepare_dagster_home()
    (elsewhere / "dagster.yaml").write_text("nux: {enabled: false}\n")
    del os.environ["DAGSTER_HOME"]
    assert (prepare_dagster_home() / "dagster.yaml").read_text() == "nux: {enabled: false}\n"
    assert home.exists()


def test_a_home_of_somebodys_own_keeps_its_settings(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "own")
    (elsewhere / "own").mkdir()
    (elsewhere / "own" / "dagster.yaml").write_text("nux: {enabled: false}\n")
    assert prepare_dagster_home() == elsewhere / "own"
    assert os.environ["DAGSTER_HOME"] == str(elsewhere / "own")
    assert (elsewhere / "own" / "dagster.yaml").read_text() == "nux: {enabled: false}\n"


def test_a_warning_of_settings_that_are_not_read_is_written_where_they_differ(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "own")
    told = "Found a dagster instance configuration value (dagster.yaml) in the current folder, but"
    warning, other = (logging.makeLogRecord({"msg": text}) for text in (told, "Launching"))
    (elsewhere / "dagster.yaml").write_text("nux: {enabled: false}\n")
    prepare_dagster_home()
    assert not says_what_is_so(warning)
    (elsewhere / "dagster.yaml").write_text("nux: {enabled: true}\n")
    assert says_what_is_so(warning)
    assert says_what_is_so(other)


def test_what_a_program_writes_comes_through_without_colours(capfd: pytest.CaptureFixture[str]) -> None:
    said = r"import sys; print('\x1b[32mgr\u00fcn\x1b[0m'); print('\x1b[1;31mred\x1b[0m', file=sys.stderr); sys.exit(3)"
    with started([sys.executable, "-c", said], {**os.environ, "PYTHONUTF8": "1"}) as process:
        assert process.wait() == 3
    assert capfd.readouterr() == ("gr\u00fcn\n", "red\n")


def test_the_workspace_of_the_working_directory_comes_first(elsewhere: Path) -> None:
    (elsewhere / "workspace.yaml").write_text("load_from: []\n")
    assert workspace_file(elsewhere / "home") == elsewhere / "workspace.yaml"


def test_only_the_sample_connection_needs_the_sample_server() -> None:
    assert uses_sample_server(load_deployment(defs_folder()))
    assert not uses_sample_server(deployment())


def test_a_port_that_is_taken_is_told_before_anything_starts(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["dev", "--port", str(port)]) == 1
    assert f"port {port} is taken on this machine" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []
