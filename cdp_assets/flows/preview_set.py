"""Reads the sample of one file set as a landing would, in an engine of its own, and keeps what people want to see.

Each stage is shown as far as it comes: a file whose processors or mappings fail still shows its columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as Columns
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cdp_assets.config.event_columns import absent_columns, event_columns
from cdp_assets.config.goals import Mapping
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import PropertyType
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.delimited import Header, read_header
from cdp_assets.flows.detect_columns import ColumnProfile, profile_columns
from cdp_assets.flows.fetch_sample import FileSample
from cdp_assets.flows.folders import make_private
from cdp_assets.flows.join_linked import LinkedSet, LinkedText, join_linked, linked_columns, linked_facts, load_linked
from cdp_assets.flows.prepare_cells import find_dates
from cdp_assets.flows.prepare_dropped import prepare_dropped
from cdp_assets.flows.preview_events import preview_events
from cdp_assets.flows.process_rows import Processable, process_rows
from cdp_assets.flows.read_rows import Rows, keep_refused, load_raw, make_reject_table
from cdp_assets.flows.required_columns import require_identifier
from cdp_assets.flows.sample_results import (
    EventsPreview,
    Identified,
    Mapped,
    Refused,
    SampleReject,
    SampleRows,
    SetPreview,
)
from cdp_assets.flows.write_events import EventSource
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.identifiers import places_of, shown_identifiers, with_identifiers
from cdp_assets.sql.landing import batch_query, cell_rejects, numbered_rows
from cdp_assets.sql.linking import table_of
from cdp_assets.sql.text import Sql, comma, ident, literal, sql
from cdp_assets.warehouse import Database, scratch

MOST_IDENTIFIERS = 100_000
MOST_REJECTS = 10


def preview_set(
    config: BatchConfig, root: FileSample, linked: Sequence[FileSample], staging: Path, at: datetime, most_rows: int
) -> SetPreview:
    """Reads a sample.

    Args:
        config: what the goal is configured as.
        root: the root file, or its beginning.
        linked: the linked files.
        staging: a private folder for files under way.
        at: "now" for processors.
        most_rows: so many rows are shown of each stage.

    Raises:
        FileError: the supplier must act: not even the header can be read.
    """
    header = read_header(root.text, config.goal.format)
    with scratch(temporary=staging / "spill") as engine:
        make_reject_table(engine)
        rows = load_raw(engine, root.text, header, config.goal.format, staging, "raw")
        keep_refused(engine, rows, config.goal.format)
        found = _Reading(engine, config, header, rows, most_rows).read(linked, staging, at)
    return _compared(config, found)


def _compared(config: BatchConfig, found: SetPreview) -> SetPreview:
    """With what the goal's settings and the files' columns have in common, and have not."""
    goal, known = config.goal, [profile.name for profile in found.columns]
    if goal.drop is not None:
        # The header alone says where a column goes.
        return found
    joining = {f"{link.name}.{link.column}" for link in goal.files.linked}
    named = [*(item.column for item in goal.identifier_columns), *(item.column for item in goal.mappings)]
    events = event_columns(config, known)
    named += events
    missing = absent_columns(config, known)
    unmapped = tuple(name for name in known if name not in named and name not in joining)
    warnings = (*found.warnings, *_moved_days(config, found.columns))
    return replace(found, event_columns=events, missing=missing, unmapped=unmapped, warnings=warnings)


def _moved_days(config: BatchConfig, columns: Sequence[ColumnProfile]) -> Iterator[str]:
    """Days that become moments of another day in UTC."""
    zone, of_days = config.goal.format.timezone, {one.name for one in columns if one.detected.whole_days}
    for mapping in config.goal.mappings:
        prop = config.find_property(mapping.property)
        if mapping.column in of_days and prop.type is PropertyType.datetime and not prop.whole_days and zone != "UTC":
            yield (
                f"{mapping.column} has days without a time: each is read as midnight in {zone} (format.timezone), and"
                f" an export in another time zone may write the day before or after it; whole_days: true on property"
                f" {prop.name} keeps the day"
            )


class _Reading:
    """One sample in its engine, where the root's rows stand in the table `raw`."""

    def __init__(self, engine: Database, config: BatchConfig, header: Header, rows: Rows, most_rows: int) -> None:
        self._engine, self._config, self._header, self._rows = engine, config, header, rows
        self._most_rows = most_rows
        self._problems: list[str] = []

    def read(self, linked: Sequence[FileSample], staging: Path, at: datetime) -> SetPreview:
        """Goes through the stages of a landing."""
        raw = Sql(f"({numbered_rows(self._rows.source).query}) AS numbered")
        places = {name: ident(f"f{place}") for place, name in enumerate(self._header.columns)}
        linked_set = self._load_linked(linked, staging, at)
        cells = self._process(linked_set, at)
        if cells is None or self._config.goal.drop is not None:
            profiled = self._profile(places, raw)
        else:
            profiled = self._profile(cells.columns, cells.relation)
        seen = SetPreview(
            self._rows.expected,
            self._header.columns,
            (*profiled, *self._linked_profiles(linked_set)),
            self._sample(places, raw),
            Refused(0, 0, ()),
            warnings=(*self._rows.warnings(self._header), *linked_set.warnings),
        )
        if cells is not None:
            seen = self._processed(seen, cells, linked_set)
            seen = replace(seen, events=self._events(cells, linked_set, staging, at))
        return replace(seen, refused=self._refused(), problems=tuple(self._problems))

    def _load_linked(self, linked: Sequence[FileSample], staging: Path, at: datetime) -> LinkedSet:
        links = {link.name: link for link in self._config.goal.files.linked}
        given = [LinkedText(links[item.alias], item.name, item.text) for item in linked]
        try:
            return load_linked(self._engine, self._config, self._header, given, staging, at)
        except (FileError, ConfigError) as error:
            self._problems.append(str(error))
            return LinkedSet()

    def _process(self, linked: LinkedSet, at: datetime) -> Cells | None:
        if self._config.goal.drop is not None:
            return self._drop(at)
        source = Processable("raw", self._rows.source, self._header.columns, linked.root_keys)
        try:
            processed = process_rows(self._engine, source, self._config.goal.processors, at, "cells_ready")
        except (FileError, ConfigError) as error:
            self._problems.append(str(error))
            return None
        return Cells(Sql("cells_ready"), processed.columns, Sql("line_no"), trimmed=True)

    def _drop(self, at: datetime) -> Cells | None:
        """What the header of a drop folder's file makes of its rows; skipped rows stand among the rejects."""
        try:
            columns = self._header.columns
            return prepare_dropped(self._engine, self._config, columns, self._rows.source, at).cells
        except FileError as error:
            self._problems.append(str(error))
            return None

    def _processed(self, seen: SetPreview, cells: Cells, linked: LinkedSet) -> SetPreview:
        kept = {int(line) for (line,) in self._engine.rows(Sql("SELECT line_no FROM cells_ready"))}
        joined, orphans = self._join(cells, linked)
        return replace(
            seen,
            after=self._sample(joined.columns, joined.relation),
            dropped=tuple(line for line in seen.before.lines if line not in kept),
            rows_filtered=self._rows.expected - len(kept),
            linked=linked_facts(linked, orphans) if orphans else {},
            mapped=self._mapped(joined),
        )

    def _join(self, cells: Cells, linked: LinkedSet) -> tuple[Cells, dict[str, int]]:
        """As at a landing, but with every column of the linked files beside the root's."""
        if not linked.files:
            return cells, {}
        names = [name for name in linked_columns(linked) if name not in cells.columns]
        mappings = tuple(Mapping(column=name, property="any") for name in names)
        goal = self._config.goal.model_copy(update={"mappings": mappings})
        joined = join_linked(self._engine, self._config.model_copy(update={"goal": goal}), cells, linked)
        return joined.cells, joined.orphan_rows

    def _profile(self, columns: Columns[str, Sql], relation: Sql, prefix: str = "") -> list[ColumnProfile]:
        return list(profile_columns(self._engine, relation, columns, self._config.goal.format, prefix))

    def _linked_profiles(self, linked: LinkedSet) -> list[ColumnProfile]:
        aliases = {item.given.link.name: item.processed.columns for item in linked.files}
        return [
            profile
            for alias, columns in aliases.items()
            for profile in self._profile(columns, table_of("ready", alias), f"{alias}.")
        ]

    def _mapped(self, cells: Cells) -> Mapped:
        """What the mappings make of the rows; nothing where no column identifies anybody."""
        try:
            require_identifier(self._config, cells.columns)
        except FileError as error:
            self._problems.append(str(error))
            return Mapped()
        dates = find_dates(self._engine, self._config, cells)
        query = batch_query(self._config, cells, dates)
        self._engine.run(sql("CREATE OR REPLACE TABLE batch AS\n{query}", query=query))
        batch = Sql("(SELECT *, rowid AS file_row_number FROM batch)")
        refused = cell_rejects(self._config, frozenset(cells.columns), batch, Sql("line_no"), dates)
        self._engine.run(sql("INSERT INTO rejects BY NAME {refused}", refused=refused))
        counted = self._engine.rows(
            sql(
                "SELECT {shown} AS shown, count(*), {ids} FROM ({rows}) WHERE identifier IS NOT NULL GROUP BY ALL"
                " ORDER BY min(line_no) LIMIT {most}",
                shown=shown_identifiers(self._config),
                rows=with_identifiers(self._config, Sql("batch")),
                ids=comma([place.values for place in places_of(self._config)]),
                most=literal(MOST_IDENTIFIERS),
            )
        )
        invalid = self._engine.rows(Sql("SELECT line_no FROM batch WHERE identifier_invalid IS NOT NULL"))
        (nobody,) = self._engine.row(
            Sql("SELECT count(*) FROM batch WHERE identifier IS NULL AND identifier_invalid IS NULL")
        )
        return Mapped(
            self._sample(
                self._values(cells.columns), sql("({rows})", rows=with_identifiers(self._config, Sql("batch")))
            ),
            frozenset(int(line) for (line,) in invalid),
            {shown: Identified(int(rows), tuple(tuple(one or ()) for one in ids)) for shown, rows, *ids in counted},
            int(nobody),
        )

    def _events(self, cells: Cells, linked: LinkedSet, staging: Path, at: datetime) -> EventsPreview:
        """The events of the rows; none where the files cannot be imported as they are."""
        if self._problems or not self._config.goal.events:
            return EventsPreview()
        content = make_private(staging / "batch")
        source = EventSource(self._config, cells, linked, content, at, header_lines=self._header.lines)
        try:
            return preview_events(self._engine, source, self._most_rows)
        except FileError as error:
            self._problems.append(str(error))
            return EventsPreview()

    def _values(self, present: Collection[str]) -> dict[str, Sql]:
        """Property → its text in the batch; one that several columns go into stands there with each."""
        named = dict.fromkeys(item.property for item in self._config.goal.identifier_columns)
        values = {" | ".join(named): shown_identifiers(self._config)}
        for number, mapping in enumerate(self._config.goal.mappings):
            if mapping.column in present:
                name = mapping.property if mapping.property not in values else f"{mapping.property} ({mapping.column})"
                prop = self._config.find_property(mapping.property)
                value = ident(f"m{number}")
                is_moment = prop.type is PropertyType.datetime and not prop.multiple
                values[name] = _shown_moment(value) if is_moment else sql("{value}::VARCHAR", value=value)
        return values

    def _sample(self, columns: Columns[str, Sql], relation: Sql) -> SampleRows:
        found = self._engine.rows(
            sql(
                "SELECT line_no,\n    {columns}\nFROM {relation} ORDER BY line_no LIMIT {most}",
                columns=comma(columns.values()),
                relation=relation,
                most=literal(self._most_rows),
            )
        )
        return SampleRows(tuple(columns), tuple(int(row[0]) for row in found), tuple(tuple(row[1:]) for row in found))

    def _refused(self) -> Refused:
        rows, cells = self._engine.row(
            Sql("SELECT count(*) FILTER (level = 'row'), count(*) FILTER (level = 'cell') FROM rejects")
        )
        found = self._engine.rows(
            sql(
                "SELECT level, line_no, coalesce(column_name, ''), coalesce(raw_text, ''), reason,"
                " coalesce(file_name, '') FROM rejects WHERE level <> 'event'"
                " ORDER BY level = 'cell', file_name NULLS FIRST, line_no,"
                " column_name LIMIT {most}",
                most=literal(MOST_REJECTS),
            )
        )
        return Refused(int(rows), int(cells), tuple(SampleReject(*row) for row in found))


def _shown_moment(value: Sql) -> Sql:
    """A moment as text; its date alone where all of the sample are at midnight, as dates without a time are read."""
    return sql(
        "CASE WHEN bool_and({value} = date_trunc('day', {value})) OVER () THEN strftime({value}, '%Y-%m-%d')"
        " ELSE {value}::VARCHAR END",
        value=value,
    )
