"""When the clocks of a zone are set back, so that some wall-clock times are shown twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_FIRST, _LAST = datetime(1800, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class RepeatedTimes:
    """A coarse sieve: no wall-clock time outside these months, or outside these hours, is shown twice."""

    months: frozenset[int]
    hours: frozenset[int]


@lru_cache
def repeated_times(zone: str) -> RepeatedTimes:
    """Of any year: the rules of the last years of the zone's history go on for ever."""
    info = ZoneInfo(zone)
    months, hours = set(), set()
    moment, offset = _FIRST, _FIRST.astimezone(info).utcoffset()
    while moment < _LAST:
        later = moment + _DAY
        offset_later = later.astimezone(info).utcoffset()
        assert offset is not None, zone
        assert offset_later is not None, zone
        if offset_later < offset:
            for shown in _shown_twice(info, moment, later):
                months.add(shown.month)
                hours.add(shown.hour)
        moment, offset = later, offset_later
    return RepeatedTimes(frozenset(months), frozenset(hours))


def _shown_twice(info: ZoneInfo, before: datetime, after: datetime) -> list[datetime]:
    """The wall-clock times of a change between two moments, a minute apart, and a minute more on either side."""
    old, new = before.astimezone(info).utcoffset(), after.astimezone(info).utcoffset()
    assert old is not None
    assert new is not None
    while after - before > _MINUTE:
        middle = before + (after - before) / 2
        before, after = (middle, after) if middle.astimezone(info).utcoffset() == old else (before, middle)
    start = before + new
    return [start + minute * _MINUTE for minute in range(int((old - new) / _MINUTE) + 3)]
