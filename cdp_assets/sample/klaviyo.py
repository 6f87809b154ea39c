"""Drop folders as Klaviyo's SFTP import reads them: profiles and events, told apart by their headers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, time, timedelta
from pathlib import Path
from random import Random

from cdp_assets.sample.names import STREETS
from cdp_assets.sample.orders import Product
from cdp_assets.sample.people import Customer, random_for
from cdp_assets.sample.writing import Dirt, FileSummary, Sheet, amount_text, email_spoilers

PROFILES_HEADER = (
    "Email", "PhoneNumber", "ExternalID", "First Name", "Last Name", "Location.Address1", "Location.City",
    "Location.Zip", "List ID", "Email Marketing Consent", "Email Marketing Consent Timestamp", "Interests",
)  # fmt: skip
EVENTS_HEADER = (
    "Metric name", "Time", "Profile.Email", "Value", "Unique ID", "Profile.Location.Zip", "Item",
)  # fmt: skip
PROFILE_SPOILERS = {
    **email_spoilers("Email"),
    Dirt.unknown_consent: ("Email Marketing Consent", lambda _: "MAYBE"),
    Dirt.broken_list: ("Interests", lambda _: '["tea", "books'),
}
PROFILE_KINDS = (
    Dirt.invalid_email,
    Dirt.untidy_email,
    Dirt.unknown_consent,
    Dirt.broken_list,
    Dirt.duplicate,
)
EVENT_SPOILERS = {
    **email_spoilers("Profile.Email"),
    Dirt.missing_time: ("Time", lambda _: ""),
    Dirt.amount_with_currency: ("Value", lambda value: f"{value or '12'} EUR"),
}
EVENT_KINDS = (
    Dirt.missing_email,
    Dirt.stranger,
    Dirt.missing_time,
    Dirt.amount_with_currency,
    Dirt.duplicate,
)
LISTS = ("SmpLs1", "SmpLs2", "", "")
"""List ids the sample uses; empty = the row joins no list."""
CONSENTS = ("SUBSCRIBE", "SUBSCRIBE", "UNSUBSCRIBED", "NEVER SUBSCRIBED", "")
METRICS = ("Viewed Product", "Viewed Product", "Started Checkout", "Placed Order")
UPLOADED_AT = time(6, 0)


def write_klaviyo(
    folder: Path, customers: Sequence[Customer], products: Sequence[Product], *, seed: int, today: date
) -> list[FileSummary]:
    """One file into `klaviyo/profiles/` and one into `klaviyo/events/`, with a time in their names."""
    stamp = f"{today:%Y%m%d}_{UPLOADED_AT:%H%M%S}"
    rng = random_for(seed, "klaviyo profiles")
    some = rng.sample(customers, max(1, len(customers) // 4))
    profiles = Sheet(PROFILES_HEADER, spoilers=PROFILE_SPOILERS)
    profiles.add_rows(rng, [_profile_cells(rng, one, today) for one in some], PROFILE_KINDS)
    rng = random_for(seed, "klaviyo events")
    events = Sheet(EVENTS_HEADER, spoilers=EVENT_SPOILERS)
    rows = [
        _event_cells(rng, number, rng.choice(some), rng.choice(products), today)
        for number in range(1, len(some) * 2 + 1)
    ]
    events.add_rows(rng, rows, EVENT_KINDS)
    return [
        profiles.write(folder, f"klaviyo/profiles/profiles_{stamp}.csv", day=today, at=UPLOADED_AT),
        events.write(folder, f"klaviyo/events/events_{stamp}.csv", day=today, at=UPLOADED_AT),
    ]


def _profile_cells(rng: Random, customer: Customer, today: date) -> tuple[str, ...]:
    consent = rng.choice(CONSENTS)
    consented_on = today - timedelta(days=rng.randrange(1, 700))
    return (
        customer.email,
        customer.phone,
        f"C{customer.number:06d}",
        customer.first_name,
        customer.last_name,
        f"{rng.randrange(1, 99)} {rng.choice(STREETS)}",
        customer.city.name,
        customer.city.zip,
        rng.choice(LISTS),
        consent,
        f"{consented_on.isoformat()}T09:00:00Z" if consent else "",
        json.dumps(customer.interests, ensure_ascii=False) if customer.interests else "",
    )


def _event_cells(rng: Random, number: int, customer: Customer, product: Product, today: date) -> tuple[str, ...]:
    metric = rng.choice(METRICS)
    day = today - timedelta(days=rng.randrange(1, 30))
    return (
        metric,
        f"{day.isoformat()}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z",
        customer.email,
        "" if metric == "Viewed Product" else amount_text(product.price_cents, decimal="."),
        f"ev-{number:06d}" if rng.random() < 0.8 else "",
        customer.city.zip,
        product.name,
    )
