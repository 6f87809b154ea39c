"""Profiles of different domain groups never match each other."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.check import check
from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "city"}]
GOAL = {
    "type": "import_profiles",
    "files": {"root": "*.csv"},
    "identifiers": [{"column": "email", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}],
}
HOME, AWAY = GOAL | {"name": "home"}, GOAL | {"name": "away", "domain_group": "AWAY"}
ROWS = "email,city\na@x.com,{}\n"


def lab_with(tmp_path, *goals, groups=("AWAY",)):
    return Lab(tmp_path, deployment(PROPERTIES, list(goals), domain_groups=groups))


def test_the_same_email_in_two_domain_groups_is_two_people(tmp_path):
    lab = lab_with(tmp_path, HOME, AWAY)
    lab.land("home", "1.csv", ROWS.format("Rome"))
    lab.land("away", "1.csv", ROWS.format("Oslo"))
    lab.fold()
    found = lab.rows("SELECT domain_group, city, created_by_number FROM main.profiles ORDER BY domain_group")
    assert found == [("AWAY", "Oslo", 1), ("DEFAULT", "Rome", 1)]
    assert len(lab.rows("SELECT DISTINCT profile_id FROM main.profiles")) == 2
    index = "SELECT domain_group, value FROM main.identifiers ORDER BY domain_group"
    assert lab.rows(index) == [("AWAY", "a@x.com"), ("DEFAULT", "a@x.com")]


def test_a_goal_that_changes_its_domain_group_applies_equal_rows_again(tmp_path):
    lab = lab_with(tmp_path, HOME)
    lab.land("home", "1.csv", ROWS.format("Rome"))
    lab.deployment = lab_with(tmp_path, HOME | {"domain_group": "AWAY"}).deployment
    lab.land("home", "2.csv", ROWS.format("Rome"))
    lab.fold()
    assert lab.rows("SELECT name, rows_created FROM ops.batches ORDER BY name") == [("1.csv", 1), ("2.csv", 1)]


def test_an_unknown_domain_group_is_told_with_the_known_ones():
    (found,) = check(deployment(PROPERTIES, [AWAY], domain_groups=["AWAKE"]))
    assert found.location == ("goals", 0, "domain_group")
    assert found.message == (
        "unknown domain group 'AWAY'; known, nearest first: AWAKE, DEFAULT;"
        " name it under domain_groups of the customer model"
    )


def test_a_domain_group_is_a_plain_name():
    with pytest.raises(ValidationError, match="String should match pattern"):
        deployment(PROPERTIES, [AWAY], domain_groups=["AWAY", "two words"])


def test_the_default_domain_group_changes_no_config_hash(tmp_path):
    said = HOME | {"domain_group": "DEFAULT"}
    assert (
        lab_with(tmp_path, HOME, groups=()).config("home").config_hash
        == lab_with(tmp_path, said).config("home").config_hash
    )
    assert (
        lab_with(tmp_path, AWAY).config("away").config_hash
        != lab_with(tmp_path, AWAY | {"domain_group": "B"}, groups=("B",)).config("away").config_hash
    )
