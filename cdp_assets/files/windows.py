"""Time windows: which one a file name stands for, and which there are between the first and now. Pure.

A window goes by the key that Dagster gives it: `2026-03-04`, with the hour `2026-03-04-13:00`; a week goes by its
Monday, a month by its first day. Keys of one goal sort as their windows do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cdp_assets.config.files import Files
from cdp_assets.config.known import nearest_first
from cdp_assets.config.windows import Unit
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.remote import shown
from cdp_assets.files.selection import natural_key, short_key, with_values

_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_FEW = 10
_NEAREST = 5
_SAMPLE = {"hour": "YYYYMMDD_HHmm", "day": "YYYYMMDD", "week": "YYYYMMDD", "month": "YYYYMMDD"}
"""What stands for `*` in an example of a name, where no `date_format` says it."""


@dataclass(frozen=True)
class Window:
    """A piece of time that files are expected for."""

    key: str
    begins: datetime
    """UTC, as `ends`, which is outside."""
    ends: datetime


def partition_of(files: Files, wildcard_value: str) -> str:
    """The partition a file belongs to: its wildcard value as people see it, or the window its date lies in.

    Raises:
        FileError: the supplier, or the author of the YAML, must act: no date can be read from the name.
    """
    if files.partitions is None or not wildcard_value:
        return short_key(files, wildcard_value)
    try:
        moment = effective_date(files, wildcard_value)
    except ConfigError as error:
        raise FileError(str(error)) from error
    if moment is None:
        raise FileError(
            f"partition key {shown(wildcard_value)!r} of {files.root!r} holds no date that could be found, and its "
            f"{files.partitions.by} is told by one; rename the file, or set files.date_format"
        )
    return window_key(files, moment)


def known_partition(files: Files, wildcard_value: str) -> str | None:
    """As `partition_of`; None where it fails, as for a batch that was landed before its goal had windows."""
    try:
        return partition_of(files, wildcard_value)
    except FileError:
        return None


def is_called(files: Files, wildcard_value: str, names: Collection[str]) -> bool:
    """Whether a person who names partitions means this one: by its wildcard value, or by its key."""
    return wildcard_value in names or known_partition(files, wildcard_value) in names


def not_called(files: Files, wildcard_values: Collection[str], names: Collection[str]) -> list[str]:
    """The names that mean none of these partitions, sorted."""
    known = {*wildcard_values, *(known_partition(files, value) for value in wildcard_values)}
    return sorted(set(names) - known)


def window_key(files: Files, moment: datetime) -> str:
    """The key of the window a moment lies in."""
    assert files.partitions is not None
    local = moment.astimezone(ZoneInfo(files.timezone)).replace(tzinfo=None)
    return _key(files.partitions.by, _floor(files.partitions.by, local))


def first_key(files: Files) -> str:
    """The key of the first window: the one `start` lies in."""
    assert files.partitions is not None
    return _key(files.partitions.by, first_begin(files))


def first_begin(files: Files) -> datetime:
    """When the first window begins, local, without a zone."""
    assert files.partitions is not None
    return _floor(files.partitions.by, datetime.combine(files.partitions.start, time()))


def is_in_calendar(files: Files, key: str, now: datetime) -> bool:
    """Whether a window is one of those from the first to the present one: those Dagster has a partition for."""
    return first_key(files) <= key <= window_key(files, now)


def windows_until(files: Files, now: datetime) -> Iterator[Window]:
    """The windows from the first on that are over.

    Hours that a change of clocks leaves out are left out; one that comes twice is one, as a name cannot tell.
    """
    assert files.partitions is not None
    by, zone = files.partitions.by, ZoneInfo(files.timezone)
    local = first_begin(files)
    while True:
        following = _next(by, local)
        window = Window(_key(by, local), _utc(local, zone), _utc(following, zone))
        if window.ends > now:
            return
        if by != "hour" or window.begins.astimezone(zone).replace(tzinfo=None) == local:
            yield window
        local = following


def expected_names(files: Files, key: str) -> str:
    """Which files a window takes, in words."""
    assert files.partitions is not None
    by = files.partitions.by
    begins = datetime.strptime(key, "%Y-%m-%d-%H:%M" if by == "hour" else "%Y-%m-%d")  # noqa: DTZ007 - local time
    last = _next(by, begins) - timedelta(days=1)
    span = f"of {key[:10]}, {begins:%H:%M} to {_next(by, begins):%H:%M}" if by == "hour" else f"of {key}"
    span = f"from {key} to {last:%Y-%m-%d}" if by in {"week", "month"} else span
    zone = "" if files.timezone == "UTC" else f" ({files.timezone})"
    example = _example(files, begins)
    return f"names like {files.root!r} with a date {span}{zone}{f', such as {example}' if example else ''}"


def _example(files: Files, begins: datetime) -> str | None:
    """A name, where the root has one `*` and nothing but the date is expected there."""
    assert files.partitions is not None
    form = files.date_format or _SAMPLE[files.partitions.by]
    if files.pattern_type != "wildcard" or with_values(files.root, ["x"]) is None or any(sign in form for sign in "['"):
        return None
    for token, wanted in _WRITTEN:
        form = form.replace(token, f"{begins:{wanted}}")
    return None if any(sign.isalpha() for sign in form) else with_values(files.root, [form])


_WRITTEN = (
    ("YYYY", "%Y"),
    ("yyyy", "%Y"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("dd", "%d"),
    ("HH", "%H"),
    ("hh", "%H"),
    ("mm", "%M"),
    ("ss", "%S"),
)


def _floor(by: Unit, local: datetime) -> datetime:
    if by == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _next(by: Unit, local: datetime) -> datetime:
    if by == "month":
        return (local + timedelta(days=31)).replace(day=1)
    return local + _STEPS[by]


def _key(by: Unit, local: datetime) -> str:
    day = local.date().isoformat()
    return f"{day}-{local.hour:02}:00" if by == "hour" else day


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def those_there(keys: Iterable[str]) -> str:
    """Partition keys for a message, the last ones of many."""
    ordered = [repr(shown(key)) for key in sorted(set(keys), key=natural_key)]
    few = ordered[-_FEW:]
    return f"it has {'… ' if few != ordered else ''}{', '.join(few)}" if few else "it has none yet"


def nearest_there(name: str, keys: Iterable[str]) -> str:
    """The same, those most like a name that is not among them."""
    ordered = [repr(shown(key)) for key in nearest_first(name, {*keys} - {""})]
    more = ", …" if len(ordered) > _NEAREST else ""
    return f"it has, nearest first: {', '.join(ordered[:_NEAREST])}{more}" if ordered else "it has none yet"
