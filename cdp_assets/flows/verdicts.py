"""What a check found: whether it passed, in a sentence, with its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

from cdp_assets.config.limits import Volume
from cdp_assets.flows.folders import DataFolders
from cdp_assets.warehouse import Database

LIMIT_HOURS, NEWEST, BATCH = "limit (hours)", "newest", "batch"
"""Figures of a verdict on an age; without the second, there was never anything."""
LEAST_COMPARED = 3
"""With fewer numbers before it, and fewer than the limit asks for, a number is compared with nothing."""


@dataclass(frozen=True)
class Verdict:
    """What one check found."""

    passed: bool
    told: str
    """For people, with the figures."""
    figures: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a check may ask."""

    folders: DataFolders
    now: datetime
    database: Database | None = None
    """The warehouse, or the readers' copy of it; None = nothing was folded yet."""
    ask_server: bool = False
    """Whether to log in to a server where that tells more."""


def as_time(value: datetime) -> str:
    """A moment for people."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def as_age(seconds: float) -> str:
    """A length of time for people, in hours or days."""
    hours = seconds / 3_600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def age_verdict(what: str, at: datetime | None, now: datetime, within_s: float) -> Verdict:
    """Whether something happened recently enough; `what`: such as "The last delivery was"."""
    if at is None:
        told = f"{what} never; at least every {as_age(within_s)} is expected."
        return Verdict(passed=False, told=told, figures={LIMIT_HOURS: within_s / 3_600})
    age = (now - at).total_seconds()
    told = f"{what} {as_age(age)} ago, on {as_time(at)}; the limit is {as_age(within_s)}."
    figures: dict[str, int | float | str] = {
        "age (hours)": round(age / 3_600, 1),
        LIMIT_HOURS: within_s / 3_600,
        NEWEST: as_time(at),
    }
    return Verdict(age <= within_s, told, figures)


def volume_verdict(what: str, number: int, before: Sequence[int], limit: Volume) -> Verdict:
    """Whether a number is near enough to those before it, the latest of them last."""
    compared = before[-limit.compare_with :]
    if len(compared) < min(LEAST_COMPARED, limit.compare_with):
        told = f"{what} {number:,}; only {len(compared)} before it, too few to compare with."
        return Verdict(passed=True, told=told, figures={"now": number})
    usual = median(compared)
    share = 100 * number / usual if usual else (100.0 if number == 0 else float("inf"))
    too_low = limit.below is not None and share < limit.below
    too_high = limit.above is not None and share > limit.above
    named = f"{share:.0f} % of" if usual else "compared with"
    told = f"{what} {number:,}, {named} the {usual:,.0f} that is the median of the {len(compared)} before."
    if too_low:
        told += f" Below {limit.below:g} % is too few."
    if too_high:
        told += f" Above {limit.above:g} % is too many."
    return Verdict(not (too_low or too_high), told, {"now": number, "median before": usual})
