"""Finds everything in the landing folder that belongs to the people to be erased; changes nothing.

To a person belong the rows that went to their profile, or to one that became it; and rows that found nobody, or are
in no batch that counts, if they name one of the person's identifiers. An identifier that a row of somebody else
names too is shared: it finds no further rows and is not kept out later.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import PropertyType
from cdp_assets.errors import ConfigError
from cdp_assets.flows.blank_rows import Line
from cdp_assets.flows.collect_rows import Value, identifying_properties, make_wanted
from cdp_assets.flows.find_texts import Texts, find_texts
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.flows.manifests import all_batch_folders, read_manifest
from cdp_assets.flows.plan_order import plan_order
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.flows.trace_rows import Maker, Traced, trace_rows
from cdp_assets.flows.withdrawals import withdrawn_versions
from cdp_assets.sql import erasing
from cdp_assets.sql.mentions import lines_of
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import scratch


@dataclass(frozen=True)
class Asked:
    """One identifier, as somebody typed it."""

    value: str
    property: str | None = None
    """None = whichever identifier it fits."""


@dataclass(frozen=True)
class Hidden:
    """An identifier that is to stay out."""

    erasure_id: str
    domain_group: str | None
    """None = in all."""
    property: str
    value: str


@dataclass
class Found:
    """What is to be erased, and what is only to be told."""

    hidden: list[Hidden] = field(default_factory=list)
    rows: dict[str, set[int]] = field(default_factory=dict)
    """Name of a batch folder → rows, from 1."""
    lines: dict[str, set[Line]] = field(default_factory=dict)
    """The same → lines whose rejected texts go, and whose files as received do."""
    profiles: set[tuple[str, Maker]] = field(default_factory=set)
    """Domain group and maker, also of profiles that were replaced."""
    people: int = 0
    """Profiles that live."""
    unknown: set[int] = field(default_factory=set)
    """Which of the identifiers that were asked for, from 1, no profile holds or ever held."""
    shared: int = 0
    """Identifiers that other people's rows name too."""
    texts: Texts = field(default_factory=Texts)
    """Where the person stands in texts that are no rows."""


def find_erased(
    model: CustomerModelConfig,
    folders: DataFolders,
    asked: Sequence[Asked],
    staging: Path,
    *,
    more: frozenset[str] = frozenset(),
    several: bool = False,
    limit: int = 1_000_000,
) -> Found:
    """Everything that belongs to the people that `asked` names.

    Args:
        model: today's properties.
        folders: where the batches are.
        asked: one or more identifiers of each.
        staging: a private folder.
        more: identifying properties that no batch knows yet.
        several: whether an identifier may name several profiles; then all of them are erased.
        limit: at most so many rows may be connected to them.

    Raises:
        ConfigError: whoever asks must act: an identifier names several profiles, or a property identifies nobody.
    """
    batches = [(read_manifest(folder), folder) for folder in all_batch_folders(folders)]
    people = [(manifest, folder) for manifest, folder in batches if not manifest.config.goal.group_type]
    plan = plan_order([manifest for manifest, _ in batches], withdrawn_versions(folders))
    places = {manifest.batch_id: place for place, manifest in enumerate(plan.current, start=1)}
    placed = [Placed(places.get(manifest.batch_id, 0), manifest, folder) for manifest, folder in people]
    identifying = identifying_properties(placed) | more
    seeds = [_values(model, placed, one, identifying) for one in asked]
    found = Found(unknown=set(range(1, len(asked) + 1)))
    search = _Search(folders, found, seeds, [uuid.uuid4().hex for _ in seeds], several)
    for domain_group in sorted({item.manifest.config.goal.domain_group for item in placed}):
        own = [item for item in placed if item.manifest.config.goal.domain_group == domain_group]
        current = sorted((item for item in own if item.position), key=lambda item: item.position)
        others = [item for item in own if not item.position]
        seed = {value for values in seeds for value in values}
        traced = trace_rows(model, current, others, seed, limit, make_private(staging / f"trace_{domain_group}"), more)
        search.take(domain_group, traced)
        search.take_rows_of_nobody(own, identifying)
    search.hide_what_was_asked()
    needles = {item.value for item in found.hidden}
    found.texts = find_texts(folders, batches, needles, set(found.rows), staging)
    for name, lines in found.texts.lines.items():
        found.lines.setdefault(name, set()).update(lines)
    return found


def _values(
    model: CustomerModelConfig, placed: Sequence[Placed], one: Asked, identifying: Collection[str]
) -> set[Value]:
    """What an identifier may be in the warehouse: property and canonical value."""
    if one.property is not None and one.property not in identifying:
        known = ", ".join(sorted(identifying)) or "none yet"
        raise ConfigError(f"no import finds profiles by {one.property}; identifiers are: {known}")
    types = {prop.name: prop.type for item in placed for prop in item.manifest.config.properties}
    types |= {prop.name: prop.type for prop in model.properties}
    text = one.value.strip()
    names = [one.property] if one.property is not None else sorted(identifying)
    return {(name, text.lower() if types.get(name) is PropertyType.email else text) for name in names}


