"""Tries a connection out: what it can list, write, rename and remove, goal by goal, without touching a file.

What it writes is one small hidden file per directory, which it renames and removes again; no goal ever takes
it, as its name starts with a dot.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.errors import CdpError, ConfigError, RemoteError
from cdp_assets.files.remote import child_of, path_of
from cdp_assets.files.selection import why_not
from cdp_assets.files.sftp import SftpFileSystem, open_server


@dataclass(frozen=True)
class Trial:
    """One thing that was tried."""

    what: str
    ok: bool
    detail: str
    """What was found, or why it failed and what would help."""


def check_connection(connection: Connection) -> list[Trial]:
    """Logs in and tries everything the connection's goals need; every failure is told, none raised.

    A second run does the same again. It logs in once, so that a wrong password locks nobody out.
    """
    where = f"log in to {connection.server.host}:{connection.server.port} as {connection.server.username}"
    try:
        with open_server(connection.server) as server:
            return [Trial(where, ok=True, detail="the server is the one configured"), *_goals(connection, server)]
    except (RemoteError, ConfigError) as error:
        return [Trial(where, ok=False, detail=str(error))]


def _goals(connection: Connection, server: SftpFileSystem) -> Iterator[Trial]:
    for goal in connection.imports:
        directory = path_of(connection.server, goal.files.directory)
        try:
            names = [file.name for file in server.list_files(directory)]
        except RemoteError as error:
            yield Trial(f"{goal.name}: list {directory}", ok=False, detail=str(error))
            continue
        taken = sum(why_not(goal.files, name) is None for name in names)
        detail = f"{len(names)} files, {taken} of them for this goal"
        yield Trial(f"{goal.name}: list {directory}", ok=True, detail=detail)
        if goal.files.rename_done:
            yield _write(server, f"{goal.name}: rename in {directory}", directory)
    for export in connection.exports:
        directory = path_of(connection.server, export.directory)
        yield _write(server, f"{export.name}: write and rename in {directory}", directory)


def _write(server: SftpFileSystem, what: str, directory: str) -> Trial:
    """Delivers a small hidden file, renames it as an acknowledgement does, and removes it."""
    path = child_of(directory, f".cdp-trial-{secrets.token_hex(4)}")
    renamed = f"{path}.done"
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "trial"
            source.write_text("A trial of the connection; it can be removed.\n")
            server.deliver(source, path)
        server.rename_without_overwriting(path, renamed)
        server.remove_own_file(renamed)
    except (CdpError, OSError) as error:
        return Trial(what, ok=False, detail=str(error))
    return Trial(what, ok=True, detail="works")
