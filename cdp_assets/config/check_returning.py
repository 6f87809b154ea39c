"""Cross rules of rejected rows that go back: nobody imports them again, and nothing encrypted comes back plain."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from cdp_assets.config.connections import Connection, readable_server
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.known import Place
from cdp_assets.config.returning import ReturnRejects
from cdp_assets.config.unread import as_far_as_read


def returning_places(connection: Connection, connections: Sequence[Connection]) -> Iterator[Place]:
    """Every mistake of a connection's goals; `connections` are all of the deployment, itself included."""
    for index, goal in enumerate(connection.goals):
        if isinstance(goal, ImportGoal) and goal.return_rejects is not None:
            found = as_far_as_read(_returning(connection, goal.return_rejects, connections))
            yield from ((("goals", index, "return_rejects", *where), told) for where, told in found)


def _returning(connection: Connection, wanted: ReturnRejects, connections: Sequence[Connection]) -> Iterator[Place]:
    encrypted = connection.pgp is not None and connection.pgp.private_key is not None
    if encrypted and not wanted.plain:
        told = "files of this connection come PGP encrypted, and rejected rows would go back as plain text"
        yield (), f"{told}; leave return_rejects out, or allow it with plain: true"
    reader = _reader(connection, wanted.directory, connections)
    if reader:
        told = f"{reader} reads files from {wanted.directory!r}"
        yield ("directory",), f"{told}; rejected rows put there could be imported again; name another directory"


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
