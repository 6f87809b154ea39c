"""The YAML of a drafted connection, with comments on what a person should decide."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from cdp_assets.components.yaml_edits import as_yaml
from cdp_assets.config.connections import Server
from cdp_assets.config.goals import Identifier
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.files.remote import shown
from cdp_assets.flows.goal_draft import GoalDraft
from cdp_assets.flows.guess_fields import fields_of_line
from cdp_assets.flows.look_kinds import LeftOut
from cdp_assets.flows.people_columns import Key

EVENTS_PAGE = "docs/events.md"
LINKED_PAGE = "docs/importing.md#linked-files"
ONE_PERSON = "rows with one value here are one person, whatever else differs"
_DELTA = {
    False: """\
      # delta: false means that each file holds everything: a row that earlier files said is not applied again.
      # Change it to true if each file holds only what is new or changed: then every row is applied.
""",
    True: """\
      # delta: true, as the name says, means that each file holds only what is new or changed: every row is applied.
      # Change it to false if each file holds everything: then a row that earlier files said is not applied again.
""",
}
_OFF = """\
      # Nothing tells that these rows are people. If each is one, remove the next line; else the goal.
      active: false
"""
_WHOSE = {True: "Some people have several rows here.", False: "The people are those of another file."}
_EVENTS = f"""\
      # {{whose}} Such a file usually holds timeline events (orders, visits), one for each
      # row or some rows; of a property the last row counts. How an import brings events: {EVENTS_PAGE}
      # What is no order has another `type`: one of your own is described under `event_types` of the model.
      # Lines of one order are items of its event, under `nested`. To keep every value on the person itself, give its
      # property `multiple: true` and its mapping `rule: add`; what is not about the person needs no mapping.
"""
_FOUND_ONLY = """\
      # false: another goal brings these people, one row each. true: who is missing there is made by these rows.
"""
_CREATING = (
    "true, as {why}. With false, rows about people who are not known yet would be left out, and their events with them."
)
_LEFT_OUT = (
    "false, although {why}. true needs that column as a second identifier there, and by it these people would become"
    " one. As it is, rows about people who are not known yet are left out: correct the file, then add the identifier"
    " and write true."
)
_FIRST_MODEL = """\
# What a profile can hold, and segments of profiles.
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {first}
  # segments:
  #   - {{name: {segment}, where: {{property: {property}, not_is_empty: true}}}}
"""
_TAIL = """\
    # - type: export_profiles
    #   name: segment_list
    #   segment: {segment}
    #   directory: out
    #   # changed: members that are new or changed since the last delivery; all: every member each time; difference:
    #   # who came, changed and left.
    #   population: changed
    #   columns: [{{property: {property}, identifier: true}}]
