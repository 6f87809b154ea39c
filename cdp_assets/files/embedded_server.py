"""A small SFTP server of our own, to try the product on one machine without a server at hand.

Not for the open network: one user, one random password, and it listens on the loopback unless told otherwise.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import asyncssh

from cdp_assets.errors import LocalDiskError, RemoteError

USERNAME = "cdp"
_START_S = 30.0
_STOP_S = 10.0
_TURNS = 10


class EmbeddedServer:
    """Serves one folder to the user `cdp`, who sees it as `/`.

    `state` (mode 0700) holds `host_key`, `host_key.pub` and `password`, each mode 0600, made at the first
    start and kept, so that a configuration stays valid. Where it holds `authorized_keys`, those keys are
    let in as well. Use it as a context manager, or call `serve_forever`.
    """

    def __init__(self, folder: Path, state: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare folder and state; nothing listens yet. Port 0 = any free one, known after the start.

        Raises:
            LocalDiskError: The folder or the state cannot be made or read.
        """
        self.folder, self.host, self.port = folder, host, port
        self.password_file = state / "password"
        self._authorized_keys = state / "authorized_keys"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            state.chmod(0o700)
            self._password = _kept(self.password_file, lambda: secrets.token_urlsafe(24) + "\n").strip()
            self._key = asyncssh.import_private_key(_kept(state / "host_key", _new_key))
            self.host_key = self._key.export_public_key().decode().strip()
            _kept(state / "host_key.pub", lambda: self.host_key + "\n")
        except OSError as error:
            raise LocalDiskError(f"embedded server: {error.filename}: {error.strerror}") from error
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> int:
        """Listen in a background thread until `stop`; gives the port.

        Raises:
            RemoteError: The port is taken or the address is not one of this machine.
        """
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._in_thread, args=(listening,), name="embedded-sftp", daemon=True)
        self._thread.start()
        return listening.result(_START_S)

    def stop(self) -> None:
        """Drop every connection and stop listening; a second call does nothing."""
        if self._thread is None:
            return
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # The loop ended by itself.
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STOP_S)
        self._thread = None

    def serve_forever(self, listening: Callable[[int], None] = lambda _: None) -> None:
        """Serve in this thread until it is interrupted; `listening` is told the port once it is open.

        Raises:
            RemoteError: The port is taken or the address is not one of this machine.
        """
        with suppress(KeyboardInterrupt):
            asyncio.run(self._serve(listening))

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _in_thread(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening.set_result))
        except RemoteError as error:
            listening.set_exception(error)

    async def _serve(self, listening: Callable[[int], None]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            acceptor = await asyncssh.listen(
                self.host,
                self.port,
                server_host_keys=[self._key],
                server_factory=lambda: _Doorkeeper(self._password, self._authorized_keys, self._connections),
                sftp_factory=lambda channel: _Folder(channel, chroot=os.fsencode(self.folder)),
                config=None,
                gss_host=None,
                allow_scp=False,
                allow_pty=False,
                agent_forwarding=False,
                keepalive_interval=30,
            )
        except OSError as error:
            raise RemoteError(
                f"embedded server cannot listen on {self.host}:{self.port}: {error.strerror or error}"
            ) from error
        try:
            self.port = acceptor.get_port()
            listening(self.port)
            await self._stop.wait()
        finally:
            acceptor.close()
            await self._drop_connections()
            await acceptor.wait_closed()

    async def _drop_connections(self) -> None:
        await _some_turns()
        for connection in list(self._connections):
            connection.abort()
        await _some_turns()


async def _some_turns() -> None:
    """Asyncio needs them to hand over a socket it accepted or to close one; ended before, it leaks it."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class _Doorkeeper(asyncssh.SSHServer):
    """Lets in one user, by password or by a key listed in the state folder."""

    def __init__(self, password: str, authorized_keys: Path, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._password = password
        self._authorized_keys = authorized_keys
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember it, so that `stop` can drop it."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Forget it."""
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Everyone must authenticate; the keys are read anew each time."""
        if username == USERNAME and self._connection is not None and self._authorized_keys.exists():
            self._connection.set_authorized_keys(str(self._authorized_keys))
        return True

    def password_auth_supported(self) -> bool:
        """Always offered."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compared in constant time."""
        same = hmac.compare_digest(password.encode(), self._password.encode())
        return same and username == USERNAME


class _Folder(asyncssh.SFTPServer):
    """The served folder. asyncssh's own confinement follows links that lead out of it; this one does not."""

    def map_path(self, path: bytes) -> bytes:
        """The local path, refused when a link on the way leads outside."""
        mapped = super().map_path(path)
        top = super().map_path(b"/")
        if os.path.commonpath([os.path.realpath(mapped), os.path.realpath(top)]) != os.path.realpath(top):
            raise asyncssh.SFTPPermissionDenied("a link leads out of the served folder")
        return mapped


def _new_key() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The file's text; made, readable by its owner alone, when it is not there yet."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
    return path.read_text()
