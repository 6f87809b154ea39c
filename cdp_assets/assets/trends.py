"""Small pictures in markdown: how a number went over time, and how full columns are. No library draws them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

WIDTH, HEIGHT = 360, 110
_MARGIN = 16
_LINE = 18
"""Height of a bar with its label."""
_BAR_AT, _BAR = 170, 110
MOST_BARS = 60
"""Bars in one picture."""
_LONGEST = 24
"""Signs of a label."""


Points = Sequence[tuple[datetime, float]]


def trend(points: Points, what: str = "members", of: str = "runs", *, evenly: bool = False) -> str:
    """An image of the points, oldest first; at least two. The time axis is to scale, or all steps are alike.

    `what` is counted, `of` are the points: words for who cannot see the picture.
    """
    told = f"{points[0][1]:,.12g} to {points[-1][1]:,.12g} {what} in {len(points)} {of}"
    return f"![{told}]({_as_image(_svg(points, evenly=evenly))})"


def bars(shares: Sequence[tuple[str, float]], what: str) -> str:
    """An image with a bar for each name and its per cent, in the order given; at least one."""
    height = 2 * _MARGIN + _LINE * len(shares)
    rows = [
        f'<text x="{_MARGIN}" y="{y + 4}">{escape(_short(name))}</text>'
        f'<rect x="{_BAR_AT}" y="{y - 5}" width="{_BAR}" height="10" fill="#e5e7eb"/>'
        f'<rect x="{_BAR_AT}" y="{y - 5}" width="{_BAR * share / 100:.1f}" height="10" fill="#4f43dd"/>'
        f'<text x="{WIDTH - _MARGIN}" y="{y + 4}" text-anchor="end">{share:.1f} %</text>'
        for y, (name, share) in ((_MARGIN + _LINE * (place + 0.5), one) for place, one in enumerate(shares))
    ]
    return f"![{what} of {len(shares)} columns]({_as_image(_framed(height, ''.join(rows)))})"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _as_image(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _framed(height: float, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" font-family="sans-serif"'
        f' font-size="11" fill="#6b7280">{content}</svg>'
    )


def _svg(points: Points, *, evenly: bool) -> str:
    start, end = points[0][0], points[-1][0]
    low, high = min(size for _, size in points), max(size for _, size in points)
    duration, rise = (end - start).total_seconds() or 1.0, (high - low) or 1
    shares = [
        place / (len(points) - 1) if evenly else (at - start).total_seconds() / duration
        for place, (at, _) in enumerate(points)
    ]
    places = [
        (
            _MARGIN + (WIDTH - 2 * _MARGIN) * share,
            HEIGHT - 2 * _MARGIN - (HEIGHT - 4 * _MARGIN) * (size - low) / rise,
        )
        for share, (_, size) in zip(shares, points, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    days = f"{start.astimezone(UTC):%d %b %Y}", f"{end.astimezone(UTC):%d %b %Y}"
    return _framed(
        HEIGHT,
        f'<polyline points="{line}" fill="none" stroke="#4f43dd" stroke-width="2" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#4f43dd"/>'
        f'<text x="{_MARGIN}" y="12">highest {high:,.12g}</text>'
        f'<text x="{WIDTH - _MARGIN}" y="12" text-anchor="end">lowest {low:,.12g}</text>'
        f'<text x="{_MARGIN}" y="{HEIGHT - 6}">{days[0]}</text>'
        f'<text x="{WIDTH - _MARGIN}" y="{HEIGHT - 6}" text-anchor="end">{days[1]}</text>',
    )
