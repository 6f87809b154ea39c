"""The ledger of deliveries: what is about to be delivered, and what was.

Reads and writes  ops.exports, ops.export_files
"""

from __future__ import annotations

from cdp_assets.sql.text import Sql

STAGED = Sql(
    "SELECT export_id, path, rows, no_identifier, unchanged, coalesce(excluded_segment, 0), coalesce(filtered, 0),"
    " coalesce(not_in_stage, 0), coalesce(skipped_threshold, 0), coalesce(consent, 0)"
    " FROM ops.exports WHERE connection = ? AND goal = ? AND state = 'staged' ORDER BY started_at"
)
FILES = Sql(
    "SELECT number, stream, action, part, rows, size_bytes, sha256, content_id, path"
    " FROM ops.export_files WHERE export_id = ? ORDER BY number"
)
LATEST = Sql(
    "SELECT path, content_id, size_bytes FROM ops.export_files WHERE export_id = (SELECT coalesce(max_by(export_id,"
    " delivered_at), '') FROM ops.exports WHERE connection = ? AND goal = ? AND state = 'delivered' AND uploaded)"
)
"""Files of the last delivery that was sent."""
EARLIER = Sql("SELECT count(*) FROM ops.exports WHERE connection = ? AND goal = ?")
DELIVERED = Sql("UPDATE ops.exports SET state = 'delivered', delivered_at = ?, uploaded = ? WHERE export_id = ?")
REFUSED = Sql("UPDATE ops.exports SET state = 'refused' WHERE export_id = ?")

LEFT_LAST = Sql(
    'SELECT coalesce((SELECT "left" FROM ops.segment_changes WHERE segment = ? ORDER BY computed_at DESC LIMIT 1), 0)'
)
"""How many left a segment when it was computed last."""
