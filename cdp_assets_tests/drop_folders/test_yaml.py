"""The YAML of drop folders: what is wrong is told with its line, and what is right becomes assets."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets_tests.components.folders import write
from cdp_assets_tests.components.test_components import definitions_in

MODEL = """\
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email}
    - {name: phone}
    - {name: external_id}
    - {name: custom, type: json}
"""
DROP = """\
type: cdp_assets.DropFolders
attributes:
  name: klaviyo
  server:
    host: localhost
    username: cdp
    host_key: "SHA256:none"
    password: {env: NOT_USED}
  properties: {PhoneNumber: phone}
"""


@pytest.mark.parametrize(
    ("model", "drop", "told"),
    [
        (MODEL, DROP.replace("  properties: {PhoneNumber: phone}\n", ""), "unknown property 'phone_number'"),
        (MODEL, DROP.replace("PhoneNumber: phone", "PhoneNumber: fone"), "unknown property 'fone'"),
        (MODEL.replace("custom, type: json", "other"), DROP, "add {name: custom, type: json} to the customer model"),
        (MODEL.replace(", type: email", ""), DROP, "header Email needs a property of type email"),
        (MODEL, DROP + "  listes: {a: b}\n", "unknown key 'listes' in DropFolders; did you mean 'lists'?"),
        (MODEL, DROP + "  run: schedule\n", "run: schedule needs a schedule"),
        (MODEL, DROP.replace("klaviyo", "profiles"), "connection name 'profiles' is reserved"),
        (MODEL, DROP + "---\n" + DROP, "connection name 'klaviyo' is taken"),
    ],
)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, model: str, drop: str, told: str) -> None:
    problems = find_problems(write(tmp_path, model=model, drop=drop))
    assert [told in problem.message for problem in problems] == [True], problems
    assert problems[0].line > 0


@pytest.mark.parametrize(
    ("wrong", "line", "told"),
    [
        (
            "when: [success, failed]",
            12,
            "notifications[0].when[1]: 'failed' is not accepted; did you mean 'failure'? accepted: success, ",
        ),
        ("when: [failure]\n      rejects_over: 5", 13, "unknown key 'rejects_over' in notifications[0]"),
        ('when: [failure]\n      to: ["mailto://u:s@example.com"]', 13, "notifications[0].to[0]"),
        ("rejects_above: 5", 12, "missing key 'when' in notifications[0]"),
    ],
)
def test_a_mistake_in_notifications_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, line: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    drop = DROP + f"  # Who hears of it.\n  notifications:\n    - {wrong}\n"
    (problem,) = find_problems(write(tmp_path, model=MODEL, drop=drop))
    assert (problem.path, problem.line) == ("drop/defs.yaml", line)
    assert problem.message.startswith(told)


def test_who_is_told_of_drop_folders_is_told_of_their_connection(tmp_path: Path) -> None:
    told = "  notifications: [{when: [success, failure], to: [{env: TELL}]}]\n"
    folder = write(tmp_path, model=MODEL, drop=DROP + told)
    (connection,) = load_deployment(folder).connections
    assert [(rule.when, rule.to[0].env) for rule in connection.notifications] == [(("success", "failure"), "TELL")]
    sensors = {sensor.name for sensor in definitions_in(folder).sensors or ()}
    assert sensors >= {"klaviyo__notifications", "klaviyo__failures"}


def test_drop_folders_are_a_connection_with_assets_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path, model=MODEL, drop=DROP)
    connection = load_deployment(folder).find_connection("klaviyo")
    assert connection is not None
    assert [(goal.name, goal.files.directory) for goal in connection.imports] == [
        ("profiles", "profiles"),
        ("events", "events"),
    ]
    keys = {spec.key for spec in definitions_in(folder).resolve_all_asset_specs()}
    wanted = ("klaviyo/profiles", "klaviyo/events", "klaviyo/recent_imports", "events/klaviyo", "profiles")
    assert keys >= {dg.AssetKey(key.split("/")) for key in wanted}
