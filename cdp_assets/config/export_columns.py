"""The columns of an export: where each takes its values from (spec.md 10.3)."""

from __future__ import annotations

import builtins
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.date_patterns import parse_date_pattern
from cdp_assets.config.timezones import check_timezone

Header = Annotated[str | None, Field(alias="as", min_length=1)]


def check_written_dates(value: str | None) -> str | None:
    """A pattern that dates can be written by, the word for UNIX milliseconds, or that for what fits the property."""
    if value not in {None, "auto", "timestamp"}:
        parse_date_pattern(value or "")
    return value


class PropertyColumn(Strict):
    """A property's values, as one column of an export."""

    property: PropertyName
    """A property of the model, or `creation_date`, `last_modified_date` or `domain_group`."""
    header: Header = None
    """Column name in the file; left out = the property's name."""
    identifier: bool = False
    """Profiles without a value here are left out and counted `no_identifier`."""
    date_format: str | None = None
    """Pattern of this column's dates, or `timestamp`; left out = that of `format`."""
    timezone: str | None = None
    """Zone of this column's dates; left out = that of `format`."""

    _pattern = field_validator("date_format")(check_written_dates)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return value if value is None else check_timezone(value)

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header or self.property


class ProfileIdColumn(Strict):
    """The profile's id, as one column of an export; with `ids: names` its display name where it has one."""

    profile_id: dict[str, str] = Field(max_length=0)
    """Written as `profile_id: {}`: the id of the profile."""
    header: Header = None
    """Column name in the file; left out = `profile_id`."""

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header or "profile_id"


class TextColumn(Strict):
    """The same text in every row, as one column of an export."""

    text: str
    """The text; may be empty."""
    header: str = Field(alias="as", min_length=1)
    """Column name in the file."""

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header


class SegmentsColumn(Strict):
    """The segments a profile is in, in the order of the model; with `ids: names` by their titles."""

    segments: Literal["all"] | Annotated[tuple[Name, ...], Field(min_length=1)]
    """`all`, or the names of those that count."""
    header: Header = None
    """Column name in the file; left out = `segments`."""

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header or "segments"


class LifecyclesColumn(Strict):
    """The lifecycles a profile is in, in the order of the model; with `ids: names` by their names."""

    lifecycles: Literal["all"] | Annotated[tuple[Name, ...], Field(min_length=1)]
    """`all`, or the ids of those that count."""
    with_stage: bool = False
    """True: with the stage it is in, such as `onboarding:welcome`; who is in none of the stages has none."""
    header: Header = None
    """Column name in the file; left out = `lifecycles`."""

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header or "lifecycles"


class InteractionsColumn(Strict):
    """The interactions a profile has viewed, the first one first; with `ids: names` by the names of the model."""

    viewed_interactions: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)]
    """`all`, or the ids of those that count."""
    header: Header = None
    """Column name in the file; left out = `viewed_interactions`."""

    @builtins.property
    def column_name(self) -> str:
        """The header in the file."""
        return self.header or "viewed_interactions"


_KINDS: dict[str, type[Strict]] = {
    "profile_id": ProfileIdColumn,
    "text": TextColumn,
    "segments": SegmentsColumn,
    "lifecycles": LifecyclesColumn,
    "viewed_interactions": InteractionsColumn,
}


def _column_kind(value: Any) -> str:
    for kind, model in _KINDS.items():
        if isinstance(value, model) or (isinstance(value, dict) and kind in value):
            return kind
    return "property"


ExportColumn = Annotated[
    Annotated[PropertyColumn, Tag("property")]
    | Annotated[ProfileIdColumn, Tag("profile_id")]
    | Annotated[TextColumn, Tag("text")]
    | Annotated[SegmentsColumn, Tag("segments")]
    | Annotated[LifecyclesColumn, Tag("lifecycles")]
    | Annotated[InteractionsColumn, Tag("viewed_interactions")],
    Discriminator(_column_kind),
]
