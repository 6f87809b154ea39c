"""From a reference to the secret itself, at the last moment, and never into a message."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cdp_assets.config.base import SecretRef
from cdp_assets.errors import ConfigError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def secret_label(ref: SecretRef) -> str:
    """Names the place of a secret in an error message, never its content."""
    return f"environment variable {ref.env}" if ref.env is not None else f"file {ref.file}"


def resolve_secret(ref: SecretRef) -> str:
    """The secret, without the line ends a file or a shell put behind it; never empty.

    Read anew each time, so a rotated secret is used at the next connection.

    Raises:
        ConfigError: The variable is not set or empty, or the file is missing, empty, not text, or open
            to group or others. The message names the place and how to mend it.
    """
    text = _from_environment(ref.env) if ref.env is not None else _from_file(ref.file or Path())
    secret = text.rstrip("\r\n")
    if not secret:
        raise ConfigError(f"{secret_label(ref)} is empty; it must hold the secret")
    return secret


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(f"environment variable {name} is not set; it must hold the secret")
    return value


def _from_file(path: Path) -> str:
    try:
        with path.expanduser().open("rb") as file:
            # Asked of the open file, so it cannot be swapped between the check and the read.
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise ConfigError(
                    f"secret file {path} is open to group or others (mode {stat.S_IMODE(mode):04o}); "
                    f"run chmod 600 {path}"
                )
            content = file.read()
    except OSError as error:
        raise ConfigError(f"secret file {path} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Not chained: the exception carries the bytes of the secret.
        raise ConfigError(f"secret file {path} is not UTF-8 text") from None
