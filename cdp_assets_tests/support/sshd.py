"""A real OpenSSH server on the loopback, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server

_WAIT_S = 20.0
_SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def require_sshd() -> str:
    """The path of sshd; the test is skipped, with what to install, where there is none."""
    if _SSHD is None:
        pytest.skip("openssh-server is not installed: run apt-get install openssh-server")
    return _SSHD


@dataclass(frozen=True)
class Account:
    """Who logs in: a throw-away user with a password where we are root, else ourselves with the key only."""

    username: str
    password: str | None


@dataclass(frozen=True)
class Sshd:
    """A running server and all a client needs for it."""

    host: str
    port: int
    host_key: str
    """The public key line."""
    username: str
    private_key_path: Path
    password: str | None
    """None where we are not root: then only the key works."""
    root: Path
    """A folder that belongs to the account; the configuration's user directory."""
    password_path: Path
    log_path: Path
    host_keys: tuple[str, ...]
    """A public key line for each type of key the server has; `host_key` is the first."""

    def server_config(self, **changes: object) -> Server:
        """The configuration of this server: key log-in and short waits, unless `changes` says otherwise."""
        settings: dict[str, object] = {
            "host": self.host,
            "port": self.port,
            "host_key": self.host_key,
            "username": self.username,
            "private_key": SecretRef(file=self.private_key_path),
            "user_directory": str(self.root),
            "connect_timeout_s": 15,
            "keepalive_s": 5,
            "settle_s": 0,
        }
        return Server.model_validate(settings | changes)

    def by_password(self, **changes: object) -> Server:
        """As `server_config`, with password instead of key; skips the test where there is no password."""
        if self.password is None:
            pytest.skip("needs root: only root can make a user with a password")
        return self.server_config(**({"private_key": None, "password": self.password_ref} | changes))

    @property
    def password_ref(self) -> SecretRef:
        """Where the password stands."""
        return SecretRef(file=self.password_path)

    @property
    def own_public_key(self) -> str:
        """The public half of `private_key_path`."""
        return asyncssh.read_private_key(self.private_key_path).export_public_key().decode()

    def log(self) -> str:
        """What the server has logged so far."""
        return self.log_path.read_text(errors="replace")

    def authorize(self, public_key: str) -> None:
        """Let the account log in with one more key."""
        with (self.private_key_path.parent / "authorized_keys").open("a") as file:
            file.write(public_key.strip() + "\n")

    def folder(self, prefix: str = "case-") -> Path:
        """A fresh folder below `root` that the account may write to."""
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=self.root))
        path.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(path, self.username)
        return path


@contextmanager
def throw_away_account() -> Iterator[Account]:
    """As root: a user with a random password, removed afterwards. Otherwise: ourselves."""
    if os.getuid() != 0:
        yield Account(getpass.getuser(), None)
        return
    name, password = f"cdpt{os.getpid()}{secrets.token_hex(2)}", secrets.token_urlsafe(12)
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, text=True, capture_output=True, check=True
    ).stdout.strip()
    _account_command("useradd", "-M", "-N", "-d", "/", "-s", "/bin/sh", "-p", hashed, name)
    try:
        yield Account(name, password)
    finally:
        _account_command("userdel", "-f", name)


def expire_password(account: Account) -> None:
    """From now on the account must choose a new password at its log-in; as root only."""
    _account_command("chage", "-d", "0", account.username)


def _account_command(*command: str) -> None:
    """Tried for a while: the password file is locked while another worker writes it."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # userdel answers 12 or 8 for a mail spool or a last process; the entry is gone all the same.
        if done.returncode == 0 or (command[0] == "userdel" and done.returncode in {6, 8, 12}):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        time.sleep(0.2)


@contextmanager
def running_sshd(
    account: Account, *, sftp_options: str = "", host_key_types: tuple[str, ...] = ("ssh-ed25519",), extra: str = ""
) -> Iterator[Sshd]:
    """Start a server for one account.

    `sftp_options` go to internal-sftp (`-P posix-rename`, `-R`); `extra` holds further lines of sshd_config.
    """
    program = require_sshd()
    # Not pytest's own folder: that is closed to the account, and some of its names are too long.
    with tempfile.TemporaryDirectory(prefix="cdp-sshd-", ignore_cleanup_errors=True) as made:
        base = Path(made)
        base.chmod(0o755)
        sshd = _prepared(base, account, host_key_types)
        for _ in range(5):
            port = _free_port()
            config = _config(base, account, port, host_key_types, sftp_options, extra)
            process = subprocess.Popen(
                [program, "-D", "-f", str(config), "-E", str(sshd.log_path)], stdin=subprocess.DEVNULL
            )
            if _answers(process, port):
                break
        else:
            raise RuntimeError(f"sshd did not start in five attempts:\n{sshd.log()}")
        try:
            yield Sshd(**{**sshd.__dict__, "port": port})
        finally:
            process.terminate()
            try:
                process.wait(_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_WAIT_S)


def _prepared(base: Path, account: Account, host_key_types: tuple[str, ...]) -> Sshd:
    lines = []
    for kind in host_key_types:
        key = asyncssh.generate_private_key(kind)
        _write_private(base / f"host_{kind}", key.export_private_key().decode())
        lines.append(key.export_public_key().decode().strip())
    login = asyncssh.generate_private_key("ssh-ed25519")
    _write_private(base / "login", login.export_private_key().decode())
    (base / "authorized_keys").write_bytes(login.export_public_key())
    (base / "authorized_keys").chmod(0o644)
    _write_private(base / "password", account.password or "none")
    _write_private(base / "log", "")
    root = base / "root"
    root.mkdir()
    root.chmod(0o755)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
        shutil.chown(root, account.username)
    return Sshd(
        host="127.0.0.1",
        port=0,
        host_key=lines[0],
        username=account.username,
        private_key_path=base / "login",
        password=account.password,
        root=root,
        password_path=base / "password",
        log_path=base / "log",
        host_keys=tuple(lines),
    )


def _config(
    base: Path, account: Account, port: int, host_key_types: tuple[str, ...], sftp_options: str, extra: str
) -> Path:
    keys = "\n".join(f"HostKey {base / f'host_{kind}'}" for kind in host_key_types)
    text = f"""
ListenAddress 127.0.0.1
Port {port}
{keys}
{extra}
PidFile none
UsePAM no
StrictModes no
PubkeyAuthentication yes
PasswordAuthentication {"yes" if account.password else "no"}
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile {base / "authorized_keys"}
AllowUsers {account.username}
MaxStartups 100
{_without_penalties()}
LogLevel DEBUG1
Subsystem sftp internal-sftp
ForceCommand internal-sftp {sftp_options}
"""
    path = base / "sshd_config"
    path.write_text(text)
    return path


def _without_penalties() -> str:
    """OpenSSH 9.8 and newer shut out an address that failed to log in, as our tests do on purpose."""
    banner = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr
    with contextlib.suppress(ValueError, IndexError):
        major, minor = banner.split("_")[1].split("p")[0].split(".")[:2]
        if (int(major), int(minor)) >= (9, 8):
            return "PerSourcePenalties no"
    return ""


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
            link.settimeout(5)
            return link.recv(4) == b"SSH-" and process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(_WAIT_S)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
