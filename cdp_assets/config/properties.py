"""Profile properties: their names, types and how many values they hold (spec.md 1.2)."""

from __future__ import annotations

import operator
from enum import StrEnum

from pydantic import Field, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.merging import MergeStrategy, default_strategy

UNDESCRIBED = "Not described in the YAML."
"""Stands where a description would, and nothing else is known of a column."""


class PropertyType(StrEnum):
    """The types of spec.md 1.2."""

    text = "text"
    email = "email"
    number = "number"
    decimal = "decimal"
    currency = "currency"
    datetime = "datetime"
    json = "json"
    """An object of fields that nobody declared; what is written into it is merged, field by field."""


NUMERIC = frozenset({PropertyType.number, PropertyType.decimal, PropertyType.currency})
MAX_TEXT_LENGTH = 65_000
"""Characters; a longer text is not stored (spec.md 1.2)."""
MOST_PLACES = 4
"""Decimal places; more are rounded (spec.md 1.2)."""
RESERVED_COLUMNS = frozenset(
    {
        "profile_id",
        "domain_group",
        "creation_date",
        "last_modified_date",
        "created_by_property",
        "created_by_value",
        "created_by_number",
        "created_at_position",
        "created_at_row",
        "modified_at_position",
        "permission_level",
        "privacy_legislation",
        "consented_objectives",
        "refused_objectives",
    }
)
"""Columns of `profiles` that are ours; no property may take their names."""


class Property(Strict):
    """One property a profile can have; one column of `profiles`."""

    name: PropertyName
    """Unique, whatever its case; the name of the column in `profiles`."""
    type: PropertyType = PropertyType.text
    """What a value is."""
    multiple: bool = False
    """Whether a profile can hold several values; then the column is a LIST in the order values came."""
    description: str = ""
    """What people read about it; becomes the column's comment."""
    precision: int | None = Field(default=None, ge=0, le=MOST_PLACES)
    """Decimal places of a decimal (default 4) or currency (default 2); more are rounded half to even."""
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    """ISO 4217 code of a currency property."""
    pii: bool = False
    """Whether values identify a person; identifiers always do."""
    group_type: Name | None = None
    """The values are ids of groups of this type: the profile belongs to them."""
    merge: MergeStrategy | None = None
    """Which values remain when profiles merge; left out = `both` for several texts or emails, else `keep_current`."""
    choices: tuple[str, ...] | None = None
    """The texts it can hold, whatever their case in a file; left out = any."""
    whole_days: bool = Field(default=False, exclude_if=operator.not_)
    """Of a datetime: values are days, such as birthdays. A day stays the same in every time zone, read or written."""

    @property
    def scale(self) -> int:
        """Decimal places that are stored."""
        if self.precision is not None:
            return self.precision
        return 2 if self.type is PropertyType.currency else MOST_PLACES

    @property
    def is_numeric(self) -> bool:
        """Whether values can be summed."""
        return self.type in NUMERIC

    @property
    def merge_strategy(self) -> MergeStrategy:
        """Which values remain when profiles merge."""
        return self.merge or self.default_merge_strategy

    @property
    def default_merge_strategy(self) -> MergeStrategy:
        """The strategy where none is named."""
        is_text = self.type in {PropertyType.text, PropertyType.email}
        return default_strategy(multiple=self.multiple, is_text=is_text)

    @property
    def type_signature(self) -> str:
        """What must stay the same for old batches to fit the warehouse's column."""
        scale = f"({self.scale})" if self.type in {PropertyType.decimal, PropertyType.currency} else ""
        return f"{self.type}{scale}{'[]' if self.multiple else ''}"

    @model_validator(mode="after")
    def _settings_fit_the_type(self) -> Property:
        if self.precision is not None and self.type not in {PropertyType.decimal, PropertyType.currency}:
            message = f"precision belongs to a decimal or currency property; {self.name} is {self.type}"
            raise ValueError(message)
        if self.multiple and self.type is PropertyType.json:
            message = f"a json property holds one object; {self.name} cannot be multiple"
            raise ValueError(message)
        if (self.currency is not None) != (self.type is PropertyType.currency):
            message = "a currency property needs its ISO code (currency: EUR), and only a currency property"
            raise ValueError(message)
        if self.group_type is not None and self.type is not PropertyType.text:
            message = f"a property of group ids is a text; {self.name} is {self.type}"
            raise ValueError(message)
        if self.merge is MergeStrategy.both and not self.multiple:
            message = "merge: both needs multiple: true; a property of one value takes keep_current or latest"
            raise ValueError(message)
        if self.whole_days and self.type is not PropertyType.datetime:
            message = f"only a datetime has whole_days; {self.name} is {self.type}"
            raise ValueError(message)
        if self.choices is not None and self.type is not PropertyType.text:
            message = f"only a text has choices; {self.name} is {self.type}"
            raise ValueError(message)
        return self


OWN_PROPERTIES = (
    Property(name="creation_date", type=PropertyType.datetime, description="When the profile was made."),
    Property(name="last_modified_date", type=PropertyType.datetime, description="When a property last changed."),
    Property(name="domain_group", description="Profiles of different domain groups never match each other."),
    Property(name="permission_level", description="What may be done with the profile's data."),
    Property(name="privacy_legislation", description="Zone whose law applies."),
    Property(name="consented_objectives", multiple=True, description="Objectives consented to."),
    Property(name="refused_objectives", multiple=True, description="Objectives refused."),
)
"""Columns of `profiles` that are ours and that a condition may ask for as if they were properties."""
