"""Cross rules of export goals: names exist in the model, files do not get into each other's way, keys are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from cdp_assets.config.check_export_streams import STREAM_RULES
from cdp_assets.config.connections import Connection, readable_server
from cdp_assets.config.export_columns import InteractionsColumn, LifecyclesColumn, PropertyColumn, SegmentsColumn
from cdp_assets.config.export_events import chosen_types, event_streams
from cdp_assets.config.export_names import places_of
from cdp_assets.config.export_targets import Naming, actions_of
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.known import Known, Location, Place
from cdp_assets.config.properties import OWN_PROPERTIES
from cdp_assets.config.unread import as_far_as_read

_OWN = frozenset(prop.name for prop in OWN_PROPERTIES)


def export_places(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    """Every mistake of one export goal; places are inside the goal."""
    for rule in _RULES:
        yield from as_far_as_read(rule(goal, known))


def export_key_places(connection: Connection) -> Iterator[Place]:
    """Goals that want keys the connection does not have; places are inside the connection."""
    for index, goal in enumerate(connection.goals):
        if isinstance(goal, ExportProfilesGoal):
            yield from ((("goals", index, *where), told) for where, told in as_far_as_read(_keys(connection, goal)))


def _keys(connection: Connection, goal: ExportProfilesGoal) -> Iterator[Place]:
    has_recipients = goal.pgp.public_keys or (connection.pgp and connection.pgp.public_keys)
    if (goal.pgp.sign or goal.pgp.armor) and not has_recipients:
        key = "sign" if goal.pgp.sign else "armor"
        told = "is about encrypted files, and there are no public_keys here or in the connection's pgp"
        yield ("pgp", key), f"{key} {told}; give the recipient's"
    if goal.pgp.sign and (connection.pgp is None or connection.pgp.private_key is None):
        told = "files are signed with the connection's own key"
        yield ("pgp", "sign"), f"{told}; give pgp.private_key on the connection"


Taken = dict[tuple[str, str], str]
"""Account and path of a file, and the goal that writes it."""


def export_target_places(connection: Connection, known: Known, taken: Taken) -> Iterator[Place]:
    """Goals that would deliver a file of the same name as an earlier goal, of any connection; enters theirs."""
    for index, goal in enumerate(connection.goals):
        if isinstance(goal, ExportProfilesGoal):
            found = as_far_as_read(_taken(connection, goal, known, taken))
            yield from ((("goals", index, *where), told) for where, told in found)


def _taken(connection: Connection, goal: ExportProfilesGoal, known: Known, seen: Taken) -> Iterator[Place]:
    """The first file that an earlier goal writes, or the goal itself twice; enters its own in `seen`."""
    this = f"{connection.name}/{goal.name}"
    own: set[tuple[str, str]] = set()
    for target, where in _targets(connection, goal, known):
        other = seen.setdefault(target, this)
        if other == this and target not in own:
            own.add(target)
            continue
        shown = other.removeprefix(f"{connection.name}/")
        told = f"goal {shown!r} writes the same file {target[1]!r}"
        cure = "give another name or directory, or put {goal} or {run_id} into the name"
        if where == ("events",):
            cure = "give another directory, or name other event types"
        if other == this:
            told, cure = f"profiles and events would go into the same file {target[1]!r}", "give another file.name"
        yield where, f"{told}; {cure}"
        return


def _targets(
    connection: Connection, goal: ExportProfilesGoal, known: Known
) -> Iterator[tuple[tuple[str, str], Location]]:
    """Account on a server, and path of a goal's files, were it run at a certain time; and what gives the name."""
    segment = known.segments.get(goal.segment)
    label = segment.label if segment else goal.segment
    has_keys = bool(goal.pgp.public_keys or (connection.pgp and connection.pgp.public_keys))
    naming = Naming(goal, label, datetime(2026, 1, 1, tzinfo=UTC), "", has_keys and goal.pgp.encrypt)
    # Goals are checked even where the server's own settings could not be read.
    server = readable_server(connection)
    names: list[tuple[str, Location]] = []
    if "run_id" not in places_of(goal.file.name):
        part = 1 if goal.file.split else None
        names += [(naming.name(part, action), ("file", "name")) for action in actions_of(goal)]
    streams = event_streams(chosen_types(goal.events, [kind for kind in known.event_types.values() if kind]))
    names += [(naming.event_name(stream.name), ("events",)) for stream in streams]
    for name, where in names:
        above = "" if goal.directory.startswith("/") or server is None else server.user_directory
        path = "/".join(part for part in (above, goal.directory, name) if part)
        parts = [part for part in path.split("/") if part not in {"", "."}]
        # Each account of a server may see a root of its own.
        account = connection.name if server is None else f"{server.username}@{server.host}:{server.port}"
        yield (account, ("/" if path.startswith("/") else "") + "/".join(parts)), where


