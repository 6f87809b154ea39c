"""What a dry run tells: observations that can be mistaken for nothing else, as every label says so."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from cdp_assets.assets.metadata import EVENT_FATES, FATES, Metadata, rejects_table, table
from cdp_assets.assets.partitions import has_partition
from cdp_assets.assets.runtime import failure
from cdp_assets.config.connections import Connection
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.dry_run import DryRun, Rehearsed

DRY_RUN = "Only tell what would happen: nothing is written, renamed or delivered, and all later steps are skipped."
_STATES = {
    "folded": "would be imported",
    "known": "nothing would be done",
    "refused": "would be refused",
    "duplicate": "would be left out as a duplicate",
    "superseded": "would be left out: a newer version is there",
}


def rehearsal_events(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, connection: Connection, run: DryRun
) -> Iterator[dg.AssetObservation]:
    """One observation for each file, on its goal's partition; never a materialisation.

    Raises:
        dg.Failure: after the last, if a file would be refused.
    """
    for item in run.files:
        context.log.info(f"dry run: {item.goal}: {shown(item.name)}: {_told(item)}")
        for warning in item.warnings:
            context.log.warning(f"dry run: {item.goal}: {shown(item.name)}: {warning}")
        key = dg.AssetKey([connection.name, item.goal])
        partition = item.partition if has_partition(connection, item.goal, item.partition) else None
        yield dg.AssetObservation(key, partition=partition, metadata=rehearsal_metadata(item))
    for line in run.failing:
        context.log.warning(f"dry run: {line}")
    for unknown in run.about_nobody:
        say = context.log.warning if unknown.many else context.log.info
        say(f"dry run: {unknown.sentence}")
    context.log.info(
        f"dry run: {counted(len(run.files), 'new file')},"
        f" {counted(run.waiting, 'batch that waits', 'batches that wait')}; there would be"
        f" {counted(run.profiles, 'profile')}{', after a rebuild from all batches' if run.rebuilds else ''}."
        " Nothing was written; all later steps are skipped"
    )
    if run.refused:
        told = "\n".join(run.refused[:20])
        message = f"dry run: {counted(len(run.refused), 'file')} would be refused.\n{told}"
        raise failure(message, {"files refused": len(run.refused)})


def rehearsal_metadata(item: Rehearsed) -> Metadata:
    """What would become of one file; its labels take no place of those of a batch."""
    metadata: Metadata = {
        "dry run: file": shown(item.name),
        "dry run: state": _STATES.get(item.state, item.state),
        "dry run: note": item.note or "Nothing was written.",
    }
    if item.superseded:
        metadata["dry run: sent again"] = item.superseded
    if item.warnings:
        metadata["dry run: WARNING"] = "\n".join(item.warnings)
    fates = {**FATES, **(EVENT_FATES if item.counts.get("events_received") else {})}
    metadata |= {f"dry run: {label}": item.counts[column] for label, column in fates.items() if column in item.counts}
    if item.reasons:
        reasons: list[list[object]] = [[reason.level, reason.reason, reason.count] for reason in item.reasons]
        if item.more_reasons:
            reasons.append(["", f"… and {counted(item.more_reasons, 'more reason')}", None])
        metadata["dry run: reasons"] = table(["row or cell", "reason", "count"], reasons)
        metadata |= rejects_table("dry run: rejects", item.sample)
    return metadata


def _told(item: Rehearsed) -> str:
    counts = ", ".join(f"{label} {item.counts[column]}" for label, column in FATES.items() if column in item.counts)
    return "; ".join(filter(None, (_STATES.get(item.state, item.state), item.note, item.superseded, counts)))
