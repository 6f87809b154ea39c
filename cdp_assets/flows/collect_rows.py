"""Collects the rows of all batches that have to do with one profile: connected to it through identifiers.

A row is connected if it names a value that is known to lead there; then whatever else it names leads there too.
What remains outside shares no identifier with what is inside, so that folding the rows inside gives the profile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.errors import ConfigError
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.sql import mentions
from cdp_assets.sql.event_landing import event_file
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

Value = tuple[str, str]
"""Identifier property and canonical value."""


@dataclass(frozen=True)
class Collected:
    """The rows of one batch."""

    batch: Placed
    lines: dict[int, int]
    """Row of the batch, from 1 and in order → line of the file."""


def identifying_properties(batches: Sequence[Placed]) -> frozenset[str]:
    """The properties by which some batch finds profiles."""
    goals = [item.manifest.config.goal for item in batches]
    return frozenset(column.property for goal in goals for column in goal.identifier_columns)


def collect_rows(
    engine: Database,
    batches: Sequence[Placed],
    seed: Collection[Value],
    limit: int,
    more: frozenset[str] = frozenset(),
) -> list[Collected]:
    """The rows connected to `seed`, batch by batch in their order. Reads every batch once for each new generation.

    `more`: properties that connect rows as well, though no batch finds profiles by them.

    Raises:
        ConfigError: the caller must act: there are more rows than `limit`.
    """
    identifying = identifying_properties(batches) | more
    known, fresh = set(seed), set(seed)
    rows: dict[int, set[int]] = {place: set() for place in range(len(batches))}
    while fresh:
        make_wanted(engine, fresh)
        named: set[Value] = set()
        for place, item in enumerate(batches):
            manifest = item.manifest
            query = mentions.connected_rows(manifest.config, manifest.present, identifying, item.parquet)
            for row_no, name, value in engine.rows(query):
                rows[place].add(row_no)
                named.add((name, value))
            found = sum(map(len, rows.values()))
            if found > limit:
                message = (
                    f"more than {limit} rows share identifiers with this profile, directly or through others; "
                    "--limit allows more, and a value that many people share (a house, a shop) may belong into"
                    " blocked_identifiers"
                )
                raise ConfigError(message)
        fresh = named - known
        known |= fresh
    return [
        Collected(item, lines_of_rows(engine, item.manifest, item.parquet, sorted(rows[place])))
        for place, item in enumerate(batches)
        if rows[place]
    ]


def make_wanted(engine: Database, values: Collection[Value]) -> None:
    """Makes `wanted`: the values whose rows are looked for."""
    engine.run(mentions.MAKE_WANTED)
    engine.insert(Sql("wanted"), ["property", "value"], [list(value) for value in sorted(values)])


def lines_of_rows(engine: Database, manifest: Manifest, parquet: str, rows: Sequence[int]) -> dict[int, int]:
    """On which line of its file each of these rows of a batch stands."""
    before = manifest.header_lines
    if before is not None:
        return {row: row + before for row in rows}
    return dict(sorted(engine.rows(mentions.lines_of(parquet, rows))))


def write_few(engine: Database, item: Collected, rows: Sequence[int], position: int, folder: Path) -> Placed:
    """A batch of these rows only, in a folder of its own, under the same config.

    The events of a file of changes are left out, as no value of a property hangs on them; those of a full file tell
    whether a row says the same as before.
    """
    folder.mkdir()
    source, goal = item.batch, item.batch.manifest.config.goal
    engine.run(mentions.copy_rows(source.parquet, rows, str(folder / "batch.parquet")))
    if goal.files.delta or not goal.events:
        return Placed(position, _of_properties(source.manifest), folder)
    copied = mentions.copy_events if goal.files.linked else mentions.copy_rows
    for entry in range(len(goal.events)):
        name = event_file(entry)
        engine.run(copied(str(source.folder / name), rows, str(folder / name)))
    return Placed(position, source.manifest, folder)


def _of_properties(manifest: Manifest) -> Manifest:
    """Without what stands in other tables: events, and the consents and lists of drop folders."""
    config = manifest.config
    if not config.goal.events and config.goal.drop is None:
        return manifest
    goal = config.goal.model_copy(update={"events": (), "drop": None})
    return manifest.model_copy(update={"config": config.model_copy(update={"goal": goal})})
