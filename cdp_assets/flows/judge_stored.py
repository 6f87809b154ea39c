"""Judges profiles, segments and deliveries by their limits: read from the warehouse, or the readers' copy of it."""

from __future__ import annotations

from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.limits import Complete, Delivered, Fresh, Size, UniqueIdentifiers, Volume
from cdp_assets.counted import counted
from cdp_assets.errors import RemoteError
from cdp_assets.files.remote import shown
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.verdicts import Facts, Verdict, age_verdict, as_time, volume_verdict
from cdp_assets.sql import watching
from cdp_assets.sql.export_ledger import LATEST
from cdp_assets.warehouse import Database

NOTHING = Verdict(passed=True, told="Nothing has been folded yet.")


def judge_unique_identifiers(facts: Facts, limit: UniqueIdentifiers) -> Verdict:
    """How many values more than one profile holds, told by property, never by value."""
    if facts.database is None:
        return NOTHING
    found = facts.database.rows(watching.SHARED_IDENTIFIERS)
    (held,) = facts.database.row(watching.IDENTIFIERS_HELD)
    shared = sum(int(number) for *_, number in found)
    figures: dict[str, int | float | str] = {"identifiers held": int(held), "values shared": shared}
    for group, name, number in found:
        figures[f"shared in {group}: {name}"] = int(number)
    if not shared:
        told = f"None of {counted(held, 'identifier')} is held by two profiles of a domain group."
        return Verdict(passed=True, told=told, figures=figures)
    named = ", ".join(f"{number:,} of {name} ({group})" for group, name, number in found)
    told = f"{counted(shared, 'value')} held by several profiles of a domain group: {named}; {limit.at_most:,} may be."
    return Verdict(shared <= limit.at_most, told, figures)


def judge_profiles_fresh(facts: Facts, limit: Fresh) -> Verdict:
    """When the newest batch came in."""
    if facts.database is None:
        return age_verdict("The last batch came in", None, facts.now, limit.within_hours * 3_600)
    (folded_at,) = facts.database.row(watching.LAST_FOLD)
    return age_verdict("The last batch came in", folded_at, facts.now, limit.within_hours * 3_600)


def _sizes(facts: Facts, segment: str) -> list[int]:
    found = facts.database.rows(watching.SIZES, [segment]) if facts.database else []
    return [int(size) for _, size in found]


def judge_size(facts: Facts, segment: str, limit: Size) -> Verdict:
    """How many members there were when it was computed last."""
    sizes = _sizes(facts, segment)
    if not sizes:
        return Verdict(passed=True, told="It has not been computed yet.")
    too_few = limit.at_least is not None and sizes[-1] < limit.at_least
    too_many = limit.at_most is not None and sizes[-1] > limit.at_most
    wanted = " and ".join(
        f"at {word} {number:,}"
        for word, number in (("least", limit.at_least), ("most", limit.at_most))
        if number is not None
    )
    told = f"{counted(sizes[-1], 'member')}; {wanted} are expected."
    return Verdict(not (too_few or too_many), told, {"members": sizes[-1]})


def judge_members(facts: Facts, segment: str, limit: Volume) -> Verdict:
    """How many members there were last, and before."""
    sizes = _sizes(facts, segment)
    if not sizes:
        return Verdict(passed=True, told="It has not been computed yet.")
    return volume_verdict("Members:", sizes[-1], sizes[:-1], limit)


def judge_segment_fresh(facts: Facts, segment: str, limit: Fresh) -> Verdict:
    """When it was computed last."""
    found = facts.database.rows(watching.SIZES, [segment]) if facts.database else []
    return age_verdict("It was computed", found[-1][0] if found else None, facts.now, limit.within_hours * 3_600)


def judge_delivered(facts: Facts, connection: str, goal: str, limit: Delivered) -> Verdict:
    """When the last delivery arrived."""
    found = facts.database.rows(watching.LAST_DELIVERY, [connection, goal]) if facts.database else []
    return age_verdict(
        "The last delivery arrived", found[0][-1] if found else None, facts.now, limit.within_hours * 3_600
    )


def judge_complete(facts: Facts, connection: Connection, goal: ExportProfilesGoal, limit: Complete) -> Verdict:
    """Whether the rows of the last delivery account for every member, and its files stand there as they were sent."""
    owner = [connection.name, goal.name]
    found = facts.database.rows(watching.LAST_DELIVERY, owner) if facts.database else []
    if facts.database is None or not found:
        return Verdict(passed=True, told="Nothing has been delivered yet.")
    export_id, path, rows, members, started_at, delivered_at = found[0]
    wrong = []
    (in_files,) = facts.database.row(watching.ROWS_IN_FILES, [export_id])
    if in_files != rows:
        wrong.append(f"its files hold {counted(in_files, 'row')} of {rows:,}")
    if goal.population != "difference":
        wrong += _members_told(facts.database, goal.segment, int(members), started_at, delivered_at)
    (waiting,) = facts.database.row(watching.WAITING_DELIVERY, owner)
    if waiting is not None and waiting > delivered_at:
        wrong.append(f"that of {as_time(waiting)} has not arrived; the next run delivers it first")
    looked = "The server was not asked"
    if limit.file_there and facts.ask_server:
        looked, there = _look(facts.database, connection, goal.name)
        wrong += there
    held = f"{counted(rows, 'row')} for {counted(members, 'member')} of {goal.segment}"
    told = f"{shown(path)} of {as_time(delivered_at)}: {held}"
    figures = {"rows": int(rows), "members accounted for": int(members)}
    if wrong:
        return Verdict(passed=False, told=f"{told}, but {'; '.join(wrong)}.", figures=figures)
    return Verdict(passed=True, told=f"{told}. {looked}.", figures=figures)


def _members_told(
    database: Database, segment: str, members: int, started_at: object, delivered_at: object
) -> list[str]:
    """What is wrong with the number of members, which is that of a computation before or during the delivery.

    Where rows were folded after that computation, some of its members may have become others: nothing is compared.
    """
    sizes = database.rows(watching.SIZES, [segment])
    before = [one for one in sizes if one[0] <= started_at][-1:]
    during = [one for one in sizes if started_at < one[0] <= delivered_at]
    if not before or members in {int(size) for _, size in before + during}:
        return []
    if database.row(watching.FOLDED_BETWEEN, [before[0][0], delivered_at]) != (0,):
        return []
    return [f"the segment had {counted(before[0][1], 'member')}"]


def _look(database: Database, connection: Connection, goal: str) -> tuple[str, list[str]]:
    """What to say of the files on the server, and what is wrong with them."""
    wrong = []
    files = database.rows(LATEST, [connection.name, goal])
    try:
        with open_server(connection.server) as server:
            for path, _, size in files:
                there = server.stat_file(path)
                if there is None:
                    wrong.append(f"{shown(path)} is not there any more (file_there: off if its receiver takes it away)")
                elif there.size_bytes != size:
                    wrong.append(f"{shown(path)} has {there.size_bytes:,} bytes instead of {size:,}")
    except RemoteError as error:
        return f"Whether the files are there could not be seen: {error}", wrong
    return f"{counted(len(files), 'file')} {'stands' if len(files) == 1 else 'stand'} there as sent", wrong
