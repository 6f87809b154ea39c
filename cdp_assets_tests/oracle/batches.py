"""What one delivery does to profiles: row by row, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cdp_assets_tests.oracle.cells import Said, said, value_of
from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping
from cdp_assets_tests.oracle.events import Brought, Timeline, brought
from cdp_assets_tests.oracle.world import (
    CONSENTED,
    GROUP_ID,
    LEVEL,
    OPT_OUT,
    REFUSED,
    TARGETS,
    WRITING,
    ZONE,
    Counts,
    Date,
    Profile,
    World,
    written,
)


class Batch:
    """A file whose rows find their profile by one column."""

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
        """Whether rows that were said before write once more: not where they come first and what is new behind them."""
        writing = any(mapping.rule in WRITING for mapping in self.goal.mappings)
        before = self.world.sequences[self.goal.name, key]
        return writing and self.sequences[key][: len(before)] != before

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
