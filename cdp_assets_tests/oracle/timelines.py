"""Random goals that bring events, over the files of `scenarios`, with few ids and dates so that they meet often."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from cdp_assets_tests.oracle.described import EventKind, Events, Goal, Property
from cdp_assets_tests.oracle.scenarios import Scenario, mergings, scenarios

ORDERED = EventKind(
    "ordered",
    (Property("total", "decimal", scale=4), Property("labels", multiple=True), Property("note")),
    "product",
    (Property("id"), Property("name"), Property("quantity", "number")),
    item_id="id",
)
SEEN = EventKind("seen", (Property("times", "number"), Property("moment", "datetime")), "part", (Property("page"),))
VIEWED = EventKind(
    "interactions", (Property("interaction_id"), Property("kind"), Property("value", "decimal", scale=4)), "", ()
)
VALUES = {
    "ordered": (("amount", "total"), ("card", "total"), ("word", "labels"), ("mail", "note")),
    "seen": (("card", "times"), ("day", "moment")),
}
ITEMS = {
    "ordered": ((("word", "id"), ("card", "quantity")), (("word", "id"), ("crm", "name"))),
    "seen": ((("word", "page"),), (("mail", "page"),)),
}


@st.composite
def events(draw: st.DrawFn) -> Events:
    kind = draw(st.sampled_from((ORDERED, ORDERED, SEEN)))
    values = draw(st.lists(st.sampled_from(VALUES[kind.id]), max_size=3, unique_by=lambda pair: pair[1]))
    return Events(
        kind,
        draw(st.sampled_from(("crm", "crm", "card", None))),
        "day",
        tuple(values),
        draw(st.sampled_from(((), *ITEMS[kind.id]))),
        draw(st.sampled_from((None, "main", "main", "other"))),
    )


@st.composite
def interactions(draw: st.DrawFn) -> Events:
    worth = draw(st.sampled_from(((), (("amount", "value"),))))
    return Events(VIEWED, "crm", "day", worth, viewed=draw(st.sampled_from(("view", "click", "word"))))


@st.composite
def timelines(draw: st.DrawFn, *, max_files: int = 6, identifiers: bool = False, merging: bool = False) -> Scenario:
    """A scenario some goals of which bring events, perhaps nothing else."""
    scenario = draw(
        mergings(max_files=max_files) if merging else scenarios(max_files=max_files, identifiers=identifiers)
    )
    goals: list[Goal] = []
    for goal in scenario.goals:
        brought = draw(st.lists(st.one_of(events(), interactions()), min_size=0 if goals else 1, max_size=1))
        keeps = not brought or draw(st.booleans())
        goals.append(replace(goal, events=tuple(brought), mappings=goal.mappings if keeps else ()))
    return replace(scenario, goals=tuple(goals))
