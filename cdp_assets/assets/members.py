"""What is told of segments and lifecycles: how many, who came and went, and how that went over the last runs."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from cdp_assets.assets.metadata import Metadata, table
from cdp_assets.assets.specs import lifecycle_key, segment_key
from cdp_assets.assets.trends import trend
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.flows.compute_lifecycles import LifecycleResult
from cdp_assets.flows.compute_members import Members
from cdp_assets.flows.compute_segments import SegmentResult

RUNS_LISTED = 12


def segment_metadata(result: SegmentResult) -> Metadata:
    """Size and movement of a segment, now and in the runs before."""
    metadata: Metadata = {
        "dagster/row_count": result.size,
        "joined": result.joined,
        "left": result.left,
        "share of all profiles (%)": round(100 * result.size / result.profiles, 1) if result.profiles else 0.0,
    }
    if len(result.history) > 1:
        metadata["trend"] = dg.MetadataValue.md(trend([(run.at, run.size) for run in result.history]))
    latest = [[f"{run.at:%Y-%m-%d %H:%M}", run.size, run.joined, run.left] for run in result.history]
    metadata["runs"] = table(["run (UTC)", "members", "joined", "left"], latest[: -RUNS_LISTED - 1 : -1])
    return metadata


def lifecycle_metadata(lifecycle: Lifecycle, result: LifecycleResult) -> Metadata:
    """Size and movement of a lifecycle and the size of its stages, now and in the runs before."""
    latest = result.now
    sizes = [[stage.label, latest.stages.get(stage.id, 0)] for stage in lifecycle.stages]
    sizes += [["(not assigned)", latest.not_assigned], ["(completed)", latest.completed]]
    metadata: Metadata = {
        "dagster/row_count": latest.size,
        "entered": latest.entered,
        "left": latest.left,
        "not assigned": latest.not_assigned,
        "completed": latest.completed,
        "share of all profiles (%)": round(100 * latest.size / result.profiles, 1) if result.profiles else 0.0,
        "stages": table(["stage", "profiles"], sizes),
    }
    if len(result.history) > 1:
        metadata["trend"] = dg.MetadataValue.md(trend([(run.at, run.size) for run in result.history]))
    labels = {stage.id: stage.label for stage in lifecycle.stages}
    runs = [
        # The stages in one cell, where a line may end: a table as wide as there are stages is cut.
        [
            *(f"{run.at:%Y-%m-%d %H:%M}", run.size, run.entered, run.left),
            ", ".join(f"{label} {run.stages.get(name, 0):,}" for name, label in labels.items()),
        ]
        for run in result.history
    ]
    columns = ["run (UTC)", "in it", "entered", "left", "stages"]
    metadata["runs"] = table(columns, runs[: -RUNS_LISTED - 1 : -1])
    return metadata


def materializations(model: CustomerModelConfig, members: Members) -> Iterator[dg.AssetMaterialization]:
    """For each segment and lifecycle that was computed, what its asset tells."""
    for name, segment in members.segments.items():
        yield dg.AssetMaterialization(segment_key(name), metadata=segment_metadata(segment))
    for name, result in members.lifecycles.items():
        lifecycle = model.find_lifecycle(name)
        assert lifecycle is not None, name
        yield dg.AssetMaterialization(lifecycle_key(name), metadata=lifecycle_metadata(lifecycle, result))
