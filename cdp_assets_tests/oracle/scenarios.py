"""Random deployments and deliveries over few values, so that they collide often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping, Merging, Property

START = datetime(2026, 1, 1, tzinfo=UTC)
PROPERTIES = (
    Property("email", "email"),
    Property("crm"),
    Property("card", "number"),
    Property("city"),
    Property("points", "number"),
    Property("spend", "decimal", scale=2),
    Property("seen", "datetime"),
    Property("tags", multiple=True),
    Property("scores", "decimal", multiple=True, scale=1),
)
IDENTIFIERS = (("mail", "email"), ("mail", "email"), ("crm", "crm"), ("card", "card"))
GROUP_IDENTIFIERS = (("crm", "group_id"), ("crm", "crm"), ("card", "card"), ("card", "group_id"), ("mail", "email"))
SEVERAL = (
    ((("mail", "email"),), (("crm", "crm"),)),
    ((("crm", "crm"),), (("mail", "email"),), (("card", "card"),)),
    ((("mail", "email"), ("crm", "crm")), (("card", "card"),)),
    ((("word", "tags"),),),
    ((("word", "tags"),), (("mail", "email"),)),
)
"""Identifiers of goals that have several, or one that holds several values."""
CELLS = {
    "mail": ("a@x.com", "a@x.com", "b@x.com", "A@x.com", "b@x.com", "", "nobody"),
    "crm": ("1", "1", "2", "2", "7", ""),
    "card": ("1", "1", "2", "1.0", "", "x"),
    "amount": ("1", "2", "5", "-1", "", "1|2", "0.125", "x|1,000"),
    "word": ("a", "b", "c", "b|a", "", "a|c|a"),
    "day": ("2026-01-01", "2026-01-02 10:30", "2026-01-03", "", "soon"),
}
SOURCES = {
    "email": ("mail", "mail", "word"),
    "crm": ("crm", "crm", "word"),
    "card": ("card", "amount"),
    "city": ("word", "day", "amount"),
    "points": ("amount", "card"),
    "spend": ("amount",),
    "seen": ("day",),
    "tags": ("word", "mail"),
    "scores": ("amount", "card"),
}
"""Columns whose cells mostly suit the property."""
HEADERS = (tuple(CELLS), tuple(CELLS), tuple(reversed(CELLS)), ("mail", "crm", "card", "word"))
KEYS = ("20260101", "20260102", "20251231", "eu", "us")


@dataclass(frozen=True)
class Scenario:
    goals: tuple[Goal, ...]
    deliveries: tuple[Delivery, ...]
    """In the order they arrive."""
    properties: tuple[Property, ...] = PROPERTIES
    merging: Merging | None = None


def rules_for(prop: Property) -> tuple[str, ...]:
    """The merge rules a property can be written by."""
    rules: tuple[str, ...] = ("set", "set_if_empty", "set_or_clear")
    if prop.multiple:
        return (*rules, "add")
    return (*rules, "sum") if prop.type in {"number", "decimal"} else rules


@st.composite
def mappings(draw: st.DrawFn, columns: dict[str, str], several: bool, written: Sequence[Property]) -> Mapping:
    """`columns`: identifier property → the column it is looked up by."""
    prop = draw(st.sampled_from(written))
    own = prop.name in columns
    cells = columns[prop.name] if own else draw(st.sampled_from(SOURCES[prop.name]))
    rules = rules_for(prop)
    if own:
        rules = tuple(rule for rule in rules if rule != "sum") if several else ("set", "set_if_empty")
    return Mapping(cells, prop.name, draw(st.sampled_from(rules)))


@st.composite
def goals(
    draw: st.DrawFn, name: str, written: Sequence[Property], *, several: bool = False, group_type: str = ""
) -> Goal:
    column, identifier = draw(st.sampled_from(GROUP_IDENTIFIERS if group_type else IDENTIFIERS))
    rules = draw(st.sampled_from(SEVERAL)) if several else ()
    columns = {prop: cells for rule in rules for cells, prop in rule} or {identifier: column}
    return Goal(
        name,
        column,
        identifier,
        tuple(draw(st.lists(mappings(columns, several, written), min_size=1, max_size=6, unique=True))),
        rules=rules,
        delta=draw(st.booleans()),
        allow_create=bool(group_type) or draw(st.sampled_from((True, True, False))),
        group_type=group_type,
        redelivery=draw(st.sampled_from(("auto", "auto", "auto", "append", "supersede"))),
        duplicate_content=draw(st.sampled_from(("apply", "apply", "apply", "skip"))),
    )


Body = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


@st.composite
def contents(draw: st.DrawFn) -> list[Body]:
    """Files made of few different rows, so that equal rows recur within a file and from file to file."""
    row = st.fixed_dictionaries({column: st.sampled_from(cells) for column, cells in CELLS.items()})
    pool = draw(st.lists(row, min_size=2, max_size=5))
    bodies = []
    for _ in range(draw(st.integers(1, 4))):
        header = draw(st.sampled_from(HEADERS))
        rows = draw(st.lists(st.sampled_from(pool), max_size=6))
        bodies.append((header, tuple(tuple(row[column] for column in header) for row in rows)))
    return bodies


@st.composite
def scenarios(
    draw: st.DrawFn,
    *,
    keys: Sequence[str] = KEYS,
    max_files: int = 6,
    identifiers: bool = False,
    group_types: Sequence[str] = ("",),
) -> Scenario:
    """Up to three goals of one connection and some files; the same version arrives at one look only.

    `identifiers`: goals may have several. `group_types`: what a goal may import; the empty one = profiles.
    """
    written = draw(st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=4, unique=True))
    several = tuple(
        draw(
            goals(
                f"g{number}",
                written,
                several=identifiers and draw(st.sampled_from((True, True, False))),
                group_type=draw(st.sampled_from(group_types)),
            )
        )
        for number in range(draw(st.integers(1, 3)))
    )
    bodies = draw(contents())
    deliveries: list[Delivery] = []
    for _ in range(draw(st.integers(1, max_files))):
        header, rows = draw(st.sampled_from(bodies))
        hours = draw(st.integers(0, 5))
        deliveries.append(
            Delivery(
                draw(st.sampled_from(several)).name,
                draw(st.sampled_from(keys)),
                header,
                rows,
                START + timedelta(hours=hours),
                START + timedelta(hours=hours + draw(st.integers(0, 2))),
            )
        )
    return Scenario(several, tuple(deliveries))


def at_looks(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The same files, each first seen at a look of its own, in this order."""
    return [replace(item, look_at=START + timedelta(days=30, hours=hour)) for hour, item in enumerate(deliveries)]


