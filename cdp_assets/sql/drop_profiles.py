"""From the rows of a file of profiles in a drop folder to the fields that its goal maps (spec.md K2 to K5).

Reads   numbered: line_no, f<n> of the file's columns (text; NULL = empty)
Writes  cells_ready: line_no, then
        d<n>        the text for the n-th declared property that the file fills, a LIST where it holds several
        custom      what nobody declared, as one JSON object; NULL = nothing
        list_id, list_name   the list that the row joins
        consents    what the row says of consents: LIST of (channel, status, stated_at); NULL = nothing
        skip        why the row is skipped as a whole: (column_name, raw_text, reason); NULL = it is not
        warnings    LIST of the same: cells that were left out, or taken for what they perhaps are not
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from cdp_assets.config.drop_headers import CHANNELS, IDENTIFIERS, LIST_ID, TEXTS, TIMESTAMP, DropColumn, DropHeader
from cdp_assets.config.drop_settings import DropSettings
from cdp_assets.config.files import Format
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql import drop_values
from cdp_assets.sql.drop_events import event_columns, event_skips, event_values
from cdp_assets.sql.drop_values import SUBSCRIBED, UNSUBSCRIBED, Note, cell_of, custom_of, note, object_of
from cdp_assets.sql.text import Sql, Step, comma, ident, joined, literal, sql
from cdp_assets.sql.values import typed

MAX_ROW_BYTES = 102_400
"""Of the cells of one row."""
CARRIED = ("list_id", "list_name", "consents")
"""Columns of the batch that no mapping brings."""
_EMAIL = Property(name="email", type=PropertyType.email)
_NOTE = "STRUCT(column_name VARCHAR, raw_text VARCHAR, reason VARCHAR)"
_DEGREES = {"Location.Latitude": 90, "Location.Longitude": 180}


@dataclass(frozen=True)
class DropFile:
    """One file, and what it is read by."""

    header: DropHeader
    settings: DropSettings
    properties: Mapping[str, Property]
    """The declared ones that the file fills."""
    look_at: datetime

    def cell(self, name: str) -> Sql:
        """The cell under a reserved header; NULL where the file has none."""
        column = self.header.find(name)
        return Sql("NULL::VARCHAR") if column is None else cell_of(column)

    def given(self, name: str) -> Sql:
        """What was made of such a cell."""
        return ident(f"given:{name}")

    @property
    def channels(self) -> list[str]:
        """Headers of the consents that the file has."""
        return [header for header in CHANNELS if self.header.find(header)]


def field_column(place: int) -> Sql:
    """Column of the n-th declared property that the file fills."""
    return ident(f"d{place}")


def drop_steps(file: DropFile) -> list[Step]:
    """Steps from `numbered` to `ready`."""
    values = [sql("{value} AS {name}", value=value, name=name) for name, value in _values(file)]
    values += [
        sql("{value} AS {name}", value=_custom_value(column), name=custom_of(column))
        for column in file.header.undeclared
    ]
    final = _profile_columns(file)
    skips = _skips(file)
    if file.settings.kind == "events":
        values += event_values(file.header)
        final += event_columns(file.header)
        skips = [*event_skips(file.header, file.look_at), *skips]
    final.append(sql("{skip} AS skip", skip=_first(skips)))
    final.append(sql("{all} AS warnings", all=_all(_warnings(file))))
    return [
        Step("valued", sql("SELECT {columns} FROM numbered", columns=comma([Sql("*"), *values]))),
        Step("ready", sql("SELECT {columns} FROM valued", columns=comma(final))),
    ]


def _profile_columns(file: DropFile) -> list[Sql]:
    fields = [
        sql("{value} AS {name}", value=_field(file, column, file.properties[name]), name=field_column(place))
        for place, (name, column) in enumerate(file.header.declared.items())
    ]
    return [
        Sql("line_no"),
        *fields,
        sql("{custom} AS custom", custom=object_of(file.header.undeclared) or Sql("NULL::VARCHAR")),
        sql("{id} AS list_id", id=file.cell(LIST_ID)),
        sql("{name} AS list_name", name=_list_name(file)),
        sql("{consents} AS consents", consents=_consents(file)),
    ]


def _values(file: DropFile) -> Iterator[tuple[Sql, Sql]]:
    """What is made of cells that more than one rule looks at."""
    email = file.cell("Email")
    yield file.given("Email"), typed(_EMAIL, email, Format()) if file.header.find("Email") else email
    phone = file.cell("PhoneNumber")
    yield file.given("PhoneNumber"), drop_values.phone(phone) if file.header.find("PhoneNumber") else phone
    yield file.given("ExternalID"), file.cell("ExternalID")
    for header in file.channels:
        yield file.given(header), drop_values.consent_status(file.cell(header))
    for header in CHANNELS:
        if file.header.find(header + TIMESTAMP):
            yield file.given(header + TIMESTAMP), drop_values.dropped_moment(file.cell(header + TIMESTAMP))
    for header, most in _DEGREES.items():
        if file.header.find(header):
            yield file.given(header), drop_values.coordinate(file.cell(header), most)


def _custom_value(column: DropColumn) -> Sql:
    """As JSON text. What a standard header's cell is, the header says."""
    if column.name in _DEGREES:
        return drop_values.coordinate(cell_of(column), _DEGREES[column.name])
    if column.name in TEXTS:
        return sql("to_json({cell})::VARCHAR", cell=cell_of(column))
    return drop_values.inferred(cell_of(column))


