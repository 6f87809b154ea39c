"""Keys and messages made by a real gpg, in a home of its own."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cdp_assets.files.pgp_keys import quiet_pgpy, read_key_parts

with quiet_pgpy():
    from pgpy import PGPMessage
    from pgpy.constants import SymmetricKeyAlgorithm
    from pgpy.packet.packets import IntegrityProtectedSKEDataV1


def require_gpg() -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gnupg is not installed: run apt-get install gnupg")


@dataclass(frozen=True)
class Key:
    fingerprint: str
    private: str
    public: str
    passphrase: str

    @property
    def key_id(self) -> str:
        return self.fingerprint[-16:]


class Keyring:
    def __init__(self, home: Path) -> None:
        self.home = home
        self._numbers = itertools.count(1)

    def gpg(self, *arguments: str, feed: bytes = b"", passphrase: str = "", at: str = "") -> bytes:
        """`at` is a time like 20200101T000000 that gpg takes for now, standing still."""
        clock = ["--faked-system-time", f"{at}!"] if at else []
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", "--no-tty", *clock]
        command += ["--pinentry-mode", "loopback", "--passphrase", passphrase, "--trust-model", "always", *arguments]
        done = subprocess.run(command, input=feed, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def key(
        self,
        name: str,
        *,
        passphrase: str = "",
        algorithms: tuple[str, str] = ("ed25519", "cv25519"),
        at: str = "",
        expires: str = "never",
        encrypts: bool = True,
    ) -> Key:
        name = f"{name} {next(self._numbers)}"
        known = {"passphrase": passphrase, "at": at}
        self.gpg("--quick-generate-key", name, algorithms[0], "cert,sign", expires, **known)
        listed = self.gpg("--with-colons", "--list-keys", f"={name}", **known).decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        if encrypts:
            self.gpg("--quick-add-key", fingerprint, algorithms[1], "encr", expires, **known)
        return self.exported(fingerprint, passphrase)

    def exported(self, fingerprint: str, passphrase: str = "", *, only_subkeys: bool = False) -> Key:
        secret = "--export-secret-subkeys" if only_subkeys else "--export-secret-keys"
        private = self.gpg("--armor", secret, fingerprint, passphrase=passphrase).decode()
        public = self.gpg("--armor", "--export", fingerprint).decode()
        return Key(fingerprint, private, public, passphrase)

    def revoked(self, key: Key) -> Key:
        """The key as its owner publishes it after a revocation."""
        certificate = (self.home / "openpgp-revocs.d" / f"{key.fingerprint}.rev").read_text()
        self.gpg("--import", feed=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
        return self.exported(key.fingerprint, key.passphrase)

    def encrypted(
        self, content: bytes, *to: Key, options: tuple[str, ...] = (), signed_by: Key | None = None, at: str = ""
    ) -> bytes:
        recipients = [word for key in to for word in ("--recipient", key.fingerprint)]
        signing = ["--sign", "--local-user", signed_by.fingerprint] if signed_by else []
        passphrase = signed_by.passphrase if signed_by else ""
        return self.gpg(
            *options, *recipients, *signing, "--output", "-", "--encrypt", feed=content, passphrase=passphrase, at=at
        )


@contextmanager
def new_keyring() -> Iterator[Keyring]:
    require_gpg()
    # Short, for the agent's sockets.
    home = Path(tempfile.mkdtemp(prefix="cdp-keys-", dir="/tmp"))
    # Without it the agent measures the machine for seconds before it protects a key.
    (home / "gpg-agent.conf").write_text("s2k-count 65536\ndisable-scdaemon\n")
    try:
        yield Keyring(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout=30, check=False)
        shutil.rmtree(home, ignore_errors=True)


def encryption_key_id(key: Key) -> str:
    return next(part.key_id for part in read_key_parts(key.public, "key") if part.can_encrypt)


def sealed_packets(packets: bytes, key: Key) -> bytes:
    """Encrypts packets as they are, where gpg would put them into a content packet."""
    with quiet_pgpy():
        cipher = SymmetricKeyAlgorithm.AES256
        session_key = cipher.gen_key()
        data = IntegrityProtectedSKEDataV1()
        data.encrypt(session_key, cipher, packets)
        part = next(part for part in read_key_parts(key.public, "key") if part.can_encrypt)
        return bytes(part.key.encrypt(PGPMessage() | data, sessionkey=session_key, cipher=cipher))
