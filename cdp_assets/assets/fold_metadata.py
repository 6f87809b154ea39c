"""What a fold made, as metadata: the profiles, events, products and groups, and what each file's rows did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from cdp_assets.assets.metadata import EVENT_FATES, Metadata, count_in, table
from cdp_assets.assets.trends import gauge
from cdp_assets.counted import counted
from cdp_assets.flows.fold_batches import FoldResult
from cdp_assets.flows.look_tables import GroupFacts, TableFacts
from cdp_assets.sql.members import members_name

_EXCLUDED = {
    "rows_not_found": "not found",
    "rows_no_identifier": "without identifier",
    "rows_consent_mismatch": "without consent",
    "rows_filtered": "filtered out",
    "rows_erased": "erased",
}
_BECAME = {
    "rows_created": "created",
    "rows_modified": "modified",
    "rows_unchanged": "unchanged",
    **_EXCLUDED,
    "rows_rejected": "rejected",
}
"""Column of the ledger → what to say of so many rows; together they are all rows of a file."""


def fold_metadata(result: FoldResult) -> Metadata:
    """What a fold did, all together and file by file; only the first files of a large one are listed."""
    metadata: Metadata = {"dagster/row_count": result.profiles, "batches folded": len(result.folded)}
    if result.replayed:
        metadata["rebuilt"] = f"yes, as a file came in before others; {_refolded(result.refolded)} folded again"
    if result.problems:
        metadata["snapshots"] = "\n".join(result.problems)
    if result.superseded:
        metadata["files sent again"] = "\n".join(result.superseded.values())
    totals = {
        "rows received": ("rows_received",),
        "rows created": ("rows_created",),
        "rows modified": ("rows_modified",),
        "rows unchanged": ("rows_unchanged",),
        "rows excluded": tuple(_EXCLUDED),
        "rows rejected": ("rows_rejected",),
    }
    seldom = {"rows excluded: erased": "rows_erased", "cells rejected": "cells_rejected"}
    totals |= {label: (name,) for label, name in seldom.items() if any(entry[name] for entry in result.folded)}
    if any(entry["events_received"] for entry in result.folded):
        totals |= {label: (column,) for label, column in EVENT_FATES.items()}
    metadata |= {
        label: sum(count_in(entry, name) for entry in result.folded for name in names)
        for label, names in totals.items()
    }
    if result.folded:
        # Few columns, and words that can be broken: what is wider than the page is cut.
        rows = [
            [entry["name"], f"{_goal(entry)}, {counted(count_in(entry, 'rows_received'), 'row')}: {_became(entry)}"]
            for entry in result.folded
        ]
        metadata["batches"] = table(["file", "goal and result"], rows)
    if result.left_out:
        left_out = [[entry["name"], f"{_goal(entry)}: {entry['state']}, {entry['note']}"] for entry in result.left_out]
        metadata["batches left out"] = table(["file", "goal and why"], left_out)
    return metadata


def _refolded(batches: int) -> str:
    return f"{counted(batches, 'batch', 'batches')} {'was' if batches == 1 else 'were'}"


def _goal(entry: Mapping[str, object]) -> str:
    return f"{entry['connection']} / {entry['goal']}"


def _became(entry: Mapping[str, object]) -> str:
    """What the rows of a file did, in words."""
    told = [f"{count_in(entry, name):,} {words}" for name, words in _BECAME.items() if count_in(entry, name)]
    return ", ".join(told)


def fold_messages(result: FoldResult) -> list[str]:
    """What a fold did, in a line, and one more for each batch that took the place of an earlier one."""
    return [_folded(result), *result.superseded.values()]


def _folded(result: FoldResult) -> str:
    message = f"{counted(len(result.folded), 'batch', 'batches')} folded; {counted(result.profiles, 'profile')}"
    created, again = (
        sum(count_in(entry, name) for entry in result.folded) for name in ("events_created", "events_set")
    )
    return f"{message}; {counted(created, 'event')} created, {again} written anew" if created or again else message


def events_metadata(own: TableFacts, items: Sequence[TableFacts] = ()) -> Metadata:
    """A table of events, and those of the items of its nested fields."""
    metadata: Metadata = {"dagster/row_count": own.rows}
    if own.period:
        metadata["period"] = " to ".join(own.period)
    for one in items:
        metadata[f"rows of {one.name}"] = one.rows
    if own.counts:
        metadata[f"rows by {own.counted_by}"] = _counted(own)
    for one in (own, *items):
        if one.sample:
            label = "examples" if one is own else f"examples of {one.name}"
            metadata[f"{label} (texts masked)"] = _examples(one)
    return metadata


def products_metadata(facts: TableFacts) -> Metadata:
    """The products: how many of each category, and those that were ordered most."""
    metadata: Metadata = {"dagster/row_count": facts.rows}
    if facts.rows:
        metadata["products by category"] = _counted(facts)
        rows = [
            [one, ", ".join(filter(None, named)), f"{price or 'no price'}, ordered {ordered or 0}"]
            for one, *named, price, ordered in facts.sample
        ]
        metadata["most ordered"] = table(["id", "name, category and brand", "price and orders"], rows)
    return metadata


def groups_metadata(group_type: str, facts: GroupFacts) -> Metadata:
    """The groups of a type: who belongs to them, and which of them no file has told of."""
    metadata: Metadata = {
        "dagster/row_count": facts.groups,
        "profiles in a group": facts.profiles,
        "groups without a profile": facts.without_members,
        "groups that profiles name and no file told of": facts.dangling_ids,
    }
    if facts.dangling_ids:
        metadata["profiles that name such a group"] = facts.dangling_profiles
        metadata["such groups stand in"] = f"main.{members_name(group_type)}, the rows where is_dangling"
    if facts.sample.sample:
        metadata["largest groups (texts masked)"] = _examples(facts.sample)
    return metadata


def filled_metadata(rates: Mapping[str, float]) -> Metadata:
    """How full each property is, the fullest first."""
    shares = sorted(rates.items(), key=lambda one: (-one[1], one[0]))
    rows = [[name, f"{share:.1f} %", gauge(share)] for name, share in shares]
    return {"profiles with a value": table(["property", "filled", "of all"], rows)} if rows else {}


def _counted(facts: TableFacts) -> dg.MetadataValue:
    return table([facts.counted_by, "rows"], [[value, f"{rows:,}"] for value, rows in facts.counts])


def _examples(facts: TableFacts) -> dg.MetadataValue:
    """A few rows side by side in one column, as a table of many is cut; fields that hold nothing are left out."""
    lines = [(name, values) for name, *values in zip(facts.columns, *facts.sample, strict=True)]
    told = [[name, " / ".join(value or "(empty)" for value in values)] for name, values in lines if any(values)]
    return table(["field", "one example / the next"], told)
