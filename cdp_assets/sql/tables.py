"""Every table of the warehouse, with its comments: the public interface analysts query.

`main` is derived: it can be dropped and rebuilt from batches and ledger. `ops` holds facts that survive a
replay. All times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdp_assets.config.consent import CONSENTED, LEVEL, NO_ZONE, PERSONAL, REFUSED, ZONE
from cdp_assets.config.properties import Property
from cdp_assets.sql.consent_tables import CONSENT_CHANGES
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.erasure_tables import ERASURES
from cdp_assets.sql.export_tables import EXPORT_FILES, EXPORTED_ROWS, EXPORTS
from cdp_assets.sql.lifecycle_tables import (
    LIFECYCLE_CHANGES,
    LIFECYCLE_EVENTS,
    LIFECYCLE_MEMBERS,
    LIFECYCLE_PLACES,
)
from cdp_assets.sql.records import groups_name
from cdp_assets.sql.schema import BIGINT, FLAG, TEXT, TIME, UUID, Column, Table, columns_of
from cdp_assets.sql.text import Sql, literal

PROFILE_COLUMNS = columns_of(
    ("profile_id", UUID, "Identity of the person; survives replays and rebuilds."),
    ("domain_group", TEXT, "Profiles of different domain groups never match each other."),
    ("creation_date", TIME, "When the file that made the profile was first seen on the server."),
    ("last_modified_date", TIME, "When the file that last changed a property was first seen."),
    ("created_by_property", TEXT, "Identifier property of the row that made the profile."),
    ("created_by_value", TEXT, "Its value."),
    ("created_by_number", BIGINT, "1 for the first profile this value made, 2 for the second, and so on."),
    ("created_at_position", BIGINT, "Place in the order of the batch that made the profile."),
    ("created_at_row", BIGINT, "Row of that batch, from 1."),
    ("modified_at_position", BIGINT, "Place in the order of the batch that last changed a property."),
)
CONSENT_COLUMNS = (
    Column(
        LEVEL, TEXT, "What may be done with the profile's data: DO_NOT_TRACK, ANONYMOUS, PERSONAL.", literal(PERSONAL)
    ),
    Column(ZONE, TEXT, "Zone whose law applies; NONE = not told.", literal(NO_ZONE)),
    Column(CONSENTED, Sql("VARCHAR[]"), "Objectives consented to, sorted; none of them is refused too. NULL = none."),
    Column(REFUSED, Sql("VARCHAR[]"), "Objectives refused, sorted. NULL = none."),
)
PROFILE_COLUMNS += CONSENT_COLUMNS
GROUP_COLUMNS = columns_of(
    ("group_id", TEXT, "What the group is called: the value that made it; never changes."),
    ("domain_group", TEXT, "DEFAULT: groups are for the profiles of all domain groups."),
    ("creation_date", TIME, "When the file that made the group was first seen on the server."),
    ("last_modified_date", TIME, "When the file that last changed a property was first seen."),
    ("created_by_property", TEXT, "Property of the row that made the group; group_id = the id itself."),
    ("created_by_value", TEXT, "Its value."),
    ("created_by_number", BIGINT, "1 for the first group this value made, 2 for the second, and so on."),
    ("created_at_position", BIGINT, "Place in the order of the batch that made the group."),
    ("created_at_row", BIGINT, "Row of that batch, from 1."),
    ("modified_at_position", BIGINT, "Place in the order of the batch that last changed a property."),
)
GROUP_IDENTIFIERS = Table(
    "main",
    "group_identifiers",
    "Which values find which group; a value held by several groups of a type finds the one made first.",
    columns_of(
        ("group_type", TEXT, "Type of the group."),
        ("property", TEXT, "Property that finds it; group_id = its id."),
        ("value", TEXT, "Canonical value, as text."),
        ("group_id", TEXT, "The group that holds it."),
    ),
)
IDENTIFIERS = Table(
    "main",
    "identifiers",
    "Which values find which profile; a value held by several profiles finds the one made first.",
    columns_of(
        ("domain_group", TEXT, "Of the profile; NULL = DEFAULT."),
        ("property", TEXT, "Identifier property."),
        ("value", TEXT, "Canonical value, as text."),
        ("profile_id", UUID, "The profile that holds it."),
    ),
)
REPLACED_PROFILES = Table(
    "main",
    "replaced_profiles",
    "Profiles that became others, because rows found both; they hold nothing and are in no other table of main.",
    columns_of(
        ("profile_id", UUID, "What identified the person before."),
        ("replaced_by", UUID, "The profile that lives on."),
        ("domain_group", TEXT, "Of both."),
        ("created_by_property", TEXT, "Identifier property of the row that made it."),
        ("created_by_value", TEXT, "Its value."),
        ("created_by_number", BIGINT, "1 for the first profile this value made, 2 for the second, and so on."),
        ("created_at_position", BIGINT, "Place in the order of the batch that made it."),
        ("created_at_row", BIGINT, "Row of that batch, from 1."),
        ("replaced_at_position", BIGINT, "Place in the order of the batch whose row found both."),
        ("replaced_at_row", BIGINT, "Row of that batch, from 1."),
    ),
)
LATEST_WRITES = Table(
    "main",
    "latest_writes",
    "When a profile's property was written last; only of properties that merge by `latest`.",
    columns_of(
        ("profile_id", UUID, "Profile."),
        ("property", TEXT, "Property."),
        ("written_at_position", BIGINT, "Place in the order of the batch."),
        ("written_at_row", BIGINT, "Row of that batch, from 1."),
    ),
)
REPLACES_NAME = "replaces"
"""The view of `REPLACES`, which no shape of the model changes."""
REPLACES = [
    Sql(
        "CREATE VIEW IF NOT EXISTS main.replaces AS SELECT replaced_by AS profile_id,"
        " list(profile_id ORDER BY created_at_position, created_at_row) AS replaces"
        " FROM main.replaced_profiles GROUP BY replaced_by"
    ),
    Sql("COMMENT ON VIEW main.replaces IS 'Per profile that others became, which those were, the first made first.'"),
    Sql("COMMENT ON COLUMN main.replaces.profile_id IS 'The profile that lives on.'"),
    Sql("COMMENT ON COLUMN main.replaces.replaces IS 'Ids of those that became it.'"),
]
"""`replaced_profiles`, seen from those who live."""
GOAL_ROWS = Table(
    "main",
    "goal_rows",
    "What each full file last said about an identifier, so that equal rows are not applied again.",
    columns_of(
        ("goal_id", TEXT, "connection/goal."),
        ("key", TEXT, "Identifier cell as written."),
        ("row_digest", Sql("UBIGINT"), "Digest of the typed values of the row's mapped cells."),
        (
            "occurrences",
            BIGINT,
            "How many rows of the file had this key and digest; -n = it is that of all n rows of the key, in order.",
        ),
        ("mappings", TEXT, "Which columns, properties and rules the digest covers."),
        ("batch_id", TEXT, "The batch they came from."),
    ),
)
IMPORTED_PROFILES = Table(
    "main",
    "imported_profiles",
    "Which profiles each connection has created, modified or confirmed.",
    columns_of(("connection", TEXT, "Connection."), ("profile_id", UUID, "Profile.")),
)
CONSENTS = Table(
    "main",
    "consents",
    "What profiles of drop folders have said of being contacted; who has no row for a channel has never subscribed.",
    columns_of(
        ("profile_id", UUID, "Profile."),
        ("channel", TEXT, "email_marketing, sms_marketing or sms_transactional."),
        ("status", TEXT, "SUBSCRIBED or UNSUBSCRIBED."),
        ("timestamp", TIME, "When it was said; where the file does not tell, when the file was first seen."),
        ("method", TEXT, "How it came: SFTP."),
        ("source_file", TEXT, "Name of the file that said it."),
    ),
)
LIST_MEMBERSHIPS = Table(
    "main",
    "list_memberships",
    "Who is in which list of a drop folder.",
    columns_of(
        ("profile_id", UUID, "Profile."),
        ("list_id", TEXT, "Id of the list."),
        ("list_name", TEXT, "Its name when the profile joined."),
        ("added_at", TIME, "When the file that brought the profile was first seen."),
    ),
)
PRODUCTS = Table(
    "main",
    "products",
    "What the current events tell about the products of each store.",
    columns_of(
        ("store", TEXT, "Product store, as goals name it."),
        ("product_id", TEXT, "Id of the product in the store."),
        ("name", TEXT, "Last name an event gave it."),
        ("category", TEXT, "Last category an event gave it."),
        ("brand", TEXT, "Last brand an event gave it."),
        ("url", TEXT, "Last address of its page an event gave it."),
        ("image", TEXT, "Last address of its picture an event gave it."),
        ("price", Sql("DECIMAL(18, 4)"), "Last price an event gave it: its net price, else its list price."),
        ("ordered", BIGINT, "Sum of its quantities in the current events; an item without one counts 1."),
        ("first_date", TIME, "Date of the earliest event with it."),
        ("last_date", TIME, "Date of the latest event with it."),
    ),
)
SEGMENT_MEMBERS = Table(
    "main",
    "segment_members",
    "Who is in which segment now.",
    columns_of(
        ("segment", TEXT, "Segment."),
        ("profile_id", UUID, "Member."),
        ("entered_at", TIME, "Run in which the profile was first found in the segment."),
    ),
)
BATCHES = Table(
    "ops",
    "batches",
    "Every batch ever landed: where it came from, its place in the order and what its rows did.",
    columns_of(
        ("batch_id", TEXT, "Digest of version, config and replaced batch."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Import goal."),
        ("partition_key", TEXT, "Wildcard value of the file name; empty for a goal without partitions."),
        ("name", TEXT, "File name on the server."),
        ("path", TEXT, "Full path on the server."),
        ("version_id", TEXT, "Digest of goal, path, size, modification time and content."),
        ("sha256", TEXT, "Content of the file as received."),
        ("size_bytes", BIGINT, "Size of the file as received."),
        ("modified_at", TIME, "Modification time on the server."),
        ("look_at", TIME, "First seen on the server."),
        ("effective_at", TIME, "Time in the order: the date in the partition key, else the look."),
        ("landed_at", TIME, "When the batch was written."),
        ("folder", TEXT, "Folder of the batch below the landing folder."),
        ("records", TEXT, "What its rows make: profiles or groups."),
        ("dropped_events", FLAG, "Whether it is a file of events of drop folders, whose rows count as events."),
        ("is_full", FLAG, "Whether the file holds everything, and was compared with the goal's earlier ones."),
        ("state", TEXT, "waiting, folded, superseded, duplicate, replaced or withdrawn."),
        ("note", TEXT, "Why the batch is not in the warehouse, or a warning; empty = nothing to say."),
        ("position", BIGINT, "Place in the order of folded batches; NULL = not folded."),
        ("folded_at", TIME, "When its rows were first folded; NULL = never."),
        ("rows_received", BIGINT, "Rows in the file."),
        ("rows_created", BIGINT, "Rows that made a profile, at the first fold."),
        ("rows_modified", BIGINT, "Rows whose profile differed after the first fold."),
        ("rows_unchanged", BIGINT, "Rows whose profile did not, or equal to the goal's earlier files."),
        ("rows_not_found", BIGINT, "Rows that found no profile and may not make one."),
        ("rows_no_identifier", BIGINT, "Rows without a value in the identifier column."),
        ("rows_consent_mismatch", BIGINT, "Rows refused for lack of consent; each is in `consent_mismatches`."),
        ("rows_filtered", BIGINT, "Rows dropped by a processor."),
        ("rows_rejected", BIGINT, "Rows refused, as the file landed or at the first fold; each is in `rejects`."),
        ("rows_erased", BIGINT, "Rows of people who had been erased before the first fold; NULL = none."),
        ("cells_rejected", BIGINT, "Cells not valid for their type; each is in `rejects`."),
        ("events_received", BIGINT, "Rows that bring an event."),
        ("events_created", BIGINT, "Events whose key was new, at the first fold."),
        ("events_set", BIGINT, "Events that were written anew, as their key was there."),
        ("events_rejected", BIGINT, "Events refused; each is in `rejects`."),
        ("events_dropped", BIGINT, "Rows that bring an event and found no profile."),
        ("warnings", TEXT, "What was doubtful as it was landed, without what stands in cells; NULL = nothing."),
        ("linked_rows", BIGINT, "Rows of linked files."),
        (
            "orphan_rows",
            BIGINT,
            "Rows of linked files that belong to no row of their parent; static files aside.",
        ),
        ("linked_rows_rejected", BIGINT, "Rows of linked files that cannot be read; each is in `rejects`."),
        ("replayed_created", BIGINT, "Rows that made a profile, at the latest replay; NULL = never replayed."),
        ("replayed_modified", BIGINT, "Likewise, rows whose profile differed."),
        ("replayed_unchanged", BIGINT, "Likewise, rows whose profile did not."),
        ("replayed_not_found", BIGINT, "Likewise, rows that found no profile."),
        ("replayed_consent_mismatch", BIGINT, "Likewise, rows refused for lack of consent."),
        ("replayed_erased", BIGINT, "Likewise, rows of people who are erased."),
        ("replayed_rejected", BIGINT, "Likewise, rows refused, as the file landed or in the fold."),
        ("replayed_events_created", BIGINT, "Likewise, events whose key was new."),
        ("replayed_events_set", BIGINT, "Likewise, events that were written anew."),
        ("replayed_events_dropped", BIGINT, "Likewise, rows that bring an event and found no profile."),
    ),
)
ATTEMPTS = Table(
    "ops",
    "attempts",
    "Landings that failed.",
    columns_of(
        ("attempt_id", TEXT, "Digest of file and time."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Import goal."),
        ("partition_key", TEXT, "Partition."),
        ("path", TEXT, "Full path on the server."),
        ("size_bytes", BIGINT, "Size."),
        ("modified_at", TIME, "Modification time on the server."),
        ("failed_at", TIME, "When the landing failed."),
        ("error", TEXT, "What was wrong and what would be right."),
    ),
)
REJECTS = Table(
    "ops",
    "rejects",
    "Rows and cells that were refused, each with its place, text and reason.",
    columns_of(
        ("batch_id", TEXT, "Batch; of a file that was refused as a whole, its attempt in `attempts`."),
        ("connection", TEXT, "Connection."),
        ("goal", TEXT, "Import goal."),
        ("partition_key", TEXT, "Partition."),
        ("file", TEXT, "File name, of the root or a linked file."),
        (
            "level",
            TEXT,
            "row: not applied; cell or event: its row was, without it; linked row: unreadable, of a linked file.",
        ),
        ("row_no", BIGINT, "Row of the batch, from 1; NULL = the row could not be read at all."),
        ("line_no", BIGINT, "Line of the file as received, from 1."),
        (
            "column_name",
            TEXT,
            "Column, of a linked file with its alias before it; NULL = the row as a whole.",
        ),
        ("raw_text", TEXT, "The cell or row as written."),
        ("reason", TEXT, "Why it was refused."),
    ),
)
IDENTITY_CONFLICTS = Table(
    "ops",
    "identity_conflicts",
    "Identifiers a row could not give its profile, because another profile holds them; once per profile and file.",
    columns_of(
        ("batch_id", TEXT, "Batch."),
        ("row_no", BIGINT, "First such row of the batch, from 1."),
        ("property", TEXT, "Identifier property."),
        ("value", TEXT, "Its value, as text."),
        ("profile_id", UUID, "The profile the row went to."),
        ("other_profile_id", UUID, "The profile that holds the value, or another that the row found."),
        ("reason", TEXT, "another profile holds it, or more than so many profiles found; NULL = the former."),
    ),
)
CONSENT_MISMATCHES = Table(
    "ops",
    "consent_mismatches",
    "Rows that were not applied, as no objective of their connection is allowed for their profile.",
    columns_of(
        ("batch_id", TEXT, "Batch."),
        ("row_no", BIGINT, "Row of the batch, from 1."),
        ("profile_id", UUID, "The profile the row found; NULL = it would have made one."),
        ("privacy_legislation", TEXT, "Zone the profile would have been in after the row."),
    ),
)
ROWS_LEFT_OUT = Table(
    "ops",
    "rows_left_out",
    "Rows that changed nobody, because nobody who is known is meant by them; `rejects --left-out` writes them.",
    columns_of(
        ("batch_id", TEXT, "Batch."),
        ("row_no", BIGINT, "Row of the batch, from 1."),
        ("line_no", BIGINT, "Line of the file as received, from 1."),
        ("reason", TEXT, "about nobody who is known, or without an identifier."),
    ),
)
PROFILE_IDS = Table(
    "ops",
    "profile_ids",
    "Published profile ids that differ from the one their creating row gives, because a late file changed it.",
    columns_of(
        ("domain_group", TEXT, "Of the profile; NULL = DEFAULT."),
        ("created_by_property", TEXT, "Identifier property of the row that makes the profile now."),
        ("created_by_value", TEXT, "Its value."),
        ("created_by_number", BIGINT, "Which profile of that value."),
        ("profile_id", UUID, "The id published first, kept for ever."),
    ),
)
SEGMENT_CHANGES = Table(
    "ops",
    "segment_changes",
    "How each segment changed, run by run.",
    columns_of(
        ("segment", TEXT, "Segment."),
        ("computed_at", TIME, "Run."),
        ("size", BIGINT, "Members after it."),
        ("joined", BIGINT, "Members that were none before."),
        ("left", BIGINT, "Members of the run before that are none now; who was erased is one of them."),
        ("definition", TEXT, "Digest of the condition as it was written then."),
    ),
)
ACKNOWLEDGEMENTS = Table(
    "ops",
    "acknowledgements",
    "Source files renamed after their rows were folded, or found gone.",
    columns_of(
        ("batch_id", TEXT, "Batch."),
        ("path", TEXT, "Where the file stood."),
        ("renamed_to", TEXT, "Where it stands now; NULL = it was gone or replaced by a newer version."),
        ("acknowledged_at", TIME, "When."),
    ),
)
RETURNED_REJECTS = Table(
    "ops",
    "returned_rejects",
    "Files of rejected rows that went back to their sender.",
    columns_of(
        ("batch_id", TEXT, "Batch whose rows they are."),
        (
            "path",
            TEXT,
            "Full path on the server; NULL = none went back: the goal did not say so, or none are of the root file.",
        ),
        ("rows", BIGINT, "Rows in the file: rejected ones, and those of rejected events."),
        ("returned_at", TIME, "When."),
    ),
)
NOTIFICATIONS = Table(
    "ops",
    "notifications",
    "Messages about connections, each once; entered at the next fold.",
    columns_of(
        ("notification_id", TEXT, "Digest of connection, notification and event."),
        ("time", TIME, "When it was told."),
        ("connection", TEXT, "Connection."),
        ("trigger", TEXT, "success, failure, rejects, missing or unchanged."),
        ("text", TEXT, "What was told."),
        ("sent", BIGINT, "How many places took the message; 0 where there are none but this table."),
        ("error", TEXT, "Why others did not; empty = nothing went wrong."),
    ),
)
DERIVED = (
    IDENTIFIERS,
    REPLACED_PROFILES,
    LATEST_WRITES,
    GROUP_IDENTIFIERS,
    GOAL_ROWS,
    IMPORTED_PROFILES,
    PRODUCTS,
    CONSENTS,
    LIST_MEMBERSHIPS,
    CONSENT_CHANGES,
)
"""Tables of `main` that a replay rebuilds, besides those of profiles, groups and events."""
FOUND = (IDENTITY_CONFLICTS, CONSENT_MISMATCHES, ROWS_LEFT_OUT)
"""Tables of `ops` that tell of the batches in the warehouse only: a replay finds their rows anew."""
MEMBERSHIPS = (SEGMENT_MEMBERS, LIFECYCLE_MEMBERS)
FACTS = (
    BATCHES,
    ATTEMPTS,
    REJECTS,
    IDENTITY_CONFLICTS,
    CONSENT_MISMATCHES,
    ROWS_LEFT_OUT,
    PROFILE_IDS,
    SEGMENT_CHANGES,
    LIFECYCLE_CHANGES,
    LIFECYCLE_EVENTS,
    LIFECYCLE_PLACES,
    EXPORTS,
    EXPORT_FILES,
    EXPORTED_ROWS,
    ACKNOWLEDGEMENTS,
    RETURNED_REJECTS,
    NOTIFICATIONS,
    ERASURES,
)


def profiles_table(properties: Iterable[Property]) -> Table:
    """`profiles`: our own columns, then one per property."""
    return Table("main", "profiles", "One row per person.", PROFILE_COLUMNS + _property_columns(properties))


def groups_table(group_type: str, properties: Iterable[Property]) -> Table:
    """`groups_<type>`: our own columns, then one per property."""
    columns = GROUP_COLUMNS + _property_columns(properties)
    return Table("main", groups_name(group_type), f"One row per group of type {group_type}.", columns)


def _property_columns(properties: Iterable[Property]) -> tuple[Column, ...]:
    return tuple(
        Column(prop.name, column_type(prop), prop.description or f"Property {prop.name} ({prop.type_signature}).")
        for prop in sorted(properties, key=lambda prop: prop.name)
    )
