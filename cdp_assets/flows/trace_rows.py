"""Tells to which profile each row of the batches went: folds what is connected to some identifiers, and nothing else.

The fold is the real one, batch by batch, in a warehouse of its own (`flows/collect_rows.py`); so the answer is what
the warehouse did, also where profiles merged, or a value changed hands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.flows.apply_pass import apply_pass
from cdp_assets.flows.collect_rows import Collected, Value, collect_rows, identifying_properties, write_few
from cdp_assets.flows.fit_columns import add_missing_columns, wanted_shape
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.sql import erasing
from cdp_assets.warehouse import Database, scratch

Maker = tuple[str, str, int]
"""Property, value and number of the row that made a profile."""


@dataclass
class Traced:
    """What is connected to some identifiers."""

    targets: dict[tuple[str, int], Maker | None] = field(default_factory=dict)
    """(folder, row) of batches that count → the profile it belongs to in the end; None = it found nobody."""
    named: dict[tuple[str, int], set[Value]] = field(default_factory=dict)
    """(folder, row) → identifying values it names; also of batches that do not count."""
    lines: dict[str, dict[int, int]] = field(default_factory=dict)
    """Folder → row → line of its file."""
    held: dict[Maker, set[Value]] = field(default_factory=dict)
    """Identifiers of the profiles that live in the end."""
    became: dict[Maker, Maker] = field(default_factory=dict)
    """Profile that was replaced → the one that lives."""


def trace_rows(
    model: CustomerModelConfig,
    current: Sequence[Placed],
    others: Sequence[Placed],
    seed: Collection[Value],
    limit: int,
    staging: Path,
    more: frozenset[str] = frozenset(),
) -> Traced:
    """Where every row that is connected to `seed` went.

    Args:
        model: today's properties.
        current: the batches of profiles of one domain group that count, in order.
        others: those that do not: superseded, withdrawn, replaced.
        seed: the identifiers.
        limit: at most so many rows.
        staging: a private folder.
        more: identifying properties that no batch knows yet.

    Raises:
        ConfigError: the caller must act: there are more rows.
    """
    batches = [*current, *others]
    traced = Traced()
    with scratch(staging / "spill") as database:
        found = collect_rows(database, batches, seed, limit, more)
        identifying = identifying_properties(batches) | more
        for item in found:
            traced.lines[item.batch.folder.name] = item.lines
            _note_names(database, traced, item, identifying)
        counted = {item.folder for item in current}
        prepare_schemas(database)
        # Batches that do not count are not folded, and may have been landed while a property was of another type.
        shape = wanted_shape(model, [item.manifest for item in current])
        add_missing_columns(database, shape)
        rows = [item for item in found if item.batch.folder in counted]
        ids = _fold(database, rows, staging)
        _note_targets(database, traced, ids, [prop for prop in shape.properties if prop.name in identifying])
    return traced


def _note_names(database: Database, traced: Traced, item: Collected, identifying: Collection[str]) -> None:
    manifest, name = item.batch.manifest, item.batch.folder.name
    query = erasing.values_named(manifest.config, manifest.present, identifying, item.batch.parquet)
    for row, prop, value in database.rows(query):
        if row in item.lines:
            traced.named.setdefault((name, row), set()).add((prop, value))


def _fold(database: Database, rows: Sequence[Collected], staging: Path) -> dict[tuple[str, int], str | None]:
    """Folder and row → id of the profile that it found or made just then."""
    found: dict[tuple[str, int], str | None] = {}
    indexed: set[str] = set()
    earlier: dict[str, Placed] = {}
    for position, item in enumerate(rows, start=1):
        chosen = list(item.lines)
        batch = write_few(database, item, chosen, position, staging / f"rows-{position}")
        with database.transaction():
            apply_pass(database, [batch], frozenset(indexed), earlier)
            for row, profile_id in database.rows(erasing.TARGETS):
                found[item.batch.folder.name, chosen[row - 1]] = profile_id
        earlier[batch.manifest.batch_id] = batch
        indexed |= {column.property for column in batch.manifest.config.goal.identifier_columns}
    return found


def _note_targets(
    database: Database, traced: Traced, ids: dict[tuple[str, int], str | None], identifying: Sequence[Property]
) -> None:
    makers: dict[str, Maker] = {}
    lives: dict[str, str] = {}
    for profile_id, name, value, number, living in database.rows(erasing.MAKERS):
        makers[profile_id] = (name, value, number)
        lives[profile_id] = living
    for profile_id, living in lives.items():
        if profile_id != living:
            traced.became[makers[profile_id]] = makers[living]
        else:
            traced.held[makers[profile_id]] = set()
    for prop in identifying:
        for value, profile_id in database.rows(erasing.held(prop)):
            traced.held[makers[profile_id]].add((prop.name, value))
    for place, found in ids.items():
        traced.targets[place] = makers[lives[found]] if found is not None else None
