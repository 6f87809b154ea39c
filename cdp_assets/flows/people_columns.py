"""Which column of a file finds people, and which one ties its rows to those of another file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cdp_assets.config.model import Deployment
from cdp_assets.config.properties import PropertyType
from cdp_assets.counted import counted
from cdp_assets.flows.detect_columns import ColumnProfile, share_held
from cdp_assets.flows.look_kinds import LookedKind

GROUPS_PAGE = "docs/groups.md"
KEY_TYPES = frozenset({PropertyType.text, PropertyType.number})
_KEY_NAMES = re.compile(
    r"(?:^|[^a-z])(?:id|key|nr|no|num|number|code)$|(?:id|nr|number|nummer)$|^(?:id|n[°º]|num[eé]ro)(?:[^a-z]|$)"
    r"|(?-i:[a-z](?:No|Num|Key|Code))$",
    re.IGNORECASE,
)
"""The last as in MemberNo: in `piano` there is no number."""
_CODES = re.compile(r"[A-Za-z]{1,4}[-_]?\d{2,}")
"""Such as B00017 or KD-204; numbers alone may be counts or postal codes."""
_MOST_DIRTY = 0.05
"""Share of the rows that may lack a key, or repeat one, before it is no key of theirs."""
_MOST_UNSURE = 0.5
"""The same share for a column that is called like a key to be told of; of such as a store's number it is larger."""
_SAME = 0.9
"""Share of a column's values that a key must hold for the column to name the same people."""
_ALIKE = 0.5
"""Share of a file's other columns that stand in a larger one too: it is then rather a part of that file."""
_FEW_ADDRESSES = 0.5
"""Share of the rows that must have an address for it to be what finds people, if a key finds them too."""
_MOST_APART = 0.01
"""Share by which a key of people who stand in several rows may have more or fewer values than what finds them."""
_LEAST_NUMBERS, _LONG = 20, 4
"""So many different numbers, of so many digits, tell that they are those of a key."""


@dataclass(frozen=True)
class Found:
    """What finds a person in a file."""

    column: ColumnProfile
    why: str
    property: str = ""
    """The property that another kind of file fills with the same key; empty = one is to be found or made."""
    tells_alike: bool = False
    """Whether that other kind tells the same of these people: this one may bring people as well."""
    guessed: bool = False
    """Whether another kind of file may tell better."""


@dataclass(frozen=True)
class Known:
    """A column that brings a key of people in a goal that is there."""

    property: str
    goal: str


@dataclass(frozen=True)
class Key:
    """A column by which the people of one kind of files can be found in others."""

    column: ColumnProfile
    fills: str
    """The property that holds it."""
    file: str
    """The file it was seen in."""
    repeats: int = 0
    """Rows there about a person whom an earlier one tells of: they repeat the key, which says nothing against it."""

    @property
    def is_sure(self) -> bool:
        """Whether nearly all who have one have their own."""
        return tells_apart(self.column, self.repeats)

    @property
    def flaws(self) -> str:
        """How many rows have no key of their own."""
        column = self.column
        return f"{_dirty(column):,} of {counted(column.rows, 'row')} there have none or one of an earlier row"


def is_about_others(found: Found) -> bool:
    """Whether the rows are about people whom another kind of file brings."""
    return bool(found.property) and not found.tells_alike


def called_like_key(column: ColumnProfile) -> bool:
    """Whether name and type are those of a key."""
    return column.detected.type in KEY_TYPES and _KEY_NAMES.search(column.name) is not None


def seems_key(column: ColumnProfile) -> bool:
    """Whether it is called like a key, or holds codes."""
    is_text = column.detected.type is PropertyType.text
    return called_like_key(column) or (
        is_text and bool(column.examples) and all(map(_CODES.fullmatch, column.examples))
    )


def may_be_key(column: ColumnProfile) -> bool:
    """Whether it seems a key, and its values differ so much that it is likely meant to be one."""
    return seems_key(column) and repeats_of(column) <= _MOST_UNSURE * column.filled


def is_key(column: ColumnProfile) -> bool:
    """Whether it seems a key, and differs in every row but for a few."""
    return seems_key(column) and _dirty(column) <= _MOST_DIRTY * column.rows


