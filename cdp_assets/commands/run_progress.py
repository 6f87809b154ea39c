"""How far a run has come, for whoever waits at a terminal, and for the log of a job that waits for nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cdp_assets.assets.failures import reason_of
from cdp_assets.assets.jobs import CONNECTION_TAG
from cdp_assets.assets.steps import REFUSED, what_failed
from cdp_assets.commands.tables import say
from cdp_assets.progress import latest

EVERY_PLAIN_S = 60.0
"""Seconds between two lines where nothing is drawn."""
STEPS = {
    "land": "looking at the server, landing what is new",
    "fold": "folding it into the profiles",
    "done": "renaming imported files to .done",
    "select": "computing segments",
    "deliver": "delivering exports",
    REFUSED: "looking back",
}


def _tell_retries(console: Console, events: Sequence[dg.DagsterEvent], told: int, connection: str) -> int:
    """Why steps are tried again, for those not told yet; gives how many are told now."""
    retries = [event for event in events if event.is_step_up_for_retry]
    reasons = [(event.step_key, reason_of(event.step_retry_data.error)) for event in retries]
    for place, event in enumerate(retries[told:], start=told):
        wait = event.step_retry_data.seconds_to_wait
        after = f"tried again in {wait} s" if wait else "tried again now"
        if place and reasons[place] == reasons[place - 1]:
            console.print(f"still so; {after}")
        else:
            what = what_failed(event.step_key or "", connection)
            console.print(f"[yellow]{escape(what)}:[/yellow] {escape(reasons[place][1])}; {after}")
    return len(retries)


_STEP_EVENTS = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
}


class _PlainProgress:
    """For a file or a pipe, where nothing is drawn: a line for what goes on, every minute, so that it can be seen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = self._told = time.monotonic()

    def tell(self, doing: str) -> None:
        """Says what goes on, unless something was said a short time ago."""
        if not self._console.is_terminal and time.monotonic() - self._told >= EVERY_PLAIN_S:
            self._told = time.monotonic()
            say(self._console, f"after {(self._told - self._begun) / 60:.0f} min: {doing}", whole=True)


def show_progress(
    console: Console, instance: dg.DagsterInstance, job: dg.JobDefinition, run_id: str, worker: threading.Thread
) -> None:
    """Until the worker ends: what goes on, and why steps are tried again."""
    steps, connection, plain = len(job.nodes), job.tags[CONNECTION_TAG], _PlainProgress(console)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task, retries = progress.add_task("starting", total=steps), 0
        alive = True
        while alive:
            worker.join(0.2)
            alive = worker.is_alive()
            events = [entry.get_dagster_event() for entry in instance.all_logs(run_id, of_type=_STEP_EVENTS)]
            retries = _tell_retries(progress.console, events, retries, connection)
            started = [event.step_key for event in events if event.event_type_value == "STEP_START"]
            ended = sum(1 for event in events if event.event_type_value == "STEP_SUCCESS")
            if started:
                told = latest() or STEPS.get(started[-1] or "", "working")
                progress.update(task, description=escape(told), completed=ended)
                plain.tell(told)
        failed = any(event.event_type_value == "STEP_FAILURE" for event in events)
        progress.update(task, description=f"{job.name}: {'failed' if failed else 'done'}", completed=steps)
