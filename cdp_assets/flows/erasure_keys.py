"""The key under which identifiers of erased people are hashed: made once, kept in the data folder only."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import uuid
from pathlib import Path

from cdp_assets.errors import LocalDiskError
from cdp_assets.flows.folders import DataFolders, make_private

_BLOCK = 64
"""Bytes SHA-256 works on at once."""


def key_path(folders: DataFolders) -> Path:
    """Where the key stands, for its owner only."""
    return folders.erasures / "key"


def make_key(folders: DataFolders) -> bytes:
    """The key; made if there is none. Two processes that make it at once get the same."""
    place = key_path(folders)
    if not place.exists():
        make_private(place.parent)
        temporary = place.with_name(f".key.{uuid.uuid4().hex}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(secrets.token_bytes(32))
            target.flush()
            os.fsync(target.fileno())
        try:
            os.link(temporary, place)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return read_key(folders)


def read_key(folders: DataFolders) -> bytes:
    """The key.

    Raises:
        LocalDiskError: the operator of this machine must act: people are erased, and the key is gone; without it
            nobody can tell whose rows are to stay out.
    """
    try:
        return key_path(folders).read_bytes()
    except FileNotFoundError as error:
        message = (
            f"{key_path(folders)} is missing: it tells whose rows stay out of the warehouse. Restore it from a backup;"
            " or empty ops.erasures and erase these people again"
        )
        raise LocalDiskError(message) from error


def keyed_hash(key: bytes, name: str, value: str) -> str:
    """HMAC-SHA256 of an identifier, as hex digits. `name`: of the property."""
    return hmac.new(key, f"{name}\x1f{value}".encode(), hashlib.sha256).hexdigest()


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The two blocks that HMAC puts before what it hashes, so that the engine can do the same."""
    block = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
