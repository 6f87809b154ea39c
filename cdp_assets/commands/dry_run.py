"""`python -m cdp_assets dry-run`: what an import would do now, without writing anything."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence

from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.commands.chosen import chosen_imports
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.event_columns import doubtful_items
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.dry_run import DryRun, Rehearsed, dry_run
from cdp_assets.flows.import_files import RejectSample

HELP = "tell what an import would do now: counts and rejects of each new file; nothing is written"
_ALWAYS = {
    "rows_received": "received",
    "rows_created": "created",
    "rows_modified": "modified",
    "rows_unchanged": "unchanged",
}
_SELDOM = {
    "rows_not_found": "not found",
    "rows_no_identifier": "no identifier",
    "rows_consent_mismatch": "without consent",
    "rows_filtered": "filtered",
    "rows_erased": "erased",
    "rows_rejected": "rejected",
}
_EVENTS = {
    "events_created": "created",
    "events_set": "written anew",
    "events_rejected": "rejected",
    "events_dropped": "without a profile",
}
LONG = 60
"""Signs of a reason that is told once among the lines of a file."""
MOST_ALIKE = 3
"""Rejects of one column for one reason that are shown of a file."""
_STATES = {"folded": "would be imported", "known": "nothing would be done", "refused": "would be REFUSED"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Which connection, goal and file."""
    parser.add_argument("connection")
    parser.add_argument("goal", nargs="?", help="default: all active import goals; a named one may be switched off")
    parser.add_argument("--file", metavar="NAME", help="only the new file of this name; default: all that are new")


def run(options: argparse.Namespace) -> int:
    """Tell; 1 if a file would be refused."""
    deployment = load_deployment(defs_folder())
    connection, _ = chosen_imports(deployment, options.connection, options.goal)
    names = [options.file] if options.file is not None else []
    found = dry_run(deployment, connection, data_folders(), now(), options.goal, names)
    for item in found.files:
        _tell(item)
    _tell_the_rest(found)
    for line in doubtful_items(connection):
        print(f"WARNING: {line}")
    return 1 if found.refused else 0


def _tell(item: Rehearsed) -> None:
    place = "/".join(filter(None, (item.goal, item.partition)))
    state = _STATES.get(item.state, f"would be left out ({item.state})")
    print(f"{shown(item.name)} ({shown(place)}): {state}{f': {item.note}' if item.note else ''}")
    if item.superseded:
        print(f"  {item.superseded}")
    for line in _counts(item):
        print(f"  {line}")
    for warning in item.warnings:
        print(f"  WARNING: {warning}")
    for told in item.set_aside:
        print(f"  {told}")
    _tell_reasons(item)
    _tell_sample(item.sample)


def _tell_sample(sample: Sequence[RejectSample]) -> None:
    """Rejected rows and cells, a few of each reason."""
    first: dict[str, int | None] = {}
    told: Counter[tuple[str, str]] = Counter()
    for reject in sample:
        why = reject.reason.removeprefix(f"{reject.column_name}: ")
        told[reject.column_name, why] += 1
        if told[reject.column_name, why] > MOST_ALIKE:
            continue
        known = first.setdefault(why, reject.line_no)
        said = f"as line {known}" if known not in {None, reject.line_no} and len(why) > LONG else why
        print(f"    line {reject.line_no}: {reject.column_name or 'whole row'}: {reject.text or '(empty)'}: {said}")


def _tell_reasons(item: Rehearsed) -> None:
    for reason in item.reasons:
        print(f"  {counted(reason.count, reason.level)} rejected: {reason.reason}")
    of_events = sum(reason.count for reason in item.reasons if reason.level == "event")
    if of_events > item.counts.get("events_rejected", of_events):
        print("  (one event may be rejected for several reasons)")
    if item.more_reasons:
        print(f"  … and {counted(item.more_reasons, 'more reason')}")


def _counts(item: Rehearsed) -> Iterator[str]:
    """Rows, and events where the file brings some; what is seldom only where there is any."""
    counts = item.counts
    told = [f"{counts[column]:,} {label}" for column, label in _ALWAYS.items() if column in counts]
    told += [f"{counts[column]:,} {label}" for column, label in _SELDOM.items() if counts.get(column)]
    if counts.get("cells_rejected"):
        told.append(f"{counted(counts['cells_rejected'], 'cell')} rejected")
    if told:
        yield f"rows: {', '.join(told)}"
    events = [f"{counts[column]:,} {label}" for column, label in _EVENTS.items() if counts.get(column)]
    if events:
        yield f"events: {', '.join(events)}"


def _tell_the_rest(found: DryRun) -> None:
    for item in found.passed_over:
        print(f"{shown(item.name)} ({item.goal}): {item.reason}")
    if not found.files:
        print("no new files" if not found.passed_over else "no other new files")
    for line in found.failing:
        print(f"WARNING: {line}")
    for told in found.about_nobody:
        print(f"WARNING: {told.sentence}" if told.many else told.sentence)
    if found.waiting:
        waiting = counted(found.waiting, "other batch waits", "other batches wait")
        print(f"{waiting} and would be folded with them")
    if found.rebuilds:
        print("the warehouse would be rebuilt: a batch comes before one that is already in")
    print(f"There would be {counted(found.profiles, 'profile')}. Nothing was written.")
