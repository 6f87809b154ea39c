"""The column of lifecycles: those a profile is in, by ids or names, with or without the stage."""

from __future__ import annotations

import pytest

from cdp_assets.config.check import check
from cdp_assets.sql.lifecycle_tables import LIFECYCLE_MEMBERS
from cdp_assets_tests.support.exported import UUID, Desk, goal

ANY = {"property": "email", "not_is_empty": True}
STAGES = [{"id": "first", "name": "First steps", "where": ANY}, {"id": "second", "where": ANY}]
MODEL = {
    "lifecycles": [
        {"id": "onboarding", "name": "Onboarding", "entrance": ANY, "stages": STAGES},
        {"id": "club", "name": "The club", "entrance": ANY, "stages": STAGES},
    ]
}
STANDING = [
    (1, "club", "in_stage", "second"),
    (1, "onboarding", "in_stage", "first"),
    (2, "club", "not_assigned", None),
    (3, "club", "completed", None),
    (3, "onboarding", "in_stage", "second"),
]


def desk(folder, column, model=MODEL, **settings):
    properties = [{"name": "email", "type": "email"}, {"name": "last_visit", "type": "datetime"}]
    found = Desk(folder, properties, goal(columns=[{"property": "email"}, column], **settings), model)
    found.fill({number: {"email": f"p{number}@x.com"} for number in (1, 2, 3, 4)})
    place(found, STANDING)
    return found


def place(room, standing):
    with room.warehouse() as database:
        rows = [[UUID.format(who), *rest] for who, *rest in standing]
        database.insert(LIFECYCLE_MEMBERS.path, ["profile_id", "lifecycle", "state", "stage"], rows)


@pytest.mark.parametrize(
    ("column", "ids", "told"),
    [
        ({"lifecycles": "all"}, "ids", ["onboarding|club", "club", "onboarding", ""]),
        ({"lifecycles": "all"}, "names", ["Onboarding|The club", "The club", "Onboarding", ""]),
        ({"lifecycles": ["club"]}, "ids", ["club", "club", "", ""]),
        (
            {"lifecycles": "all", "with_stage": True},
            "ids",
            ["onboarding:first|club:second", "club", "onboarding:second", ""],
        ),
        (
            {"lifecycles": "all", "with_stage": True},
            "names",
            ["Onboarding:First steps|The club:second", "The club", "Onboarding:second", ""],
        ),
    ],
)
def test_lifecycles_a_profile_is_in_are_shown_in_the_order_of_the_model(tmp_path, column, ids, told):
    lines = desk(tmp_path, column, ids=ids).text().splitlines()
    assert lines == ["email,lifecycles", *(f"p{number}@x.com,{text}" for number, text in enumerate(told, 1))]


@pytest.mark.parametrize(
    ("column", "model", "told"),
    [
        ({"lifecycles": ["clubb"]}, MODEL, "unknown lifecycle 'clubb'; known, nearest first: club, onboarding"),
        ({"lifecycles": "all"}, {"lifecycles": []}, "the model has no lifecycles"),
        (
            {"lifecycles": "all", "with_stage": True},
            {"lifecycles": [{"id": "a", "entrance": ANY, "stages": [{"id": "s", "name": "x|y", "where": ANY}]}]},
            "the name 'x|y' holds the multi-value separator",
        ),
    ],
)
def test_columns_that_cannot_be_are_told(tmp_path, column, model, told):
    room = Desk(tmp_path, [{"name": "email", "type": "email"}], goal(columns=[column], ids="names"), model)
    (finding,) = check(room.deployment)
    assert told in finding.message
