"""The table of the history of consent. Part of `tables.py`."""

from __future__ import annotations

from cdp_assets.sql.schema import BIGINT, TEXT, TIME, UUID, Table, columns_of
from cdp_assets.sql.text import Sql

MERGED = "profiles merged"
_LIST = Sql("VARCHAR[]")

CONSENT_CHANGES = Table(
    "main",
    "consent_changes",
    "Every row of a file that changed permission level, zone, consented or refused objectives of a profile.",
    columns_of(
        ("profile_id", UUID, "Whose it is now."),
        ("former_id", UUID, "The profile it was then, where that became this one since; NULL = it was this one."),
        ("changed_at", TIME, "When the file was first seen on the server."),
        ("from_level", TEXT, "Permission level before."),
        ("to_level", TEXT, "Permission level after."),
        ("from_legislation", TEXT, "Zone before; NONE = not told."),
        ("to_legislation", TEXT, "Zone after."),
        ("from_consented", _LIST, "Objectives consented to before, sorted."),
        ("to_consented", _LIST, "Objectives consented to after."),
        ("from_refused", _LIST, "Objectives refused before, sorted."),
        ("to_refused", _LIST, "Objectives refused after."),
        ("connection", TEXT, "Connection the file came by."),
        ("goal", TEXT, "Its import goal."),
        ("file", TEXT, "The file."),
        ("line", BIGINT, "Line of the file as received, from 1."),
        ("message", TEXT, "The columns that said it, with their rules; or that profiles merged."),
        ("changed_at_position", BIGINT, "Place in the order of the file's batch."),
        ("changed_at_row", BIGINT, "Row of that batch, from 1."),
    ),
)