def _field(file: DropFile, column: DropColumn, prop: Property) -> Sql:
    """The text that the goal's mapping types."""
    if column.name in {"PhoneNumber", "Email"}:
        return file.given(column.name)
    cell = cell_of(column)
    if column.name in _DEGREES:
        return file.given(column.name)
    if prop.multiple:
        return drop_values.listed_texts(cell)
    if prop.type is PropertyType.datetime:
        return sql("coalesce({date}, {cell})", date=drop_values.iso_text(drop_values.dropped_moment(cell)), cell=cell)
    return cell


def _list_name(file: DropFile) -> Sql:
    cases = [
        sql("WHEN {id} THEN {name}", id=literal(list_id), name=literal(name))
        for list_id, name in file.settings.lists.items()
    ]
    if not cases:
        return Sql("NULL::VARCHAR")
    return sql("CASE {cell} {cases} END", cell=file.cell(LIST_ID), cases=joined(" ", cases))


def _stated_at(file: DropFile, header: str) -> Sql:
    look = literal(file.look_at)
    if not file.header.find(header + TIMESTAMP):
        return look
    return sql("coalesce({given}, {look})", given=file.given(header + TIMESTAMP), look=look)


def _consents(file: DropFile) -> Sql:
    """Statements that count. To join a list is to subscribe, unless the row itself says otherwise."""
    statements = []
    for header, channel in CHANNELS.items():
        status = file.given(header) if header in file.channels else Sql("NULL::VARCHAR")
        if channel == "email_marketing":
            joins = sql("{id} IS NOT NULL", id=file.cell(LIST_ID))
            status = sql("coalesce({s}, CASE WHEN {j} THEN {y} END)", s=status, j=joins, y=literal(SUBSCRIBED))
        statements.append(
            sql(
                "CASE WHEN {status} IN ({yes}, {no}) THEN struct_pack(channel := {channel}, status := {status},"
                " stated_at := {at}) END",
                status=status,
                yes=literal(SUBSCRIBED),
                no=literal(UNSUBSCRIBED),
                channel=literal(channel),
                at=_stated_at(file, header),
            )
        )
    return sql("nullif(list_filter([{all}], lambda s: s IS NOT NULL), [])", all=joined(", ", statements))


def _note(condition: Sql, file: DropFile, header: str, reason: Sql) -> Sql:
    return note(Note(file.header.find(header), file.cell(header)), condition, reason)


def _first(notes: Sequence[Sql]) -> Sql:
    return sql("coalesce({notes})", notes=joined(",\n    ", notes))


