"""The sample shop on an embedded SFTP server: what `demo` and `dev` run against."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdp_assets.assets.runtime import data_folders
from cdp_assets.config.model import Deployment
from cdp_assets.errors import RemoteError
from cdp_assets.files.embedded_server import EmbeddedServer
from cdp_assets.flows.folders import make_private, write_whole
from cdp_assets.sample import write_shop

PORT_VARIABLE = "SHOP_SFTP_PORT"
PREFERRED_PORT = 2222
HOST = "127.0.0.1"


def uses_sample_server(deployment: Deployment) -> bool:
    """Whether a connection trusts the key that `sample_server` puts in place, and so is meant for it."""
    key = (data_folders().root / "server" / "known_hosts").resolve()
    known = [connection.server.known_hosts for connection in deployment.connections]
    return any(path.expanduser().resolve() == key for path in known if path is not None)


@contextmanager
def sample_server(port: int | None = None) -> Iterator[EmbeddedServer]:
    """Serves `data/sftp`, filled with the sample shop the first time, while the block lasts.

    Puts the server's key where the shop's YAML expects it and its port into the environment.
    """
    root = data_folders().root
    folder, state = root / "sftp", root / "server"
    if not folder.exists():
        unfinished = root / ".sftp"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_shop(make_private(unfinished))
        (unfinished / "out").mkdir(exist_ok=True)
        unfinished.rename(folder)
    server = _started(folder, state, port)
    try:
        _know(state / "known_hosts", f"[{HOST}]:{server.port} {server.host_key}")
        os.environ[PORT_VARIABLE] = str(server.port)
        yield server
    finally:
        server.stop()


def _started(folder: Path, state: Path, port: int | None) -> EmbeddedServer:
    """Listening on the wanted port; where none is wanted, on the usual one, or on any if that is taken."""
    server = EmbeddedServer(folder, state, HOST, PREFERRED_PORT if port is None else port)
    try:
        server.start()
    except RemoteError:
        if port is not None:
            raise
        server = EmbeddedServer(folder, state, HOST)
        server.start()
    return server


def _know(known_hosts: Path, line: str) -> None:
    """Adds the server under its port; the same server may run under another port for somebody else."""
    lines = known_hosts.read_text().splitlines() if known_hosts.exists() else []
    if line not in lines:
        write_whole(known_hosts, "".join(f"{entry}\n" for entry in [*lines, line]).encode())
