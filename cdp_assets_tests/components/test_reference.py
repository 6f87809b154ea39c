"""The reference has every key there is, with its values, default and meaning."""

import json
import re
import typing
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

import cdp_assets
from cdp_assets.__main__ import main
from cdp_assets.components.event_fields import standard_fields
from cdp_assets.components.json_schema import files_schema
from cdp_assets.components.reference import find_keys, reference, reference_page
from cdp_assets.config.connections import Connection
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets_tests.components.folders import MODEL, write

PARTS = [part for found in reference().values() for part in found]


def models_in(annotation):
    """The models an annotation is made of, by Python's own means."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for one in typing.get_args(annotation) for model in models_in(one)]


def reached(models):
    known = []
    waiting = [*models]
    while waiting:
        model = waiting.pop()
        if model not in known:
            known.append(model)
            fields = [field for field in model.model_fields.values() if not is_internal(field)]
            waiting += [one for field in fields for one in models_in(field.annotation)]
    return known


def is_internal(field):
    return bool((field.json_schema_extra or {}).get("internal"))


def test_every_key_of_every_model_is_in_it():
    told = sorted(tuple(key.name for key in part.keys) for part in PARTS)
    there = sorted(
        tuple(field.alias or name for name, field in model.model_fields.items() if not is_internal(field))
        for model in reached([Connection, CustomerModelConfig, DropFolders])
    )
    assert told == there


def test_every_part_and_key_has_a_meaning():
    silent = [f"{part.name}.{key.name}" for part in PARTS for key in part.keys if not key.meaning]
    assert silent + [part.name for part in PARTS if not part.meaning] == []


def test_every_form_of_a_text_is_told_in_words():
    assert [f"{part.name}.{key.name}: {key.kind}" for part in PARTS for key in part.keys if "like `" in key.kind] == []


def test_every_link_in_it_leads_to_a_part():
    page = reference_page()
    slugs = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, flags=re.M)
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links
    assert links <= slugs


@pytest.mark.parametrize(
    ("part", "key", "kind", "default"),
    [
        ("Server", "port", "whole number, from 1 to 65,535", "`22`"),
        ("Format", "max_row_bytes", "whole number, from 1,024 to 67,108,864", "`1048576`"),
        ("Format", "comment", "text, at most 1 character", "—"),
        ("Server", "host", "text", ""),
        ("Format", "decimal", "`.`, `,`", "`.`"),
        ("Mapping", "rule", "`set`, `set_if_empty`, `set_or_clear`, `add`, `sum`, `patch`", "`set`"),
        ("IdentifierGroup", "all", "list of [Identifier](#identifier), 2 or more", ""),
        ("Segment", "where", None, ""),
        ("DateFormat", "from", "text", ""),
        ("DropFolders", "lists", "mapping of text to text", "—"),
    ],
)
def test_a_key_is_told_as_the_model_has_it(part, key, kind, default):
    found = next(one for item in PARTS if item.name == part for one in item.keys if one.name == key)
    assert (found.kind, found.default) == (kind or found.kind, default)


def test_keys_are_found_by_their_own_name_and_that_of_their_part():
    assert [part.name for part, _ in find_keys("RULE")] == ["Mapping"]
    assert len(find_keys("server")) == 3


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("format.encoding", {"Format.encoding", "ExportFormat.encoding"}),
        ("Server.port", {"Server.port"}),
        ("files.ready.checksum", {"Ready.checksum"}),
        ("goals.mappings.rule", {"Mapping.rule"}),
        ("server.encoding", set()),
        ("nothing.port", set()),
    ],
)
def test_a_key_is_found_below_another_one(word, told):
    assert {f"{part.name}.{key.name}" for part, keys in find_keys(word) for key in keys} == told


def test_the_command_tells_one_key_and_names_near_ones(capsys):
    assert main(["reference", "rename_done"]) == 0
    assert capsys.readouterr().out.startswith("Files.rename_done: true or false; default true\n    Append .done")
    assert main(["reference", "rename_dun"]) == 1
    assert "nearest: rename_done" in capsys.readouterr().err
    assert main(["reference", "files.rename_dun"]) == 1
    assert "no key or part 'files.rename_dun'; nearest: rename_done" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("reject_rate", "    RejectRate: severity, blocks, above (reference RejectRate tells them)"),
        ("notifications", "    Notification: when, rejects_above, to (reference Notification tells them)"),
    ],
)
def test_the_command_names_the_keys_below_a_key(capsys, word, line):
    assert main(["reference", word]) == 0
    assert line in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        ("order", ["SftpConnection.order: ", "order.total_revenue: decimal", "order.product.id: text; required"]),
        ("Order.Product", ["order.product.netprice: decimal"]),
        ("total_revenue", ["order.total_revenue: decimal", "    The total: what the whole order costs"]),
        ("product.id", ["order.product.id: text; required", "abandoned_basket.product.id: text; required"]),
    ],
)
def test_the_command_tells_the_standard_fields_of_events(capsys, word, lines):
    assert main(["reference", word]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [[line for line in told if line.startswith(one)] == [] for one in lines] == [False] * len(lines)


def test_a_goal_is_found_by_its_type(capsys):
    assert main(["reference", "import_groups"]) == 0
    assert "ImportGroupsGoal.group_type: " in capsys.readouterr().out


def test_the_command_tells_the_fields_of_own_event_types(tmp_path, monkeypatch, capsys):
    kinds = "  event_types: [{id: booking, fields: [{key: nights, type: number}]}]\n"
    write(tmp_path / "defs", model=MODEL + kinds)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    assert main(["reference", "booking"]) == 0
    assert "booking.nights: number" in capsys.readouterr().out


def test_the_page_on_events_has_the_standard_fields_of_orders():
    page = (Path(cdp_assets.__file__).parent.parent / "docs" / "events.md").read_text()
    order, product = (part for part in standard_fields() if part.name.startswith("order"))
    rows = [(key.name, key) for key in order.keys] + [(f"product.{key.name}", key) for key in product.keys]
    table = [f"| `{name}` | {key.kind} | {key.meaning} |" for name, key in rows]
    assert "\n".join(table) in page


def test_a_word_of_the_yaml_is_not_told_as_a_field_of_events(capsys):
    assert main(["reference", "Property.name"]) == 0
    assert main(["reference", "quantities"]) == 1
    assert "nearest: quantity" in capsys.readouterr().err


@pytest.fixture(scope="module")
def editor():
    return jsonschema.Draft202012Validator(files_schema())


def mistakes(editor, text):
    return [[*found.absolute_path] for found in editor.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("name", ["model", "shop", "klaviyo"])
def test_an_editor_finds_nothing_wrong_with_the_sample(editor, name):
    text = (Path(cdp_assets.__file__).parent / "defs" / name / "defs.yaml").read_text()
    assert mistakes(editor, text) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("allow_create:", "alow_create:", ["attributes", "goals", 0]),
        ("type: cdp_assets.SftpConnection", "type: cdp_assets.Sftp", ["type"]),
        ("port: ", "port: many # ", ["attributes", "server", "port"]),
    ],
)
def test_an_editor_marks_the_key_that_is_wrong(editor, old, new, where):
    text = (Path(cdp_assets.__file__).parent / "defs" / "shop" / "defs.yaml").read_text()
    assert old in text
    assert mistakes(editor, text.replace(old, new, 1)) == [where]


def test_the_schema_for_editors_is_printed(capsys):
    assert main(["reference", "--json-schema"]) == 0
    assert json.loads(capsys.readouterr().out) == files_schema()