def _all(notes: Sequence[Sql]) -> Sql:
    if not notes:
        return sql("NULL::{kind}[]", kind=Sql(_NOTE))
    return sql("list_filter([{notes}], lambda n: n IS NOT NULL)", notes=joined(",\n    ", notes))


def _invalid(file: DropFile, header: str) -> Sql:
    return sql("({cell} IS NOT NULL AND {given} IS NULL)", cell=file.cell(header), given=file.given(header))


def _nobody(file: DropFile) -> Sql:
    return sql("coalesce({all}) IS NULL", all=joined(", ", [file.given(header) for header in IDENTIFIERS]))


_NOT_VALID = {"Email": "Invalid email format", "PhoneNumber": "Invalid phone number"}


def _skips(file: DropFile) -> list[Sql]:
    """Why a row is skipped; the first that holds is told."""
    nobody, found = _nobody(file), file.header.find
    notes = [
        _note(sql("{bad} AND {nobody}", bad=_invalid(file, header), nobody=nobody), file, header, literal(reason))
        for header, reason in _NOT_VALID.items()
        if found(header)
    ]
    notes.append(_note(nobody, file, "", literal("No identifier: Email, PhoneNumber or ExternalID")))
    if found("Image"):
        no_url = sql("NOT regexp_matches({cell}, '^(?i:https?)://.+')", cell=file.cell("Image"))
        notes.append(_note(no_url, file, "Image", literal("Image must be a URL")))
    if found(LIST_ID):
        unknown = sql("{cell} IS NOT NULL AND {name} IS NULL", cell=file.cell(LIST_ID), name=_list_name(file))
        notes.append(_note(unknown, file, LIST_ID, literal("Invalid List ID")))
        alone = sql("{cell} IS NOT NULL AND {email} IS NULL", cell=file.cell(LIST_ID), email=file.given("Email"))
        notes.append(_note(alone, file, LIST_ID, literal("List ID requires a valid email")))
    notes += [note for header in CHANNELS for note in _consent_skips(file, header)]
    notes += [
        _note(_invalid(file, header), file, header, literal("Invalid number format"))
        for header in _DEGREES
        if found(header)
    ]
    cells = [cell_of(column) for column in (*file.header.columns, *file.header.event)]
    size = joined(" + ", [sql("coalesce(strlen({cell}), 0)", cell=cell) for cell in cells])
    large = sql("{size} > {most}", size=size, most=literal(MAX_ROW_BYTES))
    return [*notes, _note(large, file, "", literal("The row holds more than 100 KB"))]


def _consent_skips(file: DropFile, header: str) -> Iterator[Sql]:
    if header in file.channels:
        reason = sql("'Invalid consent value \"' || {cell} || '\"'", cell=file.cell(header))
        yield _note(_invalid(file, header), file, header, reason)
    stamp = header + TIMESTAMP
    if file.header.find(stamp):
        late = sql("coalesce({when} > {look}, true)", when=file.given(stamp), look=literal(file.look_at))
        bad = sql("{cell} IS NOT NULL AND {late}", cell=file.cell(stamp), late=late)
        yield _note(bad, file, stamp, literal("Consent timestamp must be in the past"))


def _warnings(file: DropFile) -> list[Sql]:
    """Of rows that are not skipped."""
    notes = [
        _note(_invalid(file, header), file, header, literal(reason))
        for header, reason in _NOT_VALID.items()
        if file.header.find(header)
    ]
    if file.header.find("Location.Timezone"):
        zones = joined(", ", map(literal, sorted(available_timezones())))
        strange = sql("{cell} NOT IN ({zones})", cell=file.cell("Location.Timezone"), zones=zones)
        notes.append(_note(strange, file, "Location.Timezone", literal("not the name of an IANA time zone")))
    for column in (*file.header.undeclared, *file.header.event_properties):
        if column.name not in TEXTS or column in file.header.event:
            is_list = drop_values.is_list(cell_of(column))
            broken = sql("starts_with({cell}, '[') AND NOT {is_list}", cell=cell_of(column), is_list=is_list)
            notes.append(note(Note(column, cell_of(column)), broken, literal("Invalid list format")))
    return notes
