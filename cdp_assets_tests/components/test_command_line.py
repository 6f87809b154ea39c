"""`python -m cdp_assets check`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets.__main__ import COMMANDS, main
from cdp_assets_tests.components.folders import MODEL, SHOP, changed, write


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "defs"


def test_a_right_folder_is_counted(defs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--defs", str(write(defs, model=MODEL, shop=SHOP))]) == 0
    assert capsys.readouterr().out == "ok: 1 customer model, 1 connection, 2 goals\n"


def test_notifications_that_cannot_be_sent_are_told_and_are_no_mistake(
    defs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "notifications: [{when: [failure], to: [{env: UNSET_ALERTS}, {env: ALERTS}, {env: SET_ALERTS}]}]"
    shop = changed(SHOP, ("  goals:", f"  {told}\n  goals:"))
    monkeypatch.delenv("UNSET_ALERTS", raising=False)
    monkeypatch.setenv("ALERTS", "s3cret")
    monkeypatch.setenv("SET_ALERTS", "json://example.com")
    assert main(["check", "--defs", str(write(defs, model=MODEL, shop=shop))]) == 0
    begun = "warning: connection shop: no notification can be sent: environment variable"
    assert capsys.readouterr().out.splitlines() == [
        f"{begun} UNSET_ALERTS is not set; it must hold the secret",
        f"{begun} ALERTS holds no address that apprise understands, such as mailto://…",
        "ok: 1 customer model, 1 connection, 2 goals",
    ]


def test_triggers_that_can_never_be_told_are_warned_of(defs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "  notifications: [{when: [missing, checks]}]\n  goals:"
    write(defs, model=MODEL, shop=changed(SHOP, ("  goals:", rule)))
    assert main(["check", "--defs", str(defs)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        (
            "warning: connection shop: nothing is ever told of when: [missing]: no goal has partitions by time or"
            " checks.missing_file, which say when a file is due"
        ),
        "ok: 1 customer model, 1 connection, 2 goals",
    ]


def test_an_export_that_would_be_imported_again_is_warned_of(defs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = "      segment: vip\n      file: {name: customers_vip}\n"
    write(defs, model=MODEL, shop=changed(SHOP, ("      segment: vip\n", file)))
    assert main(["check", "--defs", str(defs)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "warning: connection shop: what goal vip_list delivers, such as customers_vip.csv, is taken by import"
        " customers, and would come in again; give another directory or file.name"
    )


def test_every_problem_is_one_line_and_the_exit_code_is_one(defs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = changed(SHOP, ("segment: vip", "segment: vop"), ("property: city", "property: town"))
    assert main(["check", "--defs", str(write(defs, model=MODEL, shop=shop))]) == 1
    assert capsys.readouterr().out == (
        "defs/shop/defs.yaml:16: unknown property 'town'; known, nearest first: city, spend, email;"
        " or add it to the customer model: properties: [{name: town}]\n"
        "defs/shop/defs.yaml:20: unknown segment 'vop'; known, nearest first: vip\n"
        "2 problems\n"
    )


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["preveiw", "shop"], "there is no command 'preveiw'; did you mean 'preview'? --help lists them"),
        (["xyz"], "there is no command 'xyz'; --help lists them"),
        (
            ["run", "shop", "customers", "--partition", "5"],
            "unknown here: --partition 5; python -m cdp_assets run --help tells what it takes",
        ),
        (
            ["rejects", "shop", "--left-out", "customers"],
            (
                "unknown here: customers; names stand before the options;"
                " python -m cdp_assets rejects --help tells what it takes"
            ),
        ),
    ],
)
def test_what_there_is_not_is_told_with_what_may_be_meant(
    capsys: pytest.CaptureFixture[str], typed: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {told}\n")


def test_one_problem_is_not_called_problems(
    defs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDP_DEFS_DIR", str(defs))
    assert main(["check"]) == 1
    assert capsys.readouterr().out == (
        "defs: this folder does not exist; give --defs, or set CDP_DEFS_DIR\n1 problem\n"
    )


def test_what_comes_with_the_package_is_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CDP_DEFS_DIR", raising=False)
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("ok: 1 customer model, ")


def test_it_runs_as_a_module(defs: Path) -> None:
    folder = write(defs, model=MODEL, shop=SHOP)
    done = subprocess.run(
        [sys.executable, "-m", "cdp_assets", "check", "--defs", str(folder)],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ok: 1 customer model, 1 connection, 2 goals\n")


def test_a_server_that_is_not_there_is_told_at_each_try_and_at_the_end(
    defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = "SHA256:jTfuC3YIYSNV39cHfW/dyS7HH6Rkj51XWWEuTghXL1U"
    shop = changed(SHOP, ("host: localhost", "host: 127.0.0.1\n    port: 1"), ("SHA256:abc", known))
    monkeypatch.setenv("CDP_DEFS_DIR", str(write(defs, model=MODEL, shop=shop)))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("SHOP_PASSWORD", "secret")
    monkeypatch.setattr("cdp_assets.assets.runtime.RETRY_AFTER_S", 0)
    assert main(["run", "shop"]) == 1
    told = capsys.readouterr().out
    reason = "shop could not be read: 127.0.0.1:1 cannot be reached"
    # At the first try and at the end; in between it is still so.
    assert (told.count(reason), told.count("tried again now"), told.count("still so; ")) == (2, 3, 2)
    assert "No new files" not in told


def test_a_password_that_is_not_set_is_told_in_words_that_name_no_step(
    defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDP_DEFS_DIR", str(write(defs, model=MODEL, shop=SHOP)))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    assert main(["run", "shop"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    reason = "shop could not be read: environment variable SHOP_PASSWORD is not set; it must hold the secret"
    assert told.count(reason) == 1
    assert "land:" not in told
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        failed = [log.dagster_event for log in instance.all_logs(run.run_id) if log.dagster_event]
    assert [event.step_failure_data.user_failure_data.description for event in failed if event.is_step_failure] == [
        reason
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere",), "error: no connection nowhere; there are: shop (read from defs)\n"),
        (("shop", "nothing"), "error: shop has no goal nothing; there are: customers, vip_list\n"),
    ],
)
def test_running_what_is_not_there_names_what_is(
    defs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("CDP_DEFS_DIR", str(write(defs, model=MODEL, shop=SHOP)))
    assert main(["run", *words]) == 1
    assert capsys.readouterr().err == told


TAKE_A_CONNECTION = {
    "test-connection": (), "dry-run": (), "history": (), "recent-imports": (), "missing": (), "preview": (),
    "rejects": (), "run": (), "backfill": ("customers", "1"), "reland": ("customers",), "withdraw": ("customers", "1"),
}  # fmt: skip


@pytest.mark.parametrize("command", TAKE_A_CONNECTION)
def test_a_connection_that_is_not_there_is_told_by_every_command_with_the_folder_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.delenv("CDP_DEFS_DIR", raising=False)
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    assert main([command, "shap", *TAKE_A_CONNECTION[command]]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: no connection shap; there are: ")
    assert told.err.endswith("cdp_assets/defs; CDP_DEFS_DIR is not set)\n")


def test_those_are_all_commands_that_take_a_connection(capsys: pytest.CaptureFixture[str]) -> None:
    def help_of(command: str) -> str:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        return capsys.readouterr().out.split("\n\n")[0]

    assert {name for name in COMMANDS if " connection" in help_of(name) or "[connection]" in help_of(name)} == {
        *TAKE_A_CONNECTION
    }


def test_ctrl_c_stops_a_run_at_once_with_one_line(defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "SHA256:jTfuC3YIYSNV39cHfW/dyS7HH6Rkj51XWWEuTghXL1U"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        slow = f"host: 127.0.0.1\n    port: {port}\n    connect_timeout_s: 300"
        shop = changed(SHOP, ("host: localhost", slow), ("SHA256:abc", key))
        monkeypatch.setenv("CDP_DEFS_DIR", str(write(defs, model=MODEL, shop=shop)))
        monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
        monkeypatch.setenv("SHOP_PASSWORD", "secret")
        command = [sys.executable, "-m", "cdp_assets", "run", "shop"]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        silent.settimeout(120)
        link, _ = silent.accept()
        with link:
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (130, "stopped\n")
    with dg.DagsterInstance.get() as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    words = f"{sys.executable} -m cdp_assets reference --json-schema | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (141, "{\n", "")
