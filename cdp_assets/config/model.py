"""The customer model, the whole deployment, and the config a batch carries for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import Field, field_validator

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP, DomainGroup, Name, Owner, PropertyName, Strict
from cdp_assets.config.connections import Connection
from cdp_assets.config.consent import FrozenObjective, Objective, frozen_objectives, is_gated, target_properties
from cdp_assets.config.drop_goals import dropped_event_type, with_all_properties
from cdp_assets.config.drop_headers import property_of
from cdp_assets.config.events import EventType, whole_types
from cdp_assets.config.goals import ImportGoal, ImportProfilesGoal, Mapping, Rule
from cdp_assets.config.groups import GROUP_ID, GroupType
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.limits import ModelChecks
from cdp_assets.config.merging import FrozenMerging, MergeStrategy, Merging
from cdp_assets.config.metrics import Metric
from cdp_assets.config.properties import OWN_PROPERTIES, Property, PropertyType
from cdp_assets.config.regular_expressions import check_expression
from cdp_assets.config.segments import Segment


class SnapshotSettings(Strict):
    """Copies of the derived tables, so that a late file or a correction need not rebuild everything."""

    keep: int = Field(default=4, ge=0, le=50)
    """How many stay, the closer together the younger they are; 0 = none is taken or used."""
    after: float = Field(default=5, gt=0)
    """The next is taken once this many times as many rows were folded as there are profiles."""
    max_gb: float = Field(default=20, gt=0)
    """Room for all of them together; the least useful go first."""


class CustomerModelConfig(Strict):
    """What a profile can hold and which segments there are; exactly one per warehouse."""

    properties: tuple[Property, ...] = Field(min_length=1)
    """What a profile can hold; one column of the table `profiles` each."""
    segments: tuple[Segment, ...] = ()
    """Named conditions on profiles."""
    lifecycles: tuple[Lifecycle, ...] = ()
    """The stages people go through."""
    event_types: tuple[EventType, ...] = ()
    """Timeline events a profile can have: `order` and `abandoned_basket` are there and can be extended."""
    event_type_files: tuple[str, ...] = ()
    """Plugin files in XML that hold further event types, relative to the working directory."""
    metrics: tuple[Metric, ...] = ()
    """Metrics of drop folders that have a view of their own, with typed columns for their properties."""
    group_types: tuple[GroupType, ...] = ()
    """What profiles can belong to."""
    objectives: tuple[Objective, ...] = ()
    """Purposes that people consent to or refuse."""
    interactions: dict[str, str] = Field(default_factory=dict)
    """Names of interactions for people: id → name. Exports with `ids: names` show it; one without shows its id."""
    blocked_identifiers: tuple[str, ...] = ("[0-]*", "-1", "null", "anonymous")
    """Regular expressions of values that identify nobody, whole and in any case: as identifiers they count as empty."""
    domain_groups: tuple[DomainGroup, ...] = ()
    """Beside DEFAULT: profiles of different ones never match, whatever they hold; an import names its own."""
    merging: Merging | None = None
    """Whether profiles that one row finds become one; left out = they stay apart, and the row goes to one of them."""
    display_name: PropertyName | None = None
    """The property that names a profile to people, such as an e-mail address; exports with `ids: names` show it."""
    publish_every_s: int = Field(default=300, ge=0)
    """Seconds between two copies of the warehouse for readers; 0 = after every fold."""
    snapshots: SnapshotSettings = SnapshotSettings()
    """How often and how many copies of the derived tables are kept."""
    owners: tuple[Owner, ...] = ()
    """Who is asked about profiles, groups, events, segments and lifecycles: `team:crm`, or an e-mail address."""
    checks: ModelChecks = ModelChecks()
    """What is checked of the profiles, and within which limits."""

    @field_validator("blocked_identifiers")
    @classmethod
    def _known_expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            check_expression(pattern)
        return value

    def find_property(self, name: str) -> Property | None:
        """The property of that name, or None."""
        return next((prop for prop in self.properties if prop.name == name), None)

    def find_asked(self, name: str) -> Property | None:
        """The property of that name, or the column of ours that conditions and exports may ask for, or None."""
        return next((prop for prop in (*OWN_PROPERTIES, *self.properties) if prop.name == name), None)

    def find_segment(self, name: str) -> Segment | None:
        """The segment of that name, or None."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def find_lifecycle(self, lifecycle_id: str) -> Lifecycle | None:
        """The lifecycle of that id, or None."""
        return next((lifecycle for lifecycle in self.lifecycles if lifecycle.id == lifecycle_id), None)

    def find_group_type(self, name: str) -> GroupType | None:
        """The group type of that id, or None."""
        return next((kind for kind in self.group_types if kind.id == name), None)

    def record_properties(self, group_type: str) -> tuple[Property, ...]:
        """What a profile can hold (for the empty text), or a group of this type; nothing for an unknown type."""
        if not group_type:
            return self.properties
        kind = self.find_group_type(group_type)
        return kind.properties if kind else ()

    def with_properties(self, group_type: str, more: tuple[Property, ...]) -> CustomerModelConfig:
        """The model with more properties of profiles (for the empty text), or of groups of this type."""
        if not group_type:
            return self.model_copy(update={"properties": (*self.properties, *more)})
        kinds = tuple(
            kind.model_copy(update={"properties": (*kind.properties, *more)}) if kind.id == group_type else kind
            for kind in self.group_types
        )
        return self.model_copy(update={"group_types": kinds})


