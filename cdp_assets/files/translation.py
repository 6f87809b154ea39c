"""Errors of the SFTP protocol, translated once, in the words of whoever has to act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from cdp_assets.errors import CdpError, LocalDiskError, RemoteDownError, RemoteError

_LOST = (
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.SFTPBadMessage,
    asyncssh.DisconnectError,
    # Raised by a channel that is written to after its link went down.
    ConnectionError,
)
_ABSENT = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)


def is_absent(error: Exception) -> bool:
    """Whether the server says that the path does not exist."""
    return isinstance(error, _ABSENT)


@contextmanager
def translated(where: str, doing: str) -> Iterator[None]:
    """Turns what asyncssh raises inside into our errors; `doing` reads like "list in/new"."""
    try:
        yield
    except CdpError:
        raise
    except TimeoutError as error:
        raise RemoteDownError(f"{where}: could not {doing}: the server stopped answering") from error
    except _LOST as error:
        reason = getattr(error, "reason", None) or error
        raise RemoteDownError(f"{where}: could not {doing}: the connection was lost ({reason})") from error
    except asyncssh.Error as error:
        raise RemoteError(f"{where}: could not {doing}: {_reason(error)}") from error
    except OSError as error:
        # An open connection reports its own failures as asyncssh errors: what is left is the local disk.
        raise LocalDiskError(f"could not {doing}: {error.strerror or error} (on this machine)") from error


def _reason(error: asyncssh.Error) -> str:
    if isinstance(error, _ABSENT):
        return "no such file or directory"
    if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPWriteProtect):
        return "permission denied; the account needs the right to do this"
    if isinstance(error, _FULL):
        return "the server's disk or the account's quota is full"
    return f"the server refused without a usable reason ({error.reason or type(error).__name__})"
