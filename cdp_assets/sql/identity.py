"""Which profile each row of a pass belongs to, and which rows of a full file are new.

Reads   the batches of a pass, main.identifiers, main.profiles, main.goal_rows, ops.profile_ids
Writes  (temporary)
        batch_rows   view: ordinal, position, row_no and the batch's columns; ordinals order the pass's rows
        applied      ordinal, counted: the rows of a full file that apply. counted NULL = wholly; n = the
                     row was seen before under mappings n, so only what is new in its mappings applies
        key_targets  value, profile_id (NULL = no profile), is_new (NULL = no profile),
                     first_ordinal (of the rows that apply; NULL = none does), created_by_number
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdp_assets.config.goals import Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import digest64, uuid5
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

ROWS_PER_BATCH = 1 << 40
"""Room for the rows of one batch in an ordinal."""
DOMAIN_GROUP = "DEFAULT"


@dataclass(frozen=True)
class PassBatch:
    """One batch of a pass: its place in the order and its file."""

    position: int
    batch_id: str
    parquet: str


def batch_rows_view(batches: Sequence[PassBatch]) -> Sql:
    """All rows of a pass's batches. They write the same columns; only some may carry line numbers."""
    parts = [
        sql(
            "SELECT {base} + file_row_number AS ordinal, {position} AS position, file_row_number + 1 AS row_no, *"
            "\nFROM read_parquet({path}, file_row_number = true)",
            base=literal(number * ROWS_PER_BATCH),
            position=literal(batch.position),
            path=literal(batch.parquet),
        )
        for number, batch in enumerate(batches)
    ]
    return sql("CREATE OR REPLACE TEMP VIEW batch_rows AS\n{rows}", rows=joined("\nUNION ALL BY NAME\n", parts))


def mapping_signature(mapping: Mapping) -> str:
    """Two mappings with the same signature do the same with a cell."""
    return f"{mapping.column}\x1f{mapping.property}\x1f{mapping.rule}"


def row_digest(config: BatchConfig, numbers: Iterable[int], present: frozenset[int]) -> Sql:
    """Digest of the typed values of some mappings: equal for rows with equal effect."""
    fields = []
    for number in sorted(numbers):
        if number not in present:
            fields.append(Sql("NULL"))
            continue
        fields.append(sql("{column}::VARCHAR", column=ident(f"m{number}")))
        if config.goal.mappings[number].rule is Rule.set_or_clear:
            value, invalid = ident(f"m{number}"), ident(f"m{number}_invalid")
            fields.append(sql("({value} IS NULL AND {invalid} IS NULL)::VARCHAR", value=value, invalid=invalid))
    return digest64(sql("to_json([{fields}])::VARCHAR", fields=Sql(", ".join(fields) or "NULL::VARCHAR")))


@dataclass(frozen=True)
class Memory:
    """Rows of earlier full files, gathered under one set of mappings, reduced to those still in use."""

    group: int
    """Number of the group; 0 = exactly today's mappings."""
    query: Sql
    """Its rows: key, row_digest, occurrences."""
    digest: Sql
    """The digest of today's rows that compares with it."""


