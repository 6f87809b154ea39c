"""A defs folder in, a deployment or all its mistakes out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets.config.connections import Connection
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError
from cdp_assets_tests.components.folders import MODEL, SHOP, WHOLE, changed, write

FIVE_MISTAKES = """\
model/defs.yaml:6: properties[2].type: 'decimel' is not accepted; did you mean 'decimal'? accepted: text, \
email, number, decimal, currency, datetime, json
shop/defs.yaml:5: missing key 'username' in server
shop/defs.yaml:14: unknown key 'flies' in goals[0] (import_profiles); did you mean 'files'? accepted: active, \
allow_create, checks, description, domain_group, events, files, format, identifiers, interactions, mappings, name, \
on_error, processors, return_rejects, type
shop/defs.yaml:17: unknown property 'ctiy'; known, nearest first: city, email, spend
shop/defs.yaml:19: goals[1].type: 'export_profile' is not accepted; did you mean 'export_profiles'? accepted: \
export_profiles, import_groups, import_profiles"""


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(defs: Path) -> list[str]:
    return [str(problem) for problem in find_problems(defs)]


def test_a_right_folder_becomes_a_deployment(defs: Path) -> None:
    deployment = load_deployment(write(defs, model=MODEL, shop=SHOP))
    assert [goal.name for goal in deployment.connections[0].goals] == ["customers", "vip_list"]
    assert deployment.model.segments[0].name == "vip"


def test_five_mistakes_in_two_files_are_told_at_once_with_line_and_cure(defs: Path) -> None:
    shop = changed(
        SHOP,
        ("    username: cdp\n", "    # nobody\n"),
        ("  server:\n", "\n  server:\n"),
        ("      allow_create: true\n", ""),
        ('      files: {root: "customers_*.csv"}\n', '      files: {root: "c"}\n      flies: {root: "c"}\n'),
        ("City, property: city", "City, property: ctiy"),
        ("export_profiles", "export_profile"),
    )
    model = changed(MODEL, ("decimal", "decimel"))
    with pytest.raises(ConfigError) as caught:
        load_deployment(write(defs, model=model, shop=shop))
    assert str(caught.value) == FIVE_MISTAKES


@pytest.mark.parametrize("text", ["blubb", "abc:def", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"])
def test_a_host_key_that_can_be_none_is_told_before_anybody_connects(defs: Path, text: str) -> None:
    write(defs, model=MODEL, shop=changed(SHOP, ("SHA256:abc", text)))
    form = "`ssh-ed25519 AAAA…` (see: ssh-keyscan) or its fingerprint as `SHA256:…`"
    assert told(defs) == [f"shop/defs.yaml:7: server.host_key: give the public key as {form}"]


def test_the_lines_are_those_of_the_mistakes(defs: Path) -> None:
    shop = changed(SHOP, ("    username: cdp\n", ""), ("property: city", "property: town"))
    problems = find_problems(write(defs, model=MODEL, shop=shop))
    lines = shop.splitlines()
    assert [lines[problem.line - 1].strip() for problem in problems] == [
        "server:",
        "- {column: City, property: town}",
    ]


def test_a_broken_goal_hides_nothing_in_another(defs: Path) -> None:
    shop = changed(SHOP, ("root: ", "rot: "), ("segment: vip", "segment: vop"))
    assert [line.split(": ")[1] for line in told(write(defs, model=MODEL, shop=shop))] == [
        "missing key 'root' in goals[0].files",
        "unknown key 'rot' in goals[0].files; did you mean 'root'? accepted",
        "unknown segment 'vop'; known, nearest first",
    ]


def test_a_broken_property_or_segment_is_not_called_unknown_as_well(defs: Path) -> None:
    model = changed(MODEL, ("{name: spend, type: decimal}", "{name: spend, type: x}"), ("in_range", "inrange"))
    problems = told(write(defs, model=model, shop=SHOP))
    assert [line.split(": ")[1] for line in problems] == ["properties[2].type", "segments[0].where.operator"]


OUTER_KEYS = "attributes, post_processing, requirements, template_vars_module, type"
OUTER = [
    (None, ["no customer model; one file must have type: cdp_assets.CustomerModel"]),
    (f"{MODEL}---\n{MODEL}", ["a second customer model; the first is model/defs.yaml:2; a warehouse has exactly one"]),
    (
        changed(MODEL, ("CustomerModel", "CustomerModle")),
        ["unknown component type 'cdp_assets.CustomerModle'; accepted: cdp_assets.CustomerModel, cdp_assets.Dro"],
    ),
    (
        changed(MODEL, ("properties:", "propertys:")),
        [
            "missing key 'properties' in CustomerModel",
            "unknown key 'propertys' in CustomerModel; did you mean 'properties'? accepted: blocked_identifi",
        ],
    ),
    (
        changed(MODEL, ("attributes:", "atributes:")),
        [f"unknown key 'atributes' in the component; did you mean 'attributes'? accepted: {OUTER_KEYS}"],
    ),
    ("", ["is empty; give `type:` and `attributes:`"]),
    (f"{MODEL}---\n", ["this document is empty; remove a `---` too many"]),
    ("- a\n", ["a component is a mapping with the keys type and attributes"]),
    (
        changed(MODEL, ("{name: city}", "{name: city")),
        ["is no YAML at column 7: the { here is not closed; put } behind its last entry; the line reads: - {"],
    ),
    (
        changed(MODEL, ("{name: city}", "{name: city, name: city}")),
        ["key 'name' stands here twice; first on line 5; keep one"],
    ),
]


@pytest.mark.parametrize(("model", "expected"), OUTER)
def test_a_mistake_in_the_outer_form_is_told_once(defs: Path, model: str | None, expected: list[str]) -> None:
    files = {"shop": SHOP} if model is None else {"shop": SHOP, "model": model}
    problems = [problem.message for problem in find_problems(write(defs, **files))]
    assert [message[: len(start)] for message, start in zip(sorted(problems), expected, strict=True)] == expected


def test_several_documents_in_one_file_keep_their_lines(defs: Path) -> None:
    text = MODEL + "---\n" + SHOP + "---\n" + changed(SHOP, ("name: shop", "name: shop2"), ("vip\n", "vop\n"))
    [problem] = find_problems(write(defs, all=text))
    assert text.splitlines()[problem.line - 1].strip() == "segment: vop"


def test_anchors_and_merge_keys_work_as_in_any_yaml(defs: Path) -> None:
    shop = changed(
        SHOP,
        ("{column: City, property: city}", "&city {column: City, property: city}"),
        ("{column: Spend, property: spend, rule: sum}", "{<<: *city, rule: set_if_empty}"),
    )
    assert told(write(defs, model=MODEL, shop=shop)) == []


def test_a_file_that_dagster_would_not_read_is_told(defs: Path) -> None:
    write(defs, model=MODEL, shop=SHOP, **{"shop/deeper": SHOP})
    (defs / "model" / "component.yaml").write_text(MODEL)
    reason = "is read instead; move it to a folder of its own"
    assert told(defs) == [
        f"model/component.yaml: is never read: model/defs.yaml {reason}",
        f"shop/deeper/defs.yaml: is never read: shop/defs.yaml {reason}",
    ]


def test_component_yaml_is_read_and_components_of_others_are_left_alone(defs: Path) -> None:
    write(defs, shop=SHOP, other="type: dagster.FunctionComponent\nattributes: {execution: {fn: x}}\n")
    (defs / "model").mkdir()
    (defs / "model" / "component.yaml").write_text(MODEL)
    assert told(defs) == []


def test_a_folder_that_is_not_there_is_told(defs: Path) -> None:
    assert told(defs / "nowhere") == ["nowhere: this folder does not exist; give --defs, or set CDP_DEFS_DIR"]


def test_an_alias_inside_itself_is_told(defs: Path) -> None:
    [problem] = find_problems(write(defs, model="type: cdp_assets.CustomerModel\nattributes: &a {x: *a}\n"))
    assert problem.message.startswith("is nested too deep")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("{{ env('CDP_TEST_HOST') }}", "+31"),
        ("{{ env.CDP_TEST_HOST }}", "+31"),
        ("{{ env('CDP_TEST_NONE', '[1]') }}", "[1]"),
        ("sftp.{{ env('CDP_TEST_HOST') }}", "sftp.+31"),
        ("no {template}", "no {template}"),
    ],
)
def test_a_template_gives_text_and_nothing_but_text(
    defs: Path, monkeypatch: pytest.MonkeyPatch, host: str, expected: str
) -> None:
    monkeypatch.setenv("CDP_TEST_HOST", "+31")
    shop = changed(SHOP, ("host: localhost", f'host: "{host}"'))
    assert load_deployment(write(defs, model=MODEL, shop=shop)).connections[0].server.host == expected


def test_a_template_may_give_a_port(defs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_TEST_PORT", "2222")
    shop = changed(SHOP, ("localhost", "localhost\n    port: \"{{ env('CDP_TEST_PORT') }}\""))
    assert load_deployment(write(defs, model=MODEL, shop=shop)).connections[0].server.port == 2222


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ nope }}/x", "'nope' is undefined; known: "),
        ("{{ env.CDP_TEST_NONE }}", "gives nothing; is the variable set? A default: {{ env('NAME', 'default') }}"),
        ("{{ env('CDP_TEST_NONE') }}", "Environment variable CDP_TEST_NONE is not set and no default"),
        ("{{ 1 + }}", "cannot be rendered: "),
        ("{{ 1 / 0 }}", "cannot be rendered: ZeroDivisionError"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_told_with_its_line(defs: Path, template: str, expected: str) -> None:
    shop = changed(SHOP, ("host: localhost", f'host: "{template}"'))
    [problem] = told(write(defs, model=MODEL, shop=shop))
    assert problem.startswith("shop/defs.yaml:5: template ")
    assert expected in problem


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("host: localhost", "host: 5", "server.host must be text; put it in quotes"),
        ("username: cdp", "username: cdp\n    port: 70000", "server.port must be less than or equal to 65535"),
        ("name: shop", "name: My shop", "name must be lower-case letters, digits and _, beginning with a letter"),
        ("name: shop", "name: shop\n  schedule: {days_of_week: [mon], at: 16:30}",
         "schedule.at must be text; put it in quotes"),
        ("name: shop", "name: shop\n  schedule: {days_of_week: [man], at: '06:30'}",
         "schedule.days_of_week[0]: 'man' is not accepted; accepted: mon, tue, wed, "),
        ("name: shop", "name: shop\n  run: daily",
         "run: 'daily' is not accepted; accepted: auto, schedule, arrival, manual"),
        ("name: shop", "name: Shop",
         "name must be lower-case letters, digits and _, beginning with a letter; did you mean 'shop'?"),
        ("name: shop", "name: shop\n  schedule: 5",
         "schedule must be a mapping (key: value) of at, days_of_month, days_of_week, "),
        ("name: shop", "name: shop\n  run: schedule", "SftpConnection: run: schedule needs a schedule"),
        ("name: shop", "name: shop\n  yes: 1", "SftpConnection must have text as keys; put them in quotes"),
        ("{profile_id: {}}", "{profile_id: 5}", "goals[1].columns[1].profile_id must be a mapping (key: value)"),
        ("{profile_id: {}}", "{text: a}", "missing key 'as' in goals[1].columns[1] (text)"),
        ("{profile_id: {}}", "{property: city, ass: x}",
         "unknown key 'ass' in goals[1].columns[1] (property); did you mean 'as'? accepted: as, date_format,"),
        ("      segment: vip\n", "      segment: vip\n      format: {decimal: ,}\n",
         "goals[1].format.decimal: there is no value; accepted, in quotes: '.', ','"),
        ("      segment: vip\n", "      segment: vip\n      population: some\n",
         "goals[1].population: 'some' is not accepted; accepted: changed, all"),
        ("    - type: export_profiles\n      name", "    - name",
         "missing key 'type' in goals[1]; accepted: export_profiles, import_groups, import_profiles"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_the_words_of_the_yaml(defs: Path, old: str, new: str, expected: str) -> None:
    [problem] = find_problems(write(defs, model=MODEL, shop=changed(SHOP, (old, new))))
    assert problem.message.startswith(expected)


def test_a_bound_that_is_neither_number_nor_time_is_told_once(defs: Path) -> None:
    [problem] = find_problems(write(defs, model=changed(MODEL, ("500", "lots")), shop=SHOP))
    assert problem.message == ("segments[0].where.min must be a number or a date and time such as 2026-01-31T00:00:00Z")


BREAKABLE = {"model": CustomerModelConfig, "shop": Connection, "box": DropFolders}
NOT_BROKEN = {"event_type_files"}
"""What stands in other files is told there."""


def test_what_says_something_of_each_key_is_right(defs: Path) -> None:
    keys = {name: {*yaml.safe_load(text)["attributes"]} for name, text in WHOLE.items()}
    assert {name: {*model.model_fields} - keys[name] for name, model in BREAKABLE.items()} == {
        "model": NOT_BROKEN, "shop": set(), "box": set(),
    }  # fmt: skip
    assert told(write(defs, **WHOLE)) == []


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, text in WHOLE.items() for key in yaml.safe_load(text)["attributes"]]
)
def test_whatever_key_is_wrong_it_is_told_by_its_line_and_nothing_else_is(defs: Path, name: str, key: str) -> None:
    data = yaml.safe_load(WHOLE[name])
    data["attributes"][key] = {"x": 5}
    broken = yaml.safe_dump(data, sort_keys=False)
    line = broken.splitlines().index(f"  {key}:") + 1
    problems = find_problems(write(defs, **WHOLE | {name: broken}))
    assert problems
    assert {(problem.path, problem.line in {line, line + 1}) for problem in problems} == {(f"{name}/defs.yaml", True)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('at: "06:30"', 'at: "6:30"', "17: schedule.at must be a time of day HH:MM in quotes"),
        ("    host: localhost\n", "    host: localhost\n    port: abc\n", "11: server.port must be a whole number"),
    ],
)
def test_a_mistake_of_the_connection_is_told_where_rejected_rows_go_back(
    defs: Path, old: str, new: str, expected: str
) -> None:
    problems = told(write(defs, **WHOLE | {"shop": changed(WHOLE["shop"], (old, new))}))
    assert problems == [f"shop/defs.yaml:{expected}"]


def test_one_wrong_domain_group_does_not_make_the_others_unknown(defs: Path) -> None:
    model = changed(WHOLE["model"], ("[SHOPS]", '[SHOPS, "b d"]'))
    assert [line.split(": ")[0] for line in told(write(defs, **WHOLE | {"model": model}))] == ["model/defs.yaml:30"]


def test_tables_without_properties_are_not_asked_whether_sql_fits_them(defs: Path) -> None:
    data = yaml.safe_load(WHOLE["model"])
    del data["attributes"]["properties"]
    assert told(write(defs, **WHOLE | {"model": yaml.safe_dump(data)})) == [
        "model/defs.yaml:1: missing key 'properties' in CustomerModel"
    ]


def test_folders_whose_name_could_not_be_read_may_be_those_of_a_metric(defs: Path) -> None:
    box = changed(WHOLE["box"], ("  name: box\n", "  name: 5\n"))
    assert told(write(defs, **WHOLE | {"box": box})) == ["box/defs.yaml:3: name must be text; put it in quotes"]
