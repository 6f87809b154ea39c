"""Permission level, zone and consent as targets of mappings: a table of cases, then any files against plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
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
from cdp_assets_tests.oracle.consents import ConsentLog
from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping, Merging, Property
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.scenarios import START, Scenario
from cdp_assets_tests.oracle.world import CONSENTED, LEVEL, REFUSED, ZONE
from cdp_assets_tests.support.arrivals import arrivals, lab_for, landed
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

GOAL = {
    "type": "import_profiles",
    "name": "people",
    "allow_create": True,
    "files": {"root": "people_*.csv", "delta": True},
    "identifiers": [{"column": "mail", "property": "email"}],
    "mappings": [
        {"column": "level", "property": LEVEL},
        {"column": "zone", "property": ZONE},
        {"column": "yes", "property": CONSENTED, "rule": "add"},
        {"column": "no", "property": REFUSED, "rule": "add"},
    ],
}
OBJECTIVES = [{"id": "mail", "legislations": ["LGPD"]}, {"id": "ads"}, {"id": "Profiling"}]


@pytest.fixture
def room(tmp_path):
    setup = deployment([{"name": "email", "type": "email"}, {"name": "city"}], [GOAL], objectives=OBJECTIVES)
    assert check(setup) == []
    return Lab(tmp_path, setup)


def told(room):
    return room.rows(
        "SELECT permission_level, privacy_legislation, consented_objectives, refused_objectives FROM main.profiles"
        " ORDER BY email"
    )


CASES = [
    ("a new profile", ["mail\na@x.com\n"], ("PERSONAL", "NONE", None, None)),
    ("level and zone", ["mail,level,zone\na@x.com,anonymous,gdpr\n"], ("ANONYMOUS", "GDPR", None, None)),
    ("an empty cell", ["mail,level\na@x.com,DO_NOT_TRACK\n", "mail,level\na@x.com,\n"],
     ("DO_NOT_TRACK", "NONE", None, None)),
    ("no zone, no consent", ["mail,yes,no\na@x.com,mail,ads\n"], ("PERSONAL", "NONE", None, None)),
    ("the row's own zone", ["mail,zone,yes\na@x.com,GDPR,mail|ads\n"], ("PERSONAL", "GDPR", ["ads", "mail"], None)),
    ("back to no zone", ["mail,zone,yes\na@x.com,GDPR,mail\na@x.com,NONE,ads\n"],
     ("PERSONAL", "NONE", ["mail"], None)),
    ("refused after consented", ["mail,zone,yes,no\na@x.com,CCPA,mail|ads,\na@x.com,,,mail\n"],
     ("PERSONAL", "CCPA", ["ads"], ["mail"])),
    ("consented after refused", ["mail,zone,no\na@x.com,GDPR,mail\n", "mail,yes\na@x.com,mail\n"],
     ("PERSONAL", "GDPR", ["mail"], None)),
    ("both in one row", ["mail,zone,yes,no\na@x.com,GDPR,mail,mail|ads\n"],
     ("PERSONAL", "GDPR", None, ["ads", "mail"])),
    ("whatever the case", ["mail,zone,yes\na@x.com,lgpd,PROFILING\n"], ("PERSONAL", "LGPD", ["Profiling"], None)),
    ("unknown objectives", ["mail,zone,yes\na@x.com,GDPR,calls|mail\n"], ("PERSONAL", "GDPR", ["mail"], None)),
    ("a zone nobody knows", ["mail,zone,yes\na@x.com,XX,mail\n"], ("PERSONAL", "NONE", None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_what_rows_say_of_consent(room, files, expected):
    for number, text in enumerate(files):
        room.land("people", f"people_{number}.csv", text, look_at=EPOCH + timedelta(hours=number))
    room.fold()
    assert told(room) == [expected]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before


def test_what_is_not_known_is_a_rejected_cell_that_tells_what_is(room):
    room.land("people", "people_1.csv", "mail,level,zone,yes\na@x.com,public,XX,calls|mail\n")
    (entry,) = room.fold().folded
    assert (entry["rows_created"], entry["cells_rejected"]) == (1, 3)
    reasons = dict(room.rows("SELECT column_name, reason FROM ops.rejects"))
    assert reasons["level"] == "permission_level: none of: DO_NOT_TRACK, ANONYMOUS, PERSONAL"
    assert reasons["yes"] == "consented_objectives: none of: mail, ads, Profiling"
    assert reasons["zone"].startswith("privacy_legislation: none of: NONE, GDPR, CCPA, ")


def test_a_row_that_changes_consent_only_is_modified_and_one_that_says_it_again_is_not(room):
    room.land("people", "people_1.csv", "mail,zone,yes\na@x.com,GDPR,mail\n")
    room.fold()
    for number, modified in ((2, 1), (3, 0)):
        text = f"mail,no\na@x.com,ads\nb@x.com,{'ads' * (number == 2)}\n"
        room.land("people", f"people_{number}.csv", text, look_at=EPOCH + timedelta(hours=number))
        (entry,) = room.fold().folded
        assert entry["rows_modified"] == modified
    assert told(room) == [("PERSONAL", "GDPR", ["mail"], ["ads"]), ("PERSONAL", "NONE", None, None)]


def test_an_older_warehouse_gets_the_columns_with_what_profiles_start_with(tmp_path):
    plain = GOAL | {"mappings": [{"column": "city", "property": "city"}]}
    room = Lab(tmp_path, deployment([{"name": "email", "type": "email"}, {"name": "city"}], [plain]))
    room.land("people", "people_1.csv", "mail\na@x.com\n")
    room.fold()
    for name in (LEVEL, ZONE, CONSENTED, REFUSED):
        room.rows(f"ALTER TABLE main.profiles DROP COLUMN {name}")
    assert not room.fold().replayed
    assert told(room) == [("PERSONAL", "NONE", None, None)]


def test_a_segment_may_ask_for_them(room):
    where = {"property": CONSENTED, "operator": "contains_any", "values": ["mail"]}
    setup = room.deployment.model_dump(mode="json", exclude_defaults=True)
    setup["model"]["segments"] = [{"name": "reachable", "where": where}]
    assert check(type(room.deployment).model_validate(setup)) == []


TARGETS = (
    Property(LEVEL, "choice", choices=("DO_NOT_TRACK", "ANONYMOUS", "PERSONAL")),
    Property(ZONE, "choice", choices=("NONE", "GDPR", "CCPA")),
    Property(CONSENTED, "choice", multiple=True, choices=("a", "b", "c")),
    Property(REFUSED, "choice", multiple=True, choices=("a", "b", "c")),
)
PROPERTIES = (Property("email", "email"), Property("crm"), Property("city"), *TARGETS)
SOURCES = {LEVEL: "level", ZONE: "zone", CONSENTED: "yes", REFUSED: "no", "city": "level", "crm": "crm"}
IDS = st.sampled_from(("a", "b", "A|c", "", "x|b", "a|b|c"))
ROWS = st.tuples(
    st.sampled_from(("a@x.com", "a@x.com", "b@x.com", "")),
    st.sampled_from(("1", "2", "")),
    st.sampled_from(("NONE", "gdpr", "GDPR", "CCPA", "", "", "nowhere")),
    st.sampled_from(("personal", "ANONYMOUS", "", "none")),
    IDS,
    IDS,
)


@st.composite
def goals(draw: st.DrawFn, name: str) -> Goal:
    written = draw(st.lists(st.sampled_from(list(SOURCES)), min_size=1, max_size=6, unique=True))
    several = draw(st.booleans())
    rules = ((("mail", "email"),), (("crm", "crm"),)) if several else ()
    # With several identifiers each is mapped anyway.
    kept = [target for target in written if target != "crm"] or ["city"]
    mappings = tuple(
        Mapping(SOURCES[target], target, "add" if target in {CONSENTED, REFUSED} else "set") for target in kept
    )
    return Goal(name, "mail", "email", mappings, rules=rules, delta=draw(st.booleans()))


@st.composite
def scenarios(draw: st.DrawFn, max_files: int = 5) -> Scenario:
    several = tuple(draw(goals(f"g{number}")) for number in range(draw(st.integers(1, 3))))
    deliveries = []
    for hour in range(draw(st.integers(1, max_files))):
        at = START + timedelta(hours=hour)
        rows = tuple(draw(st.lists(ROWS, max_size=5)))
        key = draw(st.sampled_from(("20260101", "20260102", "eu")))
        header = ("mail", "crm", "zone", "level", "yes", "no")
        deliveries.append(Delivery(draw(st.sampled_from(several)).name, key, header, rows, at, at))
    merging = draw(st.sampled_from((None, Merging())))
    return Scenario(several, tuple(deliveries), PROPERTIES, merging)


def changes(room):
    """What the table of changes says, as the oracle says it."""
    made = "(domain_group, created_by_property, created_by_value, created_by_number)"
    found = room.rows(
        f"WITH makers AS (SELECT profile_id, {made} AS maker FROM main.profiles UNION ALL"
        f" SELECT profile_id, {made} FROM main.replaced_profiles)"
        " SELECT (SELECT count(*) FROM ops.batches WHERE position <= changed_at_position), line - 1,"
        " coalesce(former.maker, now.maker), now.maker, [from_level], [from_legislation], from_consented, from_refused,"
        " [to_level], [to_legislation], to_consented, to_refused FROM main.consent_changes AS change"
        " JOIN makers AS now USING (profile_id) LEFT JOIN makers AS former ON former.profile_id = change.former_id"
    )
    return sorted(
        (place, row, then, now, tuple(map(tuple, said[:4])), tuple(map(tuple, said[4:])))
        for place, row, then, now, *said in found
    )


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    log = ConsentLog()
    world = fold(PROPERTIES, scenario.goals, scenario.deliveries, merging=scenario.merging, after_row=log)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lab = lab_for(root / "source", PROPERTIES, scenario.goals, scenario.merging)
        assert check(lab.deployment) == []
        batches = [landed(lab, delivery) for delivery in scenario.deliveries]
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
@given(scenarios(), FOLDS, SHUFFLED)
def test_any_files_of_consent_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(20))
@given(scenarios(max_files=9), FOLDS, SHUFFLED)
def test_many_files_of_consent_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)
