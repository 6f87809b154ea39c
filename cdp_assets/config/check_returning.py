"""Cross rules of rejected rows that go back: nobody imports them again, and nothing encrypted comes back plain."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from cdp_assets.config.connections import Connection, readable_server
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.known import Place


def returning_places(connection: Connection, connections: Sequence[Connection]) -> Iterator[Place]:
    """Every mistake of a connection's goals; `connections` are all of the deployment, itself included."""
    for index, goal in enumerate(connection.goals):
        if not isinstance(goal, ImportGoal) or goal.return_rejects is None:
            continue
        encrypted = connection.pgp is not None and connection.pgp.private_key is not None
        if encrypted and not goal.return_rejects.plain:
            told = "files of this connection come PGP encrypted, and rejected rows would go back as plain text"
            yield ("goals", index, "return_rejects"), f"{told}; leave return_rejects out, or allow it with plain: true"
        reader = _reader(connection, goal.return_rejects.directory, connections)
        if reader:
            told = f"{reader} reads files from {goal.return_rejects.directory!r}"
            cure = "rejected rows put there could be imported again; name another directory"
            yield ("goals", index, "return_rejects", "directory"), f"{told}; {cure}"


def _reader(connection: Connection, directory: str, connections: Sequence[Connection]) -> str:
    """The goal that imports from that directory of the same account; empty = none."""
    place = _place(connection, directory)
    for other in connections:
        for goal in other.imports if _share_account(connection, other) else ():
            if _place(other, goal.files.directory) == place:
                return f"goal {goal.name!r}" if other is connection else f"goal {goal.name!r} of {other.name!r}"
    return ""


def _share_account(one: Connection, other: Connection) -> bool:
    this, that = readable_server(one), readable_server(other)
    if this is None or that is None:
        return one is other
    return (this.host.lower(), this.port, this.username) == (that.host.lower(), that.port, that.username)


def _place(connection: Connection, directory: str) -> tuple[bool, tuple[str, ...]]:
    """A directory on the server, however it is spelled: whether it starts at the root, and its parts."""
    server = readable_server(connection)
    joined = posixpath.join(server.user_directory if server else "", directory)
    return joined.startswith("/"), tuple(part for part in joined.split("/") if part not in {"", "."})
