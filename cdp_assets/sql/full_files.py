"""What earlier full files of a goal said, so that a row that says the same again does not apply (spec.md 3.5).

Where an identifier stands in several rows, the last of them tells what is. Unless they begin with those of the
earlier file, row by row, also the ones that were told before write anew what they set, so that the newest file holds.
What they add or sum up, and their events, stay counted once.

Reads   batch_rows, key_targets, main.goal_rows and batches of earlier files
Writes  main.goal_rows; (temporary) applied: ordinal, counted (see `identity`)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP
from cdp_assets.config.goals import ImportGoal, Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import digest64
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

TOLD_BEFORE = -1
"""In place of a group: the row was told before, and among the rows of its identifier something else changed."""
_WRITING = frozenset({Rule.set, Rule.set_or_clear, Rule.patch})
"""Rules by which a later row replaces what an earlier one wrote."""


def counted_once(goal: ImportGoal) -> frozenset[int]:
    """The mappings that a row told before does not count again."""
    return frozenset(number for number, mapping in enumerate(goal.mappings) if mapping.rule not in _WRITING)


def mapping_signature(mapping: Mapping) -> str:
    """Two mappings with the same signature do the same with a cell."""
    return f"{mapping.column}\x1f{mapping.property}\x1f{mapping.rule}"


def rows_signature(goal: ImportGoal) -> str:
    """Two goals with the same signature do the same with equal rows."""
    parts = [mapping_signature(mapping) for mapping in goal.mappings]
    if goal.events:
        told = "".join(event.model_dump_json() for event in goal.events)
        parts.append(f"events\x1f{hashlib.sha256(told.encode()).hexdigest()}")
    if goal.domain_group != DEFAULT_DOMAIN_GROUP:
        parts.append(f"domain group\x1f{goal.domain_group}")
    return "\x1e".join(parts)


def row_digest(config: BatchConfig, numbers: Iterable[int], present: frozenset[int], *, events: bool = False) -> Sql:
    """Digest of the typed values of some mappings, and of the row's events: equal for rows with equal effect."""
    fields = [Sql("events_digest")] if events else []
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


def applied_rows(memories: Sequence[Memory], *, writes: bool) -> Sql:
    """The rows of one full file that apply: of equal rows, as many as the earlier files had do not.

    `writes`: some mapping replaces what is there, so that the order of the rows of an identifier tells.
    """
    columns = [Sql("ordinal"), Sql("identifier_cell AS key")]
    columns += [
        sql("{digest} AS {name}", digest=memory.digest, name=ident(f"digest_{memory.group}")) for memory in memories
    ]
    given = sql("SELECT\n    {columns}\nFROM batch_rows_read WHERE identifier IS NOT NULL", columns=comma(columns))
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
        group = literal(memory.group)
        if writes and memory.group == 0:
            steps += _anew(memory)
            group = sql("CASE WHEN key IN (SELECT key FROM anew) THEN {before} ELSE 0 END", before=literal(TOLD_BEFORE))
        tests.append(sql("WHEN ordinal IN (SELECT ordinal FROM {name}) THEN {group}", name=ident(name), group=group))
    verdict = sql("CASE {tests} END", tests=joined(" ", tests)) if tests else Sql("NULL::INTEGER")
    steps.append(Step("judged", sql("SELECT ordinal, {verdict} AS counted FROM given", verdict=verdict)))
    final = Sql("SELECT ordinal, counted FROM judged WHERE counted IS NULL OR counted <> 0")
    return sql("CREATE OR REPLACE TEMP TABLE applied AS\n{query}", query=chain(steps, final))


def only_beginning(rows: int) -> list[Sql]:
    """Of a file alone in its pass, leaves the first rows, once it is known which of all apply."""
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE batch_rows_kept AS FROM batch_rows_read WHERE row_no <= {rows}",
            rows=literal(rows),
        ),
        Sql("CREATE OR REPLACE TEMP VIEW batch_rows_read AS FROM batch_rows_kept"),
        Sql("DELETE FROM applied WHERE ordinal NOT IN (SELECT ordinal FROM batch_rows_read)"),
    ]