def tells_apart(column: ColumnProfile, repeats: int = 0) -> bool:
    """Whether it seems a key, and those who have one have their own but for a few: not all need have one.

    `repeats`: rows about a person whom an earlier one tells of.
    """
    return seems_key(column) and column.filled > 0 and repeats_of(column) - repeats <= _MOST_DIRTY * column.filled


def as_many_as(column: ColumnProfile, people: ColumnProfile) -> bool:
    """Whether it has as many values as there are people: then it is likely theirs, and not that of what they did."""
    return abs(column.distinct - people.distinct) <= _MOST_APART * people.distinct


def repeats_of(column: ColumnProfile) -> int:
    """Rows with the value of an earlier row."""
    return column.filled - column.distinct


def address_column(looked: LookedKind) -> ColumnProfile | None:
    """The first column with one e-mail address in a cell."""
    return next((one for one in looked.single if one.detected.type is PropertyType.email), None)


def known_keys(deployment: Deployment) -> dict[str, Known]:
    """Columns, by their names in small letters, that bring a key of people in the goals there are."""
    found: dict[str, Known] = {}
    for connection in deployment.connections:
        for goal in connection.imports:
            if goal.group_type:
                continue
            mapped = [(one.column, one.property) for one in goal.mappings if _KEY_NAMES.search(one.column)]
            for column, prop in [*((one.column, one.property) for one in goal.identifier_columns), *mapped]:
                found.setdefault(column.lower(), Known(prop, f"{connection.name}/{goal.name}"))
    return found


def found_surely(
    looked: LookedKind, asked: str, keys: Mapping[str, Key], known: Mapping[str, Known] | None = None
) -> Found | None:
    """What was asked for, else an address, else a key of people in other files; None = there is none of these.

    The key comes first where most rows have no address: of changes, only what changed may stand in the row.
    """
    if asked:
        column = next(one for one in looked.seen.columns if one.name == asked)
        key = keys.get(column.name.lower()) or _best_key([column], keys.values())[1]
        return Found(column, "asked for", key.fills if key and key.file != looked.file else "")
    address = address_column(looked)
    if address is None:
        return _found_by_key(looked, keys, known)
    if address.filled < _FEW_ADDRESSES * address.rows:
        few = f"and only {address.filled:,} of {counted(address.rows, 'row')} have an address"
        better = _found_by_key(looked, keys, known)
        if better is not None and better.column.filled > address.filled:
            return replace(better, why=f"{better.why}, {few}")
    return Found(address, "it holds e-mail addresses")


def _found_by_key(looked: LookedKind, keys: Mapping[str, Key], known: Mapping[str, Known] | None) -> Found | None:
    """A key of people in other files, or in goals that are there."""
    for column in looked.single:
        key = keys.get(column.name.lower())
        if key is not None and key.is_sure:
            every = f"nearly every row there ({key.flaws})" if _dirty(key.column) else "every row there"
            return Found(column, f"it is a key in other files, different in {every}", key.fills)
    by_values = _found_by_values(looked, keys.values())
    if by_values is not None:
        return by_values
    there = ((one, known[one.name.lower()]) for one in looked.single if known and one.name.lower() in known)
    return next(
        (Found(one, f"goal {it.goal} has it too", it.property) for one, it in there if one.detected.type in KEY_TYPES),
        None,
    )


def _found_by_values(looked: LookedKind, keys: Iterable[Key]) -> Found | None:
    """A column that holds the values of a key of people in other files under another name: the one that fits best."""
    column, key = _best_key(looked.single, keys)
    if column is None or key is None:
        return None
    return Found(column, f"nearly all its values are those of {key.column.name!r} in {key.file}", key.fills)


def _best_key(columns: Iterable[ColumnProfile], keys: Iterable[Key]) -> tuple[ColumnProfile | None, Key | None]:
    """The column nearly all values of which are those of a key, and that key; None = there is none."""
    pairs = [(one, key) for key in keys if key.is_sure for one in columns if _may_name(one)]
    fitting = [(share_held(one, key.column), one, key) for one, key in pairs]
    share, column, key = max(fitting, key=lambda pair: pair[0], default=(0.0, None, None))
    return (column, key) if share >= _SAME else (None, None)


