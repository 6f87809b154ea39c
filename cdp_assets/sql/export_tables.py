"""Tables of exports: what was delivered, in which files, and what each consumer now has. Part of `tables.py`."""

from __future__ import annotations

from cdp_assets.sql.schema import BIGINT, FLAG, TEXT, TIME, UUID, Table, columns_of
from cdp_assets.sql.text import Sql

EXPORTS = Table(
    "ops",
    "exports",
    "Files delivered, or about to be.",
    columns_of(
        ("export_id", TEXT, "Identity of the delivery."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Export goal."),
        ("path", TEXT, "Full path on the server, of the first file."),
        ("state", TEXT, "staged: to be delivered first by the next run; delivered; refused: a name was taken."),
        ("sha256", TEXT, "Content of the file; of several, of all in order."),
        ("uploaded", FLAG, "false = the same content already stood there, so nothing was sent."),
        ("rows", BIGINT, "Rows in the files of profiles, headers not counted."),
        ("started_at", TIME, "Start of the run."),
        ("delivered_at", TIME, "When the file stood complete under its name; NULL = not yet."),
        ("no_identifier", BIGINT, "Members left out for lack of a value in an identifier column."),
        ("unchanged", BIGINT, "Members left out because nothing changed since their last delivery."),
        ("excluded_segment", BIGINT, "Members left out because they are in a segment that is excluded."),
        ("not_in_stage", BIGINT, "Members left out because they are in none of the stages the goal is placed in."),
        ("skipped_threshold", BIGINT, "Members left out because they are at the threshold of their stage."),
        ("filtered", BIGINT, "Members left out by a processor."),
        ("consent", BIGINT, "Members left out as no objective of the connection is allowed for them."),
        ("files", BIGINT, "Files, with manifest and ready file."),
    ),
)
EXPORT_FILES = Table(
    "ops",
    "export_files",
    "Every file of every delivery, in the order they are sent.",
    columns_of(
        ("export_id", TEXT, "The delivery."),
        ("number", BIGINT, "Place in the order of sending, from 1."),
        (
            "stream",
            TEXT,
            "What it holds: profiles; events/<type>; items/<type>_<nested field>; manifest; ready (empty, the last).",
        ),
        ("action", TEXT, "added, changed or removed, where each has a file of its own; else empty."),
        ("part", BIGINT, "Part of a split delivery, from 1; NULL = not split."),
        ("path", TEXT, "Full path on the server."),
        ("rows", BIGINT, "Rows in it, header not counted."),
        ("size_bytes", BIGINT, "Size."),
        ("sha256", TEXT, "Content as sent."),
        ("content_id", TEXT, "Equal for files of the same text made for the same readers, however often encrypted."),
    ),
)
EXPORTED_ROWS = Table(
    "ops",
    "exported_rows",
    "What each export goal last delivered of a profile; advances only when the file has arrived.",
    columns_of(
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Export goal."),
        ("profile_id", UUID, "Profile."),
        (
            "row_digest",
            Sql("UBIGINT"),
            "Digest of the profile's properties as delivered; for differences, of the row as written; for all, NULL.",
        ),
        ("export_id", TEXT, "The delivery."),
    ),
)
