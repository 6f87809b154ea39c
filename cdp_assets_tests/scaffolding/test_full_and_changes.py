"""A whole file of people beside files of what has changed, and what these people did."""

from __future__ import annotations

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import load_deployment
from cdp_assets.files.remote import RemoteFile
from cdp_assets.flows.file_kinds import FileKind

HEADER = "MemberNo;Full name;E-mail;Club\n"


def members(first, last):
    """Every tenth has no address."""
    rows = [f"{n:06};Ann {n};{f'a{n}@x.example' if n % 10 else ''};Ede\n" for n in range(first, last)]
    return HEADER + "".join(rows)


def bookings(*numbers):
    rows = [f'B{place},{number:06},2026-11-20 10:00,"7,50"\n' for place, number in enumerate(numbers, start=100)]
    return "booking_id,member_no,starts_at,price\n" + "".join(rows)


@pytest.fixture
def gym(server, sshd):
    """The arguments of scaffold for its server, and the folder of its YAML."""
    place, known, folder = server
    files = sshd.root / "drafted"
    for old in files.iterdir():
        old.unlink()
    (files / "bookings_20261121.csv").write_text(bookings(*range(1, 61), 3))
    (files / "members_delta_20261120.csv").write_text(members(395, 405))
    (files / "members_full_20261101.csv").write_text(members(1, 400))
    return ["scaffold", "gym", *place, *known], folder


def drafted(folder):
    goals = load_deployment(folder).find_connection("gym").imports
    return {goal.name: goal for goal in goals}


@pytest.mark.parametrize("asked", [(), ("--identifier", "MemberNo", "--identifier", "bookings:member_no")])
def test_all_files_find_the_same_people_whether_asked_for_or_not(gym, capsys, asked):
    command, folder = gym
    assert main([*command, *asked]) == 0
    goals = drafted(folder)
    assert {name: goal.allow_create for name, goal in goals.items()} == {
        "members_delta": True,
        "members_full": True,
        "bookings": False,
    }
    assert [one.property for one in goals["bookings"].identifiers] == ["MemberNo"]
    assert goals["bookings"].format.decimal == ","
    assert {name: goal.files.delta for name, goal in goals.items()} == {
        "members_delta": True,
        "members_full": False,
        "bookings": False,
    }
    assert "delta: true, as the name says," in (folder / "gym" / "defs.yaml").read_text()


def test_the_whole_file_tells_when_people_are_known(gym, sshd, capsys):
    command, folder = gym
    files = sshd.root / "drafted"
    (files / "bookings_20261121.csv").rename(files / "bookings_20261031.csv")
    assert main(command) == 0
    why = "bookings_20261031.csv is dated before members_full_20261101.csv, the first file with these people"
    assert f"bookings: allow_create is true, as {why}" in capsys.readouterr().out
    assert drafted(folder)["bookings"].allow_create


def test_changes_with_few_addresses_find_people_by_their_number(gym, sshd, capsys):
    command, folder = gym
    changes = "".join(f"{n:06};;{'' if n % 4 else f'new{n}@x.example'};Breda\n" for n in range(380, 420))
    (sshd.root / "drafted" / "members_delta_20261120.csv").write_text(HEADER + changes)
    assert main(command) == 0
    goals = drafted(folder)
    assert [one.property for one in goals["members_delta"].identifiers] == ["MemberNo"]
    assert [one.property for one in goals["members_full"].identifiers] == ["email", "MemberNo"]
    assert goals["members_delta"].allow_create
    assert "and only 10 of 40 rows have an address" in " ".join(capsys.readouterr().out.split())


def test_people_with_several_numbers_are_told_of_and_how_to_keep_them(gym, sshd, capsys):
    command, folder = gym
    more = "".join(f"9{n:05};Ann {n};a{n}@x.example;Ede\n" for n in (1, 2, 3))
    (sshd.root / "drafted" / "members_full_20261101.csv").write_text(members(1, 400) + more)
    assert main(command) == 0
    told = (
        "at least 3 rows bring another MemberNo for somebody of an earlier row: the last one counts, and the former"
        " finds nobody; to keep all of them: multiple: true for property MemberNo, and rule: add for its mapping"
    )
    assert capsys.readouterr().out.count(f"!! {told}") == 1
    assert told in " ".join((folder / "gym" / "defs.yaml").read_text().replace("#", "").split())


@pytest.mark.parametrize(
    ("pattern", "delta"),
    [
        ("members_delta_*.csv", True),
        ("Kunden-Änderungen_*.csv", True),
        ("changes*.csv", True),
        ("members_full_*.csv", False),
        ("deltaplan_*.csv", False),
        ("exchanges_*.csv", False),
    ],
)
def test_names_tell_of_changes(pattern, delta):
    assert FileKind(pattern, RemoteFile("in", pattern, 1, 1)).files("in").delta is delta


def test_a_number_that_repeats_as_the_addresses_do_finds_people_in_other_files(gym, sshd, capsys):
    command, folder = gym
    several = [f"{n:06};Ann {n};a{n}@x.example;{town}\n" for town in ("Ede", "Breda") for n in range(1, 401)]
    (sshd.root / "drafted" / "members_full_20261101.csv").write_text(HEADER + "".join(several[:480]))
    (sshd.root / "drafted" / "members_delta_20261120.csv").unlink()
    assert main(command) == 0
    goals = drafted(folder)
    assert [one.property for one in goals["bookings"].identifiers] == ["MemberNo"]
    assert (goals["bookings"].allow_create, goals["members_full"].allow_create) == (False, True)
