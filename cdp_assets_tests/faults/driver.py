"""A process that runs a connection's flows on order, each order in a child that may be killed at any step.

One line of JSON comes in for each order, one line with the child's exit code goes out; -9 = it was killed.
The children are forked, so that hundreds of deaths do not cost an import each.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import Deployment
from cdp_assets.files.sftp import open_server
from cdp_assets.flows import run_connection
from cdp_assets.flows.dry_run import dry_run
from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.import_files import land_candidates
from cdp_assets.flows.take_look import take_look

VERBS = ("import", "fold", "acknowledge", "select", "place", "deliver")
"""What a connection does, in order."""


def run(deployment: Deployment, folders: DataFolders, now: datetime, verbs: Sequence[str], share: Sequence[int]):
    """Runs the verbs for every connection; `erase` has an identifier behind it.

    `share` = (i, n): `land` takes every n-th file, from the i-th."""
    for connection in deployment.connections:

        def land(connection=connection):
            with open_server(connection.server) as server:
                files = take_look(connection, server, folders, now).candidates[share[0] :: share[1]]
                new = [item for item in files if not item.landed]
                return land_candidates(deployment, connection, new, server, folders, now)

        actions: dict[str, Callable[[], object]] = {
            "land": land,
            "import": lambda connection=connection: run_connection.import_new(deployment, connection, folders, now),
            "fold": lambda: run_connection.fold_and_publish(deployment.model, folders, now),
            "acknowledge": lambda connection=connection: run_connection.acknowledge(connection, folders, now),
            "give back": lambda connection=connection: run_connection.give_back(connection, folders, now),
            "dry run": lambda connection=connection: dry_run(deployment, connection, folders, now),
            "select": lambda connection=connection: run_connection.select(
                deployment.model, folders, now, run_connection.segments_of(deployment.model, connection)
            ),
            "place": lambda connection=connection: run_connection.select(
                deployment.model, folders, now, (), run_connection.lifecycles_of(deployment.model, connection)
            ),
            "deliver": lambda connection=connection: must_succeed(
                list(run_connection.deliver(deployment, connection, folders, now))
            ),
        }
        for verb in verbs:
            what, _, whom = verb.partition("erase ")
            if whom:
                erase(deployment.model, folders, [Asked(whom)], now)
            else:
                actions[what]()


def must_succeed(delivered: Sequence[run_connection.Delivered]) -> None:
    assert all(not item.error for item in delivered), delivered


def child(order: dict) -> None:
    """Runs one order; never returns."""
    try:
        os.environ |= {"CDP_FAULT": order["fault"], "CDP_FAULT_TRACE": order["trace"]}
        deployment = Deployment.model_validate(order["deployment"])
        run(
            deployment,
            DataFolders(Path(order["data"])),
            datetime.fromisoformat(order["now"]),
            order["verbs"],
            order["share"],
        )
    except BaseException:  # noqa: BLE001 - it is all written down
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(order)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
