"""What each column of an export shows of a profile, as text (spec.md 10.3).

Reads   main.profiles as `profiles`, main.segment_members, main.lifecycle_members, main.groups_<type>,
        viewed_interactions (interactions)
Gives   one text per column, NULL = no value
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cdp_assets.config.export_columns import (
    ExportColumn,
    InteractionsColumn,
    LifecyclesColumn,
    ProfileIdColumn,
    PropertyColumn,
    SegmentsColumn,
    TextColumn,
)
from cdp_assets.config.export_format import ExportFormat
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.groups import GroupType
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import NUMERIC, Property, PropertyType
from cdp_assets.sql.dates import format_date
from cdp_assets.sql.interactions import VIEWED
from cdp_assets.sql.records import groups
from cdp_assets.sql.text import Sql, ident, joined, literal, sql


@dataclass(frozen=True)
class Shown:
    """One column of the file."""

    header: str
    text: Sql
    """Over `profiles` and the joins."""
    values: Sql | None = None
    """The texts joined in it, as a list, where there may be several."""
    signs: str = ""
    """All characters its texts can have; empty = any."""
    is_number: bool = False
    join: Sql = Sql("")  # noqa: RUF009 - a constant text
    """What it needs beside `profiles`."""


_ID_SIGNS = "0123456789abcdef-"
_NUMBER_SIGNS = "0123456789-"


def shown_columns(goal: ExportProfilesGoal, model: CustomerModelConfig) -> list[Shown]:
    """The columns of a goal, in order."""
    return [_shown(number, column, goal, model) for number, column in enumerate(goal.columns)]


def find_exportable(model: CustomerModelConfig, name: str) -> Property:
    """A property by the name a column gives; checked before."""
    prop = model.find_asked(name)
    assert prop is not None, name
    return prop


def _shown(number: int, column: ExportColumn, goal: ExportProfilesGoal, model: CustomerModelConfig) -> Shown:
    match column:
        case ProfileIdColumn():
            return profile_id_column(column.column_name, goal, model)
        case TextColumn():
            return Shown(column.column_name, sql("{text}::VARCHAR", text=literal(column.text or None)))
        case SegmentsColumn():
            return _segments(number, column, goal, model)
        case LifecyclesColumn():
            return _lifecycles(number, column, goal, model)
        case InteractionsColumn():
            return _interactions(number, column, goal, model)
        case PropertyColumn():
            prop = find_exportable(model, column.property)
            kind = model.find_group_type(prop.group_type or "") if goal.ids == "names" else None
            if kind is not None and kind.naming_property is not None:
                return _group_names(number, column.column_name, prop, kind, goal.format)
            return _property(column, goal.format, prop)


def profile_id_column(header: str, goal: ExportProfilesGoal, model: CustomerModelConfig) -> Shown:
    """Who it is: the id, or the display name where the goal wants names."""
    own = Sql("profiles.profile_id::VARCHAR")
    if goal.ids == "ids" or model.display_name is None:
        return Shown(header, own, signs=_ID_SIGNS)
    name = _property(
        PropertyColumn(property=model.display_name), goal.format, find_exportable(model, model.display_name)
    )
    return Shown(header, sql("coalesce({name}, {own})", name=name.text, own=own))


def _segments(number: int, column: SegmentsColumn, goal: ExportProfilesGoal, model: CustomerModelConfig) -> Shown:
    wanted = [segment for segment in model.segments if column.segments == "all" or segment.name in column.segments]
    rows = [
        sql(
            "({name}, {place}, {label})",
            name=literal(segment.name),
            place=literal(place),
            label=literal(segment.label if goal.ids == "names" else segment.name),
        )
        for place, segment in enumerate(wanted)
    ]
    alias = ident(f"members_{number}")
    join = sql(
        "LEFT JOIN (SELECT members.profile_id, list(named.label ORDER BY named.place) AS labels"
        " FROM main.segment_members AS members JOIN (VALUES {rows}) AS named(segment, place, label)"
        " ON members.segment = named.segment GROUP BY members.profile_id) AS {alias}"
        " ON {alias}.profile_id = profiles.profile_id",
        rows=joined(", ", rows),
        alias=alias,
    )
    values = sql("{alias}.labels", alias=alias)
    return Shown(column.column_name, _joined(values, goal.format), values, join=join)


def _lifecycles(number: int, column: LifecyclesColumn, goal: ExportProfilesGoal, model: CustomerModelConfig) -> Shown:
    rows = [
        sql(
            "({id}, {stage}, {place}, {label})",
            id=literal(one),
            stage=literal(stage),
            place=literal(place),
            label=label,
        )
        for place, lifecycle in enumerate(model.lifecycles)
        if column.lifecycles == "all" or lifecycle.id in column.lifecycles
        for one, stage, label in _told(lifecycle, with_stage=column.with_stage, by_name=goal.ids == "names")
    ]
    alias = ident(f"lifecycles_{number}")
    join = sql(
        "LEFT JOIN (SELECT members.profile_id, list(named.label ORDER BY named.place) AS labels"
        " FROM main.lifecycle_members AS members JOIN (VALUES {rows}) AS named(lifecycle, stage, place, label)"
        " ON members.lifecycle = named.lifecycle AND coalesce(members.stage, '') = named.stage"
        " WHERE members.state <> 'completed' GROUP BY members.profile_id) AS {alias}"
        " ON {alias}.profile_id = profiles.profile_id",
        rows=joined(", ", rows),
        alias=alias,
    )
    values = sql("{alias}.labels", alias=alias)
    return Shown(column.column_name, _joined(values, goal.format), values, join=join)


def _told(lifecycle: Lifecycle, *, with_stage: bool, by_name: bool) -> Iterator[tuple[str, str, Sql]]:
    """What is shown of a lifecycle in each of its stages, and in none (the empty text)."""
    own = lifecycle.label if by_name else lifecycle.id
    yield lifecycle.id, "", literal(own)
    for stage in lifecycle.stages:
        name = stage.label if by_name else stage.id
        yield lifecycle.id, stage.id, literal(f"{own}:{name}" if with_stage else own)


def _interactions(
    number: int, column: InteractionsColumn, goal: ExportProfilesGoal, model: CustomerModelConfig
) -> Shown:
    label, alias = Sql("interaction_id"), ident(f"viewed_{number}")
    if goal.ids == "names" and model.interactions:
        names = [sql("WHEN {id} THEN {name}", id=literal(i), name=literal(n)) for i, n in model.interactions.items()]
        label = sql("CASE interaction_id {names} ELSE interaction_id END", names=joined(" ", names))
    wanted = Sql("")
    if column.viewed_interactions != "all":
        ids = joined(", ", map(literal, column.viewed_interactions))
        wanted = sql("WHERE interaction_id IN ({ids})", ids=ids)
    join = sql(
        "LEFT JOIN (SELECT profile_id, list({label} ORDER BY first_view, interaction_id) AS labels"
        " FROM {viewed} {wanted} GROUP BY profile_id) AS {alias} ON {alias}.profile_id = profiles.profile_id",
        label=label,
        viewed=VIEWED,
        wanted=wanted,
        alias=alias,
    )
    values = sql("{alias}.labels", alias=alias)
    return Shown(column.column_name, _joined(values, goal.format), values, join=join)


def _property(column: PropertyColumn, layout: ExportFormat, prop: Property) -> Shown:
    dates = {"date_format": column.date_format or layout.date_format, "timezone": column.timezone or layout.timezone}
    return value_column(column.column_name, ident("profiles", prop.name), prop, layout.model_copy(update=dates))


def _group_names(number: int, header: str, prop: Property, kind: GroupType, layout: ExportFormat) -> Shown:
    """The groups that a property names, by their display names; one without a name, or not told of yet, by its id."""
    naming = kind.naming_property
    assert naming is not None, kind.id
    alias, held = ident(f"groups_{number}"), ident("profiles", prop.name)
    name = _one_value(naming, ident("known", naming.name), layout, layout.date_format, layout.timezone)
    named = sql("(SELECT known.group_id, {name} AS label FROM {path} AS known)", name=name, path=groups(kind.id).path)
    if not prop.multiple:
        join = sql("LEFT JOIN {named} AS {alias} ON {alias}.group_id = {held}", named=named, alias=alias, held=held)
        return Shown(header, sql("coalesce({alias}.label, {held})", alias=alias, held=held), join=join)
    join = sql(
        "LEFT JOIN (SELECT told.profile_id, list(coalesce(named.label, told.id) ORDER BY told.place) AS labels FROM"
        " (SELECT profile_id, unnest({held}) AS id, generate_subscripts({held}, 1) AS place FROM main.profiles"
        " WHERE {held} IS NOT NULL) AS told LEFT JOIN {named} AS named ON named.group_id = told.id"
        " GROUP BY told.profile_id) AS {alias} ON {alias}.profile_id = profiles.profile_id",
        held=ident(prop.name),
        named=named,
        alias=alias,
    )
    values = sql("{alias}.labels", alias=alias)
    return Shown(header, _joined(values, layout), values, join=join)


def value_column(header: str, value: Sql, prop: Property, layout: ExportFormat) -> Shown:
    """The values of a property or of a field; `value` is its column."""
    pattern, zone = layout.date_format, layout.timezone
    if prop.multiple:
        one = _one_value(prop, Sql("v"), layout, pattern, zone)
        values = sql("list_transform({value}, lambda v: {one})", value=value, one=one)
        return Shown(header, _joined(values, layout), values)
    is_stamp = prop.type is PropertyType.datetime and _dates_as(prop, pattern) == "timestamp"
    signs = ""
    if prop.type in NUMERIC or is_stamp:
        has_places = prop.type in {PropertyType.decimal, PropertyType.currency}
        signs = _NUMBER_SIGNS + (layout.decimal if has_places else "")
    text = _one_value(prop, value, layout, pattern, zone)
    return Shown(header, text, signs=signs, is_number=bool(signs))


def _joined(values: Sql, layout: ExportFormat) -> Sql:
    sign = literal(layout.multi_value)
    return sql("nullif(array_to_string({values}, {sign}), '')", values=values, sign=sign)


def _dates_as(prop: Property, pattern: str) -> str:
    """How dates of a property are written: a pattern or `timestamp`."""
    if pattern != "auto":
        return pattern
    return "yyyy-MM-dd" if prop.whole_days else "timestamp"


def _one_value(prop: Property, value: Sql, layout: ExportFormat, pattern: str, zone: str) -> Sql:
    """One value as a file shows it."""
    pattern = _dates_as(prop, pattern)
    match prop.type:
        case PropertyType.decimal | PropertyType.currency:
            text = sql("({value})::VARCHAR", value=value)
            return text if layout.decimal == "." else sql("replace({text}, '.', ',')", text=text)
        case PropertyType.datetime if pattern == "timestamp":
            return sql("epoch_ms({value})::VARCHAR", value=value)
        case PropertyType.datetime:
            return format_date(value, pattern, "UTC" if prop.whole_days else zone)
        case _:
            return sql("({value})::VARCHAR", value=value)


def ambiguous(columns: Sequence[Shown], sign: str) -> Sql:
    """The header of the first column whose joined values would be split differently; NULL = none would.

    Not only a value that holds the separator: of `~~` a value that ends with `~` moves the place, too.
    """
    cases = [
        sql(
            "WHEN string_split(array_to_string({values}, {sign}), {sign}) <> {values} THEN {header}",
            values=column.values,
            sign=literal(sign),
            header=literal(column.header),
        )
        for column in columns
        if column.values is not None
    ]
    return sql("CASE {cases} END", cases=joined(" ", cases)) if cases else Sql("NULL::VARCHAR")
