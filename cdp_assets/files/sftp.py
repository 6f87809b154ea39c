"""An SFTP server as a file system: fsspec's interface, and the few verbs the pipeline may trust.

fsspec's own methods (`ls`, `info`, `open`, `find`, …) serve browsing; they follow links and raise fsspec's
and asyncssh's errors. The pipeline uses the named verbs below, which verify, never lose a file, and raise
only our errors. Every wait is bounded: by keepalive where the link is dead, by `_ANSWER_INTERVALS` where
the server lives but no longer answers.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncssh
from sshfs import SSHFileSystem

from cdp_assets.config.connections import Server
from cdp_assets.errors import FileError, LocalDiskError
from cdp_assets.files.credentials import load_credentials
from cdp_assets.files.digesting_writer import digesting_writer
from cdp_assets.files.io_loop import io_loop
from cdp_assets.files.login import log_in
from cdp_assets.files.patience import Alive, patience
from cdp_assets.files.remote import Fetched, RemoteFile, shown
from cdp_assets.files.streaming import StreamingClients
from cdp_assets.files.transfer import (
    download,
    list_folders,
    list_regular_files,
    look_at,
    read_first,
    rename_new,
    upload,
)
from cdp_assets.files.translation import translated
from cdp_assets.progress import Progress

_ANSWER_INTERVALS = 12
"""How many keepalive intervals a living server may take for one answer."""
_CLOSE_S = 4.0
_SECRETIVE = "an open server holds credentials and is not written down; pass its Server configuration instead"

T = TypeVar("T")


@contextmanager
def open_server(server: Server) -> Iterator[SftpFileSystem]:
    """One logged-in connection for the length of the block; a new one each time.

    Raises:
        ConfigError: A secret, key, host key or known_hosts file is missing or not usable.
        HostKeyError: Another server answers; no credential was sent.
        RemoteError: The log-in or the SFTP session was refused.
        RemoteDownError: Unreachable, silent or cut; trying again may help.
    """
    files = SftpFileSystem(server)
    try:
        yield files
    finally:
        files.close()


class SftpFileSystem(SSHFileSystem):  # type: ignore[misc] # sshfs has no types
    """sshfs with its gaps closed; see the module's text. Use `open_server` to get one.

    Paths are full remote paths as `path_of` makes them. May be used from several threads.
    """

    # fsspec would hand a dead connection out again (sshfs issue 42).
    cachable = False

    def __init__(self, server: Server) -> None:
        """Connect and log in; errors as in `open_server`."""
        self._server = server
        self._where = f"{server.host}:{server.port}"
        super().__init__(server.host, loop=io_loop())

    def connect(self, _host: str, pool_type: Any, **options: Any) -> tuple[asyncssh.SSHClientConnection, Any]:
        """Called once by sshfs's constructor; replaces its way of connecting, which trusts any server."""
        credentials = load_credentials(self._server)

        async def logged_in() -> tuple[asyncssh.SSHClientConnection, Any]:
            # sshfs's own shell methods wait on it; it belongs to the running loop.
            self._client_lock = asyncio.Semaphore(1)
            connection = await log_in(self._server, credentials)
            pool = pool_type(StreamingClients(connection), max_channels=options["max_sftp_channels"])
            try:
                await self._first_channel(pool)
            except BaseException:
                connection.abort()
                raise
            await self._stack.enter_async_context(connection)
            return connection, pool

        return self._wait(logged_in())

    async def _first_channel(self, pool: Any) -> None:
        with translated(self._where, "start an SFTP session"):
            async with patience(self._answer_s, pool.client.connection.abort), _channel(pool):
                pass

    @property
    def _answer_s(self) -> float:
        return _ANSWER_INTERVALS * self._server.keepalive_s

    def list_files(self, directory: str) -> list[RemoteFile]:
        """One flat listing: regular files only, odd names included, in no particular order.

        Raises:
            RemoteError: `Directory not found: …`, or the account may not read it.
        """
        return self._run(f"list {shown(directory)}", lambda c, alive: list_regular_files(c, directory, alive))

    def list_folders(self, directory: str) -> list[str]:
        """The names of the folders in a directory, in order.

        Raises:
            RemoteError: The account may not read it.
        """
        return self._run(f"list {shown(directory)}", lambda c, alive: list_folders(c, directory, alive))

    def stat_file(self, path: str) -> RemoteFile | None:
        """What stands under a path now; None when nothing does. A link or folder is a `RemoteError`."""
        return self._run(f"look at {shown(path)}", lambda c, _: look_at(c, path))

    def fetch(self, file: RemoteFile, target: Path) -> Fetched:
        """Download exactly the version a look has seen, into a new file only we can read.

        Nothing is left at `target` after a failure.

        Raises:
            FileChangedError: The file is not, or did not stay, what the look saw; retryable.
            RemoteError: The file is gone or may not be read.
            LocalDiskError: `target` exists already, or the local disk is full.
        """
        doing = f"fetch {shown(file.path)}"
        progress = Progress(doing, file.size_bytes, "bytes")
        with _new_private_file(target, doing) as descriptor, digesting_writer(descriptor) as writer:

            def store(data: bytes, offset: int) -> None:
                writer.put(data, offset)
                progress.add(len(data))

            self._run(doing, lambda c, alive: download(c, file, store, alive))
            with translated(self._where, doing):
                return Fetched(writer.hexdigest(), file.size_bytes)

    def read_small(self, file: RemoteFile, limit_bytes: int = 1_048_576) -> bytes:
        """The content of exactly the version a look has seen, for what tells about files; nothing is written.

        Raises:
            FileError: It is longer than `limit_bytes`; nothing was read.
            FileChangedError: The file is not, or did not stay, what the look saw; retryable.
            RemoteError: The file is gone or may not be read.
        """
        if file.size_bytes > limit_bytes:
            raise FileError(f"{shown(file.path)} has {file.size_bytes} bytes; at most {limit_bytes} are expected")
        return self.read_prefix(file, limit_bytes)

    def read_prefix(self, file: RemoteFile, most_bytes: int) -> bytes:
        """The first bytes of exactly the version a look has seen; errors as in `fetch`, nothing is written."""
        size = min(most_bytes, file.size_bytes)
        return self._run(f"read {shown(file.path)}", lambda c, alive: read_first(c, file, size, alive))

    def is_directory(self, path: str) -> bool:
        """Whether a directory stands there; False also when nothing does."""
        return self._run(f"look at {shown(path)}", lambda c, _: c.isdir(path))

    def deliver(self, source: Path, path: str, *, replacing: bool = True) -> None:
        """Upload a file so that a reader sees the old one or the whole new one; a second run replaces it.

        The directory is made if only its last part is missing. Two deliveries to one path at the same
        time are the caller's to prevent.

        Raises:
            RemoteError: Denied, disk full, or the server holds another size than was sent; the file that
                stood there before is untouched.
            TargetExistsError: Only without `replacing`: a file of that name stands there, and stays.
            RemoteDownError: The link was cut or silent; a hidden `.<name>.part` may stay until the next run.
        """
        doing = f"deliver {shown(path)}"
        progress = Progress(doing, source.stat().st_size if source.exists() else 0, "bytes")
        self._run(doing, lambda c, alive: upload(c, source, path, alive, sent=progress.add, replacing=replacing))

    def rename_without_overwriting(self, path: str, new_path: str) -> None:
        """Rename on the server, never over another file and never by copying.

        Raises:
            TargetExistsError: The new name is taken; both files are as they were.
            RemoteError: `File not found: …`, or denied.
            RemoteDownError: The link was cut; look at both names to learn which one stands.
        """
        self._run(f"rename {shown(path)} to {shown(new_path)}", lambda c, _: rename_new(c, path, new_path))

    def remove_own_file(self, path: str) -> None:
        """Remove a file we made ourselves, such as a trial; a supplier's file is never removed.

        Raises:
            RemoteError: The account may not remove it, or it is gone.
        """
        self._run(f"remove {shown(path)}", lambda c, _: c.remove(path))

    def mv(self, path1: str, path2: str, **_: Any) -> None:
        """The move of fsspec, made safe: sshfs's own deletes the source when its copy failed."""
        self.rename_without_overwriting(path1, path2)

    async def _mv(self, lpath: str, rpath: str, **_: Any) -> None:
        with translated(self._where, f"rename {shown(lpath)} to {shown(rpath)}"):
            async with _channel(self._pool) as client:
                await rename_new(client, lpath, rpath)

    def close(self) -> None:
        """Log out; a link that does not answer is dropped. A second call does nothing.

        An interpreter that is going down has stopped the loop's thread already: nobody would ever answer.
        """
        if not sys.is_finalizing():
            self._wait(self._shut())

    async def _shut(self) -> None:
        async def politely() -> None:
            with suppress(asyncssh.Error, OSError):
                await self._pool.close()
            with suppress(asyncssh.Error, OSError):
                await self._stack.aclose()

        closing = asyncio.ensure_future(politely())
        done, _ = await asyncio.wait({closing}, timeout=_CLOSE_S)
        if not done:
            self._client.abort()
            await asyncio.wait({closing}, timeout=_CLOSE_S)

    def _run(self, doing: str, work: Callable[[asyncssh.SFTPClient, Alive], Awaitable[T]]) -> T:
        async def on_a_channel() -> T:
            with translated(self._where, doing):
                async with (
                    patience(self._answer_s, self._client.abort) as alive,
                    _channel(self._pool) as client,
                ):
                    return await work(client, alive)

        return self._wait(on_a_channel())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop of all connections; when the waiting thread is interrupted, the work is stopped with it."""
        ended = threading.Event()

        async def until_ended() -> T:
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(until_ended(), self.loop)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                ended.wait(2 * _CLOSE_S)
            raise

    def __repr__(self) -> str:
        return f"SftpFileSystem({self._server.username}@{self._where})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError(_SECRETIVE)

    def to_dict(self, **_: Any) -> NoReturn:
        """Refused: TypeError."""
        raise TypeError(_SECRETIVE)

    def to_json(self, **_: Any) -> NoReturn:
        """Refused: TypeError."""
        raise TypeError(_SECRETIVE)


@asynccontextmanager
async def _channel(pool: Any) -> AsyncIterator[asyncssh.SFTPClient]:
    """A channel of sshfs's pool, which says ValueError when it cannot open one."""
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(pool.get())
        except ValueError as error:
            if pool.client.connection.is_closed():
                raise asyncssh.SFTPNoConnection("the connection is closed") from error
            reason = "the server refused one; is SFTP allowed for this account?"
            raise asyncssh.ChannelOpenError(0, reason) from error
        yield client


@contextmanager
def _new_private_file(target: Path, doing: str) -> Iterator[int]:
    """A new file, mode 0600, closed at the end and removed if the block fails."""
    try:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise LocalDiskError(f"could not {doing}: {target}: {error.strerror}") from error
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
