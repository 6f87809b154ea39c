"""`python -m cdp_assets run`: what a click on a run-now job does, from the terminal."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from rich.console import Console
from rich.markup import escape

from cdp_assets.assets.build import connection_definitions, model_definitions
from cdp_assets.assets.command_runs import carried_out
from cdp_assets.assets.failures import failure_event, told_of
from cdp_assets.assets.job_names import run_now_name
from cdp_assets.assets.jobs import CONNECTION_TAG
from cdp_assets.assets.metadata import LEFT_OVER, NO_FILE, passed_over_told
from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_connection
from cdp_assets.commands.dagster_home import prepare_dagster_home
from cdp_assets.commands.launched import from_terminal
from cdp_assets.commands.run_progress import show_progress
from cdp_assets.commands.summary import NotDone, print_summary, tell_passed_over
from cdp_assets.commands.tables import new_console, say
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.config.event_columns import doubtful_items
from cdp_assets.config.known import listed
from cdp_assets.config.model import Deployment
from cdp_assets.config.needs import Need, key_of, lifecycle_id, needed, segment_id
from cdp_assets.counted import counted
from cdp_assets.errors import CdpError, ConfigError
from cdp_assets.flows.happened import Event, begin, happened
from cdp_assets.flows.notify import tell, untold
from cdp_assets.flows.run_connection import lifecycles_of, segments_of

HELP = "run a connection now, or one of its goals: import what is new, fold, rename, select, deliver"
MOST_TOLD = 10
"""Messages to people that are named."""


def configure(parser: argparse.ArgumentParser) -> None:
    """What to run."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: every active goal")


def run(options: argparse.Namespace) -> int:
    """Run it and tell what happened; 1 if something failed or a file was refused.

    Raises:
        ConfigError: whoever asks must: there is no such connection or goal.
    """
    deployment = load_deployment(defs_folder())
    name = _job_name(deployment, options.connection, options.goal)
    prepare_dagster_home()
    console, started = new_console(), now()
    connection = chosen_connection(deployment, options.connection)
    if connection.enabled and connection.notifications:
        begin(connection, data_folders(), started)
    ran = run_job(console, deployment, name)
    if data_folders().warehouse.exists():
        kinds = deployment.event_types
        not_done = NotDone(not ran.ok, ran.undelivered, ran.passed_over, ran.failed_checks)
        print_summary(console, data_folders(), started, kinds, not_done)
    else:
        tell_passed_over(console, ran.passed_over)
    _notify(console, connection, ran.failed)
    for line in doubtful_items(connection):
        console.print(f"[yellow]WARNING[/yellow] {escape(line)}")
    left = _not_computed(deployment, options.connection) if options.goal is None else []
    if _leaves_exports(deployment, connection, options.goal):
        say(console, f"Segments and exports stay as they are: `python -m cdp_assets run {connection.name}` renews them")
    if left:
        why = f"no export of {options.connection} asks for {'it' if len(left) == 1 else 'them'}"
        how = "python -m cdp_assets select computes all"
        say(console, f"Not computed here: {listed(left)} ({why}; {how})")
    return 0 if ran.ok else 1


def _notify(console: Console, connection: Connection, failed: Event | None) -> None:
    """Tells the people of the connection's notifications; no sensor hears of runs at a terminal."""
    if not connection.enabled or not connection.notifications:
        return
    unsent = untold(connection)
    if unsent:
        # Not noted, so that a process that has the address can tell: each event is told once.
        for line in unsent:
            say(console, f"{line}; a run, or the sensor {connection.name}__notifications, that has it tells")
        if failed:
            say(console, "That this run failed nobody is told but you.")
        return
    try:
        events = happened(connection, data_folders(), now())
        told = tell(connection, [*events, *([failed] if failed else [])], data_folders(), now())
    except (CdpError, OSError) as error:
        say(console, f"nobody could be notified: {error}")
        return
    for title, wrong in told[:MOST_TOLD]:
        say(console, f"not sent: {title}: {wrong}" if wrong else f"sent: {title}")
    if len(told) > MOST_TOLD:
        failed_too = sum(bool(wrong) for _, wrong in told[MOST_TOLD:])
        say(
            console,
            f"… and {counted(len(told) - MOST_TOLD, 'more message')}, of which {failed_too:,} could not be sent",
        )


def _leaves_exports(deployment: Deployment, connection: Connection, goal: str | None) -> bool:
    """Whether a run of one goal imported, and what is made of the profiles was left alone."""
    imports = {item.name for item in connection.imports}
    return goal in imports and bool(deployment.model.segments or deployment.model.lifecycles or connection.exports)


