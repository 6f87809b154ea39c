"""Which batches make the warehouse, in which order: a pure function of the manifests (design.md, Order).

withdraw   versions that a person took out do not count
collapse   of versions with equal bytes that follow each other in a partition, the first counts
supersede  of the versions of a dated partition, the last counts, in the place of the first; where partitions
           are time windows, only files of one name are versions of each other
order      by effective time, connection, goal, modification time, natural name, content
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.files.selection import natural_key
from cdp_assets.flows.manifests import Manifest

OrderKey = tuple[datetime, int, str, int, datetime, object, str]


@dataclass(frozen=True)
class Plan:
    """The batches of the warehouse, and why the others are not in it."""

    current: tuple[Manifest, ...]
    """In the order they fold."""
    left_out: dict[str, tuple[str, str]] = field(default_factory=dict)
    """batch id → (state, note)."""
    warnings: dict[str, str] = field(default_factory=dict)
    """batch id → what to tell about a batch that is in."""


def order_key(manifest: Manifest) -> OrderKey:
    """Where a version stands in the order."""
    config = manifest.config
    return (
        manifest.effective_at,
        config.connection_order,
        config.connection,
        config.goal_order,
        manifest.modified_at,
        natural_key(manifest.name),
        manifest.sha256,
    )


def plan_order(manifests: Iterable[Manifest], withdrawn: Mapping[str, str] | None = None) -> Plan:
    """The plan for all batches ever landed. The order they are given in does not matter.

    `withdrawn`: version id → note, of versions that a person took out: the others count as if these had never come.
    """
    left_out: dict[str, tuple[str, str]] = {}
    partitions: dict[tuple[str, str], list[Manifest]] = {}
    for manifest in _latest_landings(list(manifests), left_out):
        if withdrawn and manifest.version_id in withdrawn:
            left_out[manifest.batch_id] = ("withdrawn", withdrawn[manifest.version_id])
            continue
        partitions.setdefault((manifest.goal_id, manifest.partition_key), []).append(manifest)
    placed: list[tuple[OrderKey, Manifest]] = []
    for versions in _by_file(partitions.values()):
        versions.sort(key=_age)
        if _supersedes(versions[-1]):
            placed.append(_superseding(_collapse(versions, left_out), left_out))
        else:
            ordered = sorted(versions, key=order_key)
            placed += [(order_key(version), version) for version in _collapse(ordered, left_out)]
    placed.sort(key=lambda item: item[0])
    current = _without_twins([manifest for _, manifest in placed], left_out)
    return Plan(tuple(current), left_out, _twin_warnings(current))


def _by_file(partitions: Iterable[list[Manifest]]) -> Iterator[list[Manifest]]:
    """Versions of one another, in no order. The newest batch of a partition says whether they share a name."""
    for versions in partitions:
        if not max(versions, key=_age).config.goal.files.versions_share_a_name:
            yield versions
            continue
        named: dict[str, list[Manifest]] = {}
        for version in versions:
            named.setdefault(version.name, []).append(version)
        yield from named.values()


def _age(manifest: Manifest) -> tuple[datetime, datetime, str]:
    """Oldest version first. Files that keep their modification time sort alike however they arrive."""
    return manifest.modified_at, manifest.look_at, manifest.sha256


def _supersedes(manifest: Manifest) -> bool:
    redelivery = manifest.config.goal.files.redelivery
    return manifest.dated if redelivery == "auto" else redelivery == "supersede"


def _latest_landings(manifests: Sequence[Manifest], left_out: dict[str, tuple[str, str]]) -> list[Manifest]:
    replaced = {manifest.replaces: manifest for manifest in manifests if manifest.replaces}
    for batch_id, successor in replaced.items():
        left_out[batch_id] = ("replaced", f"landed anew on {successor.landed_at:%Y-%m-%d %H:%M}")
    return [manifest for manifest in manifests if manifest.batch_id not in replaced]


def _collapse(versions: Sequence[Manifest], left_out: dict[str, tuple[str, str]]) -> list[Manifest]:
    kept: list[Manifest] = []
    for version in versions:
        if kept and kept[-1].sha256 == version.sha256:
            note = f"same content as {kept[-1].name} before it; it does not count again"
            left_out[version.batch_id] = ("duplicate", note)
        else:
            kept.append(version)
    return kept


def _superseding(versions: Sequence[Manifest], left_out: dict[str, tuple[str, str]]) -> tuple[OrderKey, Manifest]:
    last = versions[-1]
    for version in versions[:-1]:
        note = f"a newer version of partition {version.partition_key!r} took its place"
        left_out[version.batch_id] = ("superseded", note)
    return min(order_key(version) for version in versions), last


def _without_twins(ordered: Sequence[Manifest], left_out: dict[str, tuple[str, str]]) -> list[Manifest]:
    """Drops files whose bytes came before under another key, for goals that say so."""
    first: dict[tuple[str, str], Manifest] = {}
    kept = []
    for manifest in ordered:
        twin = first.setdefault((manifest.goal_id, manifest.sha256), manifest)
        other = _is_another_file(twin, manifest)
        if other and manifest.config.goal.files.duplicate_content == "skip":
            left_out[manifest.batch_id] = ("duplicate", f"same content as {twin.name}; refused by duplicate_content")
        else:
            kept.append(manifest)
    return kept


def _is_another_file(twin: Manifest, manifest: Manifest) -> bool:
    own_name = manifest.config.goal.files.versions_share_a_name
    return twin.partition_key != manifest.partition_key or (own_name and twin.name != manifest.name)


def _twin_warnings(current: Sequence[Manifest]) -> dict[str, str]:
    first: dict[tuple[str, str], Manifest] = {}
    warnings = {}
    for manifest in current:
        twin = first.setdefault((manifest.goal_id, manifest.sha256), manifest)
        if _is_another_file(twin, manifest):
            warnings[manifest.batch_id] = f"same content as {twin.name}; both count"
    return warnings
