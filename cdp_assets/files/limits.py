"""How much a received file may grow when it is unpacked, and how an unpacked file comes into being.

A file is unpacked to a private temporary name and gets its own name only when it is whole, so that a reader
never sees half of one and a failure leaves nothing behind.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdp_assets.errors import FileError, LocalDiskError

CHUNK_BYTES = 1 << 20
"""How much is read, unpacked and written at a time."""


@dataclass(frozen=True)
class Limits:
    """What stops a file that unpacks to far more than it is (a bomb)."""

    max_bytes: int = 64 << 30
    """The most any one layer may unpack to."""
    max_ratio: float = 1000
    """The most bytes out per byte in."""
    free_bytes: int = 10_000_000
    """Up to this size the ratio is not looked at: a small file of zeros is no attack."""

    def ceiling(self, packed_bytes: int) -> int:
        """The size in bytes at which unpacking a file of this packed size is stopped; at least 1."""
        return max(1, min(self.max_bytes, max(self.free_bytes, int(packed_bytes * self.max_ratio))))

    def refusal(self, name: str, packed_bytes: int) -> FileError:
        """The error for a file that went over its ceiling."""
        return FileError(
            f"{name} unpacks to more than {self.ceiling(packed_bytes):,} bytes (it has {packed_bytes:,} itself): "
            f"allowed are {self.max_bytes:,} bytes and {self.max_ratio:,.0f} times its size; split the file"
        )


@dataclass
class Bounded:
    """Writes what is unpacked, up to the ceiling of one file."""

    file: BinaryIO
    name: str
    packed_bytes: int
    limits: Limits
    written: int = 0

    def write(self, data: bytes | bytearray) -> None:
        """Appends `data`.

        Raises:
            FileError: with `data` the file would be larger than its limits allow.
        """
        self.written += len(data)
        if self.written > self.limits.ceiling(self.packed_bytes):
            raise self.limits.refusal(self.name, self.packed_bytes)
        self.file.write(data)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A private name (mode 0600) beside `target` to write to; it becomes `target` when the block ends well.

    An older `target` is replaced. On any error the temporary file is deleted and `target` stays as it was.
    The name stands for an empty file: open it with "r+b", or remove it first. To truncate even an empty file makes
    ext4 write it to the disk when it is closed, which for a large one takes as long as decrypting it does.

    Raises:
        LocalDiskError: the folder is full, missing or not writable.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield partial
        partial.replace(target)
    except OSError as error:
        raise LocalDiskError(f"could not write {target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
