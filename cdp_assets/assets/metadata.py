"""Results as metadata: counts, column names and masked samples, never personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.acknowledge_files import Acknowledged
from cdp_assets.flows.export_job import Export
from cdp_assets.flows.file_sets import PassedOver
from cdp_assets.flows.import_files import Outcome, RejectSample, reject_sample, warnings_about
from cdp_assets.flows.return_rejects import Returned
from cdp_assets.flows.take_look import Candidate, Look

Metadata = dict[str, dg.MetadataValue | int | float | str | bool]
FATES = {
    "rows received": "rows_received",
    "rows created": "rows_created",
    "rows modified": "rows_modified",
    "rows unchanged": "rows_unchanged",
    "rows excluded: not found": "rows_not_found",
    "rows excluded: no identifier": "rows_no_identifier",
    "rows excluded: no consent": "rows_consent_mismatch",
    "rows excluded: filtered": "rows_filtered",
    "rows excluded: erased": "rows_erased",
    "rows rejected": "rows_rejected",
    "cells rejected": "cells_rejected",
}
"""Label → column of the ledger."""
_SELDOM = ("rows excluded", "cells", "events")
"""How the labels begin of what is told only where it happened."""
EVENT_FATES = {
    "events created": "events_created",
    "events written anew": "events_set",
    "events rejected": "events_rejected",
    "events dropped: no profile": "events_dropped",
}
"""Likewise, told only of goals that bring events."""
STATES = {
    "folded": "its rows are in the profiles",
    "waiting": "its rows come in with the next fold",
}
"""What to say of a batch about which the ledger has nothing to say."""
NO_FILE = dg.TextMetadataValue("(none)")
"""The file of an export that had nothing to deliver."""
LEFT_OVER = "delivered for interrupted runs"
"""Label of the files of an export that earlier runs had left undelivered."""
MAX_ROWS = 200
"""Rows of a table in metadata; the whole stands in the warehouse."""


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.MetadataValue:
    """A table for people."""
    records = [
        dg.TableRecord({name: _plain(value) for name, value in zip(columns, row, strict=True)})
        for row in rows[:MAX_ROWS]
    ]
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns])
    return dg.MetadataValue.table(records=records, schema=schema)


def tables(found: Mapping[str, tuple[Sequence[str], Sequence[Sequence[object]]]]) -> Metadata:
    """Label → a table of such columns and rows; one without rows is left out, as its header alone tells nothing."""
    return {label: table(columns, rows) for label, (columns, rows) in found.items() if rows}


def _plain(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _as_time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def look_metadata(look: Look, refusals: Mapping[str, str]) -> Metadata:
    """What stands on the server, and what each goal makes of it; new files first, one line for each file.

    `refusals`: seen id → why this version could not be imported when it was tried last.
    """
    new = [item for item in look.candidates if not item.landed]
    wrong = {item.name for item in look.passed_over if item.kind == "wrong name"}
    waits = [[shown(item.name), item.goal, item.reason] for item in look.passed_over if item.kind == "waits"]
    bad = [[shown(item.file.name), item.goal, item.problem] for item in look.candidates if item.problem]
    # Few columns, and words that can be broken: what is wider than the page is cut.
    files = [
        [shown(item.file.name), _state(item, refusals)]
        for item in sorted(look.candidates, key=lambda item: item.landed)
    ]
    metadata: Metadata = {
        "new files": len(new),
        "names to mend": len(wrong),
        **tables({"files": (["name", "state"], files), "files no goal takes": (["name", "why"], _not_taken(look))}),
    }
    renamed = {item.name for item in look.passed_over if item.name.endswith(".done")}
    if renamed:
        metadata["files renamed to .done, not listed"] = len(renamed)
    if waits:
        metadata["files that wait"] = table(["name", "goal", "for what"], waits)
    if bad:
        metadata["files that cannot be imported"] = table(["name", "goal", "why"], bad)
    if any(item.linked for item in look.candidates):
        metadata["linked files"] = table(["root file with its linked files"], _linked(look))
    return metadata | {"looked at": _as_time(look.looked_at)}


def passed_over_told(metadata: Mapping[str, dg.MetadataValue]) -> list[str]:
    """A line for each file that a look found and left for later: those that wait, and those with a name to mend."""
    waits = [f"{row['name']} ({row['goal']}): {row['for what']}" for row in _rows(metadata, "files that wait")]
    count = metadata.get("names to mend")
    wrong = _rows(metadata, "files no goal takes")[: count.value or 0 if isinstance(count, dg.IntMetadataValue) else 0]
    return [*waits, *(f"{row['name']}: {row['why']}" for row in wrong)]


def _rows(metadata: Mapping[str, dg.MetadataValue], label: str) -> list[Mapping[str, object]]:
    found = metadata.get(label)
    return [record.data for record in found.records] if isinstance(found, dg.TableMetadataValue) else []


def _state(item: Candidate, refusals: Mapping[str, str]) -> str:
    refused = "" if item.landed else refusals.get(item.seen_id, "")
    state = "imported" if item.landed else "cannot be imported" if item.problem else "refused" if refused else "new"
    place = f"{item.goal} / {item.partition}" if item.partition else item.goal
    told = f"{state}: {place}, modified {item.file.modified_at.astimezone(UTC):%d %b %Y %H:%M}"
    return f"{told}. {refused}" if refused else told


def _linked(look: Look) -> list[list[str]]:
    sets = [(item, [f"{shown(part.file.name)} ({part.alias})" for part in item.linked]) for item in look.candidates]
    return [[f"{shown(item.file.name)} with {', '.join(linked)}"] for item, linked in sets if linked]


def _not_taken(look: Look) -> list[list[str]]:
    """Files that no goal takes, the ones with a name to mend first; `.done` files are only counted."""
    taken = {item.file.name for item in look.candidates}
    taken |= {part.file.name for item in look.candidates for part in item.linked}
    taken |= {item.name for item in look.passed_over if item.kind == "waits"}
    passed: dict[str, list[PassedOver]] = {}
    for item in sorted(look.passed_over, key=lambda item: item.kind != "wrong name"):
        if item.name not in taken and not item.name.endswith(".done"):
            passed.setdefault(item.name, []).append(item)
    return [[shown(name), _why(items)] for name, items in passed.items()]


def _why(passed: Sequence[PassedOver]) -> str:
    """One reason for all goals that have passed over a file."""
    if passed[0].kind == "wrong name" or len({item.reason for item in passed}) == 1:
        return passed[0].reason
    return f"its name fits none of {', '.join(item.goal for item in passed)}"


def landing_metadata(outcome: Outcome, entry: Mapping[str, object] | None = None) -> Metadata:
    """What one file held, before it meets the profiles.

    `entry`: the ledger's row of a batch that was landed and folded before, which tells what its rows did.
    """
    if outcome.landed is None:
        return _result({"file": shown(outcome.name), "state": "refused", "note": outcome.error})
    manifest = outcome.landed.manifest
    note = "What its rows did stands under Partitions, once they are folded into the profiles."
    warnings = warnings_about(outcome.landed)
    if not outcome.landed.is_new:
        note = outcome.landed.note or "This version was landed before; nothing was done."
    result: dict[str, object] = {"file": shown(manifest.name), "state": "landed", "note": note}
    if entry:
        result = batch_facts(entry) | {"note": " ".join(filter(None, (note, str(entry["note"]))))}
    metadata: Metadata = {
        **_result(result),
        **({"WARNING": "\n".join(warnings)} if warnings else {}),
        "rows received": manifest.rows_received,
        "rows excluded: no identifier": manifest.rows_no_identifier,
        "rows rejected": manifest.rows_rejected,
        "cells rejected": manifest.cells_rejected,
        **({"events rejected": manifest.events_rejected} if manifest.events_received else {}),
        **rejects_table("rejects", reject_sample(outcome.landed)),
        "rows with missing cells": manifest.padded_rows,
        "columns": ", ".join(manifest.columns),
        "effective at": _as_time(manifest.effective_at),
        "dagster/partition_row_count": manifest.rows_received,
    }
    if manifest.parts:
        parts = [
            [part.alias, shown(part.name), part.rows, part.rows_rejected, part.orphan_rows] for part in manifest.parts
        ]
        columns = ["alias", "file", "rows", "rejected", "orphans (no parent row)"]
        metadata["linked files"] = table(columns, parts)
    return metadata


def _result(facts: Mapping[str, object]) -> Metadata:
    """What became of a file, as one table: Dagster gives each entry of a fold a tall line of its own.

    A fold's has the label of a landing's, so that it takes its place.
    """
    return {"result": table(["what", "value"], list(facts.items()))}


def rejects_table(label: str, sample: Sequence[RejectSample]) -> Metadata:
    """The first rejects under a label, texts masked; in full they stand in `ops.rejects`. No rejects, no table."""
    rows = [[item.line_no, item.column_name or "(whole row)", item.text, item.reason] for item in sample]
    return tables({label: (["line", "column", "text (masked)", "reason"], rows)})


def batch_metadata(entry: Mapping[str, object], superseded: str = "") -> Metadata:
    """What the rows of one batch did: a ledger row. The fates add up to the rows received.

    The sentence tells what the first fold of the batch did; the counts are today's.
    `superseded` tells of the batch whose place it took; empty = it took none.
    """
    return _result(batch_facts(entry, superseded))


def batch_facts(entry: Mapping[str, object], superseded: str = "") -> dict[str, object]:
    """What `batch_metadata` tells, line by line; what seldom happens only where it did."""
    state = str(entry["state"])
    counts = {label: count_in(entry, column) for label, column in FATES.items()}
    counts |= {label: count_in(entry, name) for label, name in EVENT_FATES.items()} if entry["events_received"] else {}
    return {
        "file": str(entry["name"]),
        "state": state,
        **({"at its first fold": str(entry["message"])} if entry["folded_at"] else {}),
        "note": str(entry["note"]) or STATES.get(state, ""),
        **({"sent again": superseded} if superseded else {}),
        **{label: count for label, count in counts.items() if count or not label.startswith(_SELDOM)},
    }


def count_in(entry: Mapping[str, object], column: str) -> int:
    """A number of a ledger row; 0 where none was told."""
    value = entry[column]
    return value if isinstance(value, int) else 0


def done_metadata(outcomes: Sequence[Acknowledged], returned: Sequence[Returned] = ()) -> Metadata:
    """Which files were renamed, which were not and why, and what went back to the sender."""
    rows = [
        [_name(item.path), _renamed(item.path, item.renamed_to, item.note, settled=item.settled)] for item in outcomes
    ]
    rows += [
        [_name(path), _renamed(path, to, f"linked to {_name(item.path)}")]
        for item in outcomes
        for path, to in item.linked
    ]
    metadata: Metadata = {
        "files renamed": sum(item.renamed_to is not None for item in outcomes),
        "files to be tried again": sum(not item.settled for item in outcomes),
    }
    if rows:
        metadata["files"] = table(["file", "what became of it"], rows)
    if returned:
        back = [[shown(item.name), _went_back(item)] for item in returned]
        metadata["rejected rows returned"] = sum(item.rows for item in returned if item.settled)
        metadata["returned files"] = table(["rows of", "what went back"], back)
    return metadata


def _went_back(item: Returned) -> str:
    """How many rows, where to, and what is new of the file's name, as a table of long names is cut."""
    if not item.settled:
        return item.note
    directory, _, name = item.path.rpartition("/")
    told = f"….{'.'.join(name.split('.')[-3:])}"
    return f"{counted(item.rows, 'row')} as {told}{f' in {shown(directory)}' if directory else ''}"


