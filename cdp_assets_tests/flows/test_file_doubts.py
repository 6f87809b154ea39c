"""What is doubtful in a file as a whole is warned of: a lost column, a cut end, far fewer rows, people twice."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.config.limits import RejectRate
from cdp_assets.flows.judge_files import judge_reject_rate
from cdp_assets.flows.verdicts import Facts
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment
from cdp_assets_tests.support.mailing import LATER, deliver, room_for, tick

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "nr"},
    {"name": "city"},
    {"name": "born", "type": "datetime"},
]
GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "format": {"date_format": "DD/MM/YYYY"},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "City", "property": "city"}, {"column": "Born", "property": "born"}],
}


def room(tmp_path, **changes) -> Lab:
    return Lab(tmp_path, deployment(PROPERTIES, [GOAL | changes]))


def people(dates: list[str]) -> str:
    return "mail,City,Born\n" + "".join(f"p{number}@x.com,Ede,{date}\n" for number, date in enumerate(dates))


GOOD, BAD = "25/12/1990", "1990-12-25"
LOST = "cells of column Born are rejected: not a date in the expected format (DD/MM/YYYY)"


@pytest.mark.parametrize(
    ("dates", "warnings"),
    [
        ([BAD] * 6, [f"6 of 6 {LOST}"]),
        ([BAD] * 5 + [GOOD] * 5 + [""] * 20, [f"5 of 10 {LOST}"]),
        ([BAD] * 5 + [GOOD] * 45, [f"5 of 50 {LOST}"]),
        ([BAD] * 5 + [GOOD] * 46, []),
        ([BAD] * 4, []),
    ],
)
def test_a_column_with_many_refused_cells_is_warned_of(tmp_path, dates, warnings):
    assert list(room(tmp_path).land("people", "people_1.csv", people(dates)).manifest.warnings) == warnings


def test_a_lost_column_counts_as_rejects_for_messages_and_checks(tmp_path, mails):
    setup = room_for(tmp_path, "rejects", goal=GOAL | {"mappings": [{"column": "city", "property": "visits"}]})
    tick(setup, EPOCH)
    deliver(setup, "people_1.csv", "".join(f"p{number}@x.com,Ede\n" for number in range(7)))
    assert tick(setup) == 1
    assert [subject for subject, _ in mails.mails()] == [
        "shop/people: people_1.csv: 7 of 7 cells of city rejected (100.0 %)"
    ]
    verdict = judge_reject_rate(Facts(setup.folders, LATER), "shop", "people", RejectRate(above=25))
    assert not verdict.passed
    assert verdict.told.startswith("people_1.csv: 7 of 7 cells of city rejected (100.0 %), above")


CUT = "the file ends in the middle of its last row, which is rejected: it was most likely cut short"


@pytest.mark.parametrize(
    ("end", "rejected", "warned"),
    [
        (
            "c@x.com,Ed",
            1,
            CUT,
        ),
        ("c@x.com,Ed\n", 0, "1 row has fewer cells than the header has (line 3): the missing ones count as empty"),
        ("c@x.com,Ede,25/12/1990", 0, ""),
    ],
)
def test_a_row_within_which_the_file_ends_is_not_applied(tmp_path, end, rejected, warned):
    lab = room(tmp_path)
    manifest = lab.land("people", "people_1.csv", f"{people([GOOD])}{end}").manifest
    assert (manifest.rows_rejected, list(manifest.warnings)) == (rejected, [warned] if warned else [])
    lab.fold()
    assert (
        lab.rows("SELECT line_no, raw_text, reason FROM ops.rejects")
        == [(3, end, "the file ends within this row: 2 of 3 cells, and no end of line")] * rejected
    )
    assert lab.rows("SELECT count(*) FROM main.profiles") == [(2 - rejected,)]


def summary(lab: Lab) -> list[str]:
    console = Console(record=True, width=400, file=io.StringIO())
    print_summary(console, lab.folders, EPOCH, ())
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize(("rows", "warned"), [(12, False), (10, True), (0, True)])
@pytest.mark.parametrize("delta", [False, True])
def test_a_full_file_of_far_fewer_rows_is_warned_of(tmp_path, rows, warned, delta):
    lab = room(tmp_path, files={"root": "people_*.csv", "delta": delta})
    for number, count in enumerate((20, rows), start=1):
        lab.land("people", f"people_{number}.csv", people([GOOD] * count), look_at=EPOCH + timedelta(hours=number))
    lab.fold()
    held = "1 row" if rows == 1 else f"{rows} rows"
    told = (
        f"WARNING people_2.csv: holds {held}, and people_1.csv before it 20: is it whole? People it does not name stay"
        " as they are; a whole file under the same name takes its place"
    )
    assert (told in summary(lab)) == (warned and not delta)


def test_a_few_rejected_rows_that_came_back_mended_are_no_short_file(tmp_path):
    lab = room(tmp_path, files={"root": "people_*.csv", "delta": False})
    names = ("people_1.csv", "people_1.csv.01234567.rejected.csv")
    for number, (name, count) in enumerate(zip(names, (20, 2), strict=True), start=1):
        lab.land("people", name, people([GOOD] * count), look_at=EPOCH + timedelta(hours=number))
    lab.fold()
    assert not any("is it whole?" in line for line in summary(lab))


TWICE = "in several rows that say different things; of each property the last row counts."
BOTH = [{"column": "Nr", "property": "nr"}, {"column": "mail", "property": "email"}]


@pytest.mark.parametrize(
    ("changes", "rows", "told"),
    [
        ({}, "1,a@x.com,Ede\n1,a@x.com,Ede\n2,b@x.com,Ede\n", []),
        ({}, "1,a@x.com,Ede\n1,a@x.com,Goes\n2,b@x.com,Ede\n", [f"people_1.csv: 1 value of mail stands {TWICE}"]),
        ({"identifiers": BOTH}, "1,a@x.com,Ede\n1,b@x.com,Ede\n", [f"people_1.csv: 1 value of Nr stands {TWICE}"]),
        ({"identifiers": BOTH}, "1,a@x.com,Ede\n2,a@x.com,Ede\n3,b@x.com,Ede\n4,b@x.com,Ede\n",
         [f"people_1.csv: 2 values of mail stand {TWICE}"]),
        ({"mappings": [{"column": "City", "property": "city", "rule": "set_if_empty"}]},
         "1,a@x.com,Ede\n1,a@x.com,Goes\n", []),
        ({"events": [{"type": "order", "date": "Born"}]}, "1,a@x.com,Ede\n1,a@x.com,Goes\n", []),
    ],
)  # fmt: skip
def test_people_of_whom_several_rows_say_different_things_are_told(tmp_path, changes, rows, told):
    lab = room(tmp_path, **changes)
    lab.land("people", "people_1.csv", f"Nr,mail,City\n{rows}")
    lab.fold()
    assert [line for line in summary(lab) if TWICE in line] == told


def test_of_several_files_it_is_told_once_for_the_goal(tmp_path):
    lab = room(tmp_path)
    for number, rows in enumerate(
        ("1,a@x.com,Ede\n1,a@x.com,Goes\n", "2,b@x.com,Ede\n", "3,c@x.com,A\n3,c@x.com,B\n4,d@x.com,A\n4,d@x.com,B\n")
    ):
        lab.land("people", f"people_{number}.csv", f"Nr,mail,City\n{rows}", look_at=EPOCH + timedelta(hours=number))
    lab.fold()
    assert [line for line in summary(lab) if TWICE in line] == [
        f"2 files of people: up to 2 values of mail stand {TWICE}"
    ]


@pytest.mark.parametrize(("static", "orphans", "warned"), [(False, 5, True), (False, 4, False), (True, 9, False)])
def test_many_orphans_are_warned_of(tmp_path, static, orphans, warned):
    link = {"name": "cards", "file": "cards.csv", "parent_column": "mail", "column": "who", "static": static}
    lab = room(tmp_path, files={"root": "people_1.csv", "delta": True, "linked": [link]})
    cards = "who,card\n" + "".join(
        f"{'x' if number < orphans else 'p'}{number}@x.com,{number}\n" for number in range(10)
    )
    landed = lab.land("people", "people_1.csv", people([GOOD] * 10), linked={"cards": ("cards.csv", cards)})
    told = f"{orphans} of 10 rows of linked file cards belong to no row of this file: is one of them not whole?"
    assert list(landed.manifest.warnings) == ([told] if warned else [])


def test_a_mail_tells_of_a_file_that_is_doubtful(tmp_path, mails):
    full = GOAL | {"files": {"root": "people_*.csv"}, "mappings": [{"column": "city", "property": "city"}]}
    setup = room_for(tmp_path, "success", goal=full)
    tick(setup, EPOCH)
    deliver(setup, "people_1.csv", "".join(f"p{number}@x.com,Ede\n" for number in range(20)))
    deliver(setup, "people_2.csv", "p1@x.com,Ede\np1@x.com,Goes\n")
    assert tick(setup) == 2
    (first, _), (second, text) = sorted(mails.mails())
    assert (first, second) == ("shop/people: people_1.csv is in", "shop/people: people_2.csv is in, with warnings")
    assert "warning: holds 2 rows, and people_1.csv before it 20: is it whole?" in text
    assert "people_2.csv: 1 value of mail stands in several rows that say different things" in text
