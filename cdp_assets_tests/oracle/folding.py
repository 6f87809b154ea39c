"""What deliveries do to profiles: row by row, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cdp_assets_tests.oracle.cells import Said, in_range, said, value_of
from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping, Merging, Property
from cdp_assets_tests.oracle.events import Brought, Event, Happened, Key, Timeline, brought
from cdp_assets_tests.oracle.ordering import Version, in_order, version_of

Maker = tuple[str, str, str, int]
"""Domain group, property, value and number of the row that made a profile."""
Date = tuple[int, datetime]
"""Number of a row, and the look that first saw its file."""


@dataclass
class Counts:
    """What became of the rows of one batch."""

    received: int = 0
    created: int = 0
    modified: int = 0
    unchanged: int = 0
    not_found: int = 0
    no_identifier: int = 0
    rejected: int = 0
    cells_rejected: int = 0
    consent_mismatch: int = 0
    events: Happened = field(default_factory=Happened)


@dataclass
class Profile:
    maker: Maker
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Per property its values in order; a property without one is absent."""
    written: dict[str, int] = field(default_factory=dict)
    """Per property with a value, the number of the row that wrote it last."""
    created: Date | None = None
    modified: Date | None = None
    """When a row last changed it."""
    into: Profile | None = None
    """Who this is now; None = itself."""

    @property
    def living(self) -> Profile:
        return self.into.living if self.into else self


