"""Text on its way into a file: encoded, compressed, counted and digested while it passes, whatever its length."""

from __future__ import annotations

import codecs
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cdp_assets.errors import LocalDiskError
from cdp_assets.files.gzip_packing import GzipPacker
from cdp_assets.files.limits import CHUNK_BYTES


class UnencodableError(Exception):
    """A character that the file's encoding does not have; the caller knows whose it is."""

    def __init__(self, sign: str) -> None:
        super().__init__(sign)
        self.sign = sign


@dataclass(frozen=True)
class Written:
    """A file as it stands on the local disk."""

    size_bytes: int
    sha256_hex: str
    text_sha256_hex: str
    """Of the text before compression."""


class TextFile:
    """A new file only we can read; `write` takes UTF-8 in pieces of any length."""

    def __init__(self, path: Path, codec: str, *, gzip: bool) -> None:
        self._path = path
        self._target = _new_file(path)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._encoder = codecs.getincrementalencoder(codec)() if codec != "utf-8" else None
        self._packer = GzipPacker() if gzip else None
        self._whole, self._text = hashlib.sha256(), hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> None:
        """Appends.

        Raises:
            UnencodableError: it holds a character that the encoding does not have.
            LocalDiskError: this machine's disk is full.
        """
        if self._encoder is not None:
            text = self._decoder.decode(data)
            try:
                data = self._encoder.encode(text)
            except UnicodeEncodeError as error:
                raise UnencodableError(error.object[error.start]) from error
        self._text.update(data)
        for packed in self._packer.pack(data) if self._packer else (data,):
            self._put(packed)

    def _put(self, data: bytes) -> None:
        try:
            self._target.write(data)
        except OSError as error:
            raise LocalDiskError(f"could not write {self._path}: {error.strerror}") from error
        if self._packer is not None:
            self._whole.update(data)
        self._size += len(data)

    def finish(self) -> Written:
        """Writes what is left and closes."""
        if self._packer is not None:
            for packed in self._packer.finish():
                self._put(packed)
        self.close()
        text = self._text.hexdigest()
        return Written(self._size, self._whole.hexdigest() if self._packer else text, text)

    def close(self) -> None:
        """Closes without writing what is left; a second call does nothing."""
        self._target.close()
        if self._packer is not None:
            self._packer.close()

    def __enter__(self) -> TextFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def fed_by_path(file: TextFile) -> Iterator[str]:
    """A path whose writer writes into the file, for the length of the block.

    What goes wrong on our side of the pipe is raised at the end of the block, instead of what the writer then says.
    """
    reading, writing = os.pipe()
    trouble: list[BaseException] = []

    def pass_on() -> None:
        with os.fdopen(reading, "rb") as pipe:
            try:
                while block := pipe.read1(CHUNK_BYTES):
                    file.write(block)
            except BaseException as error:  # noqa: BLE001 - raised where the work was asked for
                trouble.append(error)

    reader = threading.Thread(target=pass_on, name="export-writer")
    reader.start()
    try:
        try:
            yield f"/dev/fd/{writing}"
        finally:
            os.close(writing)
            reader.join()
    except Exception:
        if trouble:
            raise trouble[0] from None
        raise
    if trouble:
        raise trouble[0]


def _new_file(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=CHUNK_BYTES)
    except OSError as error:
        raise LocalDiskError(f"could not write {path}: {error.strerror}") from error


def measured(path: Path) -> tuple[int, str]:
    """Size and sha256 of a file; it is read in pieces."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
