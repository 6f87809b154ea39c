"""When a property was written last, of the properties whose latest write decides as profiles merge.

A row writes a property if it gives it a value; by `set_if_empty` only where it has none.

Reads   batch_rows, applied, key_targets, births, main.profiles, all as before the pass is written; merged_people
Writes  main.latest_writes; (temporary)
        written_now   profile_id, property, ordinal: of profiles that did not merge; NULL = it has no value any more
        merged_writes root, property, position and row, or else ordinal: of the survivors
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.single_rows import rows_from_json
from cdp_assets.sql.targeting import Touched, targeted
from cdp_assets.sql.text import Sql, Step, chain, ident, joined, literal, sql
from cdp_assets.sql.writes import Write


def written_now(config: BatchConfig, writes: Sequence[Write], touched: Touched) -> list[Sql]:
    """Makes written_now. `writes`: those of properties whose latest write decides."""
    create = Sql("CREATE OR REPLACE TEMP TABLE written_now (profile_id UUID, property VARCHAR, ordinal BIGINT)")
    return [create, *(_written(config, write, touched) for write in writes), *_born_with(config)]


def _written(config: BatchConfig, write: Write, touched: Touched) -> Sql:
    """What the rows say comes down to the last that gives or takes a value, or else to the first that fills it."""
    rows = Step("targeted", targeted(config, [write], touched, touched.others(Sql("true"))))
    acts = []
    for place, (number, mapping) in enumerate(write.mappings):
        fills = "fills" if mapping.rule is Rule.set_if_empty else "gives"
        given = sql("{value} IS NOT NULL", value=ident(f"o{number}"))
        acts.append(_act(place, fills, given))
        if mapping.rule is Rule.set_or_clear:
            acts.append(_act(place, "clears", ident(f"o{number}_clears")))
    steps = [
        rows,
        Step("acts", joined(" UNION ALL ", acts)),
        Step(
            "decided",
            Sql(
                "SELECT *, max(acted) FILTER (what = 'gives') OVER one AS gave,"
                " max(acted) FILTER (what = 'clears') OVER one AS cleared FROM acts"
                " WINDOW one AS (PARTITION BY profile_id)"
            ),
        ),
        Step(
            "ends",
            Sql(
                "SELECT profile_id, any_value(gave) AS gave, any_value(cleared) AS cleared,"
                " min(acted) FILTER (what = 'fills' AND (cleared IS NULL OR acted > cleared)) AS filled FROM decided"
                " GROUP BY profile_id"
            ),
        ),
    ]
    final = sql(
        "SELECT profile_id, {name}, CASE WHEN gave IS NOT NULL AND (cleared IS NULL OR gave > cleared)"
        " THEN gave.ordinal ELSE filled.ordinal END FROM ends LEFT JOIN main.profiles AS old USING (profile_id)"
        " WHERE gave IS NOT NULL OR cleared IS NOT NULL OR old.{column} IS NULL",
        name=literal(write.prop.name),
        column=ident(write.prop.name),
    )
    return sql("INSERT INTO written_now\n{query}", query=chain(steps, final))


def _act(place: int, what: str, where: Sql) -> Sql:
    return sql(
        "SELECT profile_id, struct_pack(ordinal := ordinal, place := {place}) AS acted, {what} AS what FROM targeted"
        " WHERE {where}",
        place=literal(place),
        what=literal(what),
        where=where,
    )


def _born_with(config: BatchConfig) -> list[Sql]:
    """A profile that one value makes holds it from the start."""
    own = config.goal.identifier_columns[0].property
    if not config.has_one_identifier or not config.merges_by_latest(own):
        return []
    return [
        sql(
            "INSERT INTO written_now SELECT profile_id, {name}, first_ordinal FROM births WHERE profile_id NOT IN"
            " (SELECT profile_id FROM written_now WHERE property = {name} AND ordinal IS NOT NULL)",
            name=literal(own),
        )
    ]


def enter_written(looks: Sql) -> list[Sql]:
    """Enters what written_now says. `looks`: the batches of the pass."""
    return [
        Sql(
            "DELETE FROM main.latest_writes WHERE (profile_id, property) IN"
            " (SELECT (profile_id, property) FROM written_now)"
        ),
        sql(
            "INSERT INTO main.latest_writes BY NAME SELECT profile_id, property, looks.position AS written_at_position,"
            " ordinal % {size} + 1 AS written_at_row FROM written_now JOIN {looks} AS looks"
            " ON looks.number = ordinal // {size}",
            size=literal(ROWS_PER_BATCH),
            looks=looks,
        ),
    ]


OLD_WRITES = Sql(
    "SELECT person, property, written_at_position, written_at_row FROM merged_people"
    " JOIN main.latest_writes USING (profile_id)"
)
MERGED_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE merged_writes"
    " (root BIGINT, property VARCHAR, position BIGINT, row_no BIGINT, ordinal BIGINT)"
)
MERGED = rows_from_json("merged_writes", "BIGINT", "VARCHAR", "BIGINT", "BIGINT", "BIGINT")


def enter_merged(looks: Sql) -> list[Sql]:
    """Enters of the survivors what merged_writes says, and nothing of those who became them."""
    return [
        Sql("DELETE FROM main.latest_writes WHERE profile_id IN (SELECT profile_id FROM merged_people)"),
        sql(
            "INSERT INTO main.latest_writes BY NAME SELECT profile_id, property,"
            " coalesce(told.position, looks.position) AS written_at_position,"
            " coalesce(told.row_no, ordinal % {size} + 1) AS written_at_row FROM merged_writes AS told"
            " JOIN merged_people ON person = told.root LEFT JOIN {looks} AS looks ON looks.number = ordinal // {size}",
            size=literal(ROWS_PER_BATCH),
            looks=looks,
        ),
    ]
