"""Cross rules of one import goal: its names exist in the model, and what it does to them fits their types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cdp_assets.config.check_drop import drop_places
from cdp_assets.config.check_events import event_places
from cdp_assets.config.consent import CONSENTED, REFUSED, TARGETS
from cdp_assets.config.date_patterns import parse_readable_pattern
from cdp_assets.config.goals import (
    Identifier,
    IdentifierGroup,
    ImportGoal,
    ImportGroupsGoal,
    Mapping,
    Rule,
)
from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.known import Known, Location, Place, listed, nearest_first
from cdp_assets.config.linked import linked_column, misspelt_alias
from cdp_assets.config.properties import NUMERIC, Property, PropertyType
from cdp_assets.config.unread import as_far_as_read

_POSITION = re.compile(r"[1-9][0-9]*")
IDENTIFIER_TYPES = frozenset({PropertyType.text, PropertyType.email, PropertyType.number})


def import_places(goal: ImportGoal, known: Known) -> Iterator[Place]:
    """Every mistake of one import goal; places are inside the goal."""
    if goal.drop is not None:
        yield from drop_places(goal, known)
        return
    if isinstance(goal, ImportGroupsGoal):
        yield from as_far_as_read(_group_type(goal, known))
        known = known.of_group(goal.group_type)
    for rule in _IMPORT_RULES:
        yield from as_far_as_read(rule(goal, known))


def _group_type(goal: ImportGroupsGoal, known: Known) -> Iterator[Place]:
    """What only imports of groups can get wrong."""
    unknown = known.unknown("group type", goal.group_type)
    if unknown:
        yield ("group_type",), unknown
    prop = known.of_group(goal.group_type).properties.get(goal.identifiers[0].property)
    if prop is not None and prop.multiple:
        told = f"a group is found by a property of one value; {prop.name!r} holds several"
        yield ("identifiers", 0, "property"), told
    for index, mapping in enumerate(goal.mappings):
        if mapping.property == GROUP_ID.name:
            told = "a group keeps the id it was made with, so group_id is no property to write"
            yield ("mappings", index, "property"), f"{told}; map this column into another, or remove the mapping"


def _domain_group(goal: ImportGoal, known: Known) -> Iterator[Place]:
    unknown = known.unknown("domain group", goal.domain_group)
    if unknown:
        yield ("domain_group",), f"{unknown}; name it under domain_groups of the customer model"


def _identifier_items(goal: ImportGoal) -> Iterator[tuple[Location, Identifier]]:
    """Every column that identifies, with its place."""
    for index, rule in enumerate(goal.identifiers):
        if isinstance(rule, IdentifierGroup):
            yield from ((("identifiers", index, "all", place), item) for place, item in enumerate(rule.all))
        else:
            yield ("identifiers", index), rule


def _identifier_properties(goal: ImportGoal, known: Known) -> Iterator[Place]:
    columns: dict[str, str] = {}
    for place, item in _identifier_items(goal):
        where = (*place, "property")
        unknown = known.unknown("property", item.property)
        if unknown:
            yield where, unknown
        if columns.setdefault(item.property, item.column) != item.column:
            told = f"property {item.property!r} identifies by column {columns[item.property]!r} already"
            yield where, f"{told}; one property is read from one column (of several: docs/identifying.md)"
        prop = known.properties.get(item.property)
        if prop is not None and prop.type not in IDENTIFIER_TYPES:
            accepted = listed(sorted(IDENTIFIER_TYPES))
            yield where, f"an identifier is of one of the types {accepted}; {prop.name!r} is {prop.type}"


def _identifiers_differ(goal: ImportGoal, _: Known) -> Iterator[Place]:
    for index, rule in enumerate(goal.identifiers):
        if rule in goal.identifiers[:index]:
            yield ("identifiers", index), "this identifier stands in the list already; remove one"
        elif isinstance(rule, IdentifierGroup) and len(set(rule.all)) < len(rule.all):
            yield ("identifiers", index), "this group names a column twice; remove one"


def _mapping_properties(goal: ImportGoal, known: Known) -> Iterator[Place]:
    for index, mapping in enumerate(goal.mappings):
        if mapping.property in TARGETS and not goal.group_type:
            yield from (((("mappings", index, *where), told)) for where, told in _consent_target(mapping, known))
            continue
        unknown = known.unknown("property", mapping.property)
        if unknown:
            yield ("mappings", index, "property"), unknown


def _consent_target(mapping: Mapping, known: Known) -> Iterator[Place]:
    """What goes into permission level, zone and consent has one rule each; consent needs objectives."""
    lists = mapping.property in {CONSENTED, REFUSED}
    wanted = Rule.add if lists else Rule.set
    if mapping.rule is not wanted:
        yield ("rule",), f"{mapping.property} is written by rule {wanted}, not {mapping.rule}"
    if lists and "objective" not in known.lost and not known.objectives:
        yield ("property",), f"{mapping.property} holds ids of objectives; name some in the customer model: objectives"


def _identifier_column(goal: ImportGoal, _: Known) -> Iterator[Place]:
    columns = {item.property: item.column for item in goal.identifier_columns}
    several = len(columns) > 1
    for index, mapping in enumerate(goal.mappings):
        column = columns.get(mapping.property, mapping.column)
        if mapping.column != column:
            told = f"{mapping.property!r} identifies this goal's profiles by column {column!r}"
            cure = f"a mapping into it must read that column, not {mapping.column!r}"
            yield ("mappings", index, "column"), f"{told}; {cure}"
        elif several and mapping.property in columns and mapping.rule is Rule.sum:
            yield ("mappings", index, "rule"), f"{mapping.property!r} identifies profiles; identifiers are not added up"


def _root_columns(goal: ImportGoal, _: Known) -> Iterator[Place]:
    """Identifiers and processors see the root file only."""
    for place, item in _identifier_items(goal):
        link = linked_column(goal.files.linked, item.column)
        if link:
            told = f"a profile is found by a column of the root file, not of linked file {link[0].name!r}"
            yield (*place, "column"), told
    for index, processor in enumerate(goal.processors):
        named = [text for text in processor.fields if linked_column(goal.files.linked, text)]
        if named:
            told = f"processor {processor.name} names {listed(named)}, of a linked file"
            yield ("processors", index), f"{told}; put it under that file's own `processors`, without the alias"


def _aliases(goal: ImportGoal, _: Known) -> Iterator[Place]:
    """A column of a linked file that is called otherwise is no column of the root file."""
    for index, mapping in enumerate(goal.mappings):
        if told := misspelt_alias(goal.files.linked, mapping.column):
            yield ("mappings", index, "column"), told


def _rules_fit(goal: ImportGoal, known: Known) -> Iterator[Place]:
    for index, mapping in enumerate(goal.mappings):
        prop = known.properties.get(mapping.property)
        message = rule_problem(mapping, prop) if prop else None
        if message:
            yield ("mappings", index, "rule"), message


def rule_problem(mapping: Mapping, prop: Property) -> str | None:
    """Why a mapping's rule does not fit the property; None = it does."""
    others = listed([str(rule) for rule in Rule if rule not in {Rule.add, Rule.sum, Rule.patch}])
    if mapping.rule is Rule.add and not prop.multiple:
        return f"rule add needs multiple: true on property {prop.name!r}; without it, accepted: {others}"
    if (mapping.rule is Rule.patch) != (prop.type is PropertyType.json):
        wanted = "patch" if prop.type is PropertyType.json else others
        return f"rule {mapping.rule} does not fit: {prop.name!r} is {prop.type}; accepted: {wanted}"
    if mapping.rule is Rule.sum and (prop.multiple or not prop.is_numeric):
        kind = "holds several values" if prop.is_numeric else f"is {prop.type}"
        wanted = f"a property with one value of type {listed(sorted(NUMERIC))}"
        also = ", add" if prop.multiple else ""
        return f"rule sum needs {wanted}; {prop.name!r} {kind}; accepted: {others}{also}"
    return None


