"""What we show a server to be let in: a password, a private key, or both."""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncssh

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import ConfigError
from cdp_assets.files.secrets import resolve_secret, secret_label

ACCEPTED_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "ssh-dss",
)

_CONVERT = {
    "PuTTY-User-Key-File": ("a PuTTY key (.ppk); convert it with: puttygen key.ppk -O private-openssh -o key"),
    "---- BEGIN SSH2": ("an ssh.com key; convert it with: puttygen key -O private-openssh -o key.openssh"),
    "ssh-": "a public key; give the private key that belongs to it",
    "ecdsa-": "a public key; give the private key that belongs to it",
}


@dataclass(frozen=True)
class Credentials:
    """Secrets in memory, kept out of `repr`."""

    password: str | None = field(repr=False)
    key: asyncssh.SSHKey | None = field(repr=False)


def load_credentials(server: Server) -> Credentials:
    """Resolve and open everything the log-in needs, before any connection is made.

    Raises:
        ConfigError: A secret is missing, or the key or its passphrase is not usable.
    """
    password = resolve_secret(server.password) if server.password is not None else None
    passphrase = resolve_secret(server.passphrase) if server.passphrase is not None else None
    key = None
    if server.private_key is not None:
        place = f"{secret_label(server.private_key)}, for {server.username}@{server.host}:{server.port}"
        key = _load_key(server.private_key, place, passphrase)
    return Credentials(password=password, key=key)


def _load_key(ref: SecretRef, place: str, passphrase: str | None) -> asyncssh.SSHKey:
    """`place` is how messages name the key."""
    text = resolve_secret(ref).strip()
    if "\n" not in text:
        # Environment files often hold a key on one line, with its line ends written as \n.
        text = text.replace("\\n", "\n")
    for start, what in _CONVERT.items():
        if text.startswith(start):
            raise ConfigError(f"Unsupported private key format in {place}: this is {what}")
    key = _opened(place, text, passphrase)
    kind = key.get_algorithm()
    if kind not in ACCEPTED_KEY_TYPES:
        raise ConfigError(
            f"Unsupported private key format in {place}: type {kind}; accepted are {', '.join(ACCEPTED_KEY_TYPES)}"
        )
    return key


def is_protected(ref: SecretRef) -> bool:
    """Whether a private key opens only with a passphrase.

    Raises:
        ConfigError: the caller must act: there is no such key, or it is of a kind that is not accepted.
    """
    try:
        _load_key(ref, secret_label(ref), None)
    except _ProtectedKeyError:
        return True
    return False


class _ProtectedKeyError(ConfigError):
    """A key is there without its passphrase."""


def _opened(place: str, text: str, passphrase: str | None) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text + "\n", passphrase)
    except asyncssh.KeyEncryptionError as error:
        raise ConfigError(_wrong_passphrase(place)) from error
    except asyncssh.KeyImportError as error:
        if passphrase is not None and "ENCRYPTED" in text:
            # By chance, one wrong passphrase in 256 opens a PEM key to something that only looks like one.
            raise ConfigError(_wrong_passphrase(place)) from error
        if passphrase is None and "assphrase" in str(error):
            raise _ProtectedKeyError(
                f"the private key in {place} is protected by a passphrase; give `passphrase` as well"
            ) from error
        raise ConfigError(
            f"Unsupported private key format in {place}: expected an OpenSSH, PEM or PKCS8 "
            "private key (-----BEGIN … PRIVATE KEY-----)"
        ) from error


def _wrong_passphrase(place: str) -> str:
    return f"the passphrase does not open the private key in {place}; check `passphrase`"