def _not_computed(deployment: Deployment, connection: str) -> list[str]:
    """The segments and lifecycles that a run of a connection leaves as they are, by their assets."""
    model, found = deployment.model, chosen_connection(deployment, connection)
    asked = [*map(segment_id, segments_of(model, found)), *map(lifecycle_id, lifecycles_of(model, found))]
    those: tuple[Need, ...] = (*model.segments, *model.lifecycles)
    computed = needed(those, asked)
    return [key_of(one) for one in those if key_of(one) not in computed]


def _job_name(deployment: Deployment, connection: str, goal: str | None) -> str:
    found = chosen_connection(deployment, connection)
    if goal is None:
        return run_now_name(found)
    goals = {item.name: item for item in found.goals}
    if goal not in goals:
        raise ConfigError(f"{connection} has no goal {goal}; there are: {', '.join(goals)}")
    return run_now_name(found, goals[goal].name)


@dataclass(frozen=True)
class Ran:
    """How a job went."""

    ok: bool
    undelivered: tuple[str, ...]
    """A line for each export goal that had nothing to deliver, with the reason."""
    passed_over: tuple[str, ...] = ()
    """A line for each file on the server that waits for something, or must be renamed first."""
    failed_checks: tuple[str, ...] = ()
    """A line for each check that was made and fails."""
    failed: Event | None = None
    """What people who are notified may want to know of a run that failed."""


def run_job(console: Console, deployment: Deployment, name: str) -> Ran:
    """Runs a run-now job as one Dagster run that the web page shows later, with a progress display."""
    definitions = dg.Definitions.merge(
        model_definitions(deployment),
        *(connection_definitions(deployment, item) for item in deployment.connections),
    )
    job = definitions.resolve_job_def(name)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    outcome: list[dg.ExecuteInProcessResult] = []
    with dg.DagsterInstance.get() as instance, carried_out(instance) as tags:
        run_id = dg.DagsterRun(job_name=job.name).run_id

        def execute() -> None:
            found = job.execute_in_process(
                quiet, instance=instance, raise_on_error=False, run_id=run_id, tags={**tags, **from_terminal()}
            )
            outcome.append(found)

        # Not waited for by an interpreter that ends: what it leaves undone the next run takes up.
        worker = threading.Thread(target=execute, name="run-now", daemon=True)
        worker.start()
        try:
            show_progress(console, instance, job, run_id, worker)
        except KeyboardInterrupt:
            # The worker goes on for a moment while its storage is closed: what it logs of that says nothing.
            logging.disable()
            stopped = instance.get_run_by_id(run_id)
            if stopped is not None and not stopped.is_finished:
                instance.report_run_canceled(stopped, message="Stopped at the terminal.")
            raise
    failures = [event for result in outcome for event in result.all_events if event.is_step_failure]
    _show_failures(console, failures, job.tags[CONNECTION_TAG])
    ok = bool(outcome) and outcome[0].success
    runs = [result.dagster_run for result in outcome]
    failed = None if ok or not runs else failure_event(job.tags[CONNECTION_TAG], runs[0], failures)
    undelivered, passed_over, checks = (tuple(find(outcome)) for find in (_undelivered, _passed_over, _failed_checks))
    return Ran(ok, undelivered, passed_over, checks, failed)


def _failed_checks(outcome: Sequence[dg.ExecuteInProcessResult]) -> Iterator[str]:
    for event in (event for result in outcome for event in result.all_events):
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            if not found.passed:
                label = f"{found.asset_key.to_user_string()} {found.check_name}"
                yield f"Check {label} fails ({found.severity.value.lower()}): {found.description}"


def _passed_over(outcome: Sequence[dg.ExecuteInProcessResult]) -> Iterator[str]:
    """Of what looks at the server told, the files that were left for later."""
    for event in (event for result in outcome for event in result.all_events):
        if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            yield from passed_over_told(event.asset_observation_data.asset_observation.metadata)


def _undelivered(outcome: Sequence[dg.ExecuteInProcessResult]) -> Iterator[str]:
    """Of what exports told of themselves: that they delivered nothing, be it of an earlier run, and warnings."""
    for event in (event for result in outcome for event in result.all_events):
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            noted = event.step_materialization_data.materialization
            if noted.metadata.get("file") == NO_FILE and LEFT_OVER not in noted.metadata:
                yield f"Nothing delivered by {noted.asset_key.to_user_string()}: {noted.metadata['note'].value}"
            if "profiles delivered" in noted.metadata and "warnings" in noted.metadata:
                yield f"{noted.asset_key.to_user_string()}: {noted.metadata['warnings'].value}"


def _show_failures(console: Console, failures: Sequence[dg.DagsterEvent], connection: str) -> None:
    """Why steps failed, in our own words where there are any."""
    for event in failures:
        what, reason = told_of(event, connection)
        console.print(f"[red]{escape(what)}:[/red] {escape(reason)}" if what else escape(reason))