@dataclass
class _Search:
    """What was found so far."""

    folders: DataFolders
    found: Found
    seeds: Sequence[set[Value]]
    ids: list[str]
    """Of the person that each of them names."""
    several: bool
    shared_by_group: dict[str, set[Value]] = field(default_factory=dict)
    own_by_group: dict[str, dict[Value, str]] = field(default_factory=dict)

    def take(self, domain_group: str, traced: Traced) -> None:
        """Takes the rows of one domain group."""
        people = self._people(traced)
        own = _own_values(traced, people)
        self.found.profiles |= {(domain_group, maker) for maker in people}
        self.found.profiles |= {(domain_group, gone) for gone, lives in traced.became.items() if lives in people}
        self.found.people += len(people)
        others = (place for place, target in traced.targets.items() if target is not None and target not in people)
        shared = {value for place in others for value in traced.named.get(place, ())}
        self.shared_by_group[domain_group] = shared
        self.found.shared += len(own.keys() & shared)
        for values, erasure_id in zip(self.seeds, self.ids, strict=True):
            own |= dict.fromkeys(values - own.keys(), erasure_id)
        self.own_by_group[domain_group] = {value: one for value, one in own.items() if value not in shared}
        self._hide(domain_group, self.own_by_group[domain_group])
        for (folder, row), target in traced.targets.items():
            if target in people:
                self._add(folder, row, traced.lines[folder][row])

    def _people(self, traced: Traced) -> dict[Maker, str]:
        """The profiles that were asked for."""
        people: dict[Maker, str] = {}
        for number, (values, erasure_id) in enumerate(zip(self.seeds, self.ids, strict=True), start=1):
            holders = [maker for maker, held in traced.held.items() if values & (held | {maker[:2]})]
            holders += [maker for gone, maker in traced.became.items() if gone[:2] in values]
            if len(set(holders)) > 1 and not self.several:
                raise ConfigError(
                    f"identifier {number} of those given is held by {len(set(holders))} profiles; name the person by"
                    " another identifier (or with --property), or erase them all with --all"
                )
            if holders:
                self.found.unknown.discard(number)
            known = next((people[maker] for maker in holders if maker in people), erasure_id)
            self.ids[number - 1] = known
            people |= dict.fromkeys(holders, known)
        return people

    def _hide(self, domain_group: str, own: dict[Value, str]) -> None:
        asked = {value for values in self.seeds for value in values}
        for (name, value), erasure_id in own.items():
            if (name, value) not in asked:
                self.found.hidden.append(Hidden(erasure_id, domain_group, name, value))

    def hide_what_was_asked(self) -> None:
        """What was typed stays out of every domain group in which nobody else has it."""
        shared = {value for values in self.shared_by_group.values() for value in values}
        for values, erasure_id in zip(self.seeds, self.ids, strict=True):
            for name, value in sorted(values):
                if (name, value) not in shared:
                    self.found.hidden.append(Hidden(erasure_id, None, name, value))
                    continue
                groups = [one for one, held in self.shared_by_group.items() if (name, value) not in held]
                self.found.hidden += [Hidden(erasure_id, one, name, value) for one in groups]

    def take_rows_of_nobody(self, batches: Sequence[Placed], identifying: Collection[str]) -> None:
        """Rows that went to nobody, and rows of batches that do not count."""
        if not batches:
            return
        own = self.own_by_group[batches[0].manifest.config.goal.domain_group]
        with scratch() as engine:
            make_wanted(engine, own)
            for item in batches:
                manifest = item.manifest
                names = Sql("wanted")
                query = erasing.rows_naming(manifest.config, manifest.present, identifying, item.parquet, names)
                rows = sorted(row for (row,) in engine.rows(query))
                if not rows:
                    continue
                before = manifest.header_lines
                lines = [(row, row + before) for row in rows] if before is not None else []
                for row, line in lines or engine.rows(lines_of(item.parquet, rows)):
                    self._add(item.folder.name, row, line)

    def _add(self, folder: str, row: int, line: int) -> None:
        self.found.rows.setdefault(folder, set()).add(row)
        self.found.lines.setdefault(folder, set()).add(("", line))


def _own_values(traced: Traced, people: Mapping[Maker, str]) -> dict[Value, str]:
    """Every identifier the people ever had, or their rows name → erasure."""
    own: dict[Value, str] = {}
    for maker, erasure_id in people.items():
        own |= dict.fromkeys(traced.held[maker] | {maker[:2]}, erasure_id)
    for gone, lives in traced.became.items():
        if lives in people:
            own[gone[:2]] = people[lives]
    for place, target in traced.targets.items():
        if target is not None and target in people:
            own |= dict.fromkeys(traced.named.get(place, ()), people[target])
    return own