CROSSING_GOALS = (
    Goal("g0", "mail", "email", (Mapping("crm", "crm"), Mapping("card", "points", "sum"))),
    Goal("g1", "crm", "crm", (Mapping("mail", "email"), Mapping("card", "points", "sum")), delta=False),
)


@st.composite
def crossings(draw: st.DrawFn, *, max_files: int = 6) -> Scenario:
    """Two goals that each write what the other looks profiles up by; dated files, with corrections.

    Late files and corrections change which row makes a profile, how many there are, and who holds a value.
    """
    mail, crm = st.sampled_from(("a@x.com", "b@x.com", "")), st.sampled_from(("1", "2", ""))
    rows = st.lists(st.tuples(mail, crm, st.just("1")), min_size=1, max_size=2)
    deliveries = []
    for hour in range(draw(st.integers(2, max_files))):
        goal, key = draw(st.sampled_from(CROSSING_GOALS)).name, draw(st.sampled_from(KEYS[:4]))
        at = START + timedelta(hours=hour)
        deliveries.append(Delivery(goal, key, ("mail", "crm", "card"), tuple(draw(rows)), at, at))
    return Scenario(CROSSING_GOALS, tuple(deliveries))


def _renamed(goal: Goal, suffix: str) -> Goal:
    """The same goal reading columns with other names."""
    return replace(
        goal,
        column=goal.column + suffix,
        mappings=tuple(replace(item, column=item.column + suffix) for item in goal.mappings),
        rules=tuple(tuple((column + suffix, name) for column, name in rule) for rule in goal.rules),
    )


@st.composite
def alike_goals(draw: st.DrawFn, written: Sequence[Property], *, several: bool) -> list[Goal]:
    """Goals that find profiles alike and write few properties by any rule; now and then one has full files."""
    first = draw(goals("g0", written, several=several))
    columns = {name: column for column, name in first.identifying}
    found = []
    for number in range(draw(st.integers(2, 3))):
        own = draw(st.lists(mappings(columns, bool(first.rules), written), min_size=1, max_size=3, unique=True))
        delta = draw(st.sampled_from((True,) * 9 + (False,)))
        makes = draw(st.booleans())
        found.append(replace(first, name=f"g{number}", mappings=tuple(own), delta=delta, allow_create=makes))
    return found


