"""`python -m cdp_assets demo`: the whole way once, on the sample shop, through Dagster."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from cdp_assets.assets.job_names import landing_name, run_now_name
from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.dagster_home import prepare_dagster_home
from cdp_assets.commands.run import run_job
from cdp_assets.commands.sample_server import sample_server
from cdp_assets.commands.summary import NotDone, print_summary
from cdp_assets.commands.tables import new_console
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.model import Deployment

HELP = "import the sample shop from an SFTP server on this machine, and send its segments back"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: it is a demonstration."""


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command is given them
    """Run it; again at once, it finds no new files and changes nothing."""
    console = new_console()
    prepare_dagster_home()
    with sample_server() as server:
        console.print(f"SFTP server on {server.host}:{server.port}, files in {_short(server.folder)}")
        deployment = load_deployment(defs_folder())
        started = now()
        results = [run_job(console, deployment, name) for name in _jobs(deployment)]
        ok = all(ran.ok for ran in results)
        if not ok:
            console.print("[red]The run failed.[/red] Its log stands in the web page under Runs.")
        if data_folders().warehouse.exists():
            undelivered = [line for ran in results for line in ran.undelivered]
            passed_over = [line for ran in results for line in ran.passed_over]
            checks = [line for ran in results for line in ran.failed_checks]
            not_done = NotDone(undelivered=undelivered, passed_over=passed_over, failed_checks=checks)
            print_summary(console, data_folders(), started, deployment.event_types, not_done)
        _where_next(console, server.folder)
    return 0 if ok else 1


def _jobs(deployment: Deployment) -> list[str]:
    """Everything is landed before the first fold, so that all files fold in their order, and delivered at the end."""
    importing = [connection for connection in deployment.connections if not connection.exports]
    exporting = [connection for connection in deployment.connections if connection.exports]
    landings = [landing_name(connection) for connection in exporting]
    return [*landings, *(run_now_name(connection) for connection in (*importing, *exporting))]


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
