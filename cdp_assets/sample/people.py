"""The customers themselves, before anything is written down about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from cdp_assets.sample.names import CITIES, DOMAINS, FIRST_NAMES, INTERESTS, LAST_NAMES, City, plain_letters


@dataclass(frozen=True)
class Customer:
    """One invented person. Empty text means the shop does not know."""

    number: int
    first_name: str
    last_name: str
    email: str
    """Unique, lower case."""
    phone: str
    city: City
    birthday: date | None
    interests: tuple[str, ...]
    spend_cents: int | None
    """Spent so far, in cents; None = never bought."""
    newsletter: str
    """`yes`, `no` or empty."""
    household: str


def random_for(seed: int, purpose: str) -> Random:
    """A stream of chance of its own for each file, so that a change to one leaves the others' bytes alone."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - repeatable on purpose, nothing secret hangs on it


def invent_customers(rng: Random, *, first: int, count: int, today: date) -> Iterator[Customer]:
    """Customers numbered from `first`; about one in ten has spent 500.00 or more."""
    for number in range(first, first + count):
        yield _invent_customer(rng, number, today)


def spend_cents(rng: Random) -> int | None:
    """What one customer has spent so far: nothing, something, or (one in ten) from 500.00 upwards."""
    kind = rng.random()
    if kind < 0.2:
        return None
    return rng.randrange(490, 45_000) if kind < 0.9 else rng.randrange(50_000, 300_000)


def phone_text(rng: Random, city: City) -> str:
    """A number from the city's range for fiction, written with or without spaces."""
    number = city.phone.format(str(rng.randint(city.phone_from, city.phone_to)).zfill(city.digits))
    return number if rng.random() < 0.6 else number.replace(" ", "")


def household_id(rng: Random, *, households: int) -> str:
    """The id of one of the households; one in fifty is of a household that no file describes."""
    number = rng.randrange(1, households + 1)
    return f"H{number:05d}" if rng.random() < 0.98 else f"H9{number:04d}"


def household_count(customers: int) -> int:
    """How many households so many customers live in."""
    return max(1, customers // 3)


def _invent_customer(rng: Random, number: int, today: date) -> Customer:
    first_name, last_name = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    city = rng.choice(CITIES)
    age_days = rng.randrange(18 * 365, 85 * 365)
    return Customer(
        number=number,
        first_name=first_name if rng.random() < 0.97 else "",
        last_name=last_name,
        email=f"{plain_letters(first_name)}.{plain_letters(last_name)}{number}@{rng.choice(DOMAINS)}",
        phone=phone_text(rng, city) if rng.random() < 0.7 else "",
        city=city,
        birthday=today - timedelta(days=age_days) if rng.random() < 0.6 else None,
        interests=tuple(rng.sample(INTERESTS, rng.randrange(4))),
        spend_cents=spend_cents(rng),
        newsletter=rng.choice(("yes", "yes", "no", "")),
        household=household_id(rng, households=household_count(number)) if rng.random() < 0.5 else "",
    )
