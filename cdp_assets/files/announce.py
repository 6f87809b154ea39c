"""The door to services that carry a message: mail, Slack, Teams, a webhook, whatever apprise knows."""

from __future__ import annotations

import logging

import apprise

from cdp_assets.config.base import SecretRef
from cdp_assets.errors import ConfigError
from cdp_assets.files.secrets import resolve_secret, secret_label

logging.getLogger("apprise").setLevel(logging.CRITICAL)


def why_unreachable(target: SecretRef) -> str:
    """What is wrong with a place before anything is sent there, empty = nothing that can be seen from here."""
    return _service(target)[1]


def announce(target: SecretRef, title: str, text: str) -> str:
    """Sends one message; what went wrong, empty = it was taken. Never tells the address, which holds credentials."""
    service, error = _service(target)
    if error:
        return error
    taken = service.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
    return "" if taken else f"the service of {secret_label(target)} did not take the message"


def _service(target: SecretRef) -> tuple[apprise.Apprise, str]:
    service = apprise.Apprise()
    try:
        address = resolve_secret(target)
    except ConfigError as error:
        return service, str(error)
    if not service.add(address):
        return service, f"{secret_label(target)} holds no address that apprise understands, such as mailto://…"
    return service, ""
