"""The check of a connection, run through Dagster against OpenSSH, and the command that shows the same."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.assets.checks import CONNECTION_CHECK
from cdp_assets.config.connections import Server
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, QUIET, VIP_LIST, World, connection, definitions, deployment
from cdp_assets_tests.support.logins import a_private_file
from cdp_assets_tests.support.smtp import mail_server
from cdp_assets_tests.support.sshd import Sshd

KEY = dg.AssetCheckKey(dg.AssetKey(["shop", "files"]), CONNECTION_CHECK)


def settings_of(server: Server) -> dict[str, object]:
    return json.loads(server.model_dump_json(exclude_none=True))


def checked(server: Server) -> tuple[bool, dg.AssetCheckEvaluation]:
    """Runs the check as a click on Execute does; whether the run succeeded, and what it says."""
    job = definitions(deployment(connection(server=settings_of(server)))).resolve_implicit_global_asset_job_def()
    chosen = job.get_subset(asset_check_selection={KEY})
    with dg.DagsterInstance.ephemeral() as instance:
        run = chosen.execute_in_process(QUIET, instance=instance, raise_on_error=False)
    (evaluation,) = run.get_asset_check_evaluations()
    return run.success, evaluation


def lines(evaluation: dg.AssetCheckEvaluation) -> list[tuple[str, str]]:
    return [(str(row.data["tried"]), str(row.data["works"])) for row in evaluation.metadata["tried"].records]


def folder_with(sshd: Sshd, *names: str) -> Path:
    remote = sshd.folder()
    for name in names:
        (remote / name).mkdir()
        (remote / name).chmod(0o777)
    return remote


def test_a_connection_has_its_check() -> None:
    loaded = definitions(deployment(connection("shop"), connection("outlet")))
    keys = {key.to_user_string() for key in loaded.resolve_asset_graph().asset_check_keys}
    assert keys >= {f"{name}/files:{CONNECTION_CHECK}" for name in ("shop", "outlet")}


def test_a_connection_that_works_passes_and_lists_what_was_tried(sshd: Sshd) -> None:
    succeeded, told = checked(sshd.server_config(user_directory=str(folder_with(sshd, "in", "out"))))
    assert (succeeded, told.passed) == (True, True), told.description
    verbs = ["log in", "list", "read", "write", "rename", "write", "rename"]
    # There is no file to open.
    assert lines(told) == [(verb, "not tried" if verb == "read" else "yes") for verb in verbs]


def test_a_missing_directory_fails_the_check_with_its_name_and_no_run(sshd: Sshd) -> None:
    remote = folder_with(sshd, "out")
    succeeded, told = checked(sshd.server_config(user_directory=str(remote)))
    assert (succeeded, told.passed) == (True, False)
    assert f"list {remote}/in: Directory not found: {remote}/in" in (told.description or "")
    assert lines(told)[:2] == [("log in", "yes"), ("list", "no")]


def test_a_wrong_password_fails_the_check_and_is_tried_once(sshd: Sshd, tmp_path: Path) -> None:
    wrong = a_private_file(tmp_path / "wrong", "not the password")
    before = sshd.log().count("Failed password")
    _, told = checked(sshd.by_password(password=wrong))
    assert f"Authentication failed for {sshd.username}@127.0.0.1:{sshd.port}" in (told.description or "")
    assert lines(told) == [("log in", "no")]
    assert sshd.log().count("Failed password") == before + 1


def test_a_look_that_is_refused_does_not_try_again_for_the_check(sshd: Sshd, tmp_path: Path) -> None:
    wrong = a_private_file(tmp_path / "wrong", "not the password")
    before = sshd.log().count("Failed password")
    of = deployment(connection(server=settings_of(sshd.by_password(password=wrong))))
    job = definitions(of).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(QUIET, instance=instance, raise_on_error=False, asset_selection=[KEY.asset_key])
    assert not run.success
    assert sshd.log().count("Failed password") == before + 1


def test_the_sensor_waits_after_a_refused_log_in(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = shop.server.password_file.read_text()
    shop.server.password_file.write_text("not the password")
    assert "Authentication failed" in reason(shop)
    shop.server.password_file.write_text(right)
    assert "it is not tried again before" in reason(shop)
    assert "it is not tried again before" in reason(shop)
    monkeypatch.setattr("cdp_assets.assets.sensors.REFUSED_WAIT_S", 0)
    assert reason(shop) == "no new files"


def reason(shop: World) -> str:
    """What a tick of the arrivals sensor says when it asks for nothing."""
    result = shop.tick("shop__arrivals")
    told = result.skip_reason if isinstance(result, dg.SensorResult) else result
    return (told.skip_message if isinstance(told, dg.SkipReason) else told) or ""


@pytest.mark.parametrize("broken", [False, True])
def test_the_command_shows_the_same(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: bool
) -> None:
    server = sshd.server_config(user_directory=str(folder_with(sshd, *([] if broken else ["in"]), "out")))
    attributes = {"name": "shop", "server": settings_of(server), "goals": [CUSTOMERS, VIP_LIST]}
    for name, kind, content in (("model", "CustomerModel", MODEL), ("shop", "SftpConnection", attributes)):
        (tmp_path / name).mkdir()
        text = yaml.safe_dump({"type": f"cdp_assets.{kind}", "attributes": content})
        (tmp_path / name / "defs.yaml").write_text(text)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path))
    assert main(["test-connection", "shop"]) == int(broken)
    _, told = checked(server)
    marks = {"yes": "ok    ", "no": "FAILED", "not tried": "-     "}
    shown = [
        f"{marks[r['works']]}  {r['tried']} {r['where']}: {r['detail']}"
        for r in (row.data for row in told.metadata["tried"].records)
    ]
    assert capsys.readouterr().out.splitlines() == shown


def test_the_command_sends_a_test_message_to_every_place(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = sshd.server_config(user_directory=str(folder_with(sshd, "in", "out")))
    places = [{"env": "ALERTS"}, {"env": "UNSET_ALERTS"}]
    notifications = [{"when": ["failure"], "to": places}, {"when": ["rejects"], "to": places[:1]}]
    told = {"name": "shop", "server": settings_of(server), "goals": [CUSTOMERS], "notifications": notifications}
    untold = told | {"name": "tills", "notifications": [{"when": ["failure"]}]}
    kinds = {"model": ("CustomerModel", MODEL), "a": ("SftpConnection", told), "b": ("SftpConnection", untold)}
    for name, (kind, content) in kinds.items():
        (tmp_path / name).mkdir()
        text = yaml.safe_dump({"type": f"cdp_assets.{kind}", "attributes": content})
        (tmp_path / name / "defs.yaml").write_text(text)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path))
    monkeypatch.delenv("UNSET_ALERTS", raising=False)
    with mail_server() as mails:
        monkeypatch.setenv("ALERTS", mails.address)
        assert main(["test-connection", "shop", "--notify"]) == 1
    assert [subject for subject, _ in mails.mails()] == ["shop: a test message"]
    taken, failed = capsys.readouterr().out.splitlines()[-2:]
    assert taken == "ok      notify environment variable ALERTS: it took the message"
    assert failed.startswith("FAILED  notify: environment variable UNSET_ALERTS is")
    assert main(["test-connection", "tills", "--notify"]) == 1
    assert "connection tills has no notifications with a place to send them `to`" in capsys.readouterr().err
