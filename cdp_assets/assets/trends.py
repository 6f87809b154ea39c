"""Small pictures in markdown of how a number went, and bars made of text. No library draws them.

Dagster shows markdown at once only if it has fewer than 1,000 signs; what is longer hides behind a link.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from statistics import median

WIDTH, HEIGHT = 360, 110
_MARGIN = 16
INLINE = 1_000
"""Signs of markdown from which on Dagster hides it."""
_MOST, _FEWEST = 60, 4
"""Points of a picture that are drawn."""
_LONGEST = 24
"""Signs of a label below the picture."""
_GAUGE = 14
"""Signs of a full bar."""


Points = Sequence[tuple[datetime, float]]


def trend(points: Points, what: str = "members", of: str = "runs", *, ends: tuple[str, str] | None = None) -> str:
    """An image of the points, oldest first; at least two.

    The time axis is to scale and labelled by days; with `ends` all steps are alike, and these are its labels.
    `what` is counted, `of` are the points: words for who cannot see the picture.
    """
    told = f"{points[0][1]:,.12g} to {points[-1][1]:,.12g} {what} in {len(points)} {of}"
    most, picture = _MOST, ""
    while not picture or (len(picture) >= INLINE and most >= _FEWEST):
        picture = f"![{told}]({_as_image(_svg(points, most, ends))})"
        most = most * 4 // 5
    return picture


def gauge(share: float) -> str:
    """A bar of text for a per cent; full only where nothing is missing."""
    full = _GAUGE if share >= 100 else min(round(_GAUGE * share / 100), _GAUGE - 1)
    return "█" * full + "░" * (_GAUGE - full)


def _as_image(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _svg(points: Points, most: int, ends: tuple[str, str] | None) -> str:
    low, high = min(size for _, size in points), max(size for _, size in points)
    rise = (high - low) or 1
    places = [
        (
            round(_MARGIN + (WIDTH - 2 * _MARGIN) * share),
            round(HEIGHT - 2 * _MARGIN - (HEIGHT - 4 * _MARGIN) * (size - low) / rise),
        )
        for share, (_, size) in zip(_shares(points, even=ends is not None), points, strict=True)
    ]
    line = " ".join(f"{x},{y}" for x, y in _thinned(places, most))
    x, y = places[-1]
    first, last = ends or (f"{points[0][0].astimezone(UTC):%d %b %Y}", f"{points[-1][0].astimezone(UTC):%d %b %Y}")
    right = f'<g text-anchor="end"><text x="{WIDTH - _MARGIN}" y='
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif"'
        f' font-size="11" fill="#6b7280"><path d="M{line}" fill="none" stroke="#43d" stroke-width="2"/>'
        f'<circle cx="{x}" cy="{y}" r="3" fill="#43d"/>'
        f'<text x="{_MARGIN}" y="12">highest {high:,.12g}</text>'
        f'{right}"12">lowest {low:,.12g}</text></g>'
        f'<text x="{_MARGIN}" y="{HEIGHT - 6}">{_short(first)}</text>'
        f'{right}"{HEIGHT - 6}">{_short(last)}</text></g></svg>'
    )


def _shares(points: Points, *, even: bool) -> list[float]:
    """How far along the axis each point is, from 0 to 1."""
    if even:
        return [place / (len(points) - 1) for place, _ in enumerate(points)]
    start = points[0][0]
    duration = (points[-1][0] - start).total_seconds() or 1.0
    return [(at - start).total_seconds() / duration for at, _ in points]


def _thinned(places: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most so many of the places: of neighbours the least usual one, so that peaks stay."""
    if len(places) <= most:
        return list(places)
    first, *inner, last = places
    usual, count = median(y for _, y in places), most - 2
    cuts = [len(inner) * place // count for place in range(count + 1)]
    parts = [inner[start:end] for start, end in pairwise(cuts)]
    return [first, *(max(part, key=lambda one: abs(one[1] - usual)) for part in parts if part), last]


def _short(name: str) -> str:
    return escape(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")
