"""The consent gate of a connection that serves objectives: cases row by row, then any files against plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_assets.config.check import check
from cdp_assets_tests.flows.test_against_oracle import (
    FOLDS,
    SHUFFLED,
    assert_balanced,
    assert_same,
    counted,
    expected_counts,
    repeatably,
    summed,
)
from cdp_assets_tests.flows.test_consent import GOAL, PROPERTIES, changes, scenarios
from cdp_assets_tests.oracle.consents import ConsentLog
from cdp_assets_tests.oracle.described import Goal, Objective
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.scenarios import Scenario
from cdp_assets_tests.support.arrivals import arrivals, lab_for, landed
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, SERVER, Lab, deployment

HELD = [{"name": "email", "type": "email"}, {"name": "city"}, {"name": "points", "type": "number"}]
OBJECTIVES = [
    {"id": "m", "legislations": ["gdpr", "CCPA"]},
    {"id": "worldwide", "legislations": ["NONE", "GDPR"]},
    {"id": "free", "needs_consent": False, "legislations": ["GDPR"]},
]
MAPPINGS = [*GOAL["mappings"], {"column": "city", "property": "city"}]


def gated(root: Path, *objectives: str, **goal: object) -> Lab:
    """A lab whose connection serves these."""
    entry = GOAL | {"mappings": MAPPINGS} | goal
    other = GOAL | {"name": "more", "files": {"root": "more_*.csv", "delta": True}, "mappings": MAPPINGS}
    connections = [
        {"name": "shop", "goals": [entry, other], "objectives": list(objectives), "server": SERVER},
        {"name": "open", "goals": [GOAL | {"mappings": MAPPINGS}], "server": SERVER, "order": -1},
    ]
    setup = deployment(HELD, [], connections=connections, objectives=OBJECTIVES)
    assert check(setup) == []
    return Lab(root, setup)


def outcome(lab: Lab) -> list[tuple[int, ...]]:
    return lab.rows(
        "SELECT rows_created, rows_modified, rows_unchanged, rows_not_found, rows_consent_mismatch FROM ops.batches"
        " WHERE position IS NOT NULL ORDER BY position"
    )


def cities(lab: Lab) -> list[tuple[str, str | None]]:
    return lab.rows("SELECT email, city FROM main.profiles ORDER BY email")


ROWS = [
    ("opt-in, no decision", "m", "a@x.com,GDPR,,", False),
    ("opt-in, consented in the row", "m", "a@x.com,GDPR,m,", True),
    ("opt-in, another consented", "m", "a@x.com,GDPR,worldwide,", False),
    ("opt-in, given and refused at once", "m", "a@x.com,GDPR,m,m", False),
    ("opt-out, no decision", "m", "a@x.com,CCPA,,", True),
    ("opt-out, refused", "m", "a@x.com,CCPA,,m", False),
    ("a zone that is not listed", "m", "a@x.com,UCPA,,", True),
    ("no zone, not listed", "m", "a@x.com,,,", True),
    ("no zone, listed: consent does not count there", "worldwide", "a@x.com,,worldwide,", False),
    ("any of two", "m worldwide", "a@x.com,GDPR,worldwide,", True),
    ("none of two", "m worldwide", "a@x.com,GDPR,,", False),
    ("one needs no consent", "m free", "a@x.com,GDPR,,m", True),
    ("nothing is served", "", "a@x.com,GDPR,,m", True),
]


@pytest.mark.parametrize("served", ["m", "worldwide", "m worldwide", "m free", ""])
def test_a_row_is_judged_by_what_its_profile_says_after_it(tmp_path, served):
    lab = gated(tmp_path, *served.split())
    cases = [(name, row, passes) for name, objectives, row, passes in ROWS if objectives == served]
    rows = "".join(f"{number}{row},{name.partition(',')[0]}\n" for number, (name, row, _) in enumerate(cases))
    lab.land("people", "people_1.csv", f"mail,zone,yes,no,city\n{rows}")
    lab.fold()
    passed = [passes for *_, passes in cases]
    assert outcome(lab) == [(sum(passed), 0, 0, 0, len(passed) - sum(passed))]
    mails = [f"{number}a@x.com" for number, passes in enumerate(passed) if passes]
    assert [mail for mail, _ in cities(lab)] == mails


FILES = [
    ("an earlier row of the file opens it", ["a@x.com,GDPR,,,1\na@x.com,GDPR,m,,2\na@x.com,,,,3"],
     [(1, 1, 0, 0, 1)], "3"),
    ("a refusal is not written, so it stays open", ["a@x.com,GDPR,m,,1\na@x.com,,,m,2\na@x.com,,,,3"],
     [(1, 1, 0, 0, 1)], "3"),
    ("an earlier file of the goal", ["a@x.com,GDPR,m,,1", "a@x.com,,,,2"], [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0)], "2"),
    ("an earlier file refused", ["a@x.com,,,,1", "a@x.com,GDPR,,,2", "a@x.com,,,,3"],
     [(1, 0, 0, 0, 0), (0, 0, 0, 0, 1), (0, 1, 0, 0, 0)], "3"),
    ("rows that say nothing of consent", ["a@x.com,,,,1\na@x.com,,,,2"], [(1, 1, 0, 0, 0)], "2"),
    ("rows that all give it", ["a@x.com,GDPR,m,,1\na@x.com,GDPR,m,,2"], [(1, 1, 0, 0, 0)], "2"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "counts", "city"), [pytest.param(*case[1:], id=case[0]) for case in FILES])
@pytest.mark.parametrize("at_once", [True, False], ids=["one fold", "a fold each"])
def test_rows_open_and_shut_the_gate_for_later_ones(tmp_path, files, counts, city, at_once):
    lab = gated(tmp_path, "m")
    for number, rows in enumerate(files):
        at = EPOCH + timedelta(hours=number)
        lab.land("people", f"people_{number}.csv", f"mail,zone,yes,no,city\n{rows}\n", look_at=at)
        if not at_once:
            lab.fold()
    lab.fold()
    assert outcome(lab) == counts
    assert cities(lab) == [("a@x.com", city)]
    before = lab.dump()
    lab.fold(rebuild=True)
    assert lab.dump() == before


def test_a_consent_of_another_goal_counts_and_a_late_one_lets_rows_in_after_all(tmp_path):
    lab = gated(tmp_path, "m")
    lab.land("people", "people_1.csv", "mail,zone\na@x.com,GDPR\n", look_at=EPOCH)
    lab.land("more", "more_1.csv", "mail,city\na@x.com,Ghent\n", look_at=EPOCH + timedelta(hours=2))
    lab.fold()
    assert outcome(lab) == [(0, 0, 0, 0, 1), (1, 0, 0, 0, 0)], "of the profile nobody knows the zone"
    late = EPOCH - timedelta(hours=1)
    lab.land("more", "more_0.csv", "mail,zone,yes\na@x.com,GDPR,m\n", look_at=late)
    assert lab.fold().replayed
    assert lab.rows("SELECT rows_consent_mismatch, replayed_consent_mismatch FROM ops.batches ORDER BY position") == [
        (0, 0), (1, 0), (0, 0)
    ]  # fmt: skip
    assert lab.rows("SELECT * FROM ops.consent_mismatches") == []


def test_refused_rows_can_be_found_and_are_told_in_the_message(tmp_path):
    lab = gated(tmp_path, "m")
    lab.land("people", "people_1.csv", "mail,zone,no\na@x.com,CCPA,\nb@x.com,GDPR,\na@x.com,,m\n")
    lab.fold()
    found = lab.rows(
        "SELECT row_no, email, mismatch.privacy_legislation FROM ops.consent_mismatches AS mismatch"
        " LEFT JOIN main.profiles USING (profile_id) ORDER BY row_no"
    )
    assert found == [(2, None, "GDPR"), (3, "a@x.com", "CCPA")]
    ((message,),) = lab.rows("SELECT message FROM ops.import_history")
    assert message.startswith(
        "Received 0 updates, created 1 profiles, 0 profiles unchanged, checked 3. 2 profile updates skipped because of"
        " a consent mismatch. Warning: the file has no columns"
    )


def test_batches_keep_the_objectives_of_their_time(tmp_path):
    lab = gated(tmp_path, "m")
    lab.land("people", "people_1.csv", "mail,zone\na@x.com,GDPR\n")
    lab.deployment = gated(tmp_path).deployment
    lab.land("people", "people_2.csv", "mail,zone\nb@x.com,GDPR\n", look_at=EPOCH + timedelta(hours=1))
    lab.fold()
    assert cities(lab) == [("b@x.com", None)]


def test_a_row_that_a_full_file_lacked_consent_for_is_tried_again_and_others_count_once(tmp_path):
    files = {"root": "people_*.csv"}
    sums = [*MAPPINGS, {"column": "points", "property": "points", "rule": "sum"}]
    lab = gated(tmp_path, "m", files=files, mappings=sums)
    head = "mail,zone,yes,points\n"
    lab.land("people", "people_1.csv", f"{head}a@x.com,CCPA,,5\nb@x.com,GDPR,,7\na@x.com,GDPR,,1\n")
    lab.fold()
    lab.land("more", "more_1.csv", "mail,zone,yes\nb@x.com,GDPR,m\n", look_at=EPOCH + timedelta(hours=1))
    again = f"{head}a@x.com,CCPA,,5\na@x.com,GDPR,,1\nb@x.com,GDPR,,7\n"
    lab.land("people", "people_2.csv", again, look_at=EPOCH + timedelta(hours=2))
    lab.fold()
    assert outcome(lab) == [(1, 0, 0, 0, 2), (1, 0, 0, 0, 0), (0, 1, 1, 0, 1)]
    assert lab.rows("SELECT email, points FROM main.profiles ORDER BY email") == [("a@x.com", 5), ("b@x.com", 7)]


def test_an_unknown_objective_is_told_with_its_place(tmp_path):
    setup = gated(tmp_path).deployment
    shop, other = setup.connections
    wrong = setup.model_copy(update={"connections": (shop.model_copy(update={"objectives": ("m", "mm")}), other)})
    (finding,) = check(wrong)
    assert finding.location == ("objectives", 1)
    assert finding.message.startswith("unknown objective 'mm'; known, nearest first: m, ")


STRICT = (Objective("a", ("GDPR", "CCPA", "NONE")),)
SERVED = (
    STRICT,
    (Objective("a", ("GDPR", "CCPA")),),
    (Objective("a", ("GDPR", "CCPA", "NONE")), Objective("b", ("GDPR",))),
    (),
)
STRANGER = ("c@x.com", "3", "GDPR", "", "", "")
"""Of somebody who has never consented, wherever the goal puts the zone."""


def lab_serving(root: Path, scenario: Scenario, served: Sequence[Objective]) -> Lab:
    """The scenario's lab as it is while its connection serves these."""
    lab = lab_for(root, PROPERTIES, scenario.goals, scenario.merging)
    (connection,) = lab.deployment.connections
    zones = {one.id: one.zones for one in served}
    objectives = tuple(one.model_copy(update={"legislations": zones.get(one.id, ())}) for one in lab.model.objectives)
    lab.deployment = lab.deployment.model_copy(
        update={
            "model": lab.model.model_copy(update={"objectives": objectives}),
            "connections": (connection.model_copy(update={"objectives": tuple(zones)}),),
        }
    )
    return lab


