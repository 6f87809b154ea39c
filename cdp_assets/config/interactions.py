"""Interactions viewed: what profiles saw, clicked on or were won by (spec.md 9.4).

They are events of a type of their own, so that order, versions, replay and merging are those of every other event.
"""

from __future__ import annotations

from pydantic import Field

from cdp_assets.config.base import Name, Strict
from cdp_assets.config.events import INTERACTION_KINDS, INTERACTIONS, EventImport, EventMapping


class InteractionImport(Strict):
    """The interactions that the rows of a file bring to their profiles."""

    id: str = Field(min_length=1)
    """Column with the id of the interaction, such as a banner or a dialogue."""
    kind: str = Field(min_length=1)
    """`view`, `click` or `conversion` if all rows are of one kind; any other text is the column that tells."""
    time: str = Field(min_length=1)
    """Column with its date and time."""
    value: str | None = Field(default=None, min_length=1)
    """Column with what a conversion was worth."""
    source: Name | None = None
    """Alias of the linked file whose rows are the interactions; left out = the root file."""

    @property
    def fixed_kind(self) -> str | None:
        """The kind of all rows; None = a column tells it."""
        return self.kind.upper() if self.kind.upper() in INTERACTION_KINDS else None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns it names."""
        kind = self.kind if self.fixed_kind is None else None
        return tuple(name for name in (self.id, kind, self.time, self.value) if name is not None)

    @property
    def kind_cell(self) -> str:
        """The column with the kind; one of a fixed kind no file has, but a landing makes."""
        return self.kind if self.fixed_kind is None else f"-> interaction: {self.fixed_kind}"

    @property
    def key_cell(self) -> str:
        """What a landing calls the cells that make one interaction of rows with the same time."""
        return "-> interaction: kind and id"

    @property
    def event(self) -> EventImport:
        """The events that these interactions are."""
        mappings = [
            EventMapping(column=self.id, property="interaction_id"),
            EventMapping(column=self.kind_cell, property="kind"),
            *([EventMapping(column=self.value, property="value")] if self.value is not None else []),
        ]
        return EventImport(
            type=INTERACTIONS, source=self.source, id=self.key_cell, date=self.time, mappings=tuple(mappings)
        )
