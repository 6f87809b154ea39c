"""From a server's configuration to a logged-in connection, or one clear error."""

from __future__ import annotations

import asyncssh

from cdp_assets.config.connections import Server
from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets.files.credentials import Credentials
from cdp_assets.files.host_keys import HostKeyCheck

_SILENT_INTERVALS = 3
"""The link is given up when this many keepalive intervals passed without a byte from the server."""


async def log_in(server: Server, credentials: Credentials) -> asyncssh.SSHClientConnection:
    """One log-in with exactly what the configuration names.

    Nothing else is looked at: no ~/.ssh, no agent, no Kerberos ticket. A refused log-in is not tried a
    second time, so that accounts are not locked. Only while the host key is still unknown (nothing was
    sent yet) are further connections made, one per type of key the server has.

    Raises:
        HostKeyError: Another server answers; no credential was sent.
        RemoteError: The log-in was refused, or the server speaks no common language.
        RemoteDownError: Unreachable, silent or cut.
    """
    check = HostKeyCheck(server)
    while True:
        try:
            return await asyncssh.connect(
                server.host, server.port, **_login_options(server, credentials), **check.options()
            )
        except asyncssh.HostKeyNotVerifiable as error:
            if not check.another_type_is_worth_a_try():
                raise check.refusal() from error
        except (asyncssh.Error, OSError) as error:
            if _ends_the_search(check, error):
                raise check.refusal() from error
            raise _login_error(server, credentials, error) from error


def _ends_the_search(check: HostKeyCheck, error: Exception) -> bool:
    """The server has no further key: it says so, or, as OpenSSH does, hangs up while we ask."""
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return "host key" in str(error)
    return check.has_failed


def _login_options(server: Server, credentials: Credentials) -> dict[str, object]:
    return {
        "username": server.username,
        "password": credentials.password,
        # None, not an empty list: asyncssh reads the default keys of ~/.ssh for the latter.
        "client_keys": None if credentials.key is None else [credentials.key],
        "config": None,
        "agent_path": None,
        "gss_host": None,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "connect_timeout": server.connect_timeout_s,
        "login_timeout": server.connect_timeout_s,
        "keepalive_interval": server.keepalive_s,
        # asyncssh gives up one interval after this count.
        "keepalive_count_max": _SILENT_INTERVALS - 1,
        # Measured as the fastest by far where the machine has AES instructions.
        "encryption_algs": "^aes128-gcm@openssh.com",
    }


def _login_error(server: Server, credentials: Credentials, error: Exception) -> RemoteError:
    where = f"{server.host}:{server.port}"
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.IllegalUserName):
        return RemoteError(f"Authentication failed for {server.username}@{where} (tried: {credentials.methods})")
    if isinstance(error, TimeoutError):
        return RemoteDownError(f"{where} did not answer within {server.connect_timeout_s:g} s")
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return RemoteError(f"{where}: no common algorithm: {error.reason}")
    if isinstance(error, asyncssh.ProtocolNotSupported):
        return RemoteError(f"{where} speaks no SSH 2: {error.reason}")
    if isinstance(error, asyncssh.Error):
        return RemoteDownError(f"connection to {where} was lost during the log-in: {error.reason}")
    return RemoteDownError(f"{where} cannot be reached: {getattr(error, 'strerror', None) or error}")
