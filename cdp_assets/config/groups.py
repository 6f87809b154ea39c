"""Group types: what profiles can belong to, such as households, and the properties their groups have (spec.md 7)."""

from __future__ import annotations

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.properties import RESERVED_COLUMNS, Property, PropertyType

GROUP_ID = Property(name="group_id", type=PropertyType.text, description="What the group is called; never changes.")
"""What every group has and no goal can write: the value that made it."""
RESERVED_GROUP_COLUMNS = RESERVED_COLUMNS | {GROUP_ID.name}
"""Columns of `groups_<type>` that are ours; no property may take their names."""


class GroupType(Strict):
    """One kind of group; its groups are the rows of `groups_<id>`."""

    id: Name
    """Part of the table's name, and of the asset's."""
    name: str = ""
    """What people call one group; empty = the id."""
    plural_name: str = ""
    """What they call several; empty = the name."""
    description: str = ""
    """What people read about it."""
    properties: tuple[Property, ...] = ()
    """What a group of this type can hold, beside its id."""
    display_name: PropertyName | None = None
    """The property that names a group to people; exports with `ids: names` show it for the group's id."""

    @property
    def naming_property(self) -> Property | None:
        """The property of `display_name`, or None."""
        return next((prop for prop in self.properties if prop.name == self.display_name), None)

    @property
    def label(self) -> str:
        """The name, or the id where there is none."""
        return self.name or self.id

    @property
    def plural(self) -> str:
        """The plural, or the name where there is none."""
        return self.plural_name or self.label
