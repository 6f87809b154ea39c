"""`python -m cdp_assets dev`: the sample server and Dagster's web page, everything loaded."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import dagster as dg
from rich.console import Console

from cdp_assets.assets.runtime import START_VARIABLE
from cdp_assets.commands import dagster_dev
from cdp_assets.commands.dagster_home import begin_retries, prepare_dagster_home, workspace_file
from cdp_assets.commands.plain_output import started
from cdp_assets.commands.sample_server import sample_server, uses_sample_server
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.errors import ConfigError

HELP = "start the sample server and Dagster's web page on this machine"
HOST = "127.0.0.1"
STOP_S = 10
"""Dagster stops by itself in about five seconds."""
KILL_S = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--port", type=int, default=3000, help="port of the web page")
    parser.add_argument(
        "--running", action="store_true", help="start with sensors and schedules switched on, as in production"
    )


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C. Mistakes in the YAML are told first, all at once.

    The sample server starts only if a connection of the deployment is meant for it.

    Raises:
        ConfigError: the YAML author must act, or whoever chose the port.
    """
    console = Console(soft_wrap=True)
    deployment = load_deployment(defs_folder())
    _check_port(options.port)
    home = prepare_dagster_home()
    with dg.DagsterInstance.get() as instance:
        begin_retries(instance)
    with ExitStack() as stack:
        if uses_sample_server(deployment):
            server = stack.enter_context(sample_server())
            console.print(f"SFTP server  sftp://cdp@{server.host}:{server.port}  files in {server.folder}")
        environment = dict(os.environ)
        if not options.running:
            environment[START_VARIABLE] = "stopped"
        switched = "on" if options.running else "off; switch them on under Automation"
        console.print(f"Dagster      http://{HOST}:{options.port}  sensors and schedules are {switched}")
        console.print("The page has no log-in and listens on this machine only. Ctrl-C stops everything.")
        return _dagster(workspace_file(home), options.port, environment)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = f"port {port} is taken on this machine (is `dev` running already?); choose another with --port"
            raise ConfigError(message) from error


def _dagster(workspace: Path, port: int, environment: Mapping[str, str]) -> int:
    """Dagster in a process group of its own, so that stopping it stops its children too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Set, not only kept: a shell starts background programs with SIGINT ignored, and children inherit that.
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # The terminal was closed; `nohup` means to outlive that.
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    # The other way to start, `dg dev`, knows no workspace file; this one tells of it at every start.
    silent = ["-W", "ignore:Function `dev_command` is superseded"]
    dagster = [*silent, "-m", dagster_dev.__name__, "dev"]
    command = [sys.executable, *dagster, "-w", str(workspace), "-h", HOST, "-p", str(port)]
    with started(command, environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks Dagster to end, then makes sure that nothing of it is left; more Ctrl-C change nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        # Code servers outlive it by up to 45 seconds, until they miss its heartbeat.
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(process.pid, number)
            _wait_for_group(process, KILL_S)
    except ProcessLookupError:
        return


def _wait_for_group(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Waits until no process of the group is left, which is told by ProcessLookupError, or the time is over."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        process.poll()
        os.killpg(process.pid, 0)
        time.sleep(0.1)
