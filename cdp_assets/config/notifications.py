"""Notifications: who is told what about a connection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cdp_assets.config.base import SecretRef, Strict

Trigger = Literal["success", "failure", "rejects", "missing", "unchanged", "checks"]
"""success: a file is in; failure: a file was refused or a run failed; rejects: more of a file's rows were refused than
`rejects_above`; missing: no file for a time window when it was due; unchanged: a file changed nothing; checks: a check
of the connection's files, imports or exports fails, `missing_file` apart."""


class Notification(Strict):
    """One message for each event, to each of some places; always kept in `ops.notifications` too."""

    when: tuple[Trigger, ...] = Field(min_length=1)
    """Which events."""
    rejects_above: float = Field(default=0, ge=0, lt=100)
    """For `rejects`: the per cent of a file's rows that may be refused without a message."""
    to: tuple[SecretRef, ...] = ()
    """Addresses as apprise writes them (mailto://…, slack://…, msteams://…, json://…), each as {env: NAME} or
    {file: path}, for they hold credentials. None = only the table."""