class Deployment(Strict):
    """The customer model and all connections that feed it or are fed by it."""

    model: CustomerModelConfig
    connections: tuple[Connection, ...] = ()

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """Those of the model, and the standard types that goals name, with all their fields."""
        goals = [goal for connection in self.connections for goal in connection.imports]
        named = sorted({event.type for goal in goals for event in goal.events})
        return whole_types(self.model.event_types, named)

    def find_connection(self, name: str) -> Connection | None:
        """The connection of that name, or None."""
        return next((connection for connection in self.connections if connection.name == name), None)


def pii_properties(deployment: Deployment) -> frozenset[str]:
    """Properties whose values identify a person: flagged so, addresses, and whatever finds profiles."""
    flagged = {prop.name for prop in deployment.model.properties if prop.pii or prop.type is PropertyType.email}
    finding = {
        item.property
        for connection in deployment.connections
        for goal in connection.imports
        for item in goal.identifier_columns
        if not goal.group_type
    }
    return frozenset(flagged | finding)


def complete_deployment(model: CustomerModelConfig, connections: Sequence[Connection]) -> Deployment:
    """The deployment, its model with the event types that drop folders bring along."""
    known = {kind.id for kind in model.event_types}
    dropped = [
        dropped_event_type(connection.name)
        for connection in connections
        for goal in connection.imports
        if goal.drop is not None and goal.events and connection.name not in known
    ]
    model = model.model_copy(update={"event_types": (*model.event_types, *dropped)})
    return Deployment(model=model, connections=tuple(connections))


class BatchConfig(Strict):
    """Everything that decides what a batch means, frozen into it when it is landed.

    Fold and replay use this and never today's YAML; `reland` makes a new batch with today's.
    """

    connection: Name
    connection_order: int
    goal_order: int
    """0-based place of the goal in its connection."""
    goal: ImportGoal = Field(discriminator="type")
    properties: tuple[Property, ...]
    """The properties the goal writes or matches by, as they were."""
    blocked_identifiers: tuple[str, ...] = ()
    """Regular expressions of values that identified nobody."""
    event_types: tuple[EventType, ...] = ()
    """The types of the goal's events, with all their fields, as they were."""
    merging: FrozenMerging | None = None
    """How profiles that a row finds merged; None = they did not."""
    objectives: tuple[FrozenObjective, ...] = ()
    """The purposes the connection served: a row acts only where one of them is allowed. Empty = every row may act."""

    @property
    def is_gated(self) -> bool:
        """Whether there are profiles whose rows may not act."""
        return is_gated(self.objectives)

    @property
    def has_one_identifier(self) -> bool:
        """Whether one column with one value finds every profile: then equal values are equal profiles."""
        columns = self.goal.identifier_columns
        return len(columns) == 1 and not self.find_property(columns[0].property).multiple

    @property
    def goal_id(self) -> str:
        """`connection/goal`, the name of a goal across connections."""
        return f"{self.connection}/{self.goal.name}"

    def find_property(self, name: str) -> Property:
        """The property of that name as it was; mappings and identifiers name no other."""
        return next(prop for prop in self.properties if prop.name == name)

    def find_event_type(self, name: str) -> EventType:
        """The event type of that id as it was; the goal's events name no other."""
        return next(item for item in self.event_types if item.id == name)

    def merges_by_latest(self, name: str) -> bool:
        """Whether the latest write of a property decides when profiles merge."""
        return self.merging is not None and self.merging.strategies.get(name) is MergeStrategy.latest

    def _unsaid(self) -> dict[str, object]:
        """What a batch of before there was such a thing does not say."""
        unsaid: dict[str, object] = {} if self.objectives else {"objectives": True}
        if self.merging is None:
            return unsaid | {"merging": True}
        return unsaid if self.merging.distinct else unsaid | {"merging": {"distinct": True}}

    @property
    def config_hash(self) -> str:
        """Equal for two configs that give the same batch from the same file and place it alike."""
        goal: dict[str, object] = {
            "description": True,
            "active": True,
            "on_error": True,
            "return_rejects": True,
            "checks": True,
            "files": {"ready": True, "partitions": True},
            "drop": True,
        }
        unsaid = {"description", "pii", "group_type", "merge"}
        if all(prop.choices is None for prop in self.properties):
            # Nor does it change where there were no choices yet.
            unsaid.add("choices")
        left_out: dict[str, object] = {"goal": goal, "properties": {"__all__": unsaid}}
        if not self.goal.events:
            # Batches of before there were events keep their hash.
            goal["events"] = left_out["event_types"] = True
        left_out |= self._unsaid()
        if self.goal.domain_group == DEFAULT_DOMAIN_GROUP:
            goal["domain_group"] = True
        # The type pydantic wants for exclusions that are nested cannot be said of a dict that is built step by step.
        meaning = self.model_dump_json(exclude=left_out)  # type: ignore[arg-type]
        files = self.goal.files
        # The wildcard value of a name without a regular expression tells the name, so that nothing changes.
        if files.versions_share_a_name and files.pattern_type == "regex":
            meaning += "versions share a name"
        if self.goal.drop is not None:
            meaning += self.goal.drop.model_dump_json()
        return hashlib.sha256(meaning.encode()).hexdigest()


