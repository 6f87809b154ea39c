"""The header convention of drop folders: what each column of a file is, from its header alone. Pure.

Reserved names count whatever their case, spaces and underscores. Any other header is a property of that very name;
dots in it build nested objects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cdp_assets.config.drop_settings import DropSettings
from cdp_assets.errors import FileError

METRIC, TIME, VALUE, UNIQUE_ID = "Metric name", "Time", "Value", "Unique ID"
REQUIRED = (METRIC, TIME)
"""What the header of a file of events must have."""
PROFILE = "profile."
"""Before the headers of an event's file that are about the profile."""
JSON_DEPTH = 5
"""Objects inside each other that dots build at most; further dots belong to the innermost name."""
IDENTIFIERS = {"Email": "email", "PhoneNumber": "phone_number", "ExternalID": "external_id"}
"""Header → the property it fills; they find profiles in this order."""
CHANNELS = {
    "Email Marketing Consent": "email_marketing",
    "SMS Marketing Consent": "sms_marketing",
    "SMS Transactional Consent": "sms_transactional",
}
"""Header → channel of the consent; with ` Timestamp` behind it, when it was given."""
LIST_ID = "List ID"
TIMESTAMP = " Timestamp"
_STANDARD = (
    "First Name", "Last Name", "Organization", "Title", "Image", "Location.Address1", "Location.Address2",
    "Location.City", "Location.Region", "Location.Country", "Location.Latitude", "Location.Longitude",
    "Location.Zip", "Location.Timezone",
)  # fmt: skip
TEXTS = frozenset(_STANDARD) - {"Location.Latitude", "Location.Longitude"}
"""Standard headers whose cells are text, whatever they look like."""
_CONSENTS = (*CHANNELS, *(f"{header}{TIMESTAMP}" for header in CHANNELS))


def bare(name: str) -> str:
    """A name as reserved names are compared."""
    return "".join(name.split()).replace("_", "").lower()


_EVENT = {bare(name): name for name in (METRIC, TIME, VALUE, UNIQUE_ID)}
_RESERVED = {bare(name): name for name in (*IDENTIFIERS, LIST_ID, *_CONSENTS, *_STANDARD)}


@dataclass(frozen=True)
class DropColumn:
    """One column of a file."""

    place: int
    """0-based."""
    header: str
    """As the file has it."""
    name: str
    """A reserved name as it is officially spelled, else the header."""

    @property
    def path(self) -> tuple[str, ...]:
        """The names that the dots part, outermost first."""
        return tuple(self.name.split(".", JSON_DEPTH - 1))


@dataclass(frozen=True)
class DropHeader:
    """What the columns of a file are."""

    columns: tuple[DropColumn, ...]
    declared: Mapping[str, DropColumn]
    """Property → the column that fills it."""
    undeclared: tuple[DropColumn, ...]
    """Columns whose values go into the JSON object."""
    event: tuple[DropColumn, ...] = ()
    """Columns of a file of events that are not about the profile."""

    @property
    def event_properties(self) -> tuple[DropColumn, ...]:
        """What the event is told to be like."""
        return tuple(column for column in self.event if column.name not in _EVENT.values())

    def find_event(self, name: str) -> DropColumn | None:
        """The column of a reserved name of events."""
        return next((column for column in self.event if column.name == name), None)

    def find(self, name: str) -> DropColumn | None:
        """The column of a reserved name."""
        return next((column for column in self.columns if column.name == name), None)


def read_drop_header(header: Sequence[str], settings: DropSettings, properties: Collection[str]) -> DropHeader:
    """What the columns are. `properties`: the declared ones, but for the JSON object's.

    Raises:
        FileError: the supplier must act: nothing of the file can be imported.
    """
    columns, event = _columns(header, settings)
    _require_different(columns)
    _require_different(event)
    _require_identifier(columns, settings)
    homes = _homes(settings, properties)
    declared: dict[str, DropColumn] = {}
    undeclared = []
    for column in columns:
        home = homes.get(_key(column.name))
        if home is not None:
            if home in declared:
                message = f'Duplicate column "{column.header}": "{declared[home].header}" fills {home} already'
                raise FileError(message)
            declared[home] = column
        elif column.name not in {LIST_ID, *_CONSENTS, *IDENTIFIERS}:
            undeclared.append(column)
    return DropHeader(tuple(columns), declared, tuple(undeclared), tuple(event))


def _columns(header: Sequence[str], settings: DropSettings) -> tuple[list[DropColumn], list[DropColumn]]:
    """Those about the profile, and those about the event."""
    columns: list[DropColumn] = []
    event: list[DropColumn] = []
    for place, name in enumerate(header):
        if settings.kind == "profiles":
            columns.append(DropColumn(place, name, _RESERVED.get(bare(name), name.strip())))
        elif bare(name).startswith(PROFILE):
            own = name.split(".", 1)[1]
            columns.append(DropColumn(place, name, _RESERVED.get(bare(own), own.strip())))
        else:
            event.append(DropColumn(place, name, _EVENT.get(bare(name), name.strip())))
    if settings.kind == "events":
        found = {column.name for column in event}
        for name in REQUIRED:
            if name not in found:
                message = f"Missing required header: {name}"
                raise FileError(message)
    return columns, event


def property_of(header: str, settings: DropSettings) -> str:
    """The property a reserved header fills, whether or not it is declared."""
    given = {_key(name): prop for name, prop in settings.properties.items()}
    return given.get(_key(header), IDENTIFIERS.get(header, header))


def _key(name: str) -> str:
    return bare(name).replace(".", "")


def _homes(settings: DropSettings, properties: Collection[str]) -> dict[str, str]:
    """Header as compared → property. What the settings say comes before what the properties are called."""
    homes = {_key(name): name for name in properties}
    homes |= {_key(header): name for header, name in IDENTIFIERS.items() if name in properties}
    for header, name in settings.properties.items():
        if name in properties:
            homes = {key: home for key, home in homes.items() if home != name}
            homes[_key(header)] = name
    return homes


def _require_different(columns: Sequence[DropColumn]) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        if column.name in seen:
            message = f'Duplicate column "{column.header}"'
            raise FileError(message)
        seen[column.name] = column.header
    paths = {column.path: column for column in columns}
    for column in columns:
        for end in range(1, len(column.path)):
            outer = paths.get(column.path[:end])
            if outer is not None:
                message = f'Columns "{outer.header}" and "{column.header}" exclude each other: one is inside the other'
                raise FileError(message)


def _require_identifier(columns: Sequence[DropColumn], settings: DropSettings) -> None:
    found = {column.name for column in columns} & IDENTIFIERS.keys()
    if not found:
        message = "At least one identifying header is required: Email, PhoneNumber or ExternalID"
        raise FileError(message)
    if found == {"PhoneNumber"} and not settings.sms_enabled:
        message = "SMS must be enabled to use PhoneNumber as the only identifier"
        raise FileError(message)
