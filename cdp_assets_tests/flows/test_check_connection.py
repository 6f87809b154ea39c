"""Trying a connection out: everything it needs is tried, nothing is left behind."""

from __future__ import annotations

from cdp_assets.flows.check_connection import check_connection
from cdp_assets_tests.support.connected import PROPERTIES, SEGMENTS, export_goal, import_goal
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.sshd import running_sshd


def connection(server, goals=None):
    goals = goals or [import_goal(), export_goal()]
    listed = [{"name": "shop", "server": server.model_dump(), "goals": goals}]
    (found,) = deployment(PROPERTIES, goals, SEGMENTS, listed).connections
    return found


def tried(server, goals=None):
    return [
        (trial.verb, trial.where.rpartition("/")[2], trial.ok) for trial in check_connection(connection(server, goals))
    ]


def remote_folder(sshd):
    remote = sshd.folder()
    for name in ("in", "out"):
        (remote / name).mkdir()
        (remote / name).chmod(0o777)
    (remote / "in" / "customers_1.csv").write_text("email\n")
    (remote / "in" / "other.txt").write_text("x")
    return remote


def test_everything_works_and_nothing_is_left_behind(sshd):
    remote = remote_folder(sshd)
    before = {path: path.stat().st_mtime_ns for path in remote.rglob("*") if path.is_file()}
    server = sshd.server_config(user_directory=str(remote))
    assert [str(trial) for trial in check_connection(connection(server)) if trial.ok] == [
        f"log in {sshd.username}@127.0.0.1:{sshd.port}: the server is the one configured",
        f"list {remote}/in: 2 files: 1 for customers, 1 other",
        f"read {remote}/in: can open customers_1.csv",
        f"write {remote}/in: wrote a small hidden file",
        f"rename {remote}/in: renamed it; removed it again",
        f"write {remote}/out: wrote a small hidden file",
        f"rename {remote}/out: renamed it; removed it again",
    ]
    assert {path: path.stat().st_mtime_ns for path in remote.rglob("*") if path.is_file()} == before


def test_only_what_the_active_goals_need_is_tried_and_each_directory_once(sshd):
    server = sshd.server_config(user_directory=str(remote_folder(sshd)))
    goals = [
        import_goal(files={"rename_done": False}),
        import_goal("visits", files={"rename_done": False}),
        export_goal(active=False),
    ]
    assert tried(server, goals)[1:] == [("list", "in", True), ("read", "in", True)]


def test_a_read_only_server_is_told_directory_by_directory(account):
    with running_sshd(account, sftp_options="-R") as server:
        found = tried(server.server_config(user_directory=str(remote_folder(server))))
    assert [ok for *_, ok in found] == [True, True, True, False, False, False, False]


def test_a_file_that_may_not_be_read_is_told(sshd):
    remote = remote_folder(sshd)
    (remote / "in" / "customers_1.csv").chmod(0)
    server = sshd.server_config(user_directory=str(remote))
    (told,) = [trial for trial in check_connection(connection(server)) if not trial.ok]
    assert (told.verb, "customers_1.csv: permission denied" in told.detail) == ("read", True)


def test_a_missing_directory_is_told_and_the_others_are_tried(sshd):
    remote = remote_folder(sshd)
    server = sshd.server_config(user_directory=str(remote))
    goals = [import_goal(files={"directory": "none", "rename_done": False}), export_goal()]
    trials = check_connection(connection(server, goals))
    there = ", ".join(sorted(path.name for path in remote.iterdir() if path.is_dir()))
    assert trials[1].detail == f"Directory not found: {remote}/none; folders in {remote}: {there}"
    assert [trial.ok for trial in trials] == [True, False, True, True]


def test_a_trial_makes_no_directory(sshd):
    remote = sshd.folder()
    server = sshd.server_config(user_directory=str(remote))
    goals = [import_goal(), export_goal(), export_goal("other", directory="far/out")]
    trials = check_connection(connection(server, goals))
    assert [(trial.verb, trial.where, trial.ok) for trial in trials[1:]] == [
        ("list", f"{remote}/in", False),
        ("write", f"{remote}/in", False),
        ("write", f"{remote}/out", True),
        ("write", f"{remote}/far/out", False),
    ]
    assert "the first delivery tries to make it" in trials[3].detail
    assert [trial.works for trial in trials] == ["yes", "no", "no", "not tried", "no"]
    assert list(remote.iterdir()) == []


def test_a_failed_log_in_is_the_only_thing_told(sshd, plain_sshd):
    wrong = sshd.server_config(host_key=plain_sshd.host_key)
    (trial,) = check_connection(connection(wrong))
    assert (trial.verb, trial.ok) == ("log in", False)
    assert "does not match" in trial.detail
