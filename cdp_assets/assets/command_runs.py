"""Runs that a command carries out itself: Dagster's monitor does not see when their process dies, so we look.

While a command runs it holds a lock file in Dagster's home, and its runs bear the file's name. The operating system
frees the lock when the process dies; whoever looks next says so of the runs, which would stay *Started* otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg
from filelock import FileLock, Timeout

COMMAND_TAG = "cdp/command"
DIED = "The process of its command ended without a word: it was killed, or the machine stopped. Run it again."
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@contextmanager
def carried_out(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Tags for the runs of a command, which tell that its process lives until the block ends.

    What commands that died have left is put away first.
    """
    end_dead_runs(instance)
    name = uuid4().hex
    path = _lock_file(instance, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        try:
            yield {COMMAND_TAG: name}
        finally:
            path.unlink(missing_ok=True)


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Reports runs as failed whose command died. Again: nothing is left to do.

    Runs of commands with another Dagster home are left alone, as nothing tells whether their process lives.
    """
    for path in _lock_file(instance, "").parent.glob("*.lock"):
        try:
            # Held until all is said, so that no command that is about to take it is judged by it.
            with FileLock(path, timeout=0):
                _end_runs_of(instance, path.stem)
                path.unlink(missing_ok=True)
        except Timeout:
            continue


def _end_runs_of(instance: dg.DagsterInstance, command: str) -> None:
    for run in instance.get_runs(dg.RunsFilter(tags={COMMAND_TAG: command}, statuses=ACTIVE)):
        instance.report_run_failed(run, DIED)


def _lock_file(instance: dg.DagsterInstance, name: str) -> Path:
    return Path(instance.root_directory) / "commands" / f"{name}.lock"