def applied_rows(memories: Sequence[Memory]) -> Sql:
    """The rows of one full file that apply: of equal rows, as many as the earlier files had do not."""
    columns = [Sql("ordinal"), Sql("identifier_cell AS key")]
    columns += [
        sql("{digest} AS {name}", digest=memory.digest, name=ident(f"digest_{memory.group}")) for memory in memories
    ]
    given = sql("SELECT\n    {columns}\nFROM batch_rows WHERE identifier IS NOT NULL", columns=comma(columns))
    steps = [Step("given", given)]
    tests = []
    for memory in memories:
        name = f"seen_{memory.group}"
        digest = ident(f"digest_{memory.group}")
        steps.append(
            Step(
                name,
                sql(
                    "SELECT ordinal FROM (SELECT ordinal, key, {digest} AS row_digest, row_number() OVER"
                    " (PARTITION BY key, {digest} ORDER BY ordinal) AS nth FROM given)"
                    " JOIN ({memory}) AS memory USING (key, row_digest) WHERE nth <= memory.occurrences",
                    digest=digest,
                    memory=memory.query,
                ),
            )
        )
        tests.append(
            sql(
                "WHEN ordinal IN (SELECT ordinal FROM {name}) THEN {group}",
                name=ident(name),
                group=literal(memory.group),
            )
        )
    verdict = sql("CASE {tests} END", tests=joined(" ", tests)) if tests else Sql("NULL::INTEGER")
    steps.append(Step("judged", sql("SELECT ordinal, {verdict} AS counted FROM given", verdict=verdict)))
    final = Sql("SELECT ordinal, counted FROM judged WHERE counted IS NULL OR counted > 0")
    return sql("CREATE OR REPLACE TEMP TABLE applied AS\n{query}", query=chain(steps, final))


def current_memory(config: BatchConfig, mappings: str) -> Sql:
    """What earlier full files said under exactly these mappings."""
    return sql(
        "SELECT key, row_digest, occurrences FROM main.goal_rows WHERE goal_id = {goal} AND mappings = {mappings}",
        goal=literal(config.goal_id),
        mappings=literal(mappings),
    )


def earlier_memory(config: BatchConfig, batch_id: str, parquet: str, digest: Sql) -> Sql:
    """What one earlier file said, looked at through the mappings it shares with today's."""
    return sql(
        "SELECT identifier_cell AS key, {digest} AS row_digest, count(*) AS occurrences"
        " FROM read_parquet({parquet}) WHERE identifier IS NOT NULL AND identifier_cell IN"
        " (SELECT key FROM main.goal_rows WHERE goal_id = {goal} AND batch_id = {batch}) GROUP BY ALL",
        digest=digest,
        parquet=literal(parquet),
        goal=literal(config.goal_id),
        batch=literal(batch_id),
    )


def remember_rows(config: BatchConfig, batch_id: str, mappings: str, digest: Sql) -> list[Sql]:
    """Replaces what is remembered of every key that found its profile; the others are tried again."""
    found = Sql("SELECT value FROM key_targets WHERE profile_id IS NOT NULL")
    return [
        sql(
            "DELETE FROM main.goal_rows WHERE goal_id = {goal} AND key IN"
            " (SELECT identifier_cell FROM batch_rows WHERE identifier IN ({found}))",
            goal=literal(config.goal_id),
            found=found,
        ),
        sql(
            "INSERT INTO main.goal_rows (goal_id, key, row_digest, occurrences, mappings, batch_id)"
            " SELECT {goal}, identifier_cell, {digest}, count(*), {mappings}, {batch} FROM batch_rows"
            " WHERE identifier IN ({found}) GROUP BY ALL",
            goal=literal(config.goal_id),
            digest=digest,
            mappings=literal(mappings),
            batch=literal(batch_id),
            found=found,
        ),
    ]


