"""An erased person leaves no line in the history of consent, also where two of their profiles became one."""

from __future__ import annotations

from datetime import timedelta

from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.publish import publish
from cdp_assets_tests.flows.test_consent import GOAL, OBJECTIVES
from cdp_assets_tests.privacy.searching import traces
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

HEADER = "mail,crm,zone,yes,no\n"
JANE = "jane@x.com,,GDPR,mail,\n,7,GDPR,,mail\njane@x.com,7,,,\n"
BOB = "bob@x.com,8,GDPR,mail,\n"
LATER = "jane@x.com,,CCPA,,\nbob@x.com,,,,mail\n"
CHANGES = "SELECT profile_id::VARCHAR, former_id::VARCHAR, message FROM main.consent_changes ORDER BY ALL"


def filled(root):
    goal = GOAL | {"identifiers": [{"column": "mail", "property": "email"}, {"column": "crm", "property": "crm"}]}
    properties = [{"name": "email", "type": "email"}, {"name": "crm"}]
    room = Lab(root, deployment(properties, [goal], objectives=OBJECTIVES, merging={}))
    for number, text in enumerate([JANE + BOB, LATER]):
        room.land("people", f"people_{number}.csv", HEADER + text, look_at=EPOCH + timedelta(days=number))
    room.fold()
    publish(room.folders)
    return room


def holding(room, profile):
    """The copies of the table, the readers' too, that know a profile."""
    return [place for place in traces(room.folders.root, profile) if place.endswith("main.consent_changes")]


def erased(room):
    asked = [Asked("jane@x.com", None)]
    return erase(room.model, room.folders, asked, EPOCH + timedelta(days=9), more=frozenset({"crm"}))


def test_nobody_reads_of_the_consent_of_an_erased_person(tmp_path):
    room = filled(tmp_path)
    ((bob,),) = room.rows("SELECT profile_id::VARCHAR FROM main.profiles WHERE email = 'bob@x.com'")
    before = room.rows(CHANGES)
    jane = {one for profile, former, _ in before for one in (profile, former) if one not in {bob, None}}
    assert len(jane) == 2
    assert all(len(holding(room, one)) == 2 for one in jane), "the warehouse and the readers' copy tell"
    assert erased(room).people == 1
    assert [holding(room, one) for one in jane] == [[], []]
    assert room.rows(CHANGES) == [change for change in before if change[0] == bob]
    assert len(holding(room, bob)) == 2


def test_a_later_file_that_names_the_person_tells_nothing_of_their_consent(tmp_path):
    room = filled(tmp_path)
    erased(room)
    known = room.rows(CHANGES)
    room.land("people", "people_9.csv", HEADER + JANE + LATER, look_at=EPOCH + timedelta(days=10))
    room.fold()
    assert room.rows(CHANGES) == known