@dataclass
class World:
    """Everything the deliveries made: profiles in the order they came to be."""

    properties: dict[str, Property]
    merging: Merging | None = None
    profiles: list[Profile] = field(default_factory=list)
    """Those that live."""
    replaced: list[Profile] = field(default_factory=list)
    """Those that are others now."""
    born: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many profiles a value of a property has made in a domain group, whatever became of them."""
    rows: int = 0
    imported: set[Maker] = field(default_factory=set)
    memory: dict[tuple[str, str], Counter[Any]] = field(default_factory=dict)
    """(goal, identifier cell) → what the last full file that applied said about it, row by row."""
    sequences: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """The same in the order of the file, with the rows that could not act."""
    order: list[Delivery] = field(default_factory=list)
    events: dict[Key, Event] = field(default_factory=dict)
    counts: list[Counts] = field(default_factory=list)
    """In step with `order`."""
    after_row: Callable[[World, str, int], None] | None = None
    """Told of every row once it has done what it does: the world, the file and the row, from 1."""

    def among(self, domain_group: str) -> list[Profile]:
        return [profile for profile in self.profiles if profile.maker[0] == domain_group]

    def holders(self, domain_group: str, name: str, value: object) -> list[Profile]:
        return [profile for profile in self.among(domain_group) if value in profile.values.get(name, ())]

    def identifiers(self, goals: Sequence[Goal]) -> list[tuple[str, str, Maker]]:
        """(property, value, profile) of every property some batch looked profiles up in."""
        used = {
            name for goal in goals for batch in self.order if batch.goal == goal.name for _, name in goal.identifying
        }
        return sorted(
            (name, str(value), profile.maker)
            for name in used
            for profile in self.profiles
            for value in profile.values.get(name, ())
        )


GROUP_ID = "group_id"
WRITING = ("set", "set_or_clear", "patch")
OPT_OUT = ("CCPA",)
"""Zones in which what is not refused is allowed."""


LEVEL, ZONE, CONSENTED, REFUSED = TARGETS = (
    "permission_level",
    "privacy_legislation",
    "consented_objectives",
    "refused_objectives",
)


def fold(
    properties: Sequence[Property],
    goals: Sequence[Goal],
    arrivals: Sequence[Delivery],
    withdrawn: Collection[Version] = (),
    group_type: str = "",
    merging: Merging | None = None,
    after_row: Callable[[World, str, int], None] | None = None,
) -> World:
    """The world after all deliveries, given in the order they arrived, as if the withdrawn had not come.

    `group_type`: the world of such groups instead of that of profiles. Its groups hold their id as a property.
    """
    world = World({prop.name: prop for prop in properties} | {GROUP_ID: Property(GROUP_ID)}, merging)
    world.after_row = after_row
    known = {goal.name: goal for goal in goals if goal.group_type == group_type}
    counting = [item for item in arrivals if item.goal in known and version_of(item) not in withdrawn]
    for delivery in in_order(goals, counting):
        world.order.append(delivery)
        goal = known[delivery.goal]
        kind = _SeveralIdentifiers if goal.rules else _Batch
        world.counts.append(kind(world, goal, delivery).applied())
    return world


class _Batch:
    def __init__(self, world: World, goal: Goal, delivery: Delivery) -> None:
        self.world, self.goal, self.delivery = world, goal, delivery
        self.counts = Counts()
        self.begun = world.rows
        self.changed_by: list[Profile] = []
        """The profile of every applied row that did not create it."""
        self.left = {key: Counter(seen) for (name, key), seen in world.memory.items() if name == goal.name}
        """Rows of earlier files that no row of this one was held against yet."""
        self.told: dict[str, Counter[Any]] = {}
        self.sequences: dict[str, list[Any]] = {}
        """Key → what all rows of this file say about it."""
        self.accepted: set[str] = set()
        """Keys of rows that found or made a profile and could act."""
        self.last: Any = None
        """What the row that is looked at says, as it stands in `told`."""
        self.identifiers: dict[str, Any] = {}
        self.timeline = Timeline(world.events, goal.events, len(world.order))
        self.brought: list[Brought] = []
        """By the row that is looked at."""

    def applied(self) -> Counts:
        rows = [
            {name: cell.strip(" \t") for name, cell in zip(self.delivery.header, cells, strict=True)}
            for cells in self.delivery.rows
        ]
        for row in () if self.goal.delta else rows:
            key = self._key(row)
            if key is not None:
                found = [one for entry in self.goal.events for one in [brought(entry, row)] if one is not None]
                self.sequences.setdefault(key, []).append(self._says(self._effects(row), found))
        for row in rows:
            self.counts.received += 1
            self.world.rows += 1
            self.brought = self.timeline.read(row)
            self._row(row)
            if self.world.after_row:
                self.world.after_row(self.world, self.delivery.name, self.counts.received)
        for profile in self.changed_by:
            if profile.living.modified[0] > self.begun:
                self.counts.modified += 1
            else:
                self.counts.unchanged += 1
        self._remember()
        makers = {profile.maker: profile.living.maker for profile in self.world.replaced}
        self.timeline.move(lambda maker: makers.get(maker, maker))
        self.counts.events = self.timeline.finish()
        return self.counts

    def _remember(self) -> None:
        for key, identifier in self.identifiers.items():
            if key not in self.accepted:
                continue
            for profile in self.world.holders(self.goal.domain_group, self.goal.property, identifier)[:1]:
                self.world.imported.add(profile.maker)
                if not self.goal.delta:
                    self._keep(key)

    def _keep(self, key: str) -> None:
        self.world.memory[self.goal.name, key] = self.told[key]
        self.world.sequences[self.goal.name, key] = self.sequences[key]

    def _key(self, row: dict[str, str]) -> str | None:
        """What the rows of one full file are held together by; None = the row identifies nobody."""
        key = row[self.goal.column]
        return key if key and value_of(key, self.world.properties[self.goal.property]) is not None else None

    def _effects(self, row: dict[str, str]) -> list[tuple[Mapping, Said]]:
        return [
            (mapping, said(row[mapping.column], self.world.properties[mapping.property], mapping.rule))
            for mapping in self.goal.mappings
            if mapping.column in row
        ]

    def _row(self, row: dict[str, str]) -> None:
        key = row[self.goal.column]
        identifier = value_of(key, self.world.properties[self.goal.property]) if key else None
        effects = self._effects(row)
        rejected = bool(key) and identifier is None
        self.counts.cells_rejected += self._bad_cells(effects, rejected)
        if not key:
            self.counts.no_identifier += 1
        elif rejected:
            self.counts.rejected += 1
        else:
            self.timeline.refuse(identifier, self.brought)
            self._addressed(key, identifier, effects)
            return
        self.timeline.drop(self.brought)

    def _bad_cells(self, effects: list[tuple[Mapping, Said]], rejected: bool) -> int:
        """A cell that rejects its row is not counted once more."""
        columns = {column for column, _ in self.goal.identifying} if rejected else set()
        return sum(what.invalid for mapping, what in effects if mapping.column not in columns)

    def _addressed(self, key: str, identifier: Any, effects: list[tuple[Mapping, Said]]) -> None:
        self.identifiers[key] = identifier
        holders = self.world.holders(self.goal.domain_group, self.goal.property, identifier)
        seen = not self.goal.delta and self._seen_before(key, effects)
        if seen and self._writes_anew(key):
            seen, effects = False, self._without_counted(effects)
        if not seen and (holders or self.goal.allow_create) and self._lacks_consent(holders, effects):
            self._mismatch(key)
            return
        if holders or self.goal.allow_create:
            self.accepted.add(key)
        if seen:
            self.counts.unchanged += 1
        elif holders:
            profile = self._one_of(holders)
            self.changed_by.append(profile)
            self._apply(profile, effects)
            self.timeline.add(profile.maker, identifier, self.brought)
        elif self.goal.allow_create:
            self.counts.created += 1
            profile = self._create(identifier)
            self._apply(profile, effects)
            self.timeline.add(profile.maker, identifier, self.brought)
        else:
            self.counts.not_found += 1
            self.timeline.drop(self.brought)

    def _seen_before(self, key: str, effects: list[tuple[Mapping, Said]]) -> bool:
        """Whether an earlier file said this about the key, as often as this one has by now."""
        row = self._says(effects, self.brought)
        self.last = row
        self.told.setdefault(key, Counter())[row] += 1
        left = self.left.get(key, Counter())
        left[row] -= 1
        return left[row] >= 0

    @staticmethod
    def _says(effects: list[tuple[Mapping, Said]], events: list[Brought]) -> tuple[Any, ...]:
        row = tuple((mapping, what.values, mapping.rule == "set_or_clear" and what.empty) for mapping, what in effects)
        # A column the file lacks says as much as an empty cell, but that it does not clear.
        return (*(item for item in row if item[1] or item[2]), *(one.content for one in events))

    def _writes_anew(self, key: str) -> bool:
        """Whether rows that were said before write once more, as the file says other things of their key as well."""
        writing = any(mapping.rule in WRITING for mapping in self.goal.mappings)
        return writing and self.sequences[key] != self.world.sequences[self.goal.name, key]

    def _without_counted(self, effects: list[tuple[Mapping, Said]]) -> list[tuple[Mapping, Said]]:
        """Of a row that was said before: not what it adds, nor its events."""
        self.brought = []
        return [effect for effect in effects if effect[0].rule in WRITING or effect[0] not in self.goal.mappings]

    def _mismatch(self, key: str) -> None:
        self.counts.consent_mismatch += 1
        self.timeline.drop(self.brought)
        if not self.goal.delta:
            self.told[key][self.last] -= 1

    def _lacks_consent(self, found: Sequence[Profile], effects: list[tuple[Mapping, Said]]) -> bool:
        """Whether none of the objectives is allowed for the profile as it would be after the row's own decisions."""
        if not self.delivery.objectives:
            return False
        first, *others = found if found and self._merges(found) else found[:1] or [None]
        after = Profile(("", "", "", 0), dict(first.values) if first else self._start())
        for other in others:
            self._merge_consent(after, other)
        self._apply(after, [effect for effect in effects if effect[0].property in TARGETS])
        (zone,) = after.values[ZONE]
        return not any(
            not one.needs_consent
            or zone not in one.zones
            or (zone in OPT_OUT and one.id not in after.values.get(REFUSED, ()))
            or (zone not in OPT_OUT and one.id in after.values.get(CONSENTED, ()))
            for one in self.delivery.objectives
        )

    def _create(self, identifier: Any) -> Profile:
        name = self.goal.property
        taken = self.world.holders(self.goal.domain_group, GROUP_ID, str(identifier))
        profile = self._new(name, str(identifier))
        profile.values[name] = (identifier,)
        profile.written[name] = self.world.rows
        if self.goal.group_type:
            profile.values[GROUP_ID] = (f"another for {profile.maker[1:]}" if taken else str(identifier),)
        return profile

    def _new(self, name: str, text: str) -> Profile:
        group = self.goal.domain_group
        self.world.born[group, name, text] += 1
        profile = Profile((group, name, text, self.world.born[group, name, text]), self._start())
        profile.created = profile.modified = self._now()
        self.world.profiles.append(profile)
        return profile

    def _one_of(self, found: Sequence[Profile]) -> Profile:
        """Whom a row goes to that finds these, in the order they were made; they may merge."""
        for other in found[1:] if self._merges(found) else ():
            self._merge(found[0], other)
        return found[0]

    def _merges(self, found: Sequence[Profile]) -> bool:
        merging = self.world.merging
        return merging is not None and (merging.limit is None or len(found) <= merging.limit)

    def _merge_consent(self, one: Profile, other: Profile) -> None:
        """The stricter level, a zone if either has one, and what either refused is refused."""
        levels = ("DO_NOT_TRACK", "ANONYMOUS", "PERSONAL")
        one.values[LEVEL] = min(one.values[LEVEL], other.values[LEVEL], key=lambda level: levels.index(level[0]))
        if one.values[ZONE] == ("NONE",):
            one.values[ZONE] = other.values[ZONE]
        no, yes = ({*one.values.get(name, ()), *other.values.get(name, ())} for name in (REFUSED, CONSENTED))
        self._decide(one, REFUSED, no)
        self._decide(one, CONSENTED, yes - no)

    def _merge(self, survivor: Profile, other: Profile) -> None:
        if ZONE in survivor.values:
            self._merge_consent(survivor, other)
        for name, values in other.values.items():
            if name in TARGETS:
                continue
            own = survivor.values.get(name, ())
            prop = self.world.properties[name]
            both = prop.multiple and prop.type in {"text", "email"}
            how = prop.merge or ("both" if both else "keep_current")
            newer = other.written[name] > survivor.written.get(name, 0)
            if not own or (how == "latest" and newer):
                survivor.values[name], survivor.written[name] = values, other.written[name]
            elif how == "both":
                survivor.values[name] = (*own, *(value for value in values if value not in own))
        other.into = survivor
        survivor.modified = self._now()
        self.world.profiles.remove(other)
        self.world.replaced.append(other)
        if other.maker in self.world.imported:
            self.world.imported.remove(other.maker)
            self.world.imported.add(survivor.maker)

    def _start(self) -> dict[str, tuple[Any, ...]]:
        known = {LEVEL: ("PERSONAL",), ZONE: ("NONE",)}
        return {name: value for name, value in known.items() if name in self.world.properties}

    def _now(self) -> Date:
        return self.world.rows, self.delivery.look_at

    def _apply(self, profile: Profile, effects: list[tuple[Mapping, Said]]) -> None:
        before = dict(profile.values)
        self._write(profile, [effect for effect in effects if effect[0].property not in {CONSENTED, REFUSED}])
        # The zone of the row itself counts, and what it refuses is refused.
        for name, other in ((CONSENTED, REFUSED), (REFUSED, CONSENTED)):
            ids = {value for mapping, what in effects if mapping.property == name for value in what.values}
            if ids and profile.values[ZONE] != ("NONE",):
                self._decide(profile, name, {*profile.values.get(name, ()), *ids})
                self._decide(profile, other, {*profile.values.get(other, ())} - ids)
        if profile.values != before:
            profile.modified = self._now()

    @staticmethod
    def _decide(profile: Profile, name: str, ids: set[str]) -> None:
        profile.values.pop(name, None)
        if ids:
            profile.values[name] = tuple(sorted(ids))

    def _write(self, profile: Profile, effects: list[tuple[Mapping, Said]]) -> None:
        for mapping, what in effects:
            prop = self.world.properties[mapping.property]
            old = profile.values.get(prop.name, ())
            new = written(prop, mapping.rule, old, what)
            profile.values.pop(prop.name, None)
            if new:
                profile.values[prop.name] = new
                if what.values and not (old and mapping.rule == "set_if_empty"):
                    profile.written[prop.name] = self.world.rows
            else:
                profile.written.pop(prop.name, None)


