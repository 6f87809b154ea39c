"""`python -m cdp_assets demo`: the whole way once, on the sample shop, through Dagster."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cdp_assets.assets.build import connection_definitions, model_definitions
from cdp_assets.assets.jobs import run_now_name
from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.dagster_home import prepare_dagster_home
from cdp_assets.commands.sample_server import sample_server
from cdp_assets.commands.summary import print_summary
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment

HELP = "import the sample shop from an SFTP server on this machine, and send its segments back"
STEPS = {
    "land": "looking at the server, landing what is new",
    "fold": "folding it into the profiles",
    "done": "renaming imported files to .done",
    "select": "computing segments",
    "deliver": "delivering exports",
    "report": "looking back",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: it is a demonstration."""


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command is given them
    """Run it; again at once, it finds no new files and changes nothing."""
    console = Console()
    prepare_dagster_home()
    with sample_server() as server:
        console.print(f"SFTP server on {server.host}:{server.port}, files in {_short(server.folder)}")
        deployment = load_deployment(defs_folder())
        connection = deployment.find_connection("shop")
        assert connection is not None, "the sample deployment has the connection `shop`"
        started = now()
        ok = _run_job(console, deployment, connection)
        if not ok:
            console.print("[red]The run failed.[/red] Its log stands in the web page under Runs.")
        if data_folders().warehouse.exists():
            print_summary(console, data_folders(), started)
        _where_next(console, server.folder)
    return 0 if ok else 1


def _run_job(console: Console, deployment: Deployment, connection: Connection) -> bool:
    """Runs the connection as one Dagster run that the web page shows later, with a progress display."""
    definitions = dg.Definitions.merge(
        model_definitions(deployment),
        *(connection_definitions(deployment, item) for item in deployment.connections),
    )
    job = definitions.resolve_job_def(run_now_name(connection))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    outcome: list[dg.ExecuteInProcessResult] = []
    with dg.DagsterInstance.get() as instance:
        run_id = dg.DagsterRun(job_name=job.name).run_id

        def execute() -> None:
            found = job.execute_in_process(run_config=quiet, instance=instance, raise_on_error=False, run_id=run_id)
            outcome.append(found)

        worker = threading.Thread(target=execute, name="demo-run")
        worker.start()
        _show_progress(console, instance, run_id, worker)
    return _tell_failures(console, outcome)


def _tell_failures(console: Console, outcome: Sequence[dg.ExecuteInProcessResult]) -> bool:
    """Why steps failed, in our own words where there are any; says whether all went well."""
    events = [event for result in outcome for event in result.all_events if event.is_step_failure]
    for event in events:
        ours = event.step_failure_data.user_failure_data
        console.print(f"[red]{event.step_key}:[/red]", ours.description if ours else "see the run's log", markup=True)
    return bool(outcome) and outcome[0].success


def _show_progress(console: Console, instance: dg.DagsterInstance, run_id: str, worker: threading.Thread) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=len(STEPS))
        while worker.is_alive():
            worker.join(0.2)
            events = [entry.dagster_event for entry in instance.all_logs(run_id)]
            started = [event.step_key for event in events if event and event.event_type_value == "STEP_START"]
            ended = sum(1 for event in events if event and event.event_type_value == "STEP_SUCCESS")
            if started:
                progress.update(task, description=STEPS.get(started[-1] or "", "working"), completed=ended)
        progress.update(task, description="done", completed=len(STEPS))


def _where_next(console: Console, folder: Path) -> None:
    published = data_folders().published
    console.print("\n[bold]Where to look next[/bold]")
    console.print(f"  delivered files      {_short(folder / 'out')}")
    console.print(f"  the profiles         {_short(published)}, a DuckDB file")
    console.print("                       with main.profiles, ops.batches, ops.rejects and more")
    command = "make dev" if Path("Makefile").exists() else "python -m cdp_assets dev"
    console.print(f"  the pipeline         {command}, then http://127.0.0.1:3000")
    console.print("  your own server      docs/getting-started.md")


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