def _renamed(path: str, to: str | None, note: str | None, *, settled: bool = True) -> str:
    """What became of a file's name: only what is new of it, as a table of long names is cut."""
    old, new = _name(path), _name(to or "")
    told = f"{new.removeprefix(old)} put behind its name" if new.startswith(old) else f"renamed to {new}"
    parts = [*([told] if new and new != old else []), *([note] if note else [])]
    return "; ".join(parts) or ("" if settled else "to be tried again")


def unsettled(outcomes: Sequence[Acknowledged], returned: Sequence[Returned]) -> list[str]:
    """Why some of it failed and is to be tried again; a file that waits for another goal is no failure."""
    notes = [item.note for item in outcomes if not item.settled and not item.waits_for]
    return notes + [item.note for item in returned if not item.settled]


def _name(path: str) -> str:
    return shown(path.rpartition("/")[2])


def export_metadata(exports: Sequence[Export]) -> Metadata:
    """What was delivered by this run; the last entry is the run's own, earlier ones were left over."""
    *left_over, own = exports
    metadata: Metadata = {
        "dagster/row_count": own.rows,
        "file": own.path or NO_FILE.value,
        "note": own.note or own.told,
        "profiles delivered": own.rows,
        "members without identifier": own.no_identifier,
        "members unchanged since their last delivery": own.unchanged,
    }
    left_out = {
        "members of an excluded segment": own.excluded_segment,
        "members without consent": own.consent,
        "members in no such stage": own.not_in_stage,
        "members skipped at the threshold of their stage": own.skipped_threshold,
        "members left out by a processor": own.filtered,
    }
    metadata |= {told: count for told, count in left_out.items() if count}
    if own.skipped_threshold:
        told = f"{counted(own.skipped_threshold, 'profile')} skipped at the threshold of their stage"
        metadata["note"] = f"{metadata['note']} ({told})"
    if len(own.files) > 1:
        files = [[_name(file.path), file.stream, file.rows, file.size_bytes] for file in own.files]
        metadata["files"] = table(["file", "holds", "rows", "bytes"], files)
    if own.warnings:
        metadata["warnings"] = "\n".join(own.warnings)
    if left_over:
        rows = [[item.path, item.rows, item.no_identifier, item.unchanged] for item in left_over]
        columns = ["file", "profiles", "no identifier", "unchanged"]
        metadata[LEFT_OVER] = table(columns, rows)
        if not own.path:
            metadata["note"] = f"{' '.join(item.told for item in left_over)} That was left over; since then {own.note}"
    return metadata
