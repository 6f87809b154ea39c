"""`python -m cdp_assets dev`: the sample server and Dagster's web page, everything loaded."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from cdp_assets.assets.runtime import START_VARIABLE
from cdp_assets.commands.sample_server import prepare_dagster_home, sample_server
from cdp_assets.components.loading import defs_folder, load_deployment

HELP = "start the sample server and Dagster's web page on this machine"
STOP_S = 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--port", type=int, default=3000, help="port of the web page")
    parser.add_argument(
        "--running", action="store_true", help="start with sensors and schedules switched on, as in production"
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C. Mistakes in the YAML are told first, all at once."""
    console = Console()
    with sample_server() as server:
        load_deployment(defs_folder())
        prepare_dagster_home()
        environment = dict(os.environ)
        if not options.running:
            environment[START_VARIABLE] = "stopped"
        switched = "on" if options.running else "off: switch them on under Automation"
        console.print(f"SFTP server  sftp://cdp@{server.host}:{server.port}  files in {server.folder}")
        console.print(f"Dagster      http://127.0.0.1:{options.port}  sensors and schedules are {switched}")
        console.print("The page has no log-in and listens on this machine only. Ctrl-C stops both.")
        return _dagster(options.port, environment)


def _dagster(port: int, environment: dict[str, str]) -> int:
    """Dagster in a process group of its own, so that stopping it stops its children too."""
    program = str(Path(sys.executable).with_name("dagster"))
    command = [program, "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own words
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        return 0
