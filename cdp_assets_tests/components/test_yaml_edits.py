"""Entries added to lists in YAML: nothing else changes, and what does not check is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets.components.loading import load_deployment
from cdp_assets.components.yaml_edits import Addition, add_entries
from cdp_assets.config.goals import Mapping
from cdp_assets.config.properties import Property
from cdp_assets.errors import ConfigError
from cdp_assets_tests.components.folders import MODEL, write

HEAD = """\
# Our shop.
type: cdp_assets.SftpConnection
attributes:
  name: shop
  server: {host: localhost, username: cdp, host_key: "SHA256:abc", password: {env: SHOP_PASSWORD}}
  goals:
"""
GOAL = """\
    - type: import_profiles
      name: customers   # everybody
      files: {root: "customers_*.csv"}
      identifiers: [{column: E-Mail, property: email}]
"""
BLOCK = """\
      mappings:
        # where they live
        - {column: City, property: city}   # by hand

        - column: Spend
          property: spend   # in EUR

      # more of this goal
      allow_create: true
"""
SHOP = HEAD + GOAL + BLOCK
AGE = {"column": "Age", "property": "age"}
ODD = {"column": "a: b # c", "property": "age", "rule": "set_if_empty"}


def with_mappings(deployment, entries, *, goal="customers", properties=()):
    connection = deployment.connections[0]
    goals = tuple(
        item.model_copy(update={"mappings": (*item.mappings, *(Mapping(**entry) for entry in entries))})
        if item.name == goal
        else item
        for item in connection.goals
    )
    model = deployment.model
    model = model.model_copy(update={"properties": (*model.properties, *(Property(**entry) for entry in properties))})
    return deployment.model_copy(
        update={"model": model, "connections": (connection.model_copy(update={"goals": goals}),)}
    )


def add(defs: Path, entries, *, goal="customers", properties=({"name": "age", "type": "number"},)):
    expected = with_mappings(load_deployment(defs), entries, goal=goal, properties=properties)
    return add_entries(
        defs,
        [
            Addition("CustomerModel", "", ("properties",), properties),
            Addition("SftpConnection", "shop", ("goals", ("name", goal), "mappings"), entries),
        ],
        expected,
    )


def shop_of(defs):
    return (defs / "shop" / "defs.yaml").read_bytes().decode()


def model_of(defs):
    return (defs / "model" / "defs.yaml").read_bytes().decode()


def test_a_block_list_grows_by_lines_and_keeps_everything_else(tmp_path):
    defs = write(tmp_path, model=MODEL, shop=SHOP)
    changed = add(defs, [AGE, ODD])
    last = "          property: spend   # in EUR\n"
    new = "        - {column: Age, property: age}\n        - {column: 'a: b # c', property: age, rule: set_if_empty}\n"
    assert shop_of(defs) == SHOP.replace(last, last + new)
    spend = "    - {name: spend, type: decimal}\n"
    assert model_of(defs) == MODEL.replace(spend, spend + "    - {name: age, type: number}\n")
    assert [path.parent.name for path in changed] == ["model", "shop"]


@pytest.mark.parametrize(
    ("written", "after"),
    [
        (
            "      mappings: [{column: City, property: city}]  # all\n",
            "      mappings: [{column: City, property: city},\n                 {column: Age, property: age}]  # all\n",
        ),
        (
            "      mappings: [\n        {column: City, property: city},  # a city\n      ]\n",
            (
                "      mappings: [\n        {column: City, property: city},\n"
                "                 {column: Age, property: age},  # a city\n      ]\n"
            ),
        ),
        (
            "      mappings:\n      - {column: City, property: city}\n",
            "      mappings:\n      - {column: City, property: city}\n      - {column: Age, property: age}\n",
        ),
    ],
)
def test_other_ways_to_write_a_list_are_kept(tmp_path, written, after):
    defs = write(tmp_path, model=MODEL, shop=HEAD + GOAL + written)
    add(defs, [AGE])
    assert shop_of(defs) == HEAD + GOAL + after


def test_a_list_at_the_end_of_a_file_without_a_line_end_gets_one(tmp_path):
    shop = HEAD + GOAL + "      mappings:\n        - {column: City, property: city}"
    defs = write(tmp_path, model=MODEL, shop=shop)
    add(defs, [AGE])
    assert shop_of(defs) == shop + "\n        - {column: Age, property: age}\n"


def test_windows_line_ends_stay(tmp_path):
    defs = write(tmp_path, model=MODEL, shop=SHOP)
    path = defs / "shop" / "defs.yaml"
    path.write_bytes(SHOP.replace("\n", "\r\n").encode())
    add(defs, [AGE])
    text = shop_of(defs)
    assert "- {column: Age, property: age}\r\n" in text
    assert text.count("\n") == text.count("\r\n")


def test_the_right_goal_and_document_are_found(tmp_path):
    second = GOAL.replace("customers", "others") + "      mappings:\n        - {column: City, property: city}\n"
    both = MODEL + "---\n" + HEAD + GOAL + BLOCK + second
    defs = tmp_path / "defs"
    (defs / "all").mkdir(parents=True)
    (defs / "all" / "defs.yaml").write_text(both)
    add(defs, [AGE], goal="others")
    after = (defs / "all" / "defs.yaml").read_text()
    spend = "    - {name: spend, type: decimal}\n"
    assert after == both.replace(spend, spend + "    - {name: age, type: number}\n") + (
        "        - {column: Age, property: age}\n"
    )


def test_what_does_not_check_is_taken_back_and_told(tmp_path):
    defs = write(tmp_path, model=MODEL, shop=SHOP)
    with pytest.raises(ConfigError, match="unknown property 'age'"):
        add(defs, [AGE], properties=())
    assert (shop_of(defs), model_of(defs)) == (SHOP, MODEL)


def test_an_aliased_list_is_left_to_its_author(tmp_path):
    first = GOAL + "      mappings: &all\n        - {column: City, property: city}\n"
    second = GOAL.replace("customers", "others") + "      mappings: *all\n"
    defs = write(tmp_path, model=MODEL, shop=HEAD + first + second)
    with pytest.raises(ConfigError, match="add to it by hand"):
        add(defs, [AGE], goal="others")
    with pytest.raises(ConfigError, match="would change more than this goal"):
        add(defs, [AGE], goal="customers")
    assert (shop_of(defs), model_of(defs)) == (HEAD + first + second, MODEL)
