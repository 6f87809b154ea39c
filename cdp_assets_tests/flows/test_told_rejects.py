"""What was refused of a file, in messages, checks and summaries: counted in one way, told once."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.config.limits import RejectRate
from cdp_assets.flows.judge_files import judge_reject_rate
from cdp_assets.flows.publish import publish
from cdp_assets.flows.verdicts import Facts
from cdp_assets_tests.support.lab import EPOCH
from cdp_assets_tests.support.mailing import GOAL, HEAD, LATER, deliver, room_for, tick


@pytest.mark.parametrize(("above", "told"), [(0, 1), (24.9, 1), (25, 0)])
def test_rejects_are_told_above_their_share(tmp_path, mails, above, told):
    room = room_for(tmp_path, "rejects", rejects_above=above)
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\nb@x.com,Goes\nc@x.com,x\nwrong,y\n")
    assert tick(room) == told
    assert [subject for subject, _ in mails.mails()] == [
        "shop/people: people_1.csv: 1 of 4 rows rejected (25.0 %)"
    ] * told


ORDERS = GOAL | {"mappings": [], "events": [{"type": "order", "date": "city"}]}


@pytest.mark.parametrize(("above", "told"), [(66.6, 1), (66.7, 0)])
def test_rejected_events_are_told_although_their_rows_are_fine(tmp_path, mails, above, told):
    room = room_for(tmp_path, "rejects", goal=ORDERS, rejects_above=above)
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,2026-11-20\nb@x.com,yesterday\nc@x.com,99/99/2026\n")
    assert tick(room) == told
    found = mails.mails()
    assert [subject for subject, _ in found] == [
        "shop/people: people_1.csv: 2 of 3 rows with a rejected event (66.7 %)"
    ] * told
    for _, text in found:
        assert "; 3 rows with events: 1 created, 2 rejected" in text


def test_rows_and_events_that_are_rejected_stand_in_one_message(tmp_path, mails):
    room = room_for(tmp_path, "rejects", goal=ORDERS)
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,2026-11-20\nwrong,2026-11-20\nc@x.com,99/99/2026\n")
    assert tick(room) == 1
    ((subject, _),) = mails.mails()
    assert subject == "shop/people: people_1.csv: 2 of 3 rows rejected or with a rejected event (66.7 %)"


def test_the_check_counts_rows_whose_event_is_rejected(tmp_path):
    room = room_for(tmp_path, "rejects", goal=ORDERS)
    deliver(room, "people_1.csv", "a@x.com,2026-11-20\nwrong,2026-11-20\nc@x.com,99/99/2026\nd@x.com,2026-11-21\n")
    facts = Facts(room.folders, LATER)
    verdict = judge_reject_rate(facts, "shop", "people", RejectRate(above=25))
    assert (verdict.passed, verdict.figures["rows rejected"]) == (False, 2)


def test_the_summary_of_a_run_warns_where_most_events_are_lost(tmp_path):
    room = room_for(tmp_path, "rejects", goal=ORDERS)
    deliver(room, "people_1.csv", "a@x.com,2026-11-20\nb@x.com,yesterday\nc@x.com,99/99/2026\n")
    console = Console(record=True, width=400, file=io.StringIO())
    print_summary(console, room.folders, EPOCH, ())
    told = "WARNING people_1.csv: most of its events are not imported: 2 of 3 are rejected"
    assert told in [line.rstrip() for line in console.export_text().splitlines()]


def test_a_message_on_rejects_tells_why_without_what_stood_there_and_how_to_get_the_rows(tmp_path, mails):
    room = room_for(tmp_path, "rejects", goal=GOAL | {"mappings": [{"column": "city", "property": "visits"}]})
    tick(room, EPOCH)
    landed = room.land(
        "people", "people_1.csv", HEAD + "a@x.com,Ede\nwrong,1\nnot right,2\n", look_at=LATER, modified_at=LATER
    )
    room.fold()
    publish(room.folders)
    tick(room)
    ((_, text),) = mails.mails()
    told = text.replace("\r\n", "\n").split("why, the most frequent reasons first:\n")[1]
    batch = landed.manifest.batch_id[:8]
    assert told.rstrip() == (
        "2 rows: email: not a valid e-mail address\n1 cell: visits: not a whole number, or too large\n\n"
        "the rejected rows as a file, and those that were imported without some of their cells, each with its reason,"
        " to be mended and sent again:\n"
        f"python -m cdp_assets rejects shop people --batch {batch} --cells -o rejected.csv"
    )


def test_a_check_that_says_what_a_message_on_rejects_says_is_not_told_as_well(tmp_path, mails):
    checked = GOAL | {"checks": {"reject_rate": {"above": 5}}}
    room = room_for(tmp_path, "rejects", "checks", goal=checked, rejects_above=20)
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\nb@x.com,Goes\nc@x.com,x\nwrong,y\n")
    assert tick(room) == 1
    assert [subject for subject, _ in mails.mails()] == ["shop/people: people_1.csv: 1 of 4 rows rejected (25.0 %)"]
    rows = "".join(f"p{number}@x.com,Ede\n" for number in range(9))
    after = LATER + timedelta(hours=1)
    room.land("people", "people_2.csv", f"{HEAD}{rows}wrong,y\n", look_at=after, modified_at=after)
    room.fold()
    publish(room.folders)
    assert tick(room, after) == 1
    assert mails.mails()[-1][0] == "check shop/people reject_rate fails"
