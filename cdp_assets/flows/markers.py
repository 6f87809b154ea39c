"""Marks: one small file for every source file that was dealt with after its import.

A mark stands under the file's seen id. While it stands, a file that comes back under that id (same name,
size and second) is looked into again, and the batch's acknowledgement is not tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import AwareDatetime

from cdp_assets.config.base import Strict
from cdp_assets.flows.folders import DataFolders, write_whole
from cdp_assets.flows.manifests import SHORT, Manifest


class Mark(Strict):
    """What became of a source file."""

    batch_id: str
    look_at: AwareDatetime
    """The look of that batch: what a later look finds under the same seen id has come back since."""
    renamed_to: str
    """Bytes that are no text are spelled out; empty = it was gone, or a newer version stood in its place."""
    linked: tuple[tuple[str, str | None], ...] = ()
    """Paths of linked files and their new names; None as empty above."""


def marked_ids(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Short seen ids of all marked files of a goal: one listing, no file is opened."""
    folder = _folder(folders, connection, goal)
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def mark(
    folders: DataFolders, manifest: Manifest, renamed_to: str, linked: Sequence[tuple[str, str | None]] = ()
) -> None:
    """Marks the files of a batch; an older mark under the same seen id gives way."""
    content = Mark(batch_id=manifest.batch_id, look_at=manifest.look_at, renamed_to=renamed_to, linked=tuple(linked))
    write_whole(_path(folders, manifest), content.model_dump_json().encode())


def unmark(folders: DataFolders, manifest: Manifest) -> None:
    """The file stands on the server again under its first name, so it is to be renamed again."""
    _path(folders, manifest).unlink(missing_ok=True)


def read_mark(folders: DataFolders, connection: str, goal: str, seen_id: str) -> Mark | None:
    """The mark under a seen id, short or long; None where there is none."""
    try:
        content = (_folder(folders, connection, goal) / seen_id[:SHORT]).read_bytes()
    except FileNotFoundError:
        return None
    return Mark.model_validate_json(content)


def _folder(folders: DataFolders, connection: str, goal: str) -> Path:
    return folders.goal(connection, goal) / "acknowledged"


def _path(folders: DataFolders, manifest: Manifest) -> Path:
    return _folder(folders, manifest.config.connection, manifest.config.goal.name) / manifest.seen_id[:SHORT]
