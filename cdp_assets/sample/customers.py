"""The customer files: everybody once, then what changed on three days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from random import Random

from cdp_assets.sample.names import CITIES
from cdp_assets.sample.people import (
    Customer,
    household_count,
    household_id,
    invent_customers,
    phone_text,
    random_for,
)
from cdp_assets.sample.writing import Dirt, FileSummary, Sheet, amount_text, email_spoilers

HEADER = (
    "E-Mail", "First name", "Last name", "Phone", "City", "Country", "Birthday", "Tags", "Spend",
    "Newsletter", "Household",
)  # fmt: skip
KINDS = (
    Dirt.too_many_columns,
    Dirt.text_after_quote,
    Dirt.missing_email,
    Dirt.invalid_email,
    Dirt.untidy_email,
    Dirt.amount_with_currency,
    Dirt.impossible_date,
    Dirt.duplicate,
    Dirt.quoted_separator,
    Dirt.quoted_newline,
)
SPOILERS = {
    **email_spoilers("E-Mail"),
    Dirt.amount_with_currency: ("Spend", lambda amount: f"{amount or '12'} EUR"),
    Dirt.impossible_date: ("Birthday", lambda _: "1990-02-30"),
    Dirt.quoted_separator: ("Last name", lambda name: f"{name}; Jr."),
    Dirt.quoted_newline: ("City", lambda city: f"{city}\nNorth"),
}
BASE_DAYS_AGO = 4
DELTA_DAYS_AGO = (2, 1, 0)
EXPORTED_AT = time(5, 30)


def write_customers(folder: Path, customers: Sequence[Customer], *, seed: int, today: date) -> list[FileSummary]:
    """Four `customers_YYYYMMDD.csv`: all customers four days ago, then the changes of the last three days.

    In a change, `Spend` is what was spent on top, and an empty cell means "as before".
    """
    written = [_write(folder, [_cells(one) for one in customers], seed, today - timedelta(BASE_DAYS_AGO))]
    known = len(customers)
    for days_ago in DELTA_DAYS_AGO:
        day = today - timedelta(days_ago)
        rng = random_for(seed, f"changes {day:%Y%m%d}")
        new = list(invent_customers(rng, first=known + 1, count=max(1, len(customers) // 50), today=day))
        known += len(new)
        changed = rng.sample(customers, max(1, len(customers) // 20))
        rows = [_changed_cells(rng, one) for one in changed] + [_cells(one) for one in new]
        rng.shuffle(rows)
        written.append(_write(folder, rows, seed, day))
    return written


def write_households(folder: Path, customers: int, *, seed: int, today: date) -> FileSummary:
    """`households.csv`: one row per household, comma-separated; some households have no member."""
    rng = random_for(seed, "households")
    sheet = Sheet(("household_id", "name", "city", "country", "since"))
    for number in range(1, household_count(customers) + 1):
        city = rng.choice(CITIES)
        since = date(today.year - rng.randrange(1, 12), rng.randrange(1, 13), rng.randrange(1, 29))
        sheet.add((f"H{number:05d}", f"Household {number}", city.name, city.country, since.isoformat()))
    return sheet.write(folder, "in/households.csv", day=today, at=EXPORTED_AT)


def _write(folder: Path, rows: list[tuple[str, ...]], seed: int, day: date) -> FileSummary:
    path = f"in/customers_{day:%Y%m%d}.csv"
    sheet = Sheet(HEADER, separator=";", spoilers=SPOILERS)
    sheet.add_rows(random_for(seed, path), rows, KINDS)
    return sheet.write(folder, path, day=day, at=EXPORTED_AT)


def _cells(customer: Customer) -> tuple[str, ...]:
    return (
        customer.email,
        customer.first_name,
        customer.last_name,
        customer.phone,
        customer.city.name,
        customer.city.country,
        "" if customer.birthday is None else customer.birthday.isoformat(),
        "|".join(customer.interests),
        amount_text(customer.spend_cents, decimal=","),
        customer.newsletter,
        customer.household,
    )


def _changed_cells(rng: Random, customer: Customer) -> tuple[str, ...]:
    """Somebody moved (and has a new telephone), or bought something, or joined a household."""
    more = replace(customer, first_name="", birthday=None, interests=(), newsletter="", household="")
    match rng.randrange(3):
        case 0:
            city = rng.choice(CITIES)
            more = replace(more, city=city, phone=phone_text(rng, city), spend_cents=None)
        case 1:
            more = replace(more, spend_cents=rng.randrange(490, 15_000), interests=customer.interests[:1])
        case _:
            house = household_id(rng, households=household_count(customer.number))
            more = replace(more, household=house, spend_cents=None)
    return _cells(more)