"""
_ADDRESS = Property(name="email", type=PropertyType.email, pii=True)
"""What the first model has even before a file was looked into."""
_FIRST_SEGMENT = {True: "has_address", False: "is_known"}


def first_model(properties: Sequence[Property] = (_ADDRESS,)) -> str:
    """The model of a folder that has none, with the first of these properties; a comment drafts a segment."""
    first = properties[0]
    told = as_yaml(first.model_dump(mode="json", exclude_defaults=True))
    return _FIRST_MODEL.format(first=told, property=first.name, segment=_FIRST_SEGMENT[first == _ADDRESS])


def connection_yaml(
    name: str, server: Server, drafts: Sequence[GoalDraft], left_out: Sequence[LeftOut], model: CustomerModelConfig
) -> str:
    """The file, one mapping on each line; the model is the one that the connection is written for."""
    lines = [
        "# Drafted from the files of the server: read it through.",
        "type: cdp_assets.SftpConnection",
        "attributes:",
    ]
    lines += [f"  name: {name}", "  server:"]
    for key, value in server.model_dump(mode="json", exclude_defaults=True, exclude_none=True).items():
        lines.append(f"    {_pair(key, value)}")
    lines += ["  run: manual", "  goals:"]
    for draft in drafts:
        goal = draft.goal
        lines += [f"    - type: {goal.type}", f"      name: {goal.name}"]
        lines += [] if goal.active else _OFF.splitlines()
        lines += _DELTA[goal.files.delta].splitlines()
        files = goal.files.model_dump(mode="json", exclude_defaults=True) | {"delta": goal.files.delta}
        links = [one for one in left_out if one.linked and one.owner == goal.name]
        lines += _linked(files, links)
        lines.append(f"      files: {as_yaml(files)}")
        layout = {"separator": goal.format.separator, "decimal": goal.format.decimal}
        layout |= goal.format.model_dump(mode="json", exclude_defaults=True)
        lines += _local_times(draft)
        lines.append(f"      format: {as_yaml(layout)}")
        lines += [*_identifiers(draft), *_creating(draft)]
        lines.append(f"      allow_create: {str(goal.allow_create).lower()}")
        lines += _events(draft, links) if draft.about_others else []
        lines.append("      mappings:")
        lines += [f"        - {as_yaml(one.model_dump(mode='json', exclude_defaults=True))}" for one in goal.mappings]
    # An export that is shown must name a property that something fills.
    filled = next((draft.address for draft in drafts if draft.address), drafts[0].identifier)
    segment = model.segments[0].name if model.segments else _FIRST_SEGMENT[filled == _ADDRESS.name]
    return "\n".join(lines) + "\n" + _TAIL.format(segment=segment, property=filled)


def told_several(key: Key, rows: int) -> str:
    """What becomes of people with several values of a key, and how to keep them all."""
    name = shown(key.column.name)
    bring = "1 row brings" if rows == 1 else f"at least {rows:,} rows bring"
    return (
        f"{bring} another {name} for somebody of an earlier row: the last one counts, and the former finds nobody;"
        f" to keep all of them: multiple: true for property {key.fills}, and rule: add for its mapping"
    )


def _identifiers(draft: GoalDraft) -> list[str]:
    """What finds people, and as a comment what else could."""
    used = [as_yaml(one.model_dump(mode="json")) for one in draft.goal.identifier_columns]
    more = [as_yaml(one.model_dump(mode="json")) for one in draft.other_identifiers]
    if not (more or draft.shared_keys or draft.more_identifiers or draft.several_keys):
        return [f"      identifiers: [{', '.join(used)}]"]
    lines = ["      identifiers:", *(f"        - {one}" for one in used)]
    if draft.more_identifiers:
        lines.insert(-len(draft.more_identifiers), f"        # Where that finds nobody: {ONE_PERSON}.")
    if more:
        lines += ["        # Rows that this does not find would be found by:", *(f"        # - {one}" for one in more)]
    for key, times in draft.several_keys:
        lines += _comment(told_several(key, times), "        # ")
    for key in draft.shared_keys:
        rows = "1 row has that" if draft.sharing(key) == 1 else f"{draft.sharing(key):,} rows have those"
        told = f"Not by {shown(key.column.name)} while {rows} of somebody else: they would become one."
        one = Identifier(column=key.column.name, property=key.fills)
        lines += [f"        # {told}", f"        # - {as_yaml(one.model_dump(mode='json'))}"]
    return lines


def _creating(draft: GoalDraft) -> list[str]:
    """What to think of whether rows about the people of another file make them."""
    if draft.why_creating:
        return _comment(_CREATING.format(why=draft.why_creating))
    if draft.why_left_out:
        return _comment(_LEFT_OUT.format(why=draft.why_left_out))
    return _FOUND_ONLY.splitlines() if draft.about_others and not draft.goal.allow_create else []


def _comment(text: str, begins: str = "      # ") -> list[str]:
    """Lines of a goal's comment; names of files stay whole."""
    return textwrap.wrap(
        text, 118, initial_indent=begins, subsequent_indent=begins, break_long_words=False, break_on_hyphens=False
    )


def _local_times(draft: GoalDraft) -> list[str]:
    """That nothing tells the zone of some times, where it is so."""
    if not draft.local_times:
        return []
    names = ", ".join(shown(name) for name in draft.local_times)
    return [
        f"      # Times without an offset are taken as UTC: {names}.",
        "      # Add timezone: Europe/Berlin here if they are of there.",
    ]


def _events(draft: GoalDraft, links: Sequence[LeftOut]) -> list[str]:
    """What to think of where rows are likely what people did, with events to begin with."""
    lines = _EVENTS.format(whose=_WHOSE[draft.several_rows]).splitlines()
    if draft.events is not None:
        entry = draft.events.model_dump(mode="json", exclude_defaults=True)
        lines_of_it = [one for one in links if not one.lookup]
        if lines_of_it:
            entry["nested"] = [_lines(lines_of_it[0])]
        lines += ["      # events:", f"      #   - {as_yaml(entry)}"]
    return lines


def _lines(link: LeftOut) -> dict[str, object]:
    """The rows of a linked file as products of orders."""
    alias = link.kind.goal_name
    fields = fields_of_line(link.columns)
    mappings = [{"column": f"{alias}.{column}", "property": field} for column, field in fields]
    return {"property": "product", "source": alias, "mappings": mappings, "all_properties": True}


def _linked(files: Mapping[str, object], links: Sequence[LeftOut]) -> list[str]:
    """The files with those whose rows belong to their rows, as a comment."""
    if not links:
        return []
    entries = [
        {
            "name": one.kind.goal_name,
            "file": one.kind.pattern + ("*" if one.kind.gzipped_too else ""),
            "parent_column": one.parent_column,
            "column": one.column,
            **({"static": True} if one.static else {}),
        }
        for one in links
    ]
    names = ", ".join(shown(one.kind.pattern) for one in links)
    rows = f"Rows of {names} belong to rows here. To import them together, take this in place of the next line:"
    return [*_comment(rows), f"      # files: {as_yaml({**files, 'linked': entries})}"]


def _pair(key: str, value: object) -> str:
    return re.sub(r"^\{(.*)\}$", r"\1", as_yaml({key: value}))
