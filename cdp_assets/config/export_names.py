"""What delivered files are called: templates of their names, and the names a run makes of them (spec.md 10.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from cdp_assets.config.date_patterns import Part, parse_date_pattern

_PLACE = re.compile(r"\{([^{}]*)\}")
_RUN_PLACES = ("run_id", "timestamp")
PLACES = ("segment", "goal", *_RUN_PLACES, "part", "action")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_MOST_SIGNS = 200
_FORMS = {
    Part.year: "%Y",
    Part.short_year: "%y",
    Part.month: "%m",
    Part.day: "%d",
    Part.day_of_year: "%j",
    Part.hour: "%H",
    Part.hour_12: "%I",
    Part.minute: "%M",
    Part.second: "%S",
    Part.fraction: "%f",
}
"""Parts of a date that may stand in a name: digits only, so that names sort."""


def check_template(template: str) -> str:
    """A template every place of which is known.

    Raises:
        ValueError: the YAML author must act.
    """
    rest = _PLACE.sub("", template)
    if "{" in rest or "}" in rest:
        message = "a file name has a brace that opens or closes nothing; places are written as {segment}"
        raise ValueError(message)
    if "/" in rest or template.startswith("."):
        message = "a file name holds no folder and starts with no dot; put the folder into `directory`"
        raise ValueError(message)
    for place in places_of(template):
        if place not in PLACES:
            _dated(place, datetime(2026, 1, 2))  # noqa: DTZ001 - only to see whether it can be written
    return template


def places_of(template: str) -> tuple[str, ...]:
    """What stands in the braces, in order."""
    return tuple(_PLACE.findall(template))


def differs_by_run(template: str) -> bool:
    """Whether two runs, however close, give different names."""
    return any(place in _RUN_PLACES for place in places_of(template))


def rendered(template: str, fill: Callable[[str], str]) -> str:
    """A file name: the places filled, and every sign that some system dislikes replaced by `_`."""
    name = _PLACE.sub(lambda place: fill(place[1]), template)
    return _UNSAFE.sub("_", name).lstrip(".")[:_MOST_SIGNS] or "_"


def extension_of(template: str) -> str:
    """What follows the last dot of a template, dot included; a dot in what fills a place is no extension."""
    plain = _PLACE.sub("", template)
    return _UNSAFE.sub("_", plain[plain.rindex(".") :]) if "." in plain else ""


def moment_text(place: str, now: datetime, zone: str) -> str:
    """The start of the run as `{timestamp}` or a date pattern shows it."""
    local = now.astimezone(ZoneInfo(zone))
    return local.strftime("%Y%m%d%H%M%S") if place == "timestamp" else _dated(place, local)


def _dated(pattern: str, local: datetime) -> str:
    known = ", ".join(f"{{{place}}}" for place in PLACES)
    try:
        pieces = parse_date_pattern(pattern)
    except ValueError as error:
        message = f"a file name does not know {{{pattern}}}; it may hold {known}, and dates such as {{yyyy-MM-dd}}"
        raise ValueError(message) from error
    if not any(piece.part in _FORMS for piece in pieces):
        message = f"a file name does not know {{{pattern}}}; it may hold {known}, and dates such as {{yyyy-MM-dd}}"
        raise ValueError(message)
    return "".join(
        piece.text if piece.part is Part.literal else _written(piece.part, len(piece.text), local) for piece in pieces
    )


def _written(part: Part, width: int, local: datetime) -> str:
    if part not in _FORMS:
        message = f"a file name shows dates in digits; {part} is none"
        raise ValueError(message)
    text = local.strftime(_FORMS[part])
    return text[:width] if part is Part.fraction else text
