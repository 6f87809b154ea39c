"""Time zones as people name them."""

from __future__ import annotations

from zoneinfo import ZoneInfo


def check_timezone(value: str) -> str:
    """The name, if it is one of the IANA time zones."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        message = f"unknown time zone {value!r}; give an IANA name such as Europe/Amsterdam or UTC"
        raise ValueError(message) from error
    return value