def _segments(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    for where, name in _named_segments(goal):
        unknown = known.unknown("segment", name)
        if unknown:
            yield where, unknown
    if goal.segment in goal.exclude_segments:
        place = goal.exclude_segments.index(goal.segment)
        yield ("exclude_segments", place), f"{goal.segment!r} is the segment itself: nobody would be left"


def _named_segments(goal: ExportProfilesGoal) -> Iterator[tuple[Location, str]]:
    yield ("segment",), goal.segment
    yield from as_far_as_read((("exclude_segments", at), name) for at, name in enumerate(goal.exclude_segments))
    for index, column in enumerate(goal.columns):
        if isinstance(column, SegmentsColumn) and column.segments != "all":
            yield from ((("columns", index, "segments", place), name) for place, name in enumerate(column.segments))


def viewed_places(connection: Connection, connections: Sequence[Connection]) -> Iterator[Place]:
    """The columns of interactions of a connection, where no goal of any connection brings some."""
    told = "no import goal brings interactions, so this column would be empty; give one the key `interactions`"
    for index, goal in enumerate(connection.goals):
        for place, column in enumerate(goal.columns if isinstance(goal, ExportProfilesGoal) else ()):
            if isinstance(column, InteractionsColumn) and not _is_viewed(connections):
                yield ("goals", index, "columns", place, "viewed_interactions"), told


def _is_viewed(connections: Sequence[Connection]) -> bool:
    return any(goal.interactions for connection in connections for goal in connection.imports)


def _titles(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    sign = goal.format.multi_value
    if goal.ids != "names" or goal.format.multi_value_inside == "keep":
        return
    for index, column in enumerate(goal.columns):
        if isinstance(column, SegmentsColumn):
            names = known.segments if column.segments == "all" else column.segments
            held = [segment.label for name in names if (segment := known.segments.get(name)) and sign in segment.label]
            if held:
                told = f"the title {held[0]!r} holds the multi-value separator {sign!r}"
                yield ("columns", index, "segments"), f"{told}; give another title, or another format.multi_value"


def _properties(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    for where, name in _named_properties(goal):
        unknown = None if name in _OWN else known.unknown("property", name)
        if unknown:
            yield where, unknown
    for index, order in enumerate(goal.order_by):
        prop = known.properties.get(order.property)
        if prop is not None and prop.multiple:
            yield ("order_by", index, "property"), f"{prop.name!r} holds several values; rows are sorted by single ones"


def _named_properties(goal: ExportProfilesGoal) -> Iterator[tuple[Location, str]]:
    columns = enumerate(goal.columns)
    yield from as_far_as_read(
        (("columns", index, "property"), column.property)
        for index, column in columns
        if isinstance(column, PropertyColumn)
    )
    yield from ((("order_by", index, "property"), order.property) for index, order in enumerate(goal.order_by))


def _headers_can_be_written(goal: ExportProfilesGoal, _: Known) -> Iterator[Place]:
    layout = goal.format
    signs = (layout.separator, "\r", "\n")
    if layout.header and not layout.quote:
        for index, name in enumerate(goal.header):
            if any(sign in name for sign in signs) or name != name.strip():
                yield ("columns", index), f"Value needs quoting: header {name!r}; give format.quote, or another header"
    for index, name in enumerate(goal.header):
        try:
            name.encode(layout.codec)
        except UnicodeEncodeError:
            yield ("columns", index), f"header {name!r} cannot be written in {layout.encoding}; choose utf-8"


def _lifecycle_columns(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    for index, column in enumerate(goal.columns):
        if not isinstance(column, LifecyclesColumn):
            continue
        names = tuple(known.lifecycles) if column.lifecycles == "all" else column.lifecycles
        if not names and "lifecycle" not in known.lost:
            yield ("columns", index, "lifecycles"), "the model has no lifecycles, so this column would be empty"
        for place, name in enumerate(names):
            if unknown := known.unknown("lifecycle", name):
                yield ("columns", index, "lifecycles", place), unknown
        if goal.ids == "names" and goal.format.multi_value_inside == "fail":
            found = [one for name in names if (one := known.lifecycles.get(name))]
            stages = [stage.label for one in found for stage in one.stages if column.with_stage]
            held = [label for label in [one.label for one in found] + stages if goal.format.multi_value in label]
            if held:
                told = f"the name {held[0]!r} holds the multi-value separator {goal.format.multi_value!r}"
                yield ("columns", index, "lifecycles"), f"{told}; give another name, or another format.multi_value"


def _lifecycle(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    if goal.lifecycle is None:
        return
    if unknown := known.unknown("lifecycle", goal.lifecycle.id):
        yield ("lifecycle", "id"), unknown
    if goal.lifecycle.stages == "all":
        return
    for index, name in enumerate(goal.lifecycle.stages):
        if told := known.unknown_stage(goal.lifecycle.id, name):
            yield ("lifecycle", "stages", index), told


_RULES: tuple[Callable[[ExportProfilesGoal, Known], Iterator[Place]], ...] = (
    _segments,
    _lifecycle,
    _lifecycle_columns,
    _titles,
    _properties,
    _headers_can_be_written,
    *STREAM_RULES,
)
