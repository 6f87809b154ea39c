"""To erase somebody afterwards is to fold the files as if the person's rows had been empty from the start."""

import csv
import io
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets_tests.oracle.scenarios import PROPERTIES, START, mergings
from cdp_assets_tests.support.arrivals import lab_for

OWN = {"mail": "own-", "word": "own-", "crm": "9", "card": "9", "amount": "9"}
"""What stands before every value of the person, so that nobody else has one of them."""


def of_the_person(column, cell):
    if column not in OWN or not cell:
        return cell
    return "|".join(part if part[:1] in "-x" else OWN[column] + part for part in cell.split("|"))


def written(header, rows, number):
    """A file that no other has the bytes of, whatever rows are in it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[*header, "note"], *([*row, f"n{number}"] for row in rows)])
    return text.getvalue().encode()


def land(lab, scenario, masks, change):
    """`change`: what becomes of the cells of the person's rows."""
    for number, item in enumerate(scenario.deliveries):
        rows = [
            [change(column, cell) if is_own else cell for column, cell in zip(item.header, row, strict=True)]
            for row, is_own in zip(item.rows, masks[number], strict=False)
        ]
        at = START + timedelta(hours=number)
        lab.land(item.goal, item.name, written(item.header, rows, number), look_at=at, modified_at=at)


@pytest.mark.slow
@settings(
    deadline=None,
    derandomize=True,
    max_examples=2,
    # Each example takes a second or more: a failing one is shown as it is.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(mergings(max_files=4), st.lists(st.lists(st.booleans(), min_size=8, max_size=8), min_size=4, max_size=4))
def test_erasing_commutes_with_order(scenario, masks):
    scenario = replace(scenario, goals=tuple(replace(goal, duplicate_content="apply") for goal in scenario.goals))
    with tempfile.TemporaryDirectory() as folder:
        lab, other = (
            lab_for(Path(folder) / name, scenario.properties, scenario.goals, scenario.merging) for name in "ab"
        )
        land(lab, scenario, masks, of_the_person)
        land(other, scenario, masks, lambda *_: "")
        lab.fold()
        other.fold()
        cells = {
            pair for item in scenario.deliveries for row in item.rows for pair in zip(item.header, row, strict=True)
        }
        values = {part for column, cell in cells if column in OWN for part in of_the_person(column, cell).split("|")}
        names = {
            column.property for goal in lab.deployment.connections[0].imports for column in goal.identifier_columns
        }
        asked = [
            Asked(value, name)
            for name in sorted(names & {prop.name for prop in PROPERTIES})
            for value in sorted(values)
            if value.startswith(("own-", "9"))
        ]
        erase(lab.model, lab.folders, asked, START, more=frozenset(names), several=True)
        assert lab.dump() == other.dump()
