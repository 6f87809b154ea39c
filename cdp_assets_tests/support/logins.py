"""Keys as ssh-keygen makes them, secret files, and the two ends a log-in can have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import CdpError
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.sshd import Account

BITS = {
    "ssh-ed25519": ("ed25519", ""),
    "ecdsa-sha2-nistp256": ("ecdsa", "256"),
    "ecdsa-sha2-nistp384": ("ecdsa", "384"),
    "ecdsa-sha2-nistp521": ("ecdsa", "521"),
    "ssh-rsa": ("rsa", "2048"),
    "ssh-dss": ("dsa", "1024"),
}
ASK = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
"""Lines of sshd_config for a server that asks for the password by keyboard-interactive."""

ASK_NOTHING = "UsePAM no\nKbdInteractiveAuthentication yes\n"
"""Lines for a server that offers keyboard-interactive and has nothing to ask: sshd without PAM, as it comes."""


def require_password(account: Account) -> None:
    """Skips the test where nobody can log in by password."""
    if account.password is None:
        pytest.skip("needs root: only root can make a user with a password")


def require_questions(account: Account) -> None:
    """Skips the test where sshd cannot ask: that takes PAM, and PAM takes root and a user with a password."""
    require_password(account)
    if not Path("/etc/pam.d/sshd").exists():
        pytest.skip("sshd has no PAM service here, so it cannot ask questions")


def knows_dss() -> bool:
    """Whether OpenSSH is old enough for ssh-dss: version 10 has dropped it."""
    known = subprocess.run(["ssh", "-Q", "key"], capture_output=True, text=True, check=False).stdout
    return "ssh-dss" in known.split()


def a_private_file(path: Path, text: str) -> SecretRef:
    """A secret in a file that only we can read."""
    path.touch(mode=0o600)
    path.write_text(text)
    return SecretRef(file=path)


def a_key_pair(folder: Path, kind: str, form: str = "OpenSSH", passphrase: str = "") -> tuple[SecretRef, str]:
    """A private key made by ssh-keygen as OpenSSH, PEM or PKCS8, and the line of its public key."""
    path = folder / f"id_{kind}_{form}"
    name, bits = BITS[kind]
    options = [*(["-b", bits] if bits else []), *(["-m", form] if form != "OpenSSH" else [])]
    subprocess.run(
        ["ssh-keygen", "-q", "-t", name, *options, "-N", passphrase, "-f", str(path)],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return SecretRef(file=path), path.with_suffix(".pub").read_text()


def a_public_key(kind: str = "ssh-ed25519") -> str:
    """The line of a key nobody has."""
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


def an_ed448_key() -> str:
    """A private key of a kind that is not accepted."""
    return asyncssh.generate_private_key("ssh-ed448").export_private_key().decode()


def a_fingerprint(line: str) -> str:
    return asyncssh.import_public_key(line).get_fingerprint()


def an_account(server: Server) -> str:
    return f"{server.username}@{server.host}:{server.port}"


def opens(server: Server) -> bool:
    """Whether the log-in works and the server lists a directory."""
    with open_server(server) as files:
        return files.list_files(server.user_directory) is not None


def refusal(server: Server, error: type[CdpError] = CdpError) -> str:
    """What the log-in is refused with."""
    with pytest.raises(error) as caught, open_server(server):
        pass
    return str(caught.value)