@st.composite
def interleavings(draw: st.DrawFn, *, max_files: int = 9) -> Scenario:
    """Files of such goals in turn, each goal's with other names for the columns."""
    written = draw(st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=2, unique=True))
    alike = draw(alike_goals(written, several=draw(st.booleans())))
    several = [_renamed(goal, f" {number}" if number else "") for number, goal in enumerate(alike)]
    bodies = draw(contents())
    deliveries = []
    for hour in range(draw(st.integers(3, max_files))):
        number = draw(st.integers(0, len(several) - 1))
        header, rows = draw(st.sampled_from(bodies))
        header = tuple(f"{name} {number}" if number else name for name in header)
        at = START + timedelta(hours=hour)
        deliveries.append(Delivery(several[number].name, f"f{hour}", header, rows, at, at))
    return Scenario(tuple(several), tuple(deliveries))


MERGINGS = st.sampled_from((Merging(), Merging(), Merging(2)))
STRATEGIES = (None, None, "keep_current", "both", "latest", "latest")


@st.composite
def merged_properties(draw: st.DrawFn) -> tuple[Property, ...]:
    """The properties, each merging in some way that fits it."""
    chosen = []
    for prop in PROPERTIES:
        how = draw(st.sampled_from(STRATEGIES))
        chosen.append(replace(prop, merge=how if prop.multiple or how != "both" else None))
    return tuple(chosen)


LINKS = (
    {"mail": ("a@x.com", "b@x.com", "c@x.com")},
    {"crm": ("1", "2", "7")},
    {"card": ("1", "2")},
    {"word": ("a", "b", "c", "b|a")},
)


@st.composite
def linking_rows(draw: st.DrawFn, filled: Sequence[int]) -> tuple[str, ...]:
    """A row of one or two identifiers: alone they make profiles, together they show that two are one."""
    cells = {column: draw(st.sampled_from(CELLS[column])) for column in ("amount", "day")}
    for place in filled:
        cells |= {column: draw(st.sampled_from(values)) for column, values in LINKS[place].items()}
    return tuple(cells.get(column, "") for column in CELLS)


@st.composite
def linking_contents(draw: st.DrawFn) -> list[Body]:
    """Files whose rows have one to three identifiers of any kind."""
    places = st.lists(st.sampled_from(range(len(LINKS))), min_size=1, max_size=3)
    files = st.lists(places.flatmap(linking_rows), min_size=3, max_size=8)
    return [(tuple(CELLS), tuple(draw(files))) for _ in range(draw(st.integers(2, 4)))]


@st.composite
def mergings(draw: st.DrawFn, *, max_files: int = 5) -> Scenario:
    """Goals with several identifiers and files whose rows often find two profiles, or three."""
    properties = draw(merged_properties())
    written = draw(st.lists(st.sampled_from(properties), min_size=1, max_size=4, unique=True))
    several = tuple(draw(goals(f"g{number}", written, several=True)) for number in range(draw(st.integers(1, 2))))
    several = (replace(several[0], allow_create=True), *several[1:])
    if draw(st.sampled_from((True, False, False, False))):
        several = (*several, replace(several[0], name="other", domain_group="OTHER"))
    used = {column for goal in several for column, _ in goal.identifying}
    places = [place for place, link in enumerate(LINKS) if used & link.keys()]
    pairs = st.lists(st.sampled_from(places), min_size=2, max_size=3)
    filled = st.one_of(st.sampled_from(places).map(lambda place: [place]), pairs)
    deliveries = []
    for hour in range(draw(st.integers(1, max_files))):
        at = START + timedelta(hours=hour)
        rows = draw(st.lists(filled.flatmap(linking_rows), min_size=3, max_size=8))
        goal, key = draw(st.sampled_from(several)).name, draw(st.sampled_from(KEYS))
        deliveries.append(Delivery(goal, key, tuple(CELLS), tuple(rows), at, at))
    return Scenario(several, tuple(deliveries), properties, draw(MERGINGS))
