"""Lifecycles as `check` reads them: what is wrong, on which line, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets_tests.components.folders import SHOP, write

MODEL = """\
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email}
    - {name: spend, type: decimal}
    - {name: city}
  segments: [{name: vip, where: {property: spend, in_range: {min: 5}}}]
  lifecycles:
    - id: club
      name: Club
      entrance: {property: email, not_is_empty: true}
      completion: {segment: vip}
      stages:
        - {id: first, where: {property: spend, is_empty: true}, threshold: {views: 3, duration: WEEK}}
        - {id: second, name: Second, where: {sql: spend > 3}}
"""


@pytest.fixture
def defs(tmp_path: Path) -> Path:
    return tmp_path / "defs"


def problems(defs: Path, model: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in find_problems(write(defs, model=model, shop=SHOP))]


def test_a_lifecycle_is_read(defs: Path) -> None:
    (club,) = load_deployment(write(defs, model=MODEL, shop=SHOP)).model.lifecycles
    assert (club.label, [stage.label for stage in club.stages]) == ("Club", ["first", "Second"])
    assert club.segments == ("vip",)
    assert club.stages[0].threshold.window.days == 7


STAGE = "{id: second, name: Second, where: {sql: spend > 3}}"
SAME = MODEL[MODEL.index("    - id: club") :]


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("{segment: vip}", "{segment: vipp}", 12, "unknown segment 'vipp'; known, nearest first: vip"),
        ("{property: email, not", "{property: mail, not", 11, "unknown property 'mail'"),
        ("is_empty: true}, th", "in_last_days: 3}, th", 14, "in_last_days"),
        (STAGE, "{id: first, where: {sql: spend > 3}}", 9, "two stages have the id 'first'"),
        (STAGE, STAGE.replace("spend >", "speed >"), 15, "sql does not fit the tables"),
        (STAGE, STAGE.replace("spend > 3", "now() > spend"), 15, "sql may not use now()"),
        ("duration: WEEK", "duration: DAYS", 14, "MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, ALWAYS"),
        ("views: 3", "views: 0", 14, "views"),
        ("name: Club", "nme: Club", 10, "unknown key 'nme'"),
        ("      stages:\n", "      stages:\n" + "".join(f"        - {{id: s{n}, where: {{segment: vip}}}}\n"
            for n in range(9)), 13, "at most 10"),
        (SAME, SAME + SAME, 16, "lifecycle id 'club' is taken by an earlier lifecycle"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_line(defs: Path, old: str, new: str, line: int, told: str) -> None:
    assert old in MODEL
    found = problems(defs, MODEL.replace(old, new))
    assert [number for number, _ in found] == [line], found
    assert told in found[0][1]


GOAL = """\
    - type: export_profiles
      name: mail
      segment: vip
      lifecycle: {id: club, stages: [first, second]}
      columns: [{property: email}]
      directory: mail
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("id: club", "id: clubs", 4, "unknown lifecycle 'clubs'; known, nearest first: club"),
        ("[first, second]", "[first, secnd]", 4, "lifecycle 'club' has no stage 'secnd'; it has, nearest"),
        ("[first, second]", "[]", 4, "lifecycle.stages"),
        ("lifecycle: {id: club, stages: [first, second]}", "lifecycle: [{id: club}]", 4, "one lifecycle at most"),
        ("add_", "add_", 0, ""),
        ("segment: vip\n", "segment: vip\n      population: difference\n", 1, "add_event: false"),
    ],
)  # fmt: skip
def test_a_goal_is_placed_in_stages_that_are_there(defs: Path, old: str, new: str, line: int, told: str) -> None:
    text = SHOP + GOAL
    start = SHOP.count("\n")
    goal = GOAL.replace(old, new)
    if "difference" in new:
        goal = goal.replace("{property: email}", "{profile_id: {}}")
    folder = write(defs, model=MODEL, shop=text.replace(GOAL, goal))
    found = [(problem.line - start, problem.message) for problem in find_problems(folder)]
    assert [number for number, _ in found] == ([line] if told else []), found
    assert all(told in message for _, message in found), found
