"""What `scaffold` asks a person: the server, the log-in, and whether its key is the right one."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from pathlib import Path

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import ConfigError
from cdp_assets.files.credentials import is_protected
from cdp_assets.files.host_keys import offered_host_key
from cdp_assets.files.secrets import resolve_secret

_LAST_PORT = 65_535
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_USUAL = r"[A-Z]+(?:_[A-Z0-9]+)+"
"""How variables of passwords are called; another name may be the password itself."""


def ask(question: str, default: str | None = None) -> str:
    """One line from the terminal; the default for an empty one, or where nobody can answer."""
    if not sys.stdin.isatty():
        if default is None:
            raise ConfigError(f"nobody can be asked here: {question}; give it as an option (see --help)")
        return default
    while True:
        try:
            answer = input(f"{question} [{default}]: " if default else f"{question}: ").strip()
        except EOFError:
            told = "the input ended before every question was answered; nothing was written"
            raise ConfigError(told) from None
        if answer or default is not None:
            return answer or default or ""


def asked_server(options: argparse.Namespace) -> Server:
    """The server of the options; what they leave out is asked for.

    A secret that is not there is told before anything more is asked.

    Raises:
        ConfigError: nobody can be asked, the secret is not there, or the key is not the right one.
        RemoteDownError: the server does not answer.
    """
    host = options.host or ask("Server (name or address)")
    port = options.port or _ask_port()
    user = options.user or ask("User")
    given = [options.name, "--host", host, "--port", str(port), "--user", user]
    key, variable, file = options.key, options.password_env, options.password_file
    if not (key or variable or file):
        key = ask("File with the private key (empty: a password)", "")
        variable = None if key else ask("Environment variable with the password", _usual(options, "password"))
    passphrase = None
    if key:
        given += ["--key", str(key)]
        passphrase = _passphrase(options, SecretRef(file=Path(key)), given)
    return Server(
        host=host,
        port=port,
        username=user,
        password=_secret("password", _usual(options, "password"), variable, file, given),
        host_key=options.host_key or _host_key(host, port),
        private_key=SecretRef(file=Path(key)) if key else None,
        passphrase=passphrase,
    )


def _passphrase(options: argparse.Namespace, key: SecretRef, given: list[str]) -> SecretRef | None:
    """What opens a protected key; None = it needs nothing."""
    variable, file, usual = options.passphrase_env, options.passphrase_file, _usual(options, "key_passphrase")
    if not (variable or file) and is_protected(key):
        variable = ask("The key is protected; environment variable with its passphrase", usual)
    return _secret("passphrase", usual, variable, file, given)


def _usual(options: argparse.Namespace, what: str) -> str:
    return f"{options.name}_{what}".upper()


def _secret(what: str, usual: str, variable: str | None, file: str | None, given: list[str]) -> SecretRef | None:
    """Where a password or passphrase is; None = nothing was given.

    Raises:
        ConfigError: it is not there.
    """
    if variable and not re.fullmatch(_VARIABLE, variable):
        # Not repeated: it may be the secret itself.
        raise ConfigError(
            "what was given is no name of an environment variable (letters, digits and _);"
            f" put the {what} into a variable, and give the variable's name"
        )
    if variable and not os.environ.get(variable):
        is_usual = re.fullmatch(_USUAL, variable) is not None
        told = f"environment variable {variable}" if is_usual else "the environment variable that was named"
        name = variable if is_usual else usual
        raise ConfigError(
            f"{told} is not set; set it to the {what}, and start again:\n"
            f"  export {name}='…'\n"
            f"  python -m cdp_assets scaffold {shlex.join([*given, f'--{what}-env', name])}"
        )
    if not (variable or file):
        return None
    secret = SecretRef(env=variable) if variable else SecretRef(file=Path(file or ""))
    resolve_secret(secret)
    return secret


def _ask_port() -> int:
    while True:
        answer = ask("Port", "22")
        if answer.isascii() and answer.isdecimal() and 0 < int(answer) <= _LAST_PORT:
            return int(answer)
        print(f"a port is a whole number from 1 to {_LAST_PORT}; most servers have 22")


def _host_key(host: str, port: int) -> str:
    """The server's fingerprint, once a person has compared it."""
    kind, fingerprint = offered_host_key(host, port)
    print(f"The server at {host}:{port} shows the key {fingerprint} ({kind}).")
    print("Compare it with what its operator tells you by another way: anybody could answer at this address.")
    if not sys.stdin.isatty():
        raise ConfigError(f"if it is the right one, give it: --host-key {fingerprint}")
    if ask("Is it the right one? (yes/no)", "no").lower() not in {"y", "yes"}:
        raise ConfigError("nothing was written: ask the server's operator for the right key")
    return fingerprint