def _mappings_differ(goal: ImportGoal, _: Known) -> Iterator[Place]:
    for index, mapping in enumerate(goal.mappings):
        if mapping in goal.mappings[:index]:
            told = f"column {mapping.column!r} into {mapping.property!r} by rule {mapping.rule}"
            yield ("mappings", index), f"{told} is mapped twice; remove one"


def _readable_dates(goal: ImportGoal, _: Known) -> Iterator[Place]:
    if goal.format.date_format == "auto":
        return
    try:
        parse_readable_pattern(goal.format.date_format)
    except ValueError as error:
        yield ("format", "date_format"), str(error)


def _ready_file_is_not_ours(goal: ImportGoal, _: Known) -> Iterator[Place]:
    if goal.files.rename_done and goal.files.ready.file == "{name}.done":
        told = "imported files get .done behind their name (rename_done), which would look like a ready file"
        yield ("files", "ready", "file"), f"{told}; name another ready file, or set rename_done: false"


def _columns_without_header(goal: ImportGoal, _: Known) -> Iterator[Place]:
    """Where neither processors nor linked files add columns, their names are known without a file."""
    layout = goal.format
    if layout.columns and goal.files.linked:
        told = "columns names those of one file, but this goal's linked files are read by the same format"
        yield ("format", "columns"), f"{told}; leave it out and map by position: 1, 2, …"
    if layout.header or goal.processors or goal.files.linked:
        return
    named: list[tuple[Location, str]] = [
        *(((*place, "column"), item.column) for place, item in _identifier_items(goal)),
        *((("mappings", index, "column"), item.column) for index, item in enumerate(goal.mappings)),
    ]
    for where, column in named:
        if layout.columns and column not in layout.columns:
            known = listed(nearest_first(column, layout.columns))
            yield where, f"unknown column {column!r}; format.columns has, nearest first: {known}"
        elif not layout.columns and not _POSITION.fullmatch(column):
            told = f"a file without a header has no column {column!r}"
            yield where, f'{told}; give its position, such as "1", or the names of all in format.columns'


_IMPORT_RULES: tuple[Callable[[ImportGoal, Known], Iterator[Place]], ...] = (
    _domain_group,
    _identifiers_differ,
    _identifier_properties,
    _mapping_properties,
    _identifier_column,
    _root_columns,
    _aliases,
    _rules_fit,
    _mappings_differ,
    _readable_dates,
    _columns_without_header,
    _ready_file_is_not_ours,
    event_places,
)
