"""What an export goal writes: who, which columns, in which form (spec.md 10).

Reads   main.profiles, main.segment_members, ops.exported_rows
Writes  (temporary) population: profile_id, row_digest, excluded (NULL = goes into the file, else why not)
"""

from __future__ import annotations

from cdp_assets.config.connections import Connection
from cdp_assets.config.files import Format
from cdp_assets.config.goals import ExportColumn, ExportProfilesGoal, ProfileIdColumn, PropertyColumn, TextColumn
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dates import format_date
from cdp_assets.sql.dialect import digest64
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

NO_IDENTIFIER = "no_identifier"
UNCHANGED = "unchanged"


def profile_digest(model: CustomerModelConfig) -> Sql:
    """Digest of everything a profile holds; a property nobody has filled yet does not change it."""
    pairs = [
        sql(
            "CASE WHEN {column} IS NOT NULL THEN [{name}, to_json({column})::VARCHAR] END",
            column=ident(prop.name),
            name=literal(prop.name),
        )
        for prop in sorted(model.properties, key=lambda prop: prop.name)
    ]
    filled = sql("list_filter([{pairs}], lambda pair: pair IS NOT NULL)", pairs=Sql(", ".join(pairs)))
    return digest64(sql("to_json({filled})::VARCHAR", filled=filled))


def population(connection: Connection, goal: ExportProfilesGoal, model: CustomerModelConfig) -> Sql:
    """Every member of the goal's segment, with why it is left out where it is."""
    required = [
        sql("{column} IS NULL", column=ident(column.property))
        for column in goal.columns
        if isinstance(column, PropertyColumn) and column.identifier
    ]
    verdicts = []
    if required:
        verdicts.append(
            sql("WHEN {missing} THEN {reason}", missing=joined(" OR ", required), reason=literal(NO_IDENTIFIER))
        )
    if goal.population == "changed":
        verdicts.append(sql("WHEN delivered.row_digest = people.row_digest THEN {reason}", reason=literal(UNCHANGED)))
    verdict = sql("CASE {verdicts} END", verdicts=joined(" ", verdicts)) if verdicts else Sql("NULL::VARCHAR")
    return sql(
        "CREATE OR REPLACE TEMP TABLE population AS SELECT people.profile_id, people.row_digest,"
        " {verdict} AS excluded\nFROM (SELECT *, {digest} AS row_digest FROM main.profiles WHERE profile_id IN"
        " (SELECT profile_id FROM main.segment_members WHERE segment = {segment})) AS people\n"
        "LEFT JOIN (SELECT profile_id, row_digest FROM ops.exported_rows WHERE connection = {connection}"
        " AND goal = {goal}) AS delivered ON delivered.profile_id = people.profile_id",
        verdict=verdict,
        digest=profile_digest(model),
        segment=literal(goal.segment),
        connection=literal(connection.name),
        goal=literal(goal.name),
    )


COUNTS = Sql(
    "SELECT count(*) FILTER (excluded IS NULL), count(*) FILTER (excluded = 'no_identifier'),"
    " count(*) FILTER (excluded = 'unchanged') FROM population"
)


def export_rows(goal: ExportProfilesGoal, model: CustomerModelConfig) -> Sql:
    """The file's rows as text, in the order of profile ids."""
    columns = [
        sql("{value} AS {name}", value=_column(column, goal.format, model), name=ident(column.column_name))
        for column in goal.columns
    ]
    return sql(
        "SELECT\n    {columns}\nFROM main.profiles JOIN population USING (profile_id)"
        " WHERE excluded IS NULL ORDER BY profile_id",
        columns=comma(columns),
    )


def _column(column: ExportColumn, layout: Format, model: CustomerModelConfig) -> Sql:
    match column:
        case ProfileIdColumn():
            return Sql("profiles.profile_id::VARCHAR")
        case TextColumn():
            return literal(column.text)
        case PropertyColumn():
            prop = model.find_property(column.property)
            assert prop is not None, column.property
            name = ident("profiles", prop.name)
            if not prop.multiple:
                return shown(prop, name, layout)
            return sql(
                "array_to_string(list_transform({name}, lambda v: {one}), {sign})",
                name=name,
                one=shown(prop, Sql("v"), layout),
                sign=literal(layout.multi_value),
            )


def shown(prop: Property, value: Sql, layout: Format) -> Sql:
    """One value as a file shows it: dates as UNIX milliseconds unless the format has a pattern."""
    match prop.type:
        case PropertyType.decimal | PropertyType.currency:
            text = sql("({value})::VARCHAR", value=value)
            return text if layout.decimal == "." else sql("replace({text}, '.', ',')", text=text)
        case PropertyType.datetime if layout.date_format == "auto":
            return sql("epoch_ms({value})::VARCHAR", value=value)
        case PropertyType.datetime:
            return format_date(value, layout.date_format, layout.timezone)
        case _:
            return sql("({value})::VARCHAR", value=value)


def write_file(rows: Sql, path: str, layout: Format, *, gzip: bool) -> Sql:
    """Writes rows as a delimited file: UTF-8, LF, a header, quotes only where needed."""
    quoting = sql(", QUOTE {quote}, ESCAPE {escape}", quote=literal(layout.quote), escape=literal(layout.escape))
    return sql(
        "COPY (\n{rows}\n) TO {path} (FORMAT csv, HEADER true, DELIMITER {delimiter}{quoting}, COMPRESSION {kind})",
        rows=rows,
        path=literal(path),
        delimiter=literal(layout.separator),
        quoting=quoting,
        kind=Sql("gzip" if gzip else "none"),
    )


def write_delivered(path: str) -> Sql:
    """Keeps beside the file what its delivery will mean: which profile in which state."""
    return sql(
        "COPY (SELECT profile_id, row_digest FROM population WHERE excluded IS NULL) TO {path} (FORMAT parquet)",
        path=literal(path),
    )


def remember_delivered(connection: str, goal: str, export_id: str, path: str) -> list[Sql]:
    """After a delivery: what the consumer now has of each profile."""
    return [
        sql(
            "DELETE FROM ops.exported_rows WHERE connection = {connection} AND goal = {goal}"
            " AND profile_id IN (SELECT profile_id FROM read_parquet({path}))",
            connection=literal(connection),
            goal=literal(goal),
            path=literal(path),
        ),
        sql(
            "INSERT INTO ops.exported_rows (connection, goal, profile_id, row_digest, export_id)"
            " SELECT {connection}, {goal}, profile_id, row_digest, {export} FROM read_parquet({path})",
            connection=literal(connection),
            goal=literal(goal),
            export=literal(export_id),
            path=literal(path),
        ),
    ]
