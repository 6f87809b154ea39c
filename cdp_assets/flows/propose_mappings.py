"""Proposes a mapping for every column of a sample that has none: the bulk mapping of a goal. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from cdp_assets.config.check_goals import rule_problem
from cdp_assets.config.goals import ImportGoal, Mapping, Rule
from cdp_assets.config.groups import RESERVED_GROUP_COLUMNS
from cdp_assets.config.linked import linked_column
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import MOST_PLACES, NUMERIC, RESERVED_COLUMNS, Property, PropertyType
from cdp_assets.flows.detect_columns import ColumnProfile, Detected
from cdp_assets.flows.personal_columns import is_code, is_personal
from cdp_assets.flows.plain_letters import plain_letters
from cdp_assets.flows.sample_results import SetPreview

_LONGEST = 63
_FEWEST_PLACES = 2
"""Decimal places of a new property: other rows may well have more than a sample whose amounts are all like 12.5."""
_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Proposal:
    """What to add to the goal and to the customer model."""

    mappings: tuple[Mapping, ...] = ()
    properties: tuple[Property, ...] = ()
    """Those the model does not have yet, of profiles or of the goal's group type."""
    notes: tuple[str, ...] = ()
    """Columns that were left out, or came out otherwise than asked for, and why."""


def propose_mappings(
    goal: ImportGoal,
    model: CustomerModelConfig,
    seen: SetPreview,
    rule: Rule | None = None,
    prefix: str = "",
) -> Proposal:
    """A mapping for each column that has none.

    A property is called `prefix` and the column's name, made valid. One of that name that the model has, and
    whose type fits, is used; else a new one is proposed, of the type detected. Columns of linked files are added
    (`add`) to properties that hold several values, unless `rule` says otherwise and fits; `rule` is `set` for
    all others where it is left out or does not fit.
    """
    bulk = _Bulk(goal, model, rule, prefix)
    profiles = {profile.name: profile for profile in seen.columns}
    for name in seen.unmapped:
        bulk.add(profiles[name])
    if bulk.mappings and goal.events:
        kinds = ", ".join(dict.fromkeys(event.type for event in goal.events))
        owner = "group" if goal.group_type else "profile"
        bulk.notes.append(
            f"these are properties of the {owner}: where several rows are about one, the last counts;"
            f" what tells of one event ({kinds}) goes under the goal's `events`, into a field"
        )
    return Proposal(tuple(bulk.mappings), tuple(bulk.properties), tuple(bulk.notes))


class _Bulk:
    """A proposal while it grows."""

    def __init__(self, goal: ImportGoal, model: CustomerModelConfig, rule: Rule | None, prefix: str) -> None:
        self._goal, self._rule, self._prefix = goal, rule, prefix
        self._known = {prop.name.lower(): prop for prop in model.record_properties(goal.group_type)}
        self._reserved = RESERVED_GROUP_COLUMNS if goal.group_type else RESERVED_COLUMNS
        used = [*(item.property for item in goal.identifier_columns), *(item.property for item in goal.mappings)]
        self._used = {name.lower() for name in used}
        self.mappings: list[Mapping] = []
        self.properties: list[Property] = []
        self.notes: list[str] = []

    def add(self, profile: ColumnProfile) -> None:
        """Proposes a mapping for one column, or notes why not."""
        if _TEMPLATE.search(profile.name):
            # It would be run as a template when the YAML is read.
            self.notes.append(f"{profile.name}: not proposed, for its name holds the signs of a template")
            return
        linked = linked_column(self._goal.files.linked, profile.name) is not None
        prop = self._property(profile, linked=linked)
        rule = self._fitting_rule(profile, prop, linked=linked)
        if _rounds(prop, profile.detected):
            told = f"decimals with up to {profile.detected.places} places, of which property {prop.name} keeps"
            self.notes.append(f"{profile.name}: {told} {prop.scale}; a text would keep them all")
        self._used.add(prop.name.lower())
        self.mappings.append(Mapping(column=profile.name, property=prop.name, rule=rule))

    def _property(self, profile: ColumnProfile, *, linked: bool) -> Property:
        detected = profile.detected
        kind = detected.type or PropertyType.text
        if kind in NUMERIC and is_code(profile.name):
            # A number would lose the + of a phone, and the zero that other rows of a postal code begin with.
            kind = PropertyType.text
        multiple = linked or detected.multiple or self._rule is Rule.add
        # A sum is kept as one value, also of linked rows.
        multiple = multiple and not (self._rule is Rule.sum and kind in NUMERIC)
        wanted = valid_name(self._prefix + profile.name, len(self.mappings) + 1)
        found = self._known.get(wanted.lower())
        if found is not None and wanted.lower() not in self._used and _takes(found, kind):
            return found
        name = _free_name(wanted, {*self._known, *self._used, *self._reserved})
        # The name of a group is nobody's.
        pii = kind is PropertyType.email if self._goal.group_type else is_personal(profile.name, kind)
        precision = _precision(detected) if kind is PropertyType.decimal else None
        days = kind is PropertyType.datetime and detected.whole_days
        prop = Property(name=name, type=kind, multiple=multiple, pii=pii, precision=precision, whole_days=days)
        self._known[name.lower()] = prop
        self.properties.append(prop)
        return prop

    def _fitting_rule(self, profile: ColumnProfile, prop: Property, *, linked: bool) -> Rule:
        usual = Rule.add if linked and prop.multiple else Rule.set
        rule = self._rule or usual
        if rule_problem(Mapping(column=profile.name, property=prop.name, rule=rule), prop) is None:
            return rule
        self.notes.append(f"{profile.name}: rule {usual}, as {rule} does not fit property {prop.name}")
        return usual


def _takes(prop: Property, kind: PropertyType) -> bool:
    """Whether a property stores what a column of this type holds."""
    also = {
        PropertyType.number: NUMERIC,
        PropertyType.decimal: frozenset({PropertyType.currency}),
    }
    return prop.type in {PropertyType.text, kind} or prop.type in also.get(kind, frozenset())


def _precision(detected: Detected) -> int | None:
    """Decimal places that hold what was seen, as far as any can; None = as many as where nothing is said."""
    places = max(_FEWEST_PLACES, detected.places)
    return places if places < MOST_PLACES else None


def _rounds(prop: Property, detected: Detected) -> bool:
    """Whether the property keeps fewer decimal places than were seen."""
    kept = prop.type in {PropertyType.decimal, PropertyType.currency}
    return kept and detected.type is PropertyType.decimal and detected.places > prop.scale


def valid_name(name: str, number: int) -> str:
    """Letters, digits, `-` and `_`: letters made plain, runs of anything else one `_`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain_letters(name)).strip("_")[:_LONGEST] or f"column_{number}"


def _free_name(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken; case does not count."""
    free, number = name, 2
    while free.lower() in taken:
        end = f"_{number}"
        free, number = name[: _LONGEST - len(end)] + end, number + 1
    return free
