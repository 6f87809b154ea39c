"""Is this the server the configuration names? Decided in the key exchange, before any credential is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import asyncssh

from cdp_assets.config.connections import Server
from cdp_assets.errors import ConfigError, HostKeyError, RemoteDownError

_DEFAULT_PORT = 22
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")

_SIGNATURES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
}
"""Signature algorithms to ask for, by key type, best first."""


def offered_host_key(host: str, port: int, wait_s: float = 20) -> tuple[str, str]:
    """Type and fingerprint of the key a server shows, for a person to compare; no log-in is sent.

    Raises:
        RemoteDownError: nobody answers there, or nobody who speaks SSH.
    """
    try:
        key = asyncio.run(asyncio.wait_for(asyncssh.get_server_host_key(host, port), wait_s))
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise RemoteDownError(f"{host}:{port} does not answer as an SSH server: {error}") from error
    if key is None:
        raise RemoteDownError(f"{host}:{port} shows no host key")
    return key.get_algorithm(), key.get_fingerprint()


class HostKeyCheck:
    """The server's expected key, the keys it offered, and what to say when they differ."""

    def __init__(self, server: Server) -> None:
        """Read the expectation from the configuration.

        Raises:
            ConfigError: `host_key` is neither a public key nor a fingerprint, or known_hosts is unreadable.
        """
        self._where = f"{server.host}:{server.port}"
        self._port = server.port if server.port != _DEFAULT_PORT else None
        self._host = server.host
        self._offered: dict[str, str] = {}
        self.connection: asyncssh.SSHClientConnection | None = None
        self._types = list(_SIGNATURES)
        self._known: asyncssh.SSHKnownHosts | None = None
        self._fingerprint = ""
        self._type_is_known = False
        if server.known_hosts is not None:
            self._known = _read_known_hosts(str(server.known_hosts.expanduser()))
            self._prefer(*(key.get_algorithm() for key in self._known_keys()))
        else:
            self._expect((server.host_key or "").strip())

    def _expect(self, text: str) -> None:
        if _FINGERPRINT.fullmatch(text):
            self._fingerprint = text.rstrip("=")
            return
        try:
            key = asyncssh.import_public_key(text)
        except asyncssh.KeyImportError as error:
            raise ConfigError(
                f"host_key of {self._where} is not usable; give the public key as `ssh-ed25519 AAAA…` "
                "(see: ssh-keyscan) or its fingerprint as `SHA256:…`"
            ) from error
        self._fingerprint = key.get_fingerprint()
        self._prefer(key.get_algorithm())
        self._type_is_known = True

    def _prefer(self, *kinds: str) -> None:
        """Asking for these types first makes a server with several keys show one we know."""
        self._types.sort(key=lambda kind: kind not in kinds)

    def options(self) -> dict[str, object]:
        """The part of asyncssh's connect options that decides about trust."""
        self.connection = None
        chosen: dict[str, object] = {}
        # Three empty lists: nothing is trusted by itself, every key is put to `accepts`.
        chosen["known_hosts"] = ([], [], []) if self._known is None else self._known
        if not self._certified:
            chosen["server_host_key_algs"] = [name for kind in self._types for name in _SIGNATURES[kind]]
        return chosen

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether an offered key is the expected one; known_hosts is matched by asyncssh beforehand."""
        if self._known is None and key.get_fingerprint() == self._fingerprint:
            return True
        self._offered[key.get_algorithm()] = key.get_fingerprint()
        return False

    def another_type_is_worth_a_try(self) -> bool:
        """A server has a key per type but shows one at a time: drop the types seen, ask for the others.

        Not where the expected type is known: then the key it showed is its answer.
        """
        self._types = [kind for kind in self._types if kind not in self._offered]
        return bool(self._types) and not self._type_is_known and not self._certified

    @property
    def has_failed(self) -> bool:
        """The server showed other keys, and not the expected one on the last connection."""
        recognised = self.connection is not None and self.connection.get_server_host_key() is not None
        return bool(self._offered) and not recognised

    def refusal(self) -> HostKeyError:
        """The error that names what was expected and what was offered."""
        offered = ", ".join(f"{kind} {fingerprint}" for kind, fingerprint in self._offered.items())
        if self._known is not None and not self._known_keys() and not self._certified:
            return HostKeyError(
                f"host key of {self._where} is unknown: known_hosts has no entry for this server, "
                f"it offered {offered or 'no key of a usable type'}. No credential was sent. Compare the fingerprint "
                "with what its operator tells you, then add the server to known_hosts (see: ssh-keyscan)"
            )
        return HostKeyError(
            f"host key of {self._where} does not match: expected {self._expected()}, "
            f"offered {offered or 'none of an expected type'}. No credential was sent. If the server's key "
            "was really changed, ask its operator for the new one and put it into the configuration"
        )

    def _expected(self) -> str:
        if self._known is None:
            return self._fingerprint
        known = ", ".join(f"{key.get_algorithm()} {key.get_fingerprint()}" for key in self._known_keys())
        return known or "a key signed by the authority in known_hosts"

    def _known_keys(self) -> Sequence[asyncssh.SSHKey]:
        return [] if self._known is None else self._known.match(self._host, "", self._port)[0]

    @property
    def _certified(self) -> bool:
        """Known by the authority that signed its key: asyncssh then picks the algorithms for certificates."""
        return self._known is not None and bool(self._known.match(self._host, "", self._port)[1])


def _read_known_hosts(path: str) -> asyncssh.SSHKnownHosts:
    try:
        return asyncssh.read_known_hosts(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"known_hosts file {path} cannot be read: {reason}") from error
