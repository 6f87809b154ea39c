"""How we fail: one tree of errors, drawn by who has to act.

CdpError
├── ConfigError      the author of the YAML: every problem with file, line and what would be right
├── FileError        the supplier of the file: it is broken, ambiguous or not what the goal expects
│   ├── FileRefusedError more of its rows are rejected than the goal allows; they are kept
│   └── FileChangedError nobody yet: it changed while it was read; a later look takes it
├── RemoteError      the operator of the server: refused, denied, not found, full
│   ├── HostKeyError      the server is not the one the configuration names; nothing was sent to it
│   ├── LogInRefusedError the server does not take the log-in; trying again unchanged may lock the account
│   ├── TargetExistsError a file of that name stands there already; nothing was overwritten
│   └── RemoteDownError   nobody yet: unreachable, timed out or cut; trying again may help
├── LocalDiskError   the operator of this machine: a local folder is full, missing or not writable
└── WarehouseError   us: a statement failed; the message ends with the SQL
    ├── NothingFoldedError  nobody yet: no file has been folded so far
    ├── SnapshotError       nobody: a snapshot cannot be written or read; the fold goes on without it
    └── WarehouseBusyError  nobody yet: another process is writing; trying again will help

Foreign exceptions are translated once, at the door, with `raise … from error`. No message holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in what the user wrote."""

    path: str
    """The YAML file, as the user would name it; empty when the problem belongs to no file."""
    line: int
    """1-based line in that file; 0 when the problem belongs to the file as a whole."""
    message: str
    """What is wrong and what would be right, in the user's words."""

    def __str__(self) -> str:
        """`path:line: message`, the form editors and people can follow."""
        if not self.path:
            return self.message
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


class CdpError(Exception):
    """The root: everything this package raises on purpose."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later with nothing changed by a person."""


class ConfigError(CdpError):
    """The YAML author must act. Holds every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        found = [Problem("", 0, problems)] if isinstance(problems, str) else sorted(set(problems))
        self.problems: tuple[Problem, ...] = tuple(found)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FileError(CdpError):
    """The supplier must act: this file (or set of files) cannot be imported as it is."""


class FileRefusedError(FileError):
    """More rows are rejected than the goal's `on_error` allows: nothing of the file is imported."""


class FileChangedError(FileError):
    """The file changed while it was read; it is taken at a later look. Retryable."""

    retryable = True


class RemoteError(CdpError):
    """The server's operator must act: access, rights, space or names on the server."""


class HostKeyError(RemoteError):
    """The server showed another host key than the configured one; no credential was sent."""


class LogInRefusedError(RemoteError):
    """The server did not take the log-in, or wants more than is configured; to be tried once, not again and again."""


class TargetExistsError(RemoteError):
    """A rename found its target name taken; neither file was touched."""


class RemoteDownError(RemoteError):
    """The server could not be reached, or the link was cut or silent. Retryable."""

    retryable = True


class LocalDiskError(CdpError):
    """The operator of this machine must act: a local folder is full, missing or not writable."""


class WarehouseError(CdpError):
    """We must act: a statement against the warehouse failed."""


class NothingFoldedError(WarehouseError):
    """The warehouse holds no profiles yet; they come with the first fold."""


class SnapshotError(WarehouseError):
    """A snapshot cannot be written or read. Nothing depends on it: the fold goes on, or begins again, without it."""


class WarehouseBusyError(WarehouseError):
    """Another process holds the warehouse. Retryable; the message names the holder where it is known."""

    retryable = True