def batch_config(deployment: Deployment, connection: Connection, goal: ImportGoal) -> BatchConfig:
    """The config a batch of this goal carries when landed today. Cross rules must have been checked."""
    place = connection.goals.index(goal)
    if isinstance(goal, ImportProfilesGoal) and goal.drop is not None:
        goal = with_all_properties(goal, deployment.model.properties)
    names = {mapping.property for mapping in goal.mappings} | {item.property for item in goal.identifier_columns}
    known = deployment.model.record_properties(goal.group_type)
    known = (*known, *((GROUP_ID,) if goal.group_type else target_properties(deployment.model.objectives)))
    properties = tuple(prop for prop in sorted(known, key=lambda prop: prop.name) if prop.name in names)
    return BatchConfig(
        connection=connection.name,
        connection_order=connection.order,
        goal_order=place,
        goal=_with_identifiers_mapped(goal, {prop.name: prop for prop in properties}),
        properties=properties,
        blocked_identifiers=deployment.model.blocked_identifiers,
        event_types=_event_types(deployment.model, goal),
        merging=_merging_of(deployment.model, goal),
        objectives=() if goal.group_type else frozen_objectives(deployment.model.objectives, connection.objectives),
    )


def _event_types(model: CustomerModelConfig, goal: ImportGoal) -> tuple[EventType, ...]:
    named = sorted({event.type for event in goal.events})
    return tuple(item for item in whole_types(model.event_types, named) if item.id in named)


def _merging_of(model: CustomerModelConfig, goal: ImportGoal) -> FrozenMerging | None:
    """Merging with the strategies of all properties: two profiles merge with everything they hold.

    Drop folders always merge, but never two e-mail addresses or two external ids.
    """
    if goal.group_type or (model.merging is None and goal.drop is None):
        return None
    strategies = {
        prop.name: prop.merge_strategy
        for prop in sorted(model.properties, key=lambda prop: prop.name)
        if prop.merge_strategy is not prop.default_merge_strategy
    }
    if goal.drop is not None:
        distinct = tuple(property_of(header, goal.drop) for header in ("Email", "ExternalID"))
        return FrozenMerging(limit=None, strategies=strategies, distinct=distinct)
    assert model.merging is not None
    return FrozenMerging(limit=model.merging.limit, strategies=strategies)


def _with_identifiers_mapped(goal: ImportGoal, properties: dict[str, Property]) -> ImportGoal:
    """The goal with a mapping for every identifier: a row gives its profile the identifiers it lacks.

    With a single identifier of one value there is nothing to give: what finds a profile, it has.
    """
    columns = goal.identifier_columns
    mapped = {mapping.property for mapping in goal.mappings}
    if len(columns) == 1 and not properties[columns[0].property].multiple:
        return goal
    more = tuple(
        Mapping(
            column=item.column,
            property=item.property,
            rule=Rule.add if properties[item.property].multiple else Rule.set_if_empty,
        )
        for item in columns
        if item.property not in mapped
    )
    return goal.model_copy(update={"mappings": (*goal.mappings, *more)})
