"""Finds the profile of every row of a pass: at once where rows share nothing, row by row where their order matters."""

from __future__ import annotations

from cdp_assets.config.merging import FrozenMerging
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.gate import shut_alone
from cdp_assets.flows.resolve_rows import Merges, resolve_rows
from cdp_assets.sql import gate, identity, resolving, single_rows, survivors
from cdp_assets.sql.combining import Combined
from cdp_assets.sql.records import Records, records_of
from cdp_assets.sql.targeting import Touched
from cdp_assets.sql.text import Sql, ident, sql
from cdp_assets.warehouse import Database

FEW = 20
"""A pass has to do with few profiles where there are so many times as many: they are then looked for first."""


def find_profiles(
    database: Database, together: Combined, counted: dict[int, frozenset[int]]
) -> tuple[Touched, Merges | None]:
    """Makes `batch_rows`, `births`, `key_targets` and `repeated`; see sql/identity.py and sql/resolving.py.

    Where profiles merged, returns who did; then `merged_people` and `merged_pairs` are there too.

    Args:
        database: the warehouse, in a transaction, with `batch_rows_read` and for a full file `applied`.
        together: the goals of the pass.
        counted: mapping → groups of earlier full files it is old for.
    """
    config = together.config
    aliased = _make_keys(database, config)
    if together.only_some_make:
        database.run(resolving.making_tuples(together.making))
    if config.is_gated:
        database.run(gate.gate_rows(config, together.present, counted))
    shut = _decide_alone(database, together, aliased=aliased)
    merges = None
    singly = _any(database, "id_shared")
    if singly:
        merges = resolve_rows(database, together, counted)
    if singly or shut:
        aliased = True
        database.run(identity.keyed_rows(aliases=True))
    few = _make_births(database, records_of(config))
    database.run(identity.KEY_TARGETS)
    if singly and config.merging:
        _retarget(database, config.merging, merged=merges is not None)
    if aliased:
        if together.only_some_make:
            database.run(resolving.LEAVE_OUT_EARLY_ROWS)
        database.run(identity.REPEATED)
    refused = frozenset(place for (place,) in database.rows(Sql("SELECT DISTINCT place FROM id_refused")))
    repeated = aliased and _any(database, "repeated")
    return Touched(counted, refused, repeated, alone=not aliased, merged=merges is not None, few=few), merges


def _make_births(database: Database, records: Records) -> bool:
    """Makes `births`, and `id_rows` where the pass has to do with few profiles only; returns whether it does."""
    database.run(identity.first_births(records))
    touched, profiles = (0, 0) if records.group_type else database.row(identity.ARE_FEW)
    few: bool = touched * FEW < profiles
    if few:
        database.run(identity.ROWS_OF_FEW)
    if database.rows(identity.met_before(records, few=few)):
        database.run(identity.births(records))
    return few


def _retarget(database: Database, merging: FrozenMerging, *, merged: bool) -> None:
    """Sends the rows of those who merged to the survivors, and enters the rows that found too many."""
    for statement in survivors.MERGED_PEOPLE if merged else ():
        database.run(statement)
    if merging.limit is not None:
        database.run(single_rows.note_unmerged(merging.limit))


def _decide_alone(database: Database, together: Combined, *, aliased: bool) -> bool:
    """Decides the tuples that share nothing with others, and names those that do; returns whether some may not act."""
    config = together.config
    for statement in (*resolving.holders(config), resolving.shared_tuples_of(config, aliased=aliased)):
        database.run(statement)
    if config.is_gated and aliased:
        database.run(gate.share_telling(config.objectives))
    for statement in resolving.decide_alone(config):
        database.run(statement)
    torn = _any(database, "id_torn")
    if torn:
        database.run(resolving.decide_torn(config))
    for statement in (*resolving.make_unborn(config, some=together.only_some_make), resolving.NONE_REFUSED):
        database.run(statement)
    shut = config.is_gated and shut_alone(database, together)
    if torn and not config.has_one_identifier:
        database.run(resolving.refuse_held(config))
    return shut


def _make_keys(database: Database, config: BatchConfig) -> bool:
    """Makes `id_alias`, `batch_rows` and `id_keys`; returns whether some rows share an identifier."""
    database.run(resolving.repeated_ids(config))
    aliased = _any(database, "id_repeated")
    database.run(resolving.aliases(config) if aliased else resolving.NO_ALIASES)
    database.run(identity.keyed_rows(aliases=aliased))
    for statement in resolving.tuples(config, aliased=aliased):
        database.run(statement)
    return aliased


def _any(database: Database, table: str) -> bool:
    return bool(database.rows(sql("SELECT 1 FROM {table} LIMIT 1", table=ident(table))))
