"""Trying a connection out: everything it needs is tried, nothing is left behind."""

from __future__ import annotations

from cdp_assets.flows.check_connection import check_connection
from cdp_assets_tests.support.connected import PROPERTIES, SEGMENTS, export_goal, import_goal
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.sshd import running_sshd


def connection(server):
    goals = [import_goal(), export_goal()]
    listed = [{"name": "shop", "server": server.model_dump(), "goals": goals}]
    (found,) = deployment(PROPERTIES, goals, SEGMENTS, listed).connections
    return found


def tried(server):
    return [(trial.what.split(":")[0], trial.ok) for trial in check_connection(connection(server))]


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
    trials = check_connection(connection(sshd.server_config(user_directory=str(remote))))
    assert all(trial.ok for trial in trials), trials
    assert [trial.detail for trial in trials][1] == "2 files, 1 of them for this goal"
    assert sorted(path.name for path in remote.rglob("*")) == ["customers_1.csv", "in", "other.txt", "out"]


def test_a_read_only_server_is_told_goal_by_goal(account):
    with running_sshd(account, sftp_options="-R") as server:
        remote = remote_folder(server)
        found = tried(server.server_config(user_directory=str(remote)))
    assert found[0][1]
    assert found[1:] == [("customers", True), ("customers", False), ("vip_list", False)]


def test_a_missing_directory_and_a_wrong_server_are_told(sshd, plain_sshd):
    remote = sshd.folder()
    trials = check_connection(connection(sshd.server_config(user_directory=str(remote / "none"))))
    assert "Directory not found" in trials[1].detail
    wrong = sshd.server_config(host_key=plain_sshd.host_key)
    (trial,) = check_connection(connection(wrong))
    assert not trial.ok
