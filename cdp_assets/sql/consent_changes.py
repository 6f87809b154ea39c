"""The history of consent: which row changed permission level, zone or objectives of which profile (spec.md 9.1).

Row by row, so that it is the same however passes are cut. Where profiles merge, the rows up to the last merge of their
survivor come from `flows/combine_consents.py`; the others of a pass are worked out here. A pass whose files bring none
of the four columns, and merges nobody, has nothing to do with this.

Reads   the rows of a pass that act (targeting), main.profiles as before the pass, merged_now and merged_people
Writes  main.consent_changes; (temporary) merged_steps: ordinal, person, is_merge and the four values before and after
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.consent import CONSENTED, LEVEL, NO_ZONE, REFUSED, STARTS, TARGETS, ZONE
from cdp_assets.sql.consent_tables import CONSENT_CHANGES, MERGED
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.single_rows import rows_from_json
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write


@dataclass(frozen=True)
class Source:
    """One batch of a pass, as the history names it."""

    number: int
    position: int
    look_at: datetime
    connection: str
    goal: str
    file: str
    header_lines: int | None
    """Row n stands on line n + header_lines; None = the batch says which."""
    parquet: str
    columns: tuple[tuple[str, ...], ...]
    """For each of the four, in their order, the columns of the file that write it, with their rules."""


MERGED_STEPS_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE merged_steps (ordinal BIGINT, person BIGINT, is_merge BOOLEAN,"
    " from_level VARCHAR, from_zone VARCHAR, from_given VARCHAR[], from_refused VARCHAR[],"
    " to_level VARCHAR, to_zone VARCHAR, to_given VARCHAR[], to_refused VARCHAR[])"
)
_VALUES = ("VARCHAR", "VARCHAR", "VARCHAR[]", "VARCHAR[]")
MERGED_STEPS = rows_from_json("merged_steps", "BIGINT", "BIGINT", "BOOLEAN", *_VALUES, *_VALUES)
OF_MERGED = Sql(
    "SELECT steps.* EXCLUDE (person), root_id AS profile_id, CASE WHEN person <> root THEN people.profile_id END"
    " AS former_id FROM merged_steps AS steps JOIN merged_people AS people USING (person)"
)
"""The steps up to the last merge."""
MOVE_MERGED = Sql(
    "UPDATE main.consent_changes SET former_id = coalesce(former_id, consent_changes.profile_id),"
    " profile_id = pairs.replaced_by FROM merged_pairs AS pairs WHERE pairs.profile_id = consent_changes.profile_id"
)
"""What was told of profiles that merged is told of their survivors."""


def steps_of(writes: Sequence[Write], rows: Sql, people: Sql) -> Sql:
    """The rows that change something, with the four values before and after.

    Args:
        writes: what the pass writes.
        rows: the rows that act, each with its profile and the operation of each mapping of these.
        people: the profiles as they were before those rows.
    """
    given, refused = _cells(writes, CONSENTED), _cells(writes, REFUSED)
    steps = [
        Step("acting", rows),
        Step(
            "said",
            sql(
                "SELECT * FROM (SELECT ordinal, profile_id, {level} AS level, {zone} AS zone, {given} AS given,"
                " {refused} AS refused FROM acting) WHERE coalesce(level, zone, given[1], refused[1]) IS NOT NULL",
                level=_last_cell(writes, LEVEL),
                zone=_last_cell(writes, ZONE),
                given=given,
                refused=refused,
            ),
        ),
        Step("were", _were(people)),
        *_STEPS,
    ]
    return chain(steps, _FINAL)


def _numbers(writes: Sequence[Write], target: str) -> list[Sql]:
    return [ident(f"o{number}") for write in writes if write.prop.name == target for number, _ in write.mappings]


def _last_cell(writes: Sequence[Write], target: str) -> Sql:
    cells = [*reversed(_numbers(writes, target)), Sql("NULL")]
    return sql("coalesce({cells})::VARCHAR", cells=joined(", ", cells))


def _cells(writes: Sequence[Write], target: str) -> Sql:
    cells = _numbers(writes, target)
    if not cells:
        return Sql("NULL::VARCHAR[]")
    return sql("nullif(flatten(list_filter([{cells}], lambda l: l IS NOT NULL)), [])", cells=comma(cells))


def _were(people: Sql) -> Sql:
    return sql(
        "SELECT profile_id, {level} AS level, {zone} AS zone, coalesce({given}, []) AS given,"
        " coalesce({refused}, []) AS refused FROM {people} SEMI JOIN said USING (profile_id)",
        level=ident(LEVEL),
        zone=ident(ZONE),
        given=ident(CONSENTED),
        refused=ident(REFUSED),
        people=people,
    )


_STEPS = (
    Step(
        "placed",
        sql(
            "SELECT said.ordinal, said.profile_id, said.given, said.refused,"
            " coalesce(were.level, {level}) AS old_level, coalesce(were.zone, {zone}) AS old_zone,"
            " coalesce(last_value(said.level IGNORE NULLS) OVER turns, old_level) AS level,"
            " coalesce(last_value(said.zone IGNORE NULLS) OVER turns, old_zone) AS zone"
            " FROM said LEFT JOIN were USING (profile_id)"
            " WINDOW turns AS (PARTITION BY said.profile_id ORDER BY said.ordinal ROWS UNBOUNDED PRECEDING)",
            level=literal(STARTS[LEVEL]),
            zone=literal(STARTS[ZONE]),
        ),
    ),
    Step(
        "decided",
        sql(
            "SELECT profile_id, id, ordinal, bool_and(gives) AS gives FROM ("
            "SELECT profile_id, ordinal, true AS gives, unnest(given) AS id FROM placed WHERE zone <> {none}"
            " UNION ALL SELECT profile_id, ordinal, false, unnest(refused) FROM placed WHERE zone <> {none})"
            " GROUP BY ALL UNION ALL SELECT profile_id, unnest(given), -1, true FROM were"
            " UNION ALL SELECT profile_id, unnest(refused), -1, false FROM were",
            none=literal(NO_ZONE),
        ),
    ),
    Step(
        "turned",
        Sql(
            "SELECT profile_id, id, ordinal, gives FROM (SELECT *, lag(gives) OVER (PARTITION BY profile_id, id"
            " ORDER BY ordinal) AS gave FROM decided) WHERE gives IS DISTINCT FROM gave"
        ),
    ),
    Step(
        "moments",
        Sql(
            "SELECT ordinal, profile_id, from_level, level, from_zone, zone FROM (SELECT *,"
            " coalesce(lag(level) OVER turns, old_level) AS from_level,"
            " coalesce(lag(zone) OVER turns, old_zone) AS from_zone"
            " FROM placed WINDOW turns AS (PARTITION BY profile_id ORDER BY ordinal))"
            " WHERE from_level <> level OR from_zone <> zone OR ordinal IN (SELECT ordinal FROM turned)"
        ),
    ),
    Step(
        "lists",
        Sql(
            "SELECT ordinal, list(id ORDER BY id) FILTER (gives) AS given, list(id ORDER BY id) FILTER (NOT gives)"
            " AS refused FROM (SELECT moments.ordinal, named.id, turned.gives FROM moments"
            " JOIN (SELECT DISTINCT profile_id, id FROM turned) AS named USING (profile_id)"
            " ASOF JOIN turned ON turned.profile_id = named.profile_id AND turned.id = named.id"
            " AND turned.ordinal <= moments.ordinal) GROUP BY ordinal"
        ),
    ),
)
_FINAL = Sql(
    "SELECT ordinal, profile_id, NULL::UUID AS former_id, false AS is_merge, from_level, from_zone,"
    " coalesce(lag(now_given) OVER turns, were_given) AS from_given,"
    " coalesce(lag(now_refused) OVER turns, were_refused) AS from_refused,"
    " level AS to_level, zone AS to_zone, now_given AS to_given, now_refused AS to_refused FROM ("
    "SELECT moments.*, coalesce(lists.given, []) AS now_given, coalesce(lists.refused, []) AS now_refused,"
    " coalesce(were.given, []) AS were_given, coalesce(were.refused, []) AS were_refused"
    " FROM moments LEFT JOIN lists USING (ordinal) LEFT JOIN were ON were.profile_id = moments.profile_id)"
    " WINDOW turns AS (PARTITION BY profile_id ORDER BY ordinal)"
)


def enter(steps: Sql, sources: Sequence[Source]) -> Sql:
    """Enters steps into the history, with the file, line and columns they come from."""
    told = [
        sql("CASE WHEN {before} IS DISTINCT FROM {after} THEN {columns} ELSE [] END", before=a, after=b, columns=c)
        for a, b, c in (
            (Sql(f"from_{name}"), Sql(f"to_{name}"), Sql(f"source.by_{name}"))
            for name in ("level", "zone", "given", "refused")
        )
    ]
    return sql(
        "INSERT INTO {table} BY NAME\nWITH steps AS ({steps}),\nsources AS (FROM (VALUES {sources}) AS"
        " told(number, position, look_at, connection, goal, file, header_lines, by_level, by_zone, by_given,"
        " by_refused)),\nlines AS ({lines})\n"
        "SELECT profile_id, former_id, look_at AS changed_at, from_level, to_level, from_zone AS from_legislation,"
        " to_zone AS to_legislation, from_given AS from_consented, to_given AS to_consented, from_refused, to_refused,"
        " connection, goal, file, coalesce(row_no + header_lines, line_no) AS line,"
        " array_to_string(flatten([CASE WHEN is_merge THEN [{merged}] ELSE [] END, {told}]), ', ') AS message,"
        " position AS changed_at_position, row_no AS changed_at_row\n"
        "FROM (SELECT *, ordinal // {size} AS number, ordinal % {size} + 1 AS row_no FROM steps) AS step"
        " JOIN sources AS source USING (number) LEFT JOIN lines USING (number, row_no)",
        table=CONSENT_CHANGES.path,
        steps=steps,
        sources=comma(_source(one) for one in sources),
        lines=_lines(sources),
        merged=literal(MERGED),
        told=comma(told),
        size=literal(ROWS_PER_BATCH),
    )


def _source(one: Source) -> Sql:
    said = (one.number, one.position, one.look_at, one.connection, one.goal, one.file)
    lists = [sql("[{names}]::VARCHAR[]", names=joined(", ", [literal(name) for name in by])) for by in one.columns]
    lines = Sql("NULL::BIGINT") if one.header_lines is None else sql("{n}::BIGINT", n=literal(one.header_lines))
    return sql("({said})", said=comma([*(literal(value) for value in said), lines, *lists]))


def _lines(sources: Sequence[Source]) -> Sql:
    """The lines of rows, of batches that have a column of them."""
    parts = [Sql("SELECT NULL::BIGINT AS number, NULL::BIGINT AS row_no, NULL::BIGINT AS line_no LIMIT 0")]
    parts += [
        sql(
            "SELECT {number}, file_row_number + 1, line_no FROM read_parquet({path}, file_row_number = true)",
            number=literal(one.number),
            path=literal(one.parquet),
        )
        for one in sources
        if one.header_lines is None
    ]
    return joined("\nUNION ALL ", [sql("({part})", part=part) for part in parts])


def telling(writes: Sequence[Write]) -> list[Write]:
    """What a pass writes of the four."""
    return [write for write in writes if write.prop.name in TARGETS]
