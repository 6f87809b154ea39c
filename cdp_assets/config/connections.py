"""Connections: one server, its log-in, when it runs, and its goals in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cdp_assets.config.base import Label, Name, Owner, PropertyName, SecretRef, Strict
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import Goal, ImportGoal
from cdp_assets.config.limits import ConnectionChecks
from cdp_assets.config.notifications import Notification
from cdp_assets.config.pgp import Pgp
from cdp_assets.config.schedules import Schedule

_HOST_KEY = re.compile(r"SHA256:|(ssh-|ecdsa-|sk-)\S+ \S|-----?-? ?BEGIN ")
"""How a fingerprint or a public key begins."""


class Server(Strict):
    """How to reach and recognise an SFTP server."""

    host: str = Field(min_length=1)
    """Name or address of the server."""
    port: int = Field(default=22, ge=1, le=65_535)
    """Port of the server."""
    username: str = Field(min_length=1)
    """Whom to log in as."""
    host_key: str | None = None
    """The server's public key (`ssh-ed25519 AAAA…`) or its fingerprint (`SHA256:…`)."""
    known_hosts: Path | None = None
    """Path of a known_hosts file, instead of `host_key`."""
    password: SecretRef | None = None
    """Where the password stands; also answers a server that asks for it (keyboard-interactive)."""
    private_key: SecretRef | None = None
    """Where the private key stands: OpenSSH, PEM or PKCS8."""
    passphrase: SecretRef | None = None
    """Opens the private key."""
    user_directory: str = ""
    """Every goal's directory is below it, unless that starts with `/`."""
    connect_timeout_s: float = Field(default=20, gt=0, le=300)
    """Seconds until a server that does not answer is given up."""
    settle_s: float = Field(default=2, ge=0, le=3_600)
    """A new file modified less than this long ago is looked at once more after it, and left if it changed."""
    keepalive_s: float = Field(default=10, gt=0, le=300)
    """A silent link is given up after three of these."""

    @field_validator("host_key")
    @classmethod
    def _looks_like_a_key(cls, text: str | None) -> str | None:
        """Tells a text that can be no key before anybody is connected to; whether it is the right one shows then."""
        if text is not None and not _HOST_KEY.match(text.strip()):
            message = "give the public key as `ssh-ed25519 AAAA…` (see: ssh-keyscan) or its fingerprint as `SHA256:…`"
            raise ValueError(message)
        return text

    @model_validator(mode="after")
    def _identified_and_authenticated(self) -> Server:
        if (self.host_key is None) == (self.known_hosts is None):
            message = "the server must be recognised: give exactly one of host_key or known_hosts"
            raise ValueError(message)
        if self.password is None and self.private_key is None:
            message = "give password, private_key or both, each as {env: NAME} or {file: path}"
            raise ValueError(message)
        return self


class Connection(Strict):
    """One SFTP server and what is done with it."""

    name: Name
    """Unique among connections; the first part of its assets' names and of its folders. Never change it: it is part
    of what was imported."""
    description: str = ""
    """What people read about it on the web page."""
    owners: tuple[Owner, ...] = ()
    """Who is asked about its assets: `team:crm`, or an e-mail address."""
    labels: tuple[Label, ...] = ()
    """Words by which its assets are found; each becomes a tag."""
    favorite: bool = False
    """Gives its assets the tag `favorite`."""
    edit_roles: tuple[Label, ...] = ()
    """Who may edit it, as tags for people to read: nothing here or in Dagster enforces them."""
    server: Server
    """How to reach and recognise the server, and how to log in."""
    enabled: bool = True
    """False switches every sensor, schedule and run of this connection off."""
    run: Literal["auto", "schedule", "arrival", "manual"] = "auto"
    """auto = schedule if one is given, else arrival."""
    schedule: Schedule | None = None
    """At which times all goals run; left out = by no clock."""
    order: int = 0
    """Connections with a lower number fold first where two files have the same time; then by name."""
    pgp: Pgp | None = None
    """What opens encrypted files; where it holds a private key, every imported file must be encrypted."""
    notifications: tuple[Notification, ...] = ()
    """Who is told what about this connection."""
    checks: ConnectionChecks = ConnectionChecks()
    """What is checked of its import goals together; each goal has more."""
    objectives: tuple[PropertyName, ...] = ()
    """Ids of the purposes it serves: rows of profiles for whom none of them is allowed are not imported."""
    goals: tuple[Goal, ...] = Field(min_length=1)
    """What is imported from the server and exported to it, in this order."""

    @model_validator(mode="after")
    def _run_fits_the_schedule(self) -> Connection:
        if self.run == "schedule" and self.schedule is None:
            message = "run: schedule needs a schedule"
            raise ValueError(message)
        return self

    @property
    def run_mode(self) -> Literal["schedule", "arrival", "manual"]:
        """`run`, with `auto` resolved."""
        if self.run != "auto":
            return self.run
        return "schedule" if self.schedule is not None else "arrival"

    @property
    def imports(self) -> tuple[ImportGoal, ...]:
        """The import goals, in their listed order."""
        return tuple(goal for goal in self.goals if isinstance(goal, ImportGoal))

    @property
    def exports(self) -> tuple[ExportProfilesGoal, ...]:
        """The export goals, in their listed order."""
        return tuple(goal for goal in self.goals if isinstance(goal, ExportProfilesGoal))


def readable_server(connection: Connection) -> Server | None:
    """Its server; None = not all of the connection could be read, and only its goals are known."""
    return getattr(connection, "server", None)
