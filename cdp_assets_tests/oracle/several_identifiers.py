"""Files whose rows find their profile by several columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cdp_assets_tests.oracle.batches import Batch
from cdp_assets_tests.oracle.cells import Said, said
from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping
from cdp_assets_tests.oracle.world import Profile, World


class SeveralIdentifiers(Batch):
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
