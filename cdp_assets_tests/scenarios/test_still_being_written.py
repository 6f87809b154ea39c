"""A file that is still being written is left to a later look, and imported whole then."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from cdp_assets.files.sftp import open_server
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.take_look import take_settled_look
from cdp_assets_tests.support.connected import import_goal
from cdp_assets_tests.support.lab import deployment


def test_only_files_that_stand_still_are_taken(sshd, tmp_path):
    remote = sshd.folder()
    server = sshd.server_config(user_directory=str(remote), settle_s=2).model_dump()
    goals = [import_goal(files={"directory": ""})]
    setup = deployment(
        [{"name": "email"}, {"name": "city"}, {"name": "points", "type": "number"}, {"name": "tags", "multiple": True}],
        goals,
        connections=[{"name": "shop", "server": server, "goals": goals}],
    )
    (connection,) = setup.connections
    folders = DataFolders(tmp_path)
    (remote / "customers_1.csv").write_text("email,city\n")
    (remote / "customers_2.csv").write_text("email,city\na@x.com,Rome\n")

    def write_on() -> None:
        time.sleep(0.5)
        with (remote / "customers_1.csv").open("a") as file:
            file.write("b@x.com,Oslo\n")

    writer = threading.Thread(target=write_on)
    writer.start()
    with open_server(connection.server) as opened:
        look = take_settled_look(connection, opened, folders, datetime.now(UTC))
        writer.join()
        assert [item.file.name for item in look.new()] == ["customers_2.csv"]
        told = [(item.name, item.kind, item.reason) for item in look.passed_over]
        assert told == [("customers_1.csv", "waits", "waits: it is still being written; the next look takes it")]
        later = take_settled_look(connection, opened, folders, datetime.now(UTC))
    assert [item.file.name for item in later.new()] == ["customers_1.csv", "customers_2.csv"]