def _may_name(column: ColumnProfile) -> bool:
    """Whether its values are no counts, years or places in a list, which any long key holds by accident."""
    if column.detected.type is PropertyType.number:
        return column.distinct >= _LEAST_NUMBERS and all(len(text) >= _LONG for text in column.examples)
    return column.detected.type is PropertyType.text


def names_people_of(looked: LookedKind, column: ColumnProfile, other: LookedKind, its: ColumnProfile) -> bool:
    """Whether what finds people here names those of a larger file, and tells something else of them.

    Where most columns are those of the larger file, this one rather holds what is new there, also new people.
    """
    if its.distinct <= column.distinct or share_held(column, its) < _SAME:
        return False
    return len(looked.seen.columns) > 1 and not tells_alike(looked, column, other)


def tells_alike(looked: LookedKind, column: ColumnProfile, other: LookedKind) -> bool:
    """Whether most columns beside what finds people are those of another file: it tells what that one tells."""
    rest = [one for one in looked.seen.columns if one.name != column.name]
    known = {one.name.lower() for one in other.seen.columns}
    return bool(rest) and sum(one.name.lower() in known for one in rest) >= _ALIKE * len(rest)


def found_by_guess(looked: LookedKind) -> Found | None:
    """A key of its own."""
    own = next((one for one in looked.single if _is_exact(one)), None)
    return Found(own, "it is called like a key, and differs in every row", guessed=True) if own else None


def unsure_key(looked: LookedKind, keys: Mapping[str, Key]) -> tuple[ColumnProfile, Key] | None:
    """A column that would find the people of another file, if fewer rows there were without a key of their own."""
    shared = ((one, keys[one.name.lower()]) for one in looked.single if one.name.lower() in keys)
    return next(((one, key) for one, key in shared if not key.is_sure), None)


def rows_of(
    looked: LookedKind, kinds: Iterable[LookedKind], about_others: Sequence[LookedKind]
) -> tuple[ColumnProfile, LookedKind] | None:
    """The column that names rows of another kind, and that kind; so the lines of orders name the order.

    The key differs in every row there, and not here; or the rows there are about people of a third kind.
    """
    for other in kinds:
        for column in looked.single if other is not looked else ():
            its = other.column(column.name)
            if its is None:
                continue
            told = other in about_others
            if (is_key(its) and (told or _dirty(column) > 0)) or (told and looks_up(column, its)):
                return column, other
    return None


def looks_up(column: ColumnProfile, its: ColumnProfile) -> bool:
    """Whether each row here is one thing, such as a product, that rows there name."""
    more = repeats_of(its) > 0 or column.distinct > its.distinct
    return _dirty(column) == 0 and more and share_held(its, column) >= _SAME


def why_none(looked: LookedKind, unsure: tuple[ColumnProfile, Key] | None) -> str:
    """That nothing finds people, and what to do."""
    if unsure is not None:
        column, key = unsure
        return (
            f"{looked.file} has no column with e-mail addresses, and {column.name!r}, by which the people of {key.file}"
            f" could be found, is not taken: {repeats_of(key.column):,} of {counted(key.column.filled, 'row')} with one"
            f" there have that of an earlier row, and at most {100 * _MOST_DIRTY:g} % may; mend these, or take"
            f" it nevertheless with --identifier '{looked.kind.goal_name}:{column.name}'"
        )
    names = ", ".join(one.name for one in looked.seen.columns)
    return (
        f"{looked.file} has no column with e-mail addresses, and none that is called like a key and differs in every"
        f" row; if the rows are people, or what people did, name the column that finds them with --identifier: {names};"
        f" if they are things such as shops or households, import them as groups: {GROUPS_PAGE}"
    )


def _is_exact(column: ColumnProfile) -> bool:
    return called_like_key(column) and _dirty(column) == 0


def _dirty(column: ColumnProfile) -> int:
    """Rows without a value, or with that of an earlier row."""
    return column.rows - column.distinct
