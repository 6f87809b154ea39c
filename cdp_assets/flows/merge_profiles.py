"""Makes one profile of several, in the pass whose rows found them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cdp_assets.config.merging import MergeStrategy, default_strategy
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.combine_consents import combine_consents
from cdp_assets.flows.combine_merged import Combination
from cdp_assets.flows.resolve_rows import Merges, insert_rows
from cdp_assets.sql import latest_writes, merging, survivors, tables, targeting, writing
from cdp_assets.sql.records import Records
from cdp_assets.sql.survivors import Held
from cdp_assets.sql.targeting import Touched
from cdp_assets.sql.text import Sql
from cdp_assets.sql.writes import Write
from cdp_assets.warehouse import Database


def combine_values(
    database: Database, config: BatchConfig, writes: Sequence[Write], touched: Touched, merges: Merges, looks: Sql
) -> None:
    """Makes `merged_now` and `merged_changed` while `profiles` is as before the pass. `looks`: its batches."""
    held = survivors.held_properties(_property_columns(database), writes)
    numbers = {prop.name: prop.number for prop in held}
    operations = sorted(
        (number, mapping.rule, numbers[write.prop.name])
        for write in writes
        if write.prop.name in numbers
        for number, mapping in write.mappings
    )
    database.run(survivors.merged_rows(targeting.targeted(config, writes, touched, survivors.IS_SURVIVOR)))
    combine_consents(database, writes, merges)
    old = dict(database.rows(survivors.old_marks(held)))
    written = {
        (person, numbers[name]): (0, position, row)
        for person, name, position, row in database.rows(latest_writes.OLD_WRITES)
        if name in numbers
    }
    combination = Combination(merges, old, [_strategy(config, prop) for prop in held], operations, written)
    combination.take(database.rows(survivors.row_marks([(number, rule) for number, rule, _ in operations])))
    refs = combination.refs()
    database.run(survivors.REFS_TABLE)
    insert_rows(database, survivors.REFS, refs)
    _keep_written(database, held, combination)
    numbered = {prop for _, prop, *_ in refs}
    remade = [prop for prop in held if prop.number in numbered]
    database.run(survivors.merged_values(remade))
    for statement in survivors.merged_now(remade, config.goal.domain_group, looks):
        database.run(statement)
    changed = merging.changed_profiles(config, writes, touched.of_survivors(), looks) if writes else None
    database.run(survivors.merged_changed(changed) if changed else survivors.NONE_CHANGED)


def _keep_written(database: Database, held: Sequence[Held], combination: Combination) -> None:
    rows = [
        (person, held[prop].name, *((None, None, one) if in_pass else (one, other, None)))
        for person, prop, (in_pass, one, other) in combination.written()
    ]
    database.run(latest_writes.MERGED_TABLE)
    insert_rows(database, latest_writes.MERGED, rows)


def put_survivors(database: Database, records: Records, indexed: Collection[str], looks: Sql, first: int) -> None:
    """Puts the survivors into `profiles` as they are after the pass, and takes out those who became them.

    Args:
        database: the warehouse, with everybody else in it as after the pass.
        records: the profiles of the pass's domain group.
        indexed: the properties that identify.
        looks: the batches of the pass.
        first: the position of the first of them.
    """
    statements = [
        records.added(survivors.SURVIVORS),
        writing.drop_old_rows(records, first),
        *survivors.replace_profiles(records.domain_group, looks),
        *survivors.index_survivors([column for column in _property_columns(database) if column[0] in indexed]),
        *survivors.IMPORTED,
        *latest_writes.enter_merged(looks),
    ]
    for statement in statements:
        database.run(statement)


def _property_columns(database: Database) -> list[tuple[str, str]]:
    """Name and type of the columns of `profiles` that hold properties."""
    own = {column.name for column in tables.PROFILE_COLUMNS}
    columns = database.rows(Sql("SELECT name, type FROM pragma_table_info('main.profiles') ORDER BY name"))
    return [(name, kind) for name, kind in columns if name not in own]


def _strategy(config: BatchConfig, prop: Held) -> MergeStrategy:
    """As the batch says; its type decides for a property that the batch does not know."""
    assert config.merging is not None
    default = default_strategy(multiple=prop.several, is_text=str(prop.type).startswith("VARCHAR"))
    return config.merging.strategies.get(prop.name, default)
