"""Messages about a connection: for each trigger a mail arrives with the facts, once, and the table tells of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.config.model import Deployment
from cdp_assets.errors import FileError
from cdp_assets.flows.happened import notes_folder
from cdp_assets.flows.land_files import current_versions, reland
from cdp_assets.flows.notify import LOST_AFTER, idle
from cdp_assets.flows.publish import publish
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment
from cdp_assets_tests.support.mailing import GOAL, HEAD, LATER, WINDOWS, deliver, room_for, tick


def test_a_file_that_is_in_is_told_once_with_its_counts(tmp_path, mails):
    room = room_for(tmp_path, "success")
    assert tick(room, EPOCH) == 0
    deliver(room, "people_1.csv", "a@x.com,Ede\nb@x.com,Goes\n,x\nwrong,y\n")
    assert tick(room) == 1
    assert tick(room) == 0
    ((subject, text),) = mails.mails()
    assert subject == "shop/people: people_1.csv is in"
    assert "4 rows: 2 created, 1 without identifier, 1 rejected" in text


def test_a_file_that_changes_nothing_is_told(tmp_path, mails):
    room = room_for(tmp_path, "unchanged")
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    deliver(room, "people_2.csv", "a@x.com,Ede\na@x.com,Ede\n")
    assert tick(room) == 1
    ((subject, text),) = mails.mails()
    assert subject == "shop/people: people_2.csv changed nothing"
    assert "2 unchanged" in text


def test_a_refused_file_is_told_with_the_reason(tmp_path, mails):
    room = room_for(tmp_path, "failure", goal=GOAL | {"on_error": "fail_file"})
    tick(room, EPOCH)
    with pytest.raises(FileError):
        deliver(room, "people_1.csv", "wrong,y\n")
    tick(room)
    ((subject, text),) = mails.mails()
    assert subject == "shop/people: people_1.csv was refused"
    assert "stays on the server, and every run tries it again" in text
    assert "1 of 1 row" in text


def test_a_file_refused_again_and_again_is_told_once_until_it_changes(tmp_path, mails):
    room = room_for(tmp_path, "failure", goal=GOAL | {"on_error": "fail_file"})
    tick(room, EPOCH)
    for row in ("wrong,y\n", "wrong,y\n", "wrong,longer\n"):
        with pytest.raises(FileError):
            deliver(room, "people_1.csv", row)
        tick(room)
    assert [subject for subject, _ in mails.mails()] == ["shop/people: people_1.csv was refused"] * 2


def test_a_window_without_a_file_is_told_when_it_is_due(tmp_path, mails):
    goal = GOAL | {"files": GOAL["files"] | WINDOWS}
    room = room_for(tmp_path, "missing", goal=goal)
    assert tick(room, EPOCH) == 1
    assert tick(room, EPOCH) == 0
    assert tick(room, EPOCH + timedelta(days=1)) == 1
    assert [subject for subject, _ in mails.mails()] == [
        "shop/people: no file for 2025-12-31",
        "shop/people: no file for 2026-01-01",
    ]


@pytest.mark.parametrize(
    ("limit", "facts"),
    [
        ({"within_days": 2}, "The newest file was seen 3.0 days ago, on 2026-01-01 01:00 UTC; the limit is 2.0 days."),
        ({"by": "07:00"}, "No file by Sunday, 04 January 2026, 07:00 (UTC); the newest: people_1.csv, seen on"),
    ],
)
def test_a_file_that_has_not_come_by_its_deadline_is_told_once(tmp_path, mails, limit, facts):
    room = room_for(tmp_path, "missing", goal=GOAL | {"checks": {"missing_file": limit}})
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    assert tick(room, LATER + timedelta(hours=20)) == 0
    late = LATER + timedelta(days=3, hours=6, minutes=30) if "by" in limit else LATER + timedelta(days=3)
    assert tick(room, late) == 1
    assert tick(room, late + timedelta(minutes=1)) == 0
    ((subject, text),) = mails.mails()
    assert subject == "shop/people: a file is missing"
    assert facts in text


@pytest.mark.parametrize("limit", [{"within_days": 2}, {"by": "07:00"}])
def test_a_deadline_before_the_goal_was_there_is_told_to_nobody(tmp_path, mails, limit):
    """A connection that is set up in the afternoon has no file of the morning."""
    room = room_for(tmp_path, "missing", goal=GOAL | {"checks": {"missing_file": limit}})
    afternoon = EPOCH + timedelta(hours=15)
    assert tick(room, afternoon) == 0
    assert tick(room, afternoon + timedelta(hours=15)) == 0
    assert tick(room, afternoon + timedelta(days=2, hours=1)) == 1
    assert [subject for subject, _ in mails.mails()] == ["shop/people: a file is missing"]


def test_a_check_that_fails_is_told_once_for_each_file(tmp_path, mails):
    room = room_for(tmp_path, "checks", goal=GOAL | {"checks": {"reject_rate": {"above": 10}}})
    assert tick(room, EPOCH) == 0
    good, bad = "a@x.com,Ede\n", "nope,Ede\nb@x.com,Goes\n"
    told = []
    for number, rows in enumerate((good, bad, bad, good, bad), start=1):
        at = LATER + timedelta(hours=number)
        room.land("people", f"people_{number}.csv", HEAD + rows, look_at=at, modified_at=at)
        room.fold()
        publish(room.folders)
        told.append(tick(room, at))
        assert tick(room, at) == 0
    # Each file that fails it is told, once.
    assert told == [0, 1, 1, 0, 1]
    first, *_ = mails.mails()
    assert first[0] == "check shop/people reject_rate fails"
    assert "people_2.csv: 1 of 2 rows rejected (50.0 %), above the limit of 10 %." in first[1]


def test_what_never_came_is_no_failure_before_it_is_due(tmp_path, mails):
    told = {"when": ["checks"], "to": [{"env": "ALERTS"}]}
    setup = deployment(
        [{"name": "email", "type": "email"}, {"name": "city"}, {"name": "visits", "type": "number"}],
        [],
        connections=[
            {"name": "shop", "goals": [GOAL], "checks": {"stale": {"within_days": 2}}, "notifications": [told]}
        ],
    )
    room = Lab(tmp_path, setup)
    assert [tick(room, EPOCH + timedelta(days=day)) for day in (0, 1, 3, 4)] == [0, 0, 1, 0]
    assert mails.mails()[0][0] == "check shop/files stale fails"


@pytest.mark.parametrize("when", [("success", "unchanged"), ("unchanged", "success", "rejects")])
def test_one_file_is_one_message_of_a_rule(tmp_path, mails, when):
    room = room_for(tmp_path, *when)
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    deliver(room, "people_2.csv", "a@x.com,Ede\nwrong,x\n")
    assert [tick(room), tick(room)] == [2, 0]
    last = "people_2.csv: 1 of 2 rows rejected (50.0 %)" if "rejects" in when else "people_2.csv changed nothing"
    assert [subject for subject, _ in mails.mails()] == [f"shop/people: {one}" for one in ("people_1.csv is in", last)]


def test_what_was_landed_anew_is_no_news(tmp_path, mails):
    room = room_for(tmp_path, "success")
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    assert tick(room) == 1
    changed = GOAL | {"mappings": [*GOAL["mappings"], {"column": "city", "property": "visits", "rule": "sum"}]}
    room.deployment = room_for(tmp_path, "success", goal=changed).deployment
    config = room.config("people")
    (current,) = current_versions(room.folders, "shop", "people")
    assert reland(config, current, room.folders, LATER + timedelta(hours=1)).is_new
    room.fold()
    publish(room.folders)
    assert tick(room, LATER + timedelta(hours=2)) == 0
    deliver(room, "people_2.csv", "b@x.com,Ede\n")
    assert tick(room, LATER + timedelta(hours=2)) == 1


def test_what_is_doubtful_of_a_file_stands_in_its_mail(tmp_path, mails):
    room = room_for(tmp_path, "success")
    tick(room, EPOCH)
    room.land("people", "people_1.csv", "mail\na@x.com\n", look_at=LATER, modified_at=LATER)
    room.fold()
    publish(room.folders)
    assert tick(room) == 1
    assert "warning: the file has no column" in mails.mails()[0][1]


def test_a_trigger_of_which_nothing_can_be_told_is_known(tmp_path):
    def told(goal) -> list[str]:
        return idle(room_for(tmp_path, "checks", "missing", goal=goal).deployment.connections[0])

    (line,) = told(GOAL)
    assert line.startswith("nothing is ever told of when: [missing]: no goal has partitions by time")
    assert told(GOAL | {"checks": {"missing_file": {"within_days": 2}}}) == []
    assert told(GOAL | {"files": GOAL["files"] | WINDOWS}) == []


def noted(room: Lab) -> list[tuple[object, ...]]:
    room.fold()
    return room.rows("SELECT connection, trigger, sent, error FROM ops.notifications ORDER BY time")


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("mailto://127.0.0.1:9/?mode=insecure&from=a@x.com&to=b@x.com", "did not take the message"),
        ("s3cret", "holds no address that apprise understands"),
        ("", "is empty"),
    ],
)
def test_a_message_that_cannot_be_sent_stands_in_the_table_without_its_address(tmp_path, monkeypatch, address, error):
    monkeypatch.setenv("ALERTS", address)
    room = room_for(tmp_path, "success")
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    assert tick(room) == 1
    ((*_, sent, told),) = noted(room)
    assert sent == 0
    assert error in told
    assert not address or address not in told


def test_without_places_the_table_alone_tells_and_twice_is_once(tmp_path):
    room = room_for(tmp_path, "success", to=[])
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")
    tick(room)
    assert noted(room) == noted(room) == [("shop", "success", 0, "")]


def test_a_message_whose_process_died_is_not_sent_again_and_the_table_says_so(tmp_path, mails, monkeypatch):
    room = room_for(tmp_path, "success")
    tick(room, EPOCH)
    deliver(room, "people_1.csv", "a@x.com,Ede\n")

    def die(name: str) -> None:
        if name == "notify: noted":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("cdp_assets.flows.notify.step", die)
        with pytest.raises(KeyboardInterrupt):
            tick(room)
    assert tick(room) == 0
    assert noted(room) == []
    assert tick(room, LATER + LOST_AFTER * 2) == 0
    assert mails.mails() == []
    assert noted(room) == [("shop", "success", 0, "the process died while it was sending; it is not sent again")]


def test_what_was_before_the_first_look_is_not_told(tmp_path, mails):
    room = room_for(tmp_path, "success")
    room.land("people", "people_1.csv", HEAD + "a@x.com,Ede\n")
    room.fold()
    publish(room.folders)
    assert tick(room, LATER) == 0
    assert (notes_folder(room.folders, "shop") / "since").exists()


def test_an_address_must_be_a_reference(tmp_path):
    room = room_for(tmp_path, "success")
    plain = room.deployment.model_dump()
    plain["connections"][0]["notifications"][0]["to"] = ["mailto://user:secret@example.com"]
    with pytest.raises(ValueError, match=r"notifications\.0\.to\.0"):
        Deployment.model_validate(plain)
