"""What is to be erased, written down before anything is: keyed hashes, and places without what stood there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

from pydantic import AwareDatetime

from cdp_assets.config.base import Strict
from cdp_assets.flows.erasure_keys import keyed_hash, make_key
from cdp_assets.flows.find_erased import Found
from cdp_assets.flows.folders import DataFolders, write_whole


class HiddenHash(Strict):
    """An identifier that is to stay out."""

    erasure_id: str
    domain_group: str | None
    property: str
    value_hash: str


class Intent(Strict):
    """An erasure that has begun; carried out again, it comes to the same."""

    asked_at: AwareDatetime
    hidden: tuple[HiddenHash, ...]
    profiles: tuple[str, ...]
    """Ids of profiles, also of those that were replaced; gone with this record."""
    rows: dict[str, tuple[int, ...]]
    """Name of a batch folder → rows, from 1."""
    lines: dict[str, tuple[tuple[str, int], ...]]
    """The same → file (empty = the root) and line of rejected texts."""
    attempts: dict[str, tuple[tuple[str, int], ...]]
    """Rejects of a refused file, below the landing folder → likewise."""
    originals: tuple[str, ...]
    """Names of batch folders that lose only what was kept of their files."""

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of all batch folders that change."""
        return tuple(sorted({*self.rows, *self.lines, *self.originals}))


def write_intent(folders: DataFolders, found: Found, profiles: list[str], asked_at: AwareDatetime) -> Path:
    """From here on the erasure will be carried out, whatever happens. Needs the writer's lock."""
    for leftover in folders.erasures.glob(".*"):
        leftover.unlink()
    key = make_key(folders)
    intent = Intent(
        asked_at=asked_at,
        hidden=tuple(
            HiddenHash(
                erasure_id=item.erasure_id,
                domain_group=item.domain_group,
                property=item.property,
                value_hash=keyed_hash(key, item.property, item.value),
            )
            for item in found.hidden
        ),
        profiles=tuple(sorted(profiles)),
        rows={name: tuple(sorted(rows)) for name, rows in sorted(found.rows.items())},
        lines={name: tuple(sorted(lines)) for name, lines in sorted(found.lines.items())},
        attempts={name: tuple(sorted(lines)) for name, lines in sorted(found.texts.attempts.items())},
        originals=tuple(sorted(found.texts.originals)),
    )
    path = folders.erasures / f"{uuid.uuid4().hex}.json"
    write_whole(path, intent.model_dump_json().encode())
    return path


def pending_intents(folders: DataFolders) -> Iterator[tuple[Path, Intent]]:
    """Erasures that were begun and not ended: at most one, unless a process died."""
    for path in sorted(folders.erasures.glob("*.json")):
        yield path, Intent.model_validate_json(path.read_bytes())