class _SeveralIdentifiers(_Batch):
    """A file whose rows find their profile by several columns: the first that finds any decides."""

    def __init__(self, world: World, goal: Goal, delivery: Delivery) -> None:
        super().__init__(world, goal, delivery)
        self.found: set[str] = set()
        """Keys of rows that found a profile when it was their turn."""
        mapped = {mapping.property for mapping in goal.mappings}
        self.mappings = goal.mappings + tuple(
            Mapping(column, name, "add" if world.properties[name].multiple else "set_if_empty")
            for column, name in goal.identifying
            if name not in mapped
        )

    def _key(self, row: dict[str, str]) -> str | None:
        cells = {name: row.get(column, "") for column, name in self.goal.identifying}
        ids = {name: said(cell, self.world.properties[name], "set").values for name, cell in cells.items()}
        complete = any(all(ids[name] for _, name in rule) for rule in self.goal.rules)
        return "\x1f".join(cells.values()) if complete else None

    def _effects(self, row: dict[str, str]) -> list[tuple[Mapping, Said]]:
        return [
            (mapping, said(row[mapping.column], self.world.properties[mapping.property], mapping.rule))
            for mapping in self.mappings
            if mapping.column in row
        ]

    def _row(self, row: dict[str, str]) -> None:
        cells = {name: row.get(column, "") for column, name in self.goal.identifying}
        told = {name: said(cell, self.world.properties[name], "set") for name, cell in cells.items()}
        effects = self._effects(row)
        ids = {name: what.values for name, what in told.items()}
        complete = any(all(ids[name] for _, name in rule) for rule in self.goal.rules)
        rejected = not complete and any(what.invalid for what in told.values())
        self.counts.cells_rejected += self._bad_cells(effects, rejected)
        if complete:
            self.timeline.refuse(tuple(ids.values()), self.brought)
            self._turn("\x1f".join(cells.values()), ids, effects)
            return
        self.timeline.drop(self.brought)
        if rejected:
            self.counts.rejected += 1
        else:
            self.counts.no_identifier += 1

    def _turn(self, key: str, ids: dict[str, tuple[Any, ...]], effects: list[tuple[Mapping, Said]]) -> None:
        seen = not self.goal.delta and self._seen_before(key, effects)
        if seen and self._writes_anew(key):
            seen, effects = False, self._without_counted(effects)
        found = self._found(ids)
        if not seen and (found or self.goal.allow_create) and self._lacks_consent(found, effects):
            self._mismatch(key)
            return
        profile = self._finds(ids) if seen or not found else self._one_of(found)
        if profile is None and not seen and self.goal.allow_create:
            profile = self._make(ids)
            self.counts.created += 1
            self._apply(profile, self._free(profile, effects))
            self.timeline.add(profile.maker, tuple(ids.values()), self.brought)
        elif seen:
            self.counts.unchanged += 1
        elif profile is None:
            self.counts.not_found += 1
            self.timeline.drop(self.brought)
        else:
            self.changed_by.append(profile)
            self._apply(profile, self._free(profile, effects))
            self.timeline.add(profile.maker, tuple(ids.values()), self.brought)
        if profile is not None:
            self.found.add(key)
            self.world.imported.add(profile.maker)

    def _found(self, ids: dict[str, tuple[Any, ...]]) -> list[Profile]:
        """Who would be one if a row with these identifiers acted."""
        found = [
            profile
            for profile in self.world.among(self.goal.domain_group)
            if any(
                all(set(ids[name]) & set(profile.values.get(name, ())) for _, name in rule) for rule in self.goal.rules
            )
        ]
        first = self._finds(ids)
        return found if self._merges(found) else [first] if first else []

    def _finds(self, ids: dict[str, tuple[Any, ...]]) -> Profile | None:
        for rule in self.goal.rules:
            for profile in self.world.among(self.goal.domain_group):
                if all(set(ids[name]) & set(profile.values.get(name, ())) for _, name in rule):
                    return profile
        return None

    def _make(self, ids: dict[str, tuple[Any, ...]]) -> Profile:
        rule = next(rule for rule in self.goal.rules if all(ids[name] for _, name in rule))
        name = rule[0][1]
        return self._new(name, str(ids[name][0]))

    def _free(self, profile: Profile, effects: list[tuple[Mapping, Said]]) -> list[tuple[Mapping, Said]]:
        """Without identifiers that others hold and this profile does not."""
        kept = []
        names = {name for _, name in self.goal.identifying}
        for mapping, what in effects:
            if mapping.property in names and what.values:
                own = profile.values.get(mapping.property, ())
                free = tuple(
                    value
                    for value in what.values
                    if value in own or not self.world.holders(self.goal.domain_group, mapping.property, value)
                )
                if free != what.values:
                    self.conflicts += len(what.values) - len(free)
                    if not free:
                        continue
                    what = replace(what, values=free)
            kept.append((mapping, what))
        return kept

    conflicts = 0

    def _remember(self) -> None:
        for key in self.found if not self.goal.delta else ():
            self._keep(key)


def written(prop: Property, rule: str, old: tuple[Any, ...], what: Said) -> tuple[Any, ...]:
    """What a property holds after one cell, by one merge rule."""
    if not what.values:
        return () if rule == "set_or_clear" and what.empty else old
    match rule:
        case "set" | "set_or_clear":
            return what.values
        case "set_if_empty":
            return old or what.values
        case "add":
            return (*old, *(value for value in what.values if value not in old))
        case "sum":
            total = in_range((old[0] if old else 0) + what.values[0], prop)
            assert total is not None, "a total that overflows is an error; give the oracle smaller numbers"
            return (total,)
    raise AssertionError(rule)
