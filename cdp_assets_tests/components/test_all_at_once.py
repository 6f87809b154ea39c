"""Wrong references are told together with mistakes of form, and never as a consequence of one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp_assets.components.loading import find_problems
from cdp_assets.components.yaml_mistakes import SECRET_KEYS
from cdp_assets.config.known import Location
from cdp_assets_tests.components.folders import MODEL, SHOP, WHOLE, changed, write

SPARSE = WHOLE | {"model": changed(WHOLE["model"], ('    - {name: written, where: {sql: "spend > 5"}}\n', ""))}
"""Without SQL, for which a database would be opened each time."""


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(defs: Path) -> list[str]:
    """Line and first words of each problem."""
    return [":".join(str(problem).split(": ")[:2]).split(";")[0] for problem in find_problems(defs)]


UNKNOWN = ("City, property: city", "City, property: orrt")


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("allow_create: true", "allow_create: perhaps", "14:goals[0].allow_create must be true or false"),
        ('files: {root: "customers_*.csv"}', "files: {rot: a}", "12:missing key 'root' in goals[0].files"),
        ("rule: sum", "rule: summ", "17:goals[0].mappings[1].rule"),
        ("      name: customers\n", "", "10:missing key 'name' in goals[0] (import_profiles)"),
        ("  name: shop\n", "  name: shop\n  order: first\n", "4:order must be a whole number"),
        ("    host: localhost\n", "", "4:missing key 'host' in server"),
    ],
)
def test_a_property_that_is_not_there_is_told_beside_what_is_malformed(
    defs: Path, old: str, new: str, mistake: str
) -> None:
    shop = changed(SHOP, UNKNOWN, (old, new))
    line = shop.splitlines().index("        - {column: City, property: orrt}") + 1
    problems = told(write(defs, model=MODEL, shop=shop))
    assert f"shop/defs.yaml:{line}:unknown property 'orrt'" in problems
    assert f"shop/defs.yaml:{mistake}" in problems
    assert [one for one in problems if "unknown" in one and "unknown key" not in one] == [
        f"shop/defs.yaml:{line}:unknown property 'orrt'"
    ]


def test_a_segment_that_is_not_there_is_told_whatever_else_of_the_export_is_malformed(defs: Path) -> None:
    shop = changed(SHOP, ("segment: vip\n", "segment: vop\n      ids: nums\n"), ("{profile_id: {}}", "{text: a}"))
    assert told(write(defs, model=MODEL, shop=shop)) == [
        "shop/defs.yaml:20:unknown segment 'vop'",
        "shop/defs.yaml:21:goals[1].ids",
        "shop/defs.yaml:24:missing key 'as' in goals[1].columns[1] (text)",
    ]


def test_a_mistake_of_the_model_leaves_its_names_known(defs: Path) -> None:
    model = changed(MODEL, ("  segments:\n", "  publish_every_s: soon\n  segments:\n"), ("min: 500", "mni: 500"))
    shop = changed(SHOP, UNKNOWN, ("segment: vip", "segment: vop"))
    assert told(write(defs, model=model, shop=shop)) == [
        "model/defs.yaml:7:publish_every_s must be a whole number",
        "model/defs.yaml:10:unknown key 'mni' in segments[0].where (property)",
        "shop/defs.yaml:16:unknown property 'orrt'",
        "shop/defs.yaml:20:unknown segment 'vop'",
    ]


def test_properties_without_a_name_may_be_any_and_segments_stay_known(defs: Path) -> None:
    model = changed(MODEL, ("{name: city}", "{name: 5}"))
    shop = changed(SHOP, UNKNOWN, ("segment: vip", "segment: vop"))
    assert told(write(defs, model=model, shop=shop)) == [
        "model/defs.yaml:5:properties[1].name must be text",
        "shop/defs.yaml:20:unknown segment 'vop'",
    ]


def test_conditions_beside_a_malformed_one_are_checked_at_their_own_lines(defs: Path) -> None:
    where = "where: {all: [{property: spend, in_range: 5},\n         {property: ctiy, is_empty: true}]}"
    model = changed(MODEL, ("where: {property: spend, operator: in_range, min: 500}", where))
    assert told(write(defs, model=model, shop=SHOP)) == [
        "model/defs.yaml:9:segments[0].where.all[0].in_range must be a mapping (key",
        "model/defs.yaml:10:unknown property 'ctiy'",
    ]


def test_a_misspelt_key_is_not_followed_by_what_its_absence_would_mean(defs: Path) -> None:
    shop = changed(
        SHOP, ("      allow_create: true\n", "      format: {header: false, colums: [E-Mail, City, Spend]}\n")
    )
    assert told(write(defs, model=MODEL, shop=shop)) == ["shop/defs.yaml:14:unknown key 'colums' in goals[0].format"]
    model = changed(MODEL, ("{name: city}", "{name: city, mutliple: true}"))
    shop = changed(SHOP, ("property: city}", "property: city, rule: add}"))
    assert told(write(defs, model=model, shop=shop)) == ["model/defs.yaml:5:unknown key 'mutliple' in properties[1]"]


def test_a_template_without_value_is_not_taken_for_a_name(defs: Path) -> None:
    shop = changed(SHOP, ("segment: vip", 'segment: vip\n      directory: "{{ nope }}"'), UNKNOWN)
    assert [line.split(":")[1] for line in told(write(defs, model=MODEL, shop=shop))] == ["16", "21"]


def test_drop_folders_in_a_file_that_is_no_yaml_may_be_those_of_a_metric(defs: Path) -> None:
    write(defs, **SPARSE | {"box": "type: [\n"})
    assert [problem.path for problem in find_problems(defs)] == ["box/defs.yaml"]


def places(value: Any, at: Location = ()) -> Iterator[Location]:
    """Every key and item below a value; nothing below a secret, of which only the key is told."""
    entries = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, inside in entries:
        yield (*at, key)
        if key not in SECRET_KEYS:
            yield from places(inside, (*at, key))


@pytest.mark.parametrize("name", SPARSE)
def test_whatever_is_malformed_nothing_else_is_wrong_because_of_it(defs: Path, name: str) -> None:
    whole = yaml.safe_load(SPARSE[name])
    write(defs, **SPARSE)
    for place in places(whole["attributes"]):
        broken = copy.deepcopy(whole)
        inside = broken["attributes"]
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = {"zzz": 5}
        text = yaml.safe_dump(broken, sort_keys=False)
        write(defs, **{name: text})
        line = text[: text.index("zzz")].count("\n") + 1
        problems = find_problems(defs)
        far = [str(one) for one in problems if one.path != f"{name}/defs.yaml" or abs(one.line - line) > 1]
        assert problems, place
        assert far == [], place
