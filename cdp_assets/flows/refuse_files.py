"""Refuses a file as a whole where more of its rows are rejected than its goal allows.

Its rejects stay for people: beside the attempt record, under the same name, and from the next fold on in
`ops.rejects` under the attempt's id.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from cdp_assets.config.refusal import OnError, SkipFileOver, is_too_many
from cdp_assets.counted import counted
from cdp_assets.errors import FileRefusedError
from cdp_assets.faults import step
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders, digest, make_private, sync_folder
from cdp_assets.flows.manifests import Attempt, Manifest, attempt_path, rejects_beside, write_attempt
from cdp_assets.sql.landing import rejected_rows_query
from cdp_assets.warehouse import Database, scratch

REASONS_TOLD = 5


def require_few_rejects(manifest: Manifest, content: Path, folders: DataFolders) -> None:
    """Lets a file pass, or records the attempt with its rejects and refuses the file.

    Args:
        manifest: of the batch that the file would become.
        content: the folder under way that holds `rejects.parquet`.
        folders: where the rejects are kept.

    Raises:
        FileRefusedError: the supplier must act. The message says where and why rows are rejected, without
            their text, which may be personal.
    """
    config = manifest.config
    if not is_too_many(config.goal.on_error, manifest.rows_rejected, manifest.rows_received):
        return
    rejects = content / "rejects.parquet"
    with scratch() as engine:
        reasons = _reasons(engine, rejects, manifest.rows_rejected)
    verb = "is" if manifest.rows_rejected == 1 else "are"
    of = f"{manifest.rows_rejected:,} of {counted(manifest.rows_received, 'row')}"
    told = f"{of} {verb} rejected, {_limit(config.goal.on_error)}"
    message = f"{shown(manifest.name)} is refused as a whole: {told}; {reasons}"
    attempt = _attempt(manifest, message)
    record = attempt_path(folders, attempt)
    sync_folder(content)
    make_private(record.parent)
    step("land: before rejects are kept")
    rejects.rename(rejects_beside(record))
    write_attempt(folders, attempt)
    raise FileRefusedError(message)


def _attempt(manifest: Manifest, error: str) -> Attempt:
    return Attempt(
        attempt_id=digest(manifest.batch_id, uuid.uuid4().hex),
        seen_id=manifest.seen_id,
        connection=manifest.config.connection,
        goal=manifest.config.goal.name,
        partition_key=manifest.partition_key,
        path=manifest.path,
        size_bytes=manifest.size_bytes,
        modified_at=manifest.modified_at,
        look_at=manifest.look_at,
        failed_at=manifest.landed_at,
        error=error,
    )


def _limit(limit: OnError) -> str:
    if isinstance(limit, SkipFileOver):
        return f"on_error allows {limit.skip_file_over}"
    return "on_error allows none"


def _reasons(engine: Database, rejects: Path, count: int) -> str:
    rows = engine.rows(rejected_rows_query(str(rejects), REASONS_TOLD))
    told = "; ".join(f"line {line}: {reason}" for line, reason in rows)
    return f"{told}; and {count - len(rows)} more" if count > len(rows) else told
