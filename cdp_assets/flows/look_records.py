"""Which look saw a file first: one line per look and connection, written down before anything is done with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from cdp_assets.config.connections import Connection
from cdp_assets.errors import RemoteDownError
from cdp_assets.flows.folders import DataFolders, make_private

WAIT_S = 120
"""How long a look waits for another process's look at the same connection."""


@contextmanager
def looking_alone(connection: Connection, folders: DataFolders) -> Iterator[None]:
    """Looks at one connection are taken one at a time.

    Raises:
        RemoteDownError: nobody need act: another process has been looking for `WAIT_S`.
    """
    looks = folders.looks(connection.name)
    make_private(looks.parent)
    lock = FileLock(looks.with_suffix(".lock"), timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another process has been looking at the server of {connection.name} for more than {WAIT_S} s"
        raise RemoteDownError(message) from error
    try:
        yield
    finally:
        lock.release()


def read_looks(path: Path) -> tuple[dict[str, datetime], datetime]:
    """When each file was first seen or came back, and the latest look.

    A line torn by a crash counts as not written.
    """
    seen: dict[str, datetime] = {}
    latest = datetime.min.replace(tzinfo=UTC)
    if not path.exists():
        return seen, latest
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        latest = datetime.fromisoformat(entry["look_at"])
        seen |= dict.fromkeys(entry["seen"], latest)
    return seen, latest


def append_look(path: Path, looked_at: datetime, fresh: Sequence[str]) -> None:
    """Adds one look, in the place of a torn line if there is one."""
    whole = path.read_bytes() if path.exists() else b""
    keep = whole.rfind(b"\n") + 1
    line = json.dumps({"look_at": looked_at.isoformat(), "seen": list(fresh)}).encode() + b"\n"
    with path.open("r+b" if path.exists() else "wb") as target:
        target.truncate(keep)
        target.seek(keep)
        target.write(line)
        target.flush()
