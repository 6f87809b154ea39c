"""`python -m cdp_assets serve-sftp`: the sample shop's server alone, until interrupted."""

from __future__ import annotations

import argparse
import threading
from contextlib import suppress

from rich.console import Console

from cdp_assets.commands.sample_server import sample_server

HELP = "serve the sample shop over SFTP on this machine until interrupted"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--port", type=int, help="port to listen on; default: 2222, or a free one")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    with sample_server(options.port) as server, suppress(KeyboardInterrupt):
        Console().print(f"sftp://cdp@{server.host}:{server.port}, password in {server.password_file}; Ctrl-C stops")
        threading.Event().wait()
    return 0
