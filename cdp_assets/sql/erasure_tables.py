"""The table of who is erased: keyed hashes only."""

from __future__ import annotations

from cdp_assets.sql.schema import TEXT, TIME, Table, columns_of

ERASURES = Table(
    "ops",
    "erasures",
    "Identifiers of people who are erased, as keyed hashes: rows that name one are left out until it is lifted.",
    columns_of(
        ("erasure_id", TEXT, "One person; drawn by chance."),
        ("erased_at", TIME, "When it was asked for."),
        ("domain_group", TEXT, "Where the value is that person's; NULL = in all."),
        ("property", TEXT, "Identifier property."),
        (
            "value_hash",
            TEXT,
            "HMAC-SHA256 of property and canonical value, under a key that is kept in the data folder only.",
        ),
    ),
)
