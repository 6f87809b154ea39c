"""Who needs whom: segments and lifecycles whose conditions ask for other segments and lifecycles.

Both are spoken of together by their keys: `segments/vip`, `lifecycles/club`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.segments import Segment

Need = Segment | Lifecycle


def segment_id(name: str) -> str:
    """The key of a segment."""
    return f"segments/{name}"


def lifecycle_id(name: str) -> str:
    """The key of a lifecycle."""
    return f"lifecycles/{name}"


def key_of(one: Need) -> str:
    """The key of either."""
    return segment_id(one.name) if isinstance(one, Segment) else lifecycle_id(one.id)


def needs(one: Need) -> tuple[str, ...]:
    """The keys of what its conditions ask for."""
    return (*map(segment_id, one.segments), *map(lifecycle_id, one.lifecycles))


def needed(those: Sequence[Need], keys: Collection[str]) -> frozenset[str]:
    """These keys, and the keys of all that stands behind them."""
    wanted = set(keys)
    more = True
    while more:
        behind = {key for one in those if key_of(one) in wanted for key in needs(one)}
        more = not behind <= wanted
        wanted |= behind
    return frozenset(wanted)


def in_order_of_need(those: Sequence[Need]) -> tuple[Need, ...]:
    """All so that each follows what it needs, else as listed; what is part of a circle keeps its place."""
    known = {key_of(one): one for one in those}
    placed: dict[str, Need] = {}

    def place(key: str, under_way: frozenset[str]) -> None:
        for name in needs(known[key]):
            if name in known and name not in placed and name not in under_way:
                place(name, under_way | {name})
        placed.setdefault(key, known[key])

    for key in known:
        if key not in placed:
            place(key, frozenset({key}))
    return tuple(placed.values())


def circles(those: Sequence[Need]) -> Iterator[tuple[str, ...]]:
    """For each that needs itself, the shortest way round, from the one of it that is listed first."""
    behind: dict[str, tuple[str, ...]] = {}
    for one in those:
        behind.setdefault(key_of(one), needs(one))
    told: set[str] = set()
    for key in behind:
        way = _way_back(key, behind)
        if way and key not in told:
            told.update(way)
            yield way


def _way_back(start: str, behind: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from one over needs back to it; empty = there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for key in behind.get(way[-1], ()):
            if key == start:
                return way
            if key not in seen:
                seen.add(key)
                ways.append((*way, key))
    return ()
