"""How a number went over time, as a small picture in markdown. No library draws it: it is a line and two labels."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

WIDTH, HEIGHT = 360, 110
_MARGIN = 16


def trend(points: Sequence[tuple[datetime, int]]) -> str:
    """An image of the points, oldest first, the time axis to scale; at least two."""
    picture = base64.b64encode(_svg(points).encode()).decode()
    first, last = points[0][1], points[-1][1]
    return f"![{first:,} to {last:,} members in {len(points)} runs](data:image/svg+xml;base64,{picture})"


def _svg(points: Sequence[tuple[datetime, int]]) -> str:
    start, end = points[0][0], points[-1][0]
    low, high = min(size for _, size in points), max(size for _, size in points)
    duration, rise = (end - start).total_seconds() or 1.0, (high - low) or 1
    places = [
        (
            _MARGIN + (WIDTH - 2 * _MARGIN) * (at - start).total_seconds() / duration,
            HEIGHT - 2 * _MARGIN - (HEIGHT - 4 * _MARGIN) * (size - low) / rise,
        )
        for at, size in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    days = f"{start.astimezone(UTC):%d %b %Y}", f"{end.astimezone(UTC):%d %b %Y}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif"'
        ' font-size="11" fill="#6b7280">'
        f'<polyline points="{line}" fill="none" stroke="#4f43dd" stroke-width="2" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#4f43dd"/>'
        f'<text x="{_MARGIN}" y="12">highest {high:,}</text>'
        f'<text x="{WIDTH - _MARGIN}" y="12" text-anchor="end">lowest {low:,}</text>'
        f'<text x="{_MARGIN}" y="{HEIGHT - 6}">{days[0]}</text>'
        f'<text x="{WIDTH - _MARGIN}" y="{HEIGHT - 6}" text-anchor="end">{days[1]}</text></svg>'
    )
