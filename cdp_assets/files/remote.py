"""What we know of files on a server, and how their names are put together and shown."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.connections import Server
from cdp_assets.errors import ConfigError


@dataclass(frozen=True)
class RemoteFile:
    """A regular file as one look at the server found it."""

    path: str
    """Full path on the server; bytes that are not UTF-8 stand as surrogates, so it can be sent back."""
    name: str
    """The last part of `path`."""
    size_bytes: int
    """Before any decryption or decompression."""
    modified_at: datetime
    """UTC, by the server's clock, in whole seconds: SFTP version 3 tells no finer."""


@dataclass(frozen=True)
class Fetched:
    """What arrived on the local disk."""

    sha256_hex: str
    size_bytes: int


def path_of(server: Server, directory: str, name: str = "") -> str:
    """The full path of a directory, or of a file in it, on the server.

    `directory` is below the user directory unless it begins with `/`. A path without a leading `/` starts
    at the folder the server puts the user in; the empty path is `.`.

    Raises:
        ConfigError: A part is `..`, or `name` holds a `/`.
    """
    if "/" in name:
        raise ConfigError(f"{shown(name)!r} is no file name: it holds a /")
    joined = posixpath.join(server.user_directory, directory, name)
    parts = [part for part in joined.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ConfigError(f"{shown(joined)!r} leaves its directory; `..` is not allowed")
    return ("/" if joined.startswith("/") else "") + "/".join(parts) or "."


def child_of(directory: str, name: str) -> str:
    """The path of an entry of a directory, in the form `path_of` gives."""
    return name if directory == "." else posixpath.join(directory, name)


def split_path(path: str) -> tuple[str, str]:
    """Directory (`.` if none is named) and name of a path."""
    directory, name = posixpath.split(path)
    return directory or ".", name


def shown(path: str) -> str:
    """A path for people and logs: undecodable bytes and control characters are written as escapes.

    A raw surrogate would make the log itself fail, and a raw line end would forge log lines.
    """
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
