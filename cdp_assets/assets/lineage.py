"""Where columns come from: file column → column of a goal → property → column of an export, from the config alone.

Of drop folders nothing is told: only the header of each file says what its columns are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from cdp_assets.config.events import INTERACTIONS, EventImport
from cdp_assets.config.export_columns import (
    InteractionsColumn,
    LifecyclesColumn,
    ProfileIdColumn,
    PropertyColumn,
    SegmentsColumn,
)
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.processors import Processor
from cdp_assets.config.properties import OWN_PROPERTIES, UNDESCRIBED, Property

Columns = dict[str, dg.TableSchema | dg.TableColumnLineage]
"""Metadata that Dagster knows."""
PROFILE_ID = "profile_id"
SOURCES_TOLD = 4
"""Assets named in the description of one column."""
Feeding = Sequence[tuple[dg.AssetKey, ImportGoal]]
"""Import goals that make an asset, with their keys."""


def _metadata(columns: Iterable[dg.TableColumn], sources: Mapping[str, Sequence[dg.TableColumnDep]]) -> Columns:
    return {
        "dagster/column_schema": dg.TableSchema(list(columns)),
        "dagster/column_lineage": _lineage({name: deps for name, deps in sources.items() if deps}),
    }


def _lineage(sources: Mapping[str, Sequence[dg.TableColumnDep]]) -> dg.TableColumnLineage:
    """Each source once, however often a column is made of it; Dagster takes none twice."""
    return dg.TableColumnLineage(
        {name: list({(dep.asset_key, dep.column_name): dep for dep in deps}.values()) for name, deps in sources.items()}
    )


def import_columns(files: dg.AssetKey, goal: ImportGoal) -> Columns:
    """The columns that a goal uses, what each is for, and the columns of the file that they are made of."""
    if goal.drop is not None:
        return {}
    uses: dict[str, list[str]] = {}
    for item in goal.identifier_columns:
        uses.setdefault(item.column, []).append(f"finds {goal.group_type or 'profile'}s by {item.property}")
    for mapping in goal.mappings:
        uses.setdefault(mapping.column, []).append(f"goes into {mapping.property} by {mapping.rule.value}")
    for event in goal.events:
        for column, use in _event_uses(event):
            uses.setdefault(column, []).append(f"{use} of event {event.type}")
    made = _made_by(goal.processors)
    columns = [dg.TableColumn(name, "text", "; ".join(dict.fromkeys(told))) for name, told in uses.items()]
    sources = {name: [dg.TableColumnDep(files, one) for one in _file_columns(name, made)] for name in uses}
    return _metadata(columns, sources)


def _event_uses(event: EventImport) -> Iterator[tuple[str, str]]:
    """Columns, as the file calls them or `alias.column`, and what each is for."""
    if event.id is not None:
        yield _named(event.id, event.source), "id"
    yield _named(event.date, event.source), "date"
    yield from ((_named(one.column, event.source), f"field {one.property}") for one in event.mappings)
    for nested in event.nested:
        for one in nested.mappings:
            yield _named(one.column, nested.source), f"field {one.property} of each {nested.property}"


def _named(column: str, source: str | None) -> str:
    """A column of a linked file may be written with its alias, and without."""
    return column if source is None or column.startswith(f"{source}.") else f"{source}.{column}"


def _made_by(processors: Sequence[Processor]) -> dict[str, tuple[str, ...]]:
    """Fields that processors fill, with the fields they are filled from."""
    made: dict[str, tuple[str, ...]] = {}
    for processor in processors:
        targets: str | tuple[str, ...] = getattr(processor.settings, "targets", ())
        targets = targets or getattr(processor.settings, "into", ())
        for target in (targets,) if isinstance(targets, str) else targets:
            made[target] = processor.fields
    return made


def _file_columns(name: str, made: Mapping[str, tuple[str, ...]], seen: frozenset[str] = frozenset()) -> list[str]:
    """The columns of the file behind a field; none for one that is made of nothing, such as a date."""
    if name not in made or name in seen:
        return [name]
    found = [one for source in made[name] for one in _file_columns(source, made, seen | {name})]
    return list(dict.fromkeys(found))


def property_lineage(feeding: Feeding) -> dg.TableColumnLineage:
    """For each property the columns of the goals that write it."""
    sources: dict[str, list[dg.TableColumnDep]] = {}
    for key, goal in feeding:
        if goal.drop is None:
            named: dict[str, list[str]] = {}
            for item in goal.identifier_columns:
                named.setdefault(item.property, []).append(item.column)
            for mapping in goal.mappings:
                named.setdefault(mapping.property, []).append(mapping.column)
            for name, columns in named.items():
                sources.setdefault(name, []).extend(dg.TableColumnDep(key, one) for one in dict.fromkeys(columns))
    return _lineage(sources)


def event_lineage(type_id: str, feeding: Feeding) -> dg.TableColumnLineage:
    """For each field of an event type the columns of the goals that bring it."""
    sources: dict[str, list[dg.TableColumnDep]] = {}
    for key, goal in feeding:
        for event in goal.events if goal.drop is None else ():
            if event.type == type_id:
                pairs = [("event_id", event.id), ("date", event.date)]
                pairs += [(one.property, one.column) for one in event.mappings]
                named = [(name, _named(column, event.source)) for name, column in pairs if column is not None]
                items = [
                    (one.property, [_named(field.column, one.source) for field in one.mappings]) for one in event.nested
                ]
                named += [(name, column) for name, columns in items for column in columns]
                for name, column in named:
                    sources.setdefault(name, []).append(dg.TableColumnDep(key, column))
    return _lineage(sources)


def telling_sources(schema: dg.TableSchema, lineage: dg.TableColumnLineage) -> dg.TableSchema:
    """The columns, each description with what the column is made of: the web page shows no lineage of columns."""
    return dg.TableSchema([_telling(column, lineage.deps_by_column.get(column.name, ())) for column in schema.columns])


def _telling(column: dg.TableColumn, deps: Sequence[dg.TableColumnDep]) -> dg.TableColumn:
    if not deps:
        return column
    named: dict[str, list[str]] = {}
    for dep in deps:
        named.setdefault(" / ".join(dep.asset_key.path), []).append(dep.column_name)
    told = [f"{asset}: {', '.join(columns)}" for asset, columns in named.items()]
    more = [f"{len(told) - SOURCES_TOLD} more"] if len(told) > SOURCES_TOLD else []
    made = f"From {'; '.join([*told[:SOURCES_TOLD], *more])}."
    about = "" if column.description in {None, UNDESCRIBED} else str(column.description).rstrip()
    ended = about if not about or about.endswith((".", "!", "?")) else f"{about}."
    return dg.TableColumn(column.name, column.type, f"{ended} {made}".strip(), column.constraints, tags=column.tags)


def member_columns(name: str, profiles: dg.AssetKey, asked: Sequence[str]) -> Columns:
    """The members of a segment or lifecycle; who is one depends on the properties that are asked for."""
    columns = [
        dg.TableColumn(name, "text", f"Which {name}."),
        dg.TableColumn(PROFILE_ID, "uuid", "Member."),
        dg.TableColumn("entered_at", "timestamp", "Run in which the profile was first found in it, in UTC."),
    ]
    deps = [dg.TableColumnDep(profiles, one) for one in dict.fromkeys([PROFILE_ID, *asked])]
    return _metadata(columns, {PROFILE_ID: deps})


def export_columns(
    goal: ExportProfilesGoal,
    profiles: dg.AssetKey,
    segments: Mapping[str, dg.AssetKey],
    properties: Sequence[Property],
    lifecycles: tuple[str, ...] = (),
) -> Columns:
    """The columns of a delivered file, before processors; `segments`, `lifecycles`: keys and ids of all."""
    kinds = {prop.name: prop for prop in (*OWN_PROPERTIES, *properties)}
    columns, sources = [], {}
    for column in goal.columns:
        name, told, deps, tags = column.column_name, "The same text in every row.", [], None
        if isinstance(column, PropertyColumn):
            prop = kinds[column.property]
            told = f"{prop.name}: {prop.description}" if prop.description else f"Property {prop.name}."
            deps, tags = [dg.TableColumnDep(profiles, prop.name)], {"pii": ""} if prop.pii else None
        elif isinstance(column, ProfileIdColumn):
            told, deps = "Id of the profile.", [dg.TableColumnDep(profiles, PROFILE_ID)]
        elif isinstance(column, SegmentsColumn):
            named = list(segments) if column.segments == "all" else column.segments
            told = "Segments that the profile is in."
            deps = [dg.TableColumnDep(segments[one], PROFILE_ID) for one in named if one in segments]
        elif isinstance(column, LifecyclesColumn):
            told = "Lifecycles that the profile is in" + (", with its stage." if column.with_stage else ".")
            deps = [
                dg.TableColumnDep(dg.AssetKey(["lifecycles", one]), "stage" if column.with_stage else PROFILE_ID)
                for one in goal.lifecycles_used(lifecycles)
                if column.lifecycles == "all" or one in column.lifecycles
            ]
        elif isinstance(column, InteractionsColumn):
            told = "Interactions that the profile has viewed, the first one first."
            deps = [dg.TableColumnDep(dg.AssetKey([INTERACTIONS]), "interaction_id")]
        columns.append(dg.TableColumn(name, "text", told, tags=tags))
        sources[name] = deps
    return _metadata(columns, sources)
