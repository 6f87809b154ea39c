"""A folder of this machine that is full or cannot be written, told alike whoever meets it: Python or the engine."""

from __future__ import annotations

import errno
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdp_assets.errors import LocalDiskError, WarehouseError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing_below(folder: Path) -> Iterator[None]:
    """For the length of the block, what keeps anybody from writing below the folder is told as that.

    Raises:
        LocalDiskError: the operator of this machine must act.
    """
    try:
        yield
    except (OSError, LocalDiskError, WarehouseError) as error:
        told = _told(str(error).split("\nin the statement:")[0], folder)
        if not told:
            raise
        raise LocalDiskError(told) from error


def _told(text: str, folder: Path) -> str:
    """Folder, cause and cure; empty where the error is about something else."""
    reason = next((os.strerror(code) for code in (*_FULL, *_REFUSED) if os.strerror(code) in text), "")
    if not reason or str(folder) not in text:
        return ""
    if reason in map(os.strerror, _FULL):
        return f"the disk of {folder} on this machine is full ({reason}); make room there and run again"
    cure = f"let {getpass.getuser()} write there and run again"
    return f"{folder} on this machine cannot be written ({reason}); {cure}"
