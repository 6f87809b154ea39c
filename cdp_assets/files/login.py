"""From a server's configuration to a logged-in connection, or one clear error."""

from __future__ import annotations

import os
from collections.abc import Sequence

import asyncssh

from cdp_assets.config.connections import Server
from cdp_assets.errors import LogInRefusedError, RemoteDownError, RemoteError
from cdp_assets.files.credentials import Credentials
from cdp_assets.files.dialogue import Dialogue
from cdp_assets.files.host_keys import HostKeyCheck
from cdp_assets.files.remote import shown

_SILENT_INTERVALS = 3
"""The link is given up when this many keepalive intervals passed without a byte from the server."""


async def log_in(server: Server, credentials: Credentials) -> asyncssh.SSHClientConnection:
    """One log-in with exactly what the configuration names.

    Nothing else is looked at: no ~/.ssh, no agent, no Kerberos ticket. A refused log-in is not tried a
    second time, so that accounts are not locked. Only while the host key is still unknown (nothing was
    sent yet) are further connections made, one per type of key the server has.

    Raises:
        HostKeyError: Another server answers; no credential was sent.
        LogInRefusedError: The server does not take the credentials, or wants more than the configuration gives.
        RemoteError: The server speaks no common language.
        RemoteDownError: Unreachable, silent or cut.
    """
    check = HostKeyCheck(server)
    while True:
        dialogue = Dialogue(server, credentials)
        try:
            return await asyncssh.connect(
                server.host,
                server.port,
                client_factory=lambda talk=dialogue: _Client(check, talk),
                **_login_options(server),
                **check.options(),
            )
        except asyncssh.HostKeyNotVerifiable as error:
            if not check.another_type_is_worth_a_try():
                raise check.refusal() from error
        except (asyncssh.Error, OSError) as error:
            if _ends_the_search(check, error):
                raise check.refusal() from error
            raise _login_error(server, dialogue, error) from error


class _Client(asyncssh.SSHClient):
    """Asked by asyncssh about every host key it does not know, and for every secret."""

    def __init__(self, check: HostKeyCheck, dialogue: Dialogue) -> None:
        self._check = check
        self._dialogue = dialogue
        self._offered: list[str] = []

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Remember it: it knows whether the key exchange was completed, and what the server offers."""
        self._check.connection = self._connection = conn

    def validate_host_public_key(
        self,
        host: str,  # noqa: ARG002 - asyncssh's signature
        addr: str,  # noqa: ARG002 - asyncssh's signature
        port: int,  # noqa: ARG002 - asyncssh's signature
        key: asyncssh.SSHKey,
    ) -> bool:
        """Whether to go on to the log-in with this server."""
        return self._check.accepts(key)

    def public_key_auth_requested(self) -> list[asyncssh.SSHKey] | None:
        """The key, once."""
        key = self._dialogue.key(self._connection.get_server_auth_methods())
        return None if key is None else [key]

    def password_auth_requested(self) -> str | None:
        """The password, once."""
        return self._dialogue.password(self._connection.get_server_auth_methods())

    def kbdint_auth_requested(self) -> str | None:
        """The empty text lets the server choose what it asks."""
        return "" if self._dialogue.lets_the_server_ask(self._connection.get_server_auth_methods()) else None

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002 - asyncssh's signature
        instructions: str,  # noqa: ARG002 - asyncssh's signature
        lang: str,  # noqa: ARG002 - asyncssh's signature
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str] | None:
        """Answers to one round of questions."""
        return self._dialogue.answers(prompts)


def _ends_the_search(check: HostKeyCheck, error: Exception) -> bool:
    """The server has no further key: it says so, or, as OpenSSH does, hangs up while we ask."""
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return "host key" in str(error)
    return check.has_failed


def _login_options(server: Server) -> dict[str, object]:
    return {
        "username": server.username,
        # Secrets are given by the client when they are asked for. None, not an empty list: asyncssh reads the
        # default keys of ~/.ssh for the latter.
        "client_keys": None,
        "preferred_auth": "publickey,keyboard-interactive,password",
        "config": None,
        "agent_path": None,
        "gss_host": None,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        # From the first packet to the end of the log-in; asyncssh's own limit for the latter is switched off.
        "connect_timeout": server.connect_timeout_s,
        "login_timeout": 0,
        "keepalive_interval": server.keepalive_s,
        # asyncssh gives up one interval after this count.
        "keepalive_count_max": _SILENT_INTERVALS - 1,
        # Measured as the fastest by far where the machine has AES instructions.
        "encryption_algs": "^aes128-gcm@openssh.com",
    }


def _login_error(server: Server, dialogue: Dialogue, error: Exception) -> RemoteError:
    where = f"{server.host}:{server.port}"
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.IllegalUserName):
        return LogInRefusedError(dialogue.refusal())
    if isinstance(error, TimeoutError):
        return RemoteDownError(
            f"{where} did not answer within {server.connect_timeout_s:g} s; check host and port, and whether a "
            "firewall lets this machine through"
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return RemoteError(f"{where}: no common algorithm: {shown(error.reason)}")
    if isinstance(error, asyncssh.ProtocolNotSupported):
        return RemoteError(f"{where} speaks no SSH 2: {shown(error.reason)}; check host and port")
    if isinstance(error, asyncssh.Error):
        if dialogue.was_hung_up_on(error):
            return LogInRefusedError(dialogue.refusal(error.reason))
        return RemoteDownError(f"connection to {where} was lost during the log-in: {shown(error.reason)}")
    return RemoteDownError(f"{where} cannot be reached: {_system_reason(error)}; check host and port")


def _system_reason(error: Exception) -> str:
    """The system's words; asyncio puts its own in their place for a refused connection."""
    number = getattr(error, "errno", None)
    # Errors of name look-ups have numbers below zero and bring their words with them.
    if number is not None and number > 0:
        return os.strerror(number)
    return getattr(error, "strerror", None) or str(error)
