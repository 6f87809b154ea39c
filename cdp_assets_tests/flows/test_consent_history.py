"""The history of a profile's consent, as the `profile` command tells it."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console

from cdp_assets.commands.consent_tables import history_as_json, print_history
from cdp_assets.flows.consent_history import MERGED, ConsentChanged, PermissionLevelChanged, consent_history
from cdp_assets.flows.look_up import look_up
from cdp_assets_tests.flows.test_consent import GOAL, OBJECTIVES
from cdp_assets_tests.flows.test_gate import gated
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment


def history_of(lab, value):
    found = look_up(lab.model, lab.folders, value)
    assert found.differing == {}
    return found.trace, consent_history(found.trace)


def as_in_the_table(lab):
    """What the table tells, event by event, in order."""
    rows = lab.rows(
        "SELECT from_legislation, to_legislation, from_consented, to_consented, from_refused, to_refused, from_level,"
        " to_level, connection || '/' || goal, file, line, changed_at, message FROM main.consent_changes"
        " ORDER BY changed_at_position, changed_at_row"
    )
    told = []
    for *said, before, after, source, file, line, at, message in rows:
        place = (source, file, line, at)
        if said[0::2] != said[1::2]:
            told.append((*place, *(tuple(one) if isinstance(one, list) else one for one in said)))
        if before != after:
            told.append((*place, before, after))
        assert message
    return told


def as_events(events):
    told = []
    for one in events:
        place = (one.source, one.place.file, one.place.line, one.place.seen_at)
        if isinstance(one, PermissionLevelChanged):
            told.append((*place, one.from_level, one.to_level))
            continue
        zones = (one.from_legislation, one.to_legislation)
        told.append((*place, *zones, one.from_consented, one.to_consented, one.from_refused, one.to_refused))
    return told


def land(lab, *files):
    """Files of one goal in their order, the last of which arrives first."""
    for number, (goal, text) in reversed(list(enumerate(files))):
        lab.land(goal, f"{goal}_{number}.csv", text, look_at=EPOCH + timedelta(hours=number))
        lab.fold()


def test_every_row_that_changes_consent_is_told_in_order(tmp_path):
    lab = gated(tmp_path, "m")
    land(
        lab,
        ("people", "mail,zone,yes\na@x.com,GDPR,m\n"),
        ("more", "mail,level,no\na@x.com,ANONYMOUS,worldwide\na@x.com,,m\n"),
        ("people", "mail,zone\na@x.com,CCPA\na@x.com,CCPA\n"),
    )
    trace, (given, refused, level, moved) = history_of(lab, "a@x.com")
    assert as_in_the_table(lab) == as_events([given, refused, level, moved])
    messages = lab.rows("SELECT message FROM main.consent_changes ORDER BY changed_at_position, changed_at_row")
    assert messages == [("zone (set), yes (add)",), ("level (set), no (add)",), ("zone (set)",)]
    assert isinstance(given, ConsentChanged)
    assert (given.from_legislation, given.to_legislation) == ("NONE", "GDPR")
    assert (given.from_consented, given.to_consented, given.source) == ((), ("m",), "shop/people")
    assert given.message == "zone (set), yes (add)"
    assert isinstance(refused, ConsentChanged)
    assert (refused.from_refused, refused.to_refused, refused.to_consented) == ((), ("worldwide",), ("m",))
    assert isinstance(level, PermissionLevelChanged)
    assert (level.from_level, level.to_level, level.place.line) == ("PERSONAL", "ANONYMOUS", 2)
    assert isinstance(moved, ConsentChanged)
    assert (moved.from_legislation, moved.to_legislation, moved.place.line) == ("GDPR", "CCPA", 2)
    assert [event["event"] for event in history_as_json(trace)].count("ConsentChanged") == 3
    console = Console(width=200)
    with console.capture() as told:
        print_history(console, trace)
    assert "GDPR +m -worldwide" in told.get()


def test_a_merge_is_told_as_one(tmp_path):
    goal = GOAL | {"identifiers": [{"column": "mail", "property": "email"}, {"column": "crm", "property": "crm"}]}
    properties = [{"name": "email", "type": "email"}, {"name": "crm"}]
    lab = Lab(tmp_path, deployment(properties, [goal], objectives=OBJECTIVES, merging={}))
    head = "mail,crm,zone,yes,no\n"
    lab.land("people", "people_1.csv", f"{head}a@x.com,,GDPR,mail,\n,7,GDPR,,mail\na@x.com,7,,,\n")
    lab.fold()
    _, events = history_of(lab, "a@x.com")
    assert [event.message.startswith(MERGED) for event in events] == [False, False, True]
    assert (events[-1].from_consented, events[-1].to_consented, events[-1].to_refused) == (("mail",), (), ("mail",))
    assert as_in_the_table(lab) == as_events(events)
    former = lab.rows("SELECT former_id IS NOT NULL, message FROM main.consent_changes ORDER BY changed_at_row")
    assert [one for one, _ in former] == [False, True, False]
    assert former[2][1].startswith(MERGED)


def test_lines_of_files_with_rows_of_several_lines_are_told(tmp_path):
    lab = gated(tmp_path, "m")
    lab.land("people", "people_1.csv", 'mail,zone,yes,city\na@x.com,GDPR,m,"two\nlines"\nb@x.com,GDPR,m,\n')
    lab.fold()
    assert lab.rows("SELECT line FROM main.consent_changes ORDER BY changed_at_row") == [(2,), (4,)]


def test_files_that_say_nothing_of_consent_change_nothing(tmp_path):
    lab = gated(tmp_path)
    lab.land("people", "people_1.csv", "mail,city\na@x.com,Ede\n")
    lab.fold()
    assert lab.rows("FROM main.consent_changes") == []
