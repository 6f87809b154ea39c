"""Cross rules of what an export's files hold: event types exist, and processors find their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cdp_assets.config.export_events import EVENT_HEADER, ITEM_HEADER, EventStream, chosen_types, event_streams
from cdp_assets.config.export_processors import PROFILE_STREAM, ExportProcessor, Stream, fields_made, stream_of_events
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.known import Known, Place, listed, nearest_first


def _event_types(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    if goal.events is None:
        return
    for index, name in enumerate(goal.events.types if goal.events.types != "all" else ()):
        unknown = known.unknown("event type", name)
        if unknown:
            yield ("events", "types", index), unknown
    for stream in _event_streams(goal, known):
        own = ITEM_HEADER if stream.nested else EVENT_HEADER
        for field in stream.fields:
            if field.key in own:
                told = f"field {field.key!r} of {stream.name!r} has the name of a column that every such file has"
                yield (
                    ("events", "types"),
                    f"{told}: {', '.join(own)}; leave the type out, or give the field another key",
                )


def _event_headers(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    layout = goal.format
    if not layout.header or layout.quote:
        return
    for stream in _event_streams(goal, known):
        bad = next((name for name in stream.header if layout.separator in name), None)
        if bad is not None:
            yield ("events",), f"Value needs quoting: header {bad!r} of {stream.name}; give format.quote"
            return


def _processor_fields(goal: ExportProfilesGoal, known: Known) -> Iterator[Place]:
    files = {PROFILE_STREAM: list(goal.header)}
    files |= {stream_of_events(stream): list(stream.header) for stream in _event_streams(goal, known)}
    for index, processor in enumerate(goal.processors):
        meant = {stream: there for stream, there in files.items() if processor.names(stream)}
        problem = _problem(processor, meant, complete=_all_known(goal, known))
        if problem:
            yield ("processors", index), f"Processor {index + 1} ({processor.name}): {problem}"
        for stream, there in meant.items():
            if processor.applies(stream, there):
                there += [field for field in fields_made(processor) if field not in there]
    if goal.has_action_column and goal.action_column in files[PROFILE_STREAM]:
        yield ("action_column",), f"{goal.action_column!r} is the name of another column too; give it another one"


def _problem(processor: ExportProcessor, meant: dict[Stream, list[str]], *, complete: bool) -> str:
    """Why a processor has nothing to do, or only a part of it, in the files it is meant for; empty = nothing."""
    if not meant:
        told = f"no file of this goal is meant by stream {processor.stream!r}"
        cure = "accepted: profiles, events, nested, all, or the name of a file of events such as order_product"
        return f"{told}; {cure}" if complete else ""
    named = processor.pseudonymize.keep if processor.pseudonymize else processor.reads
    absent = [field for field in named if not any(field in there for there in meant.values())]
    if absent:
        every = list(dict.fromkeys(field for there in meant.values() for field in there))
        has = "the file has" if len(meant) == 1 else "the files have"
        told = f'field "{absent[0]}" not found; {has}, nearest first: {listed(nearest_first(absent[0], every))}'
        return told if complete or PROFILE_STREAM in meant else ""
    for stream, there in meant.items():
        missing = [field for field in processor.reads if field not in there]
        if missing and len(missing) < len(processor.reads):
            told = f'file {stream.name} has field "{next(f for f in processor.reads if f in there)}"'
            return f'{told}, but not "{missing[0]}"; name one file by `stream`, or write a processor for each field'
    return ""


def _event_streams(goal: ExportProfilesGoal, known: Known) -> tuple[EventStream, ...]:
    return event_streams(chosen_types(goal.events, [kind for kind in known.event_types.values() if kind]))


def _all_known(goal: ExportProfilesGoal, known: Known) -> bool:
    """Whether no file of the goal can have fields that could not be read."""
    return goal.events is None or ("event type" not in known.lost and None not in known.event_types.values())


STREAM_RULES: tuple[Callable[[ExportProfilesGoal, Known], Iterator[Place]], ...] = (
    _event_types,
    _event_headers,
    _processor_fields,
)