@st.composite
def gated_scenarios(draw: st.DrawFn, max_files: int = 5) -> Scenario:
    scenario = draw(scenarios(max_files))
    files = [replace(item, objectives=draw(st.sampled_from(SERVED))) for item in scenario.deliveries]
    making = st.sampled_from((True, True, False))
    goals: tuple[Goal, ...] = tuple(replace(goal, allow_create=draw(making)) for goal in scenario.goals)
    if draw(st.sampled_from((True, True, True, False))):
        # No later version takes the place of the last file, so that it acts: whoever it would make is refused.
        files[-1] = replace(files[-1], objectives=STRICT, rows=(*files[-1].rows, STRANGER))
        goals = tuple(replace(goal, allow_create=True) if goal.name == files[-1].goal else goal for goal in goals)
    return replace(scenario, goals=goals, deliveries=tuple(files))


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    log = ConsentLog()
    world = fold(PROPERTIES, scenario.goals, scenario.deliveries, merging=scenario.merging, after_row=log)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        labs = {served: lab_serving(root / "source", scenario, served) for served in SERVED}
        batches = [landed(labs[delivery.objectives], delivery) for delivery in scenario.deliveries]
        lab = labs[()]
        with arrivals(lab, root / "one") as room:
            for batch, now in zip(batches, folds, strict=False):
                room.deliver(batch)
                if now:
                    room.fold()
            room.fold()
            assert_same(room, world, scenario, PROPERTIES)
            assert changes(room) == log.changes(world)
            assert_balanced(room)
            dump = room.dump()
            room.fold(rebuild=True)
            assert room.dump() == dump
            assert summed(counted(room, "replayed")) == summed(expected_counts(world))
        with arrivals(lab, root / "two", snapshots=True) as room:
            for place in shuffled:
                if place < len(batches):
                    room.deliver(batches[place])
                    if folds[place]:
                        room.fold()
            room.fold()
            assert_same(room, world, scenario, PROPERTIES)
            assert changes(room) == log.changes(world)
            assert room.dump() == dump


@repeatably(3)
@given(gated_scenarios(), FOLDS, SHUFFLED)
def test_any_files_through_the_gate_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(20))
@given(gated_scenarios(max_files=9), FOLDS, SHUFFLED)
def test_many_files_through_the_gate_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)