def _anew(memory: Memory) -> list[Step]:
    """`anew`: the keys with rows that were told before, unless those come first and as they were.

    Only keys with several rows, then or now, are looked at. Of those that were remembered without their sequence, by
    an earlier release, it only counts whether all rows are still there.
    """
    return [
        Step(
            "crowded",
            sql(
                "SELECT key FROM given GROUP BY key HAVING count(*) > 1 UNION"
                " SELECT key FROM ({memory}) WHERE occurrences <> 1",
                memory=memory.query,
            ),
        ),
        Step(
            "told",
            sql(
                "SELECT key, coalesce(sum(occurrences) FILTER (occurrences > 0), 0) AS total,"
                " max(row_digest) FILTER (occurrences < 0) AS sequence, -min(occurrences) AS length,"
                " max(row_digest) FILTER (occurrences > 0) AS single FROM ({memory}) SEMI JOIN crowded USING (key)"
                " GROUP BY key",
                memory=memory.query,
            ),
        ),
        Step(
            "standing",
            Sql(
                "SELECT key, count(seen_0.ordinal) AS seen, list(digest_0 ORDER BY ordinal) AS digests FROM given"
                " SEMI JOIN crowded USING (key) LEFT JOIN seen_0 USING (ordinal) GROUP BY key"
            ),
        ),
        Step(
            "anew",
            sql(
                "SELECT key FROM standing JOIN told USING (key) WHERE seen > 0 AND CASE"
                " WHEN sequence IS NOT NULL THEN {now} <> sequence WHEN total = 1 THEN digests[1] <> single"
                " ELSE seen <> total END",
                now=_sequence(Sql("digests[1:length]")),
            ),
        ),
    ]


def _sequence(digests: Sql) -> Sql:
    """Of the digests of the rows of one key: equal where the rows are, in the same order."""
    return digest64(sql("{digests}::VARCHAR", digests=digests))


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


def remember_rows(config: BatchConfig, batch_id: str, mappings: str, digest: Sql, *, repeated: bool) -> list[Sql]:
    """Replaces what is remembered of every key one of whose rows found its profile; the others are tried again.

    So are the rows that may not act (`gate`). Of a key with several rows their sequence is remembered as well.
    `repeated`: some rows may share their identifiers.
    """
    fields = {
        "goal": literal(config.goal_id),
        "digest": digest,
        "mappings": literal(mappings),
        "batch": literal(batch_id),
    }
    return [
        Sql(
            "CREATE OR REPLACE TEMP TABLE told_keys AS SELECT DISTINCT identifier_cell AS key FROM batch_rows"
            " WHERE key IN (SELECT key FROM key_targets)"
        ),
        sql(
            "DELETE FROM main.goal_rows WHERE goal_id = {goal} AND key IN (SELECT key FROM told_keys)",
            goal=literal(config.goal_id),
        ),
        sql(
            "INSERT INTO main.goal_rows (goal_id, key, row_digest, occurrences, mappings, batch_id)"
            " SELECT {goal}, identifier_cell, {digest}, count(*), {mappings}, {batch} FROM batch_rows"
            "{acted} WHERE identifier IS NOT NULL AND identifier_cell IN (SELECT key FROM told_keys) GROUP BY ALL",
            acted=Sql(" ANTI JOIN id_shut USING (ordinal)" if config.is_gated else ""),
            **fields,
        ),
        *([_remember_sequences(fields)] if repeated else []),
    ]


def _remember_sequences(fields: dict[str, Sql]) -> Sql:
    return sql(
        "INSERT INTO main.goal_rows (goal_id, key, row_digest, occurrences, mappings, batch_id)"
        " SELECT {goal}, identifier_cell, {sequence}, -count(*), {mappings}, {batch} FROM batch_rows"
        " WHERE identifier IS NOT NULL AND identifier_cell IN (SELECT identifier_cell FROM batch_rows"
        " WHERE identifier IS NOT NULL AND identifier_cell IN (SELECT key FROM told_keys)"
        " GROUP BY 1 HAVING count(*) > 1) GROUP BY identifier_cell",
        sequence=_sequence(sql("list({digest} ORDER BY ordinal)", digest=fields["digest"])),
        **fields,
    )