def key_targets(config: BatchConfig) -> Sql:
    """Finds the profile of every identifier value in the pass, and gives new ones an id where allowed.

    All keys of a full file are looked up, also those whose rows do not apply. A value that several
    profiles hold finds the one made first.
    """
    prop = literal(config.goal.identifiers[0].property)
    full = not config.goal.files.delta
    steps = [
        Step(
            "keys",
            sql(
                "SELECT identifier AS value, min({acting}) AS first_ordinal FROM batch_rows{applied}"
                " WHERE identifier IS NOT NULL GROUP BY identifier",
                acting=Sql("applied.ordinal" if full else "batch_rows.ordinal"),
                applied=Sql(" LEFT JOIN applied ON applied.ordinal = batch_rows.ordinal" if full else ""),
            ),
        ),
        Step(
            "holders",
            sql(
                "SELECT value, profile_id, count(*) OVER (PARTITION BY value) AS holders"
                " FROM keys JOIN main.identifiers AS held USING (value) WHERE held.property = {prop}",
                prop=prop,
            ),
        ),
        Step(
            "found",
            Sql(
                "SELECT value, profile_id FROM holders WHERE holders = 1 UNION ALL"
                " SELECT value, arg_min(profile_id, (created_at_position, created_at_row)) AS profile_id"
                " FROM holders JOIN (SELECT profile_id, created_at_position, created_at_row FROM main.profiles)"
                " USING (profile_id) WHERE holders > 1 GROUP BY value"
            ),
        ),
    ]
    known = Sql("SELECT value, profile_id, false AS is_new, NULL::BIGINT AS created_by_number FROM found")
    if config.goal.allow_create:
        steps += _creation_steps(prop)
        born = Sql("SELECT value, profile_id, true, created_by_number FROM born")
        known = joined(" UNION ALL ", [known, born])
    steps.append(Step("known", known))
    final = Sql(
        "SELECT value, profile_id, is_new, first_ordinal, created_by_number FROM keys LEFT JOIN known USING (value)"
    )
    return sql("CREATE OR REPLACE TEMP TABLE key_targets AS\n{query}", query=chain(steps, final))


def _maker_name(prop: Sql) -> Sql:
    """What a profile's id is made of: the row that makes it, as text."""
    return sql(
        "{group} || chr(31) || {prop} || chr(31) || value || chr(31) || created_by_number",
        group=literal(DOMAIN_GROUP),
        prop=prop,
    )


def _creation_steps(prop: Sql) -> list[Step]:
    """Ids of new profiles: the published one if there is one, else the row's own, else, where it is taken, another.

    `ops.profile_ids` never gets shorter, so with its length in the name no other id is given out twice.
    """
    other = sql("{name} || chr(31) || (SELECT count(*) FROM ops.profile_ids)", name=_maker_name(prop))
    return [
        Step(
            "unborn",
            sql(
                "SELECT value, first_ordinal, 1 + coalesce(earlier, 0) AS created_by_number"
                " FROM (SELECT * FROM keys ANTI JOIN found USING (value) WHERE first_ordinal IS NOT NULL) LEFT JOIN"
                " (SELECT created_by_value AS value, count(*) AS earlier FROM main.profiles"
                " WHERE created_by_property = {prop} GROUP BY created_by_value) USING (value)",
                prop=prop,
            ),
        ),
        Step("named", sql("SELECT *, {own} AS own_id FROM unborn", own=uuid5(_maker_name(prop)))),
        Step(
            "born",
            sql(
                "SELECT value, first_ordinal, created_by_number, coalesce(kept.profile_id, CASE WHEN own_id IN"
                " (SELECT profile_id FROM ops.profile_ids) THEN {other} ELSE own_id END) AS profile_id"
                " FROM named LEFT JOIN (SELECT created_by_value AS value, created_by_number, profile_id"
                " FROM ops.profile_ids WHERE created_by_property = {prop}) AS kept USING (value, created_by_number)",
                prop=prop,
                other=uuid5(other),
            ),
        ),
    ]


def note_other_ids(config: BatchConfig) -> Sql:
    """Keeps the ids of new profiles whose own one was taken; there are none while `ops.profile_ids` is empty."""
    prop = literal(config.goal.identifiers[0].property)
    return sql(
        "INSERT INTO ops.profile_ids (created_by_property, created_by_value, created_by_number, profile_id)"
        " SELECT {prop}, value, created_by_number, profile_id FROM key_targets"
        " WHERE is_new AND profile_id <> {own} AND profile_id NOT IN (SELECT profile_id FROM ops.profile_ids)",
        prop=prop,
        own=uuid5(_maker_name(prop)),
    )


def index_property(prop: str) -> Sql:
    """Enters every profile's value of a property that starts to be an identifier."""
    return sql(
        "INSERT INTO main.identifiers (property, value, profile_id)"
        " SELECT {name}, {column}::VARCHAR, profile_id FROM main.profiles WHERE {column} IS NOT NULL",
        name=literal(prop),
        column=ident(prop),
    )
