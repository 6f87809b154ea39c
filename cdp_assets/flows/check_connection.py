"""Tries a connection out: what it can list, read, write and rename, directory by directory, without touching a file.

Of an import's file no more than its first byte is read. What is written is one small hidden file per directory,
which is renamed and removed again; no goal ever takes it, as its name starts with a dot.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.counted import counted
from cdp_assets.errors import CdpError, ConfigError, RemoteError
from cdp_assets.files.remote import RemoteFile, child_of, path_of, shown, split_path
from cdp_assets.files.selection import why_not
from cdp_assets.files.sftp import SftpFileSystem, open_server

_FOLDERS = 20
"""So many are named beside one that is missing."""


@dataclass(frozen=True)
class Trial:
    """One thing that was tried."""

    verb: str
    """`log in`, `list`, `read`, `write` or `rename`."""
    where: str
    """The directory on the server; for the log-in, account and server."""
    ok: bool
    detail: str
    """What was found, or why it failed and what would help."""
    tried: bool = True
    """False = nothing was tried, so nobody knows yet whether it works."""

    @property
    def works(self) -> str:
        """In a word: yes, no, or not tried."""
        return "no" if not self.ok else "yes" if self.tried else "not tried"

    def __str__(self) -> str:
        return f"{self.verb} {self.where}: {self.detail}"


@dataclass
class _Needs:
    """What the goals need in one directory."""

    imports: list[ImportGoal] = field(default_factory=list)
    renames: bool = False
    """To `.done`; only a file of our own may be tried on, so that one must be written."""
    delivers: bool = False


def check_connection(connection: Connection) -> list[Trial]:
    """Logs in and tries everything the active goals need; every failure is told, none raised.

    A second run does the same again. It logs in once, so that a wrong password locks nobody out. Also for a
    connection that is switched off: trying it out is what one does before switching it on.
    """
    server = connection.server
    account = f"{server.username}@{server.host}:{server.port}"
    try:
        needs = _needs(connection)
        with open_server(server) as files:
            logged_in = Trial("log in", account, ok=True, detail="the server is the one configured")
            return [logged_in, *(trial for where, need in needs.items() for trial in _tried(files, where, need))]
    except (RemoteError, ConfigError) as error:
        return [Trial("log in", account, ok=False, detail=str(error))]


def _needs(connection: Connection) -> dict[str, _Needs]:
    """By directory, in the order of the goals."""
    found: dict[str, _Needs] = {}
    for goal in connection.goals:
        if not goal.active:
            continue
        if isinstance(goal, ImportGoal):
            need = found.setdefault(path_of(connection.server, goal.files.directory), _Needs())
            need.imports.append(goal)
            need.renames |= goal.files.rename_done
            if goal.return_rejects is not None:
                place = path_of(connection.server, goal.return_rejects.directory)
                found.setdefault(place, _Needs()).delivers = True
        else:
            found.setdefault(path_of(connection.server, goal.directory), _Needs()).delivers = True
    return found


def _tried(server: SftpFileSystem, directory: str, needs: _Needs) -> Iterator[Trial]:
    if needs.imports:
        yield from _list_and_read(server, directory, needs.imports)
    if not (needs.renames or needs.delivers):
        return
    try:
        is_there = server.is_directory(directory)
        can_be_made = needs.delivers and server.is_directory(split_path(directory)[0])
    except CdpError as error:
        yield Trial("write", shown(directory), ok=False, detail=str(error))
        return
    if is_there:
        yield from _write_and_rename(server, directory)
    elif can_be_made:
        detail = "not tried: the directory is not there; the first delivery tries to make it"
        yield Trial("write", shown(directory), ok=True, detail=detail, tried=False)
    else:
        yield Trial("write", shown(directory), ok=False, detail=f"Directory not found: {shown(directory)}")


def _folders_beside(server: SftpFileSystem, directory: str) -> str:
    """The folders that stand where a directory is missing; empty when it is there, or nobody can tell."""
    parent = split_path(directory)[0]
    try:
        if server.is_directory(directory):
            return ""
        folders = server.list_folders(parent)
    except CdpError:
        return ""
    there = shown(parent) if parent else "the directory of the log-in"
    told = ", ".join(map(shown, folders[:_FOLDERS])) or "none"
    more = f" and {len(folders) - _FOLDERS:,} more" if len(folders) > _FOLDERS else ""
    return f"; folders in {there}: {told}{more}"


def _list_and_read(server: SftpFileSystem, directory: str, goals: Sequence[ImportGoal]) -> Iterator[Trial]:
    where = shown(directory)
    try:
        files = server.list_files(directory)
    except CdpError as error:
        yield Trial("list", where, ok=False, detail=f"{error}{_folders_beside(server, directory)}")
        return
    taken = {goal.name: [file for file in files if why_not(goal.files, file.name) is None] for goal in goals}
    counts = [f"{len(found)} for {name}" for name, found in taken.items()]
    # Linked files, what is imported already, and what no goal takes.
    others = len({file.path for file in files} - {file.path for found in taken.values() for file in found})
    counts += [counted(others, "other")] if others else []
    yield Trial("list", where, ok=True, detail=f"{counted(len(files), 'file')}: {', '.join(counts)}")
    yield _read(server, where, [found[0] for found in taken.values() if found])


def _read(server: SftpFileSystem, where: str, files: Sequence[RemoteFile]) -> Trial:
    """One file of each goal that has any."""
    if not files:
        return Trial("read", where, ok=True, detail="not tried: no file of a goal is there", tried=False)
    for file in files:
        try:
            server.read_prefix(file, 1)
        except CdpError as error:
            return Trial("read", where, ok=False, detail=str(error))
    return Trial("read", where, ok=True, detail=f"can open {', '.join(shown(file.name) for file in files)}")


def _write_and_rename(server: SftpFileSystem, directory: str) -> Iterator[Trial]:
    """Delivers a small hidden file, renames it as an acknowledgement does, and removes it."""
    where = shown(directory)
    path = child_of(directory, f".cdp-trial-{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "trial"
            source.write_text("A trial of the connection; it can be removed.\n")
            server.deliver(source, path)
    except (CdpError, OSError) as error:
        yield Trial("write", where, ok=False, detail=str(error))
        yield Trial("rename", where, ok=False, detail="not tried: there is no trial file to rename")
        return
    yield Trial("write", where, ok=True, detail="wrote a small hidden file")
    renamed = f"{path}.done"
    try:
        server.rename_without_overwriting(path, renamed)
    except CdpError as error:
        yield Trial("rename", where, ok=False, detail=f"{error}; {_removed(server, path)}")
    else:
        yield Trial("rename", where, ok=True, detail=f"renamed it; {_removed(server, renamed)}")


def _removed(server: SftpFileSystem, path: str) -> str:
    """Removing is for tidiness only: no goal needs it."""
    try:
        server.remove_own_file(path)
    except CdpError as error:
        return f"please remove {shown(path)} by hand ({error})"
    return "removed it again"
