"""The loyalty programme's daily files: points earned at the till, by members the shop may not know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from pathlib import Path

from cdp_assets.sample.people import Customer, random_for
from cdp_assets.sample.writing import Dirt, FileSummary, Sheet, email_spoilers

HEADER = ("email", "points", "tier", "visited_at")
KINDS = (
    Dirt.stranger,
    Dirt.stranger,
    Dirt.stranger,
    Dirt.missing_email,
    Dirt.untidy_email,
    Dirt.not_a_number,
    Dirt.duplicate,
)
SPOILERS = {**email_spoilers("email"), Dirt.not_a_number: ("points", lambda _: "ten")}
TIERS = ("bronze", "bronze", "bronze", "silver", "silver", "gold", "")
DAYS = 5
EXPORTED_AT = time(22, 15)


def write_loyalty(folder: Path, customers: Sequence[Customer], *, seed: int, today: date) -> list[FileSummary]:
    """Five `loyalty_YYYYMMDD.csv`, comma-separated; `points` are those of that visit, not the balance.

    `visited_at` is ISO 8601 in UTC. A customer is at most once in a file, but for the duplicates.
    """
    return [_write_day(folder, customers, seed, today - timedelta(ago)) for ago in reversed(range(DAYS))]


def _write_day(folder: Path, customers: Sequence[Customer], seed: int, day: date) -> FileSummary:
    path = f"in/loyalty_{day:%Y%m%d}.csv"
    rng = random_for(seed, path)
    visits = []
    for customer in rng.sample(customers, max(1, len(customers) // 8)):
        visited_at = f"{day.isoformat()}T{rng.randrange(8, 21):02d}:{rng.randrange(60):02d}:00Z"
        visits.append((customer.email, str(rng.randrange(1, 120)), rng.choice(TIERS), visited_at))
    visits.sort(key=lambda visit: visit[3])
    sheet = Sheet(HEADER, spoilers=SPOILERS)
    sheet.add_rows(rng, visits, KINDS)
    return sheet.write(folder, path, day=day, at=EXPORTED_AT)
