"""Declared metrics: events of drop folders whose properties become typed columns (spec.md K2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.events import FieldType, repeated, slug
from cdp_assets.config.properties import Property, PropertyType

METRIC_COLUMNS = ("profile_id", "event_id", "date", "value")
"""Columns of every view of a metric that are ours; no field may take their names."""
_Header = Annotated[str, Field(pattern=r'^[^"]+$')]


class MetricField(Strict):
    """One property of a metric's events, as a column."""

    key: PropertyName
    """Name of the column."""
    header: _Header | None = None
    """Header in the files, dots and all; left out = the key."""
    type: FieldType = FieldType.text
    """What it holds; a value of another type is empty in the column, and stays in the JSON."""
    description: str = ""
    """What it means, for people."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in the JSON: dots build nested objects."""
        return tuple((self.header or self.key).split("."))

    @property
    def prop(self) -> Property:
        """The field as a property, which decides the type of its column."""
        return Property(name=self.key, type=PropertyType(self.type))


class Metric(Strict):
    """A metric of drop folders that analysts read as a table of its own."""

    name: str = Field(min_length=1, max_length=127)
    """As the files write it."""
    folders: Name
    """Name of the DropFolders component."""
    description: str = ""
    """What it means, for people."""
    fields: tuple[MetricField, ...] = ()
    """Its properties, in the order of the columns."""

    @property
    def view(self) -> str:
        """Name of its view in `main`."""
        return f"metrics_{self.folders}_{slug(self.name)}"

    @model_validator(mode="after")
    def _keys_differ(self) -> Metric:
        keys = [field.key for field in self.fields]
        twice = repeated(keys)
        if twice:
            message = f"two fields of metric {self.name!r} have the key {twice!r} (case does not count)"
            raise ValueError(message)
        taken = [key for key in keys if key.lower() in METRIC_COLUMNS]
        if taken:
            message = f"field key {taken[0]!r} is reserved; take another one than: {', '.join(METRIC_COLUMNS)}"
            raise ValueError(message)
        return self
