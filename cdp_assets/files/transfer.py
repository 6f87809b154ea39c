"""Bytes over an open SFTP channel: down verified, up whole or not at all, renamed without loss."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR

from cdp_assets.errors import FileChangedError, RemoteError, TargetExistsError
from cdp_assets.files.patience import Alive
from cdp_assets.files.pipelining import Block, for_every_block
from cdp_assets.files.remote import RemoteFile, child_of, shown, split_path
from cdp_assets.files.streaming import EndedEarlyError, Store, session_of
from cdp_assets.files.translation import is_absent

_CLEANUP_S = 3.0


async def list_regular_files(client: asyncssh.SFTPClient, directory: str, alive: Alive) -> list[RemoteFile]:
    """The regular files of one directory, unsorted; links, pipes and folders are not followed or opened."""
    found = []
    try:
        async for entry in client.scandir(directory):
            alive()
            name = str(entry.filename)
            path = child_of(directory, name)
            if _is_regular(path, entry.attrs) and name not in {"", ".", ".."}:
                found.append(_remote_file(path, entry.attrs))
    except asyncssh.SFTPError as error:
        if is_absent(error):
            raise RemoteError(f"Directory not found: {shown(directory)}") from error
        raise
    return found


async def list_folders(client: asyncssh.SFTPClient, directory: str, alive: Alive) -> list[str]:
    """The names of the folders in a directory, in order."""
    found = []
    async for entry in client.scandir(directory):
        alive()
        name = str(entry.filename)
        if entry.attrs.type == FILEXFER_TYPE_DIRECTORY and name not in {"", ".", ".."}:
            found.append(name)
    return sorted(found)


async def look_at(client: asyncssh.SFTPClient, path: str) -> RemoteFile | None:
    """One file without following a link; None when it is not there.

    Raises:
        RemoteError: Something stands there that is no regular file.
    """
    attrs = await _lstat(client, path)
    if attrs is None:
        return None
    if not _is_regular(path, attrs):
        raise RemoteError(f"{shown(path)} is no regular file")
    return _remote_file(path, attrs)


async def download(client: asyncssh.SFTPClient, file: RemoteFile, store: Store, alive: Alive) -> None:
    """Hand exactly the version `file` names to `store`, block by block in any order, or raise; see `_read_version`."""
    await _read_version(client, file, file.size_bytes, store, alive)


async def read_first(client: asyncssh.SFTPClient, file: RemoteFile, size: int, alive: Alive) -> bytes:
    """The first `size` bytes of exactly the version `file` names, in memory; see `_read_version`."""
    held = bytearray(size)

    def keep(data: bytes, offset: int) -> None:
        held[offset : offset + len(data)] = data

    await _read_version(client, file, size, keep, alive)
    return bytes(held)


async def _read_version(client: asyncssh.SFTPClient, file: RemoteFile, size: int, store: Store, alive: Alive) -> None:
    """Hand every block of a version's first `size` bytes to `store`, in any order, or raise.

    The path before and after, and the open handle before and after, must all show the size and time of
    `file`, and every byte must have come: asyncssh alone is silent about a file that shrinks, grows or
    is overwritten meanwhile. An overwrite in the same second with the same size stays invisible here:
    files that young must not be fetched yet.
    """
    await _must_be(client, file)
    async with _opened(client, file.path, "rb") as handle:
        _compare(file, await handle.stat())
        try:
            await session_of(client).stream(handle.handle, size, client.limits.max_read_len, store, alive)
        except EndedEarlyError as error:
            raise _changed(file, f"it ended at byte {error.offset} of {file.size_bytes}") from None
        _compare(file, await handle.stat())
    await _must_be(client, file)


async def upload(
    client: asyncssh.SFTPClient,
    source: Path,
    path: str,
    alive: Alive,
    *,
    sent: Callable[[int], None],
    replacing: bool = True,
) -> None:
    """Put a local file under `path`: a reader sees the old file or the whole new one.

    `replacing` False: a file that stands there already is an error, and stays. `sent` is told the length of each
    block that the server took.

    It is written as `.<name>.part` beside the target, measured, and renamed over it. On failure the part
    is removed (if the link still stands; else the next upload replaces it) and the old file stays.
    """
    directory, name = split_path(path)
    part = child_of(directory, f".{name}.part")
    if not await client.isdir(directory):
        await client.mkdir(directory)
    for taken in (path, part):
        await _must_not_be_a_folder(client, taken)
    await _remove_leftover(client, part)
    alive()
    with source.open("rb") as local:
        size = os.fstat(local.fileno()).st_size
        try:
            await _send(client, local.fileno(), size, part, _both(alive, sent))
            await _must_hold(client, part, size)
            await (_replace if replacing else rename_new)(client, part, path)
        except BaseException as error:
            with suppress(asyncssh.Error, OSError):
                await asyncio.wait_for(client.remove(part), _CLEANUP_S)
            if type(error) is asyncssh.SFTPFailure:
                raise await _why_not_written(client, directory, path, size) from error
            raise
    await _must_hold(client, path, size)


def _both(alive: Alive, sent: Callable[[int], None]) -> Callable[[int], None]:
    def told(length: int) -> None:
        alive()
        sent(length)

    return told


async def _send(
    client: asyncssh.SFTPClient, descriptor: int, size: int, part: str, sent: Callable[[int], None]
) -> None:
    async with _opened(client, part, "xb") as handle:

        async def copy(block: Block) -> None:
            offset, length = block
            await handle.write(os.pread(descriptor, length, offset), offset)
            sent(length)

        await for_every_block(size, client.limits.max_write_len, copy)


async def rename_new(client: asyncssh.SFTPClient, path: str, new_path: str) -> None:
    """Plain SFTP rename, which by the protocol refuses a taken name; looked at before as well.

    Raises:
        TargetExistsError: The new name is taken; both files are as they were.
        RemoteError: The file is not there, or the server refused.
    """
    if await _lstat(client, new_path) is not None:
        raise _taken(path, new_path)
    try:
        await client.rename(path, new_path)
    except asyncssh.SFTPError as error:
        if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
            raise
        if await _lstat(client, path) is None:
            raise RemoteError(f"File not found: {shown(path)}") from error
        if await _lstat(client, new_path) is not None:
            raise _taken(path, new_path) from error
        raise


@asynccontextmanager
async def _opened(client: asyncssh.SFTPClient, path: str, mode: str) -> AsyncIterator[asyncssh.SFTPClientFile]:
    """An open remote file. After a failure the wait for its closing is short: the server may be the cause."""
    handle = await client.open(path, mode, block_size=0)
    try:
        yield handle
    except BaseException:
        with suppress(asyncssh.Error, OSError):
            await asyncio.wait_for(handle.close(), _CLEANUP_S)
        raise
    await handle.close()


async def _replace(client: asyncssh.SFTPClient, part: str, path: str) -> None:
    try:
        await client.posix_rename(part, path)
    except asyncssh.SFTPOpUnsupported:
        await _replace_in_two_steps(client, part, path)


async def _replace_in_two_steps(client: asyncssh.SFTPClient, part: str, path: str) -> None:
    """Second best, for servers without posix-rename: for a moment no file stands under the name.

    The old file is set aside rather than deleted, so it comes back if the second step fails.
    """
    directory, name = split_path(path)
    aside = child_of(directory, f".{name}.previous.part")
    had_one = await _lstat(client, path) is not None
    if had_one:
        await _remove_leftover(client, aside)
        await client.rename(path, aside)
    try:
        await client.rename(part, path)
    except BaseException:
        if had_one:
            with suppress(asyncssh.Error, OSError):
                await asyncio.wait_for(client.rename(aside, path), _CLEANUP_S)
        raise
    await _remove_leftover(client, aside)


async def _remove_leftover(client: asyncssh.SFTPClient, path: str) -> None:
    if await _lstat(client, path) is not None:
        await client.remove(path)


async def _must_not_be_a_folder(client: asyncssh.SFTPClient, path: str) -> None:
    attrs = await _lstat(client, path)
    if attrs is not None and attrs.type == FILEXFER_TYPE_DIRECTORY:
        raise RemoteError(f"{shown(path)} is a folder; it is in the way of the file to deliver")


async def _why_not_written(client: asyncssh.SFTPClient, directory: str, path: str, size: int) -> RemoteError:
    """SFTP version 3 only says "Failure": ask the server how much space it has."""
    with suppress(asyncssh.SFTPError):
        space = await client.statvfs(directory)
        free = space.bavail * space.frsize
        if free < size:
            return RemoteError(
                f"the server's disk is full: {shown(path)} needs {size} bytes, {free} are free; "
                "nothing was changed there"
            )
    return RemoteError(
        f"the server refused to write {shown(path)} and gave no reason (quota, size limit or disk full?); "
        "nothing was changed there"
    )


async def _must_hold(client: asyncssh.SFTPClient, path: str, size: int) -> None:
    attrs = await _lstat(client, path)
    stored = None if attrs is None else attrs.size
    if stored != size:
        raise RemoteError(f"{shown(path)}: {size} bytes were sent but the server holds {stored}")


async def _must_be(client: asyncssh.SFTPClient, file: RemoteFile) -> None:
    attrs = await _lstat(client, file.path)
    if attrs is None:
        raise RemoteError(f"File not found: {shown(file.path)}")
    if not _is_regular(file.path, attrs):
        raise _changed(file, "it is no regular file any more")
    _compare(file, attrs)


def _compare(file: RemoteFile, attrs: asyncssh.SFTPAttrs) -> None:
    now = _remote_file(file.path, attrs)
    if now.size_bytes != file.size_bytes:
        raise _changed(file, f"it had {file.size_bytes} bytes and has {now.size_bytes}")
    if now.modified_at != file.modified_at:
        raise _changed(file, f"it was modified at {now.modified_at:%Y-%m-%d %H:%M:%S} UTC")


def _changed(file: RemoteFile, how: str) -> FileChangedError:
    return FileChangedError(f"{shown(file.path)} changed while it was read ({how}); it is taken at a later look")


def _taken(path: str, new_path: str) -> TargetExistsError:
    return TargetExistsError(
        f"{shown(path)} was not renamed: {shown(new_path)} already exists and is never overwritten"
    )


def _is_regular(path: str, attrs: asyncssh.SFTPAttrs) -> bool:
    if attrs.permissions is None:
        raise RemoteError(f"{shown(path)}: the server does not tell files from folders and links")
    return attrs.type == FILEXFER_TYPE_REGULAR


def _remote_file(path: str, attrs: asyncssh.SFTPAttrs) -> RemoteFile:
    if attrs.size is None or attrs.mtime is None:
        raise RemoteError(f"{shown(path)}: the server tells no size or modification time; both are needed")
    modified_at = datetime.fromtimestamp(int(attrs.mtime), tz=UTC)
    return RemoteFile(path, split_path(path)[1], attrs.size, modified_at)


async def _lstat(client: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPAttrs | None:
    try:
        return await client.lstat(path)
    except asyncssh.SFTPError as error:
        if is_absent(error):
            return None
        raise
