"""How a file is read, and when it is refused: what the YAML may say, and what is said about a mistake in it."""

from __future__ import annotations

import copy

import jsonschema
import pytest
import yaml

from cdp_assets.components.json_schema import schema_of
from cdp_assets.components.wording import places
from cdp_assets.config.check import check
from cdp_assets.config.files import Format
from cdp_assets.config.goals import ImportProfilesGoal
from cdp_assets.config.model import Deployment
from cdp_assets_tests.config.test_check import GOOD

READABLE = [
    "{header: false}",
    "{header: false, columns: [E-Mail, City, Spend, Tags]}",
    "{skip_lines: 3, comment: '#', null_text: NONE}",
    "{null_text: ['NULL', '\\N']}",
]


def errors_of(model, data):
    """What a mistake in a component reads like."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the messages are compared, in our words
        model.model_validate(data)
    return [message for _, message in places(raised.value, model, data, "format")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{columns: [a]}", "columns names the columns of files without a header: add header: false, or leave columns"),
        ("{header: false, columns: [a, b, a]}", "columns has 'a' twice; give each column its own name"),
        ("{header: false, columns: [a, '']}", "columns[1] must have at least 1 character"),
        ("{skip_lines: -1}", "skip_lines must be greater than or equal to 0"),
        ("{comment: '//'}", "comment must have at most 1 character"),
        ("{comment: ' '}", "comment: comment is one visible character, such as `#`"),
        ("{comment: ','}", "comment must differ from separator, quote and escape"),
        (
            "{null_text: NULL}",
            "null_text: null_text must be text; put it in quotes, as YAML reads a bare NULL as nothi",
        ),
        (
            "{null_text: [NULL]}",
            "null_text: null_text must be text; put it in quotes, as YAML reads a bare NULL as not",
        ),
        ("{null_text: ''}", "null_text '' is never a whole cell: give a text without separator, quote or outer blanks"),
        ("{null_text: ['a,b']}", "null_text 'a,b' is never a whole cell: give a text without separator"),
        ("{null_text: ' x'}", "null_text ' x' is never a whole cell: give a text without separator"),
        ("{null_text: 5}", "null_text must be text or a list"),
    ],
)
def test_a_mistake_in_the_layout_is_told(text, message):
    (told,) = errors_of(Format, yaml.safe_load(text))
    assert told.removeprefix("format: ").startswith(message)


def test_one_null_text_is_a_list_of_one():
    assert Format(null_text="NULL").null_texts == ("NULL",)
    assert Format().null_texts == ()


ON_ERROR = 'on_error: on_error is skip_rows, fail_file, {skip_file_over: 100} or {skip_file_over: "5 %"}'
GOAL = GOOD["connections"][0]["goals"][0]


@pytest.mark.parametrize("on_error", ["skip_rows", "fail_file", "{skip_file_over: 100}", "{skip_file_over: 2.5 %}"])
def test_ways_to_meet_errors(on_error):
    data = GOAL | {"on_error": yaml.safe_load(on_error)}
    goal = ImportProfilesGoal.model_validate(data)
    assert ImportProfilesGoal.model_validate_json(goal.model_dump_json()) == goal
    jsonschema.validate(data, schema_of(ImportProfilesGoal))


@pytest.mark.parametrize(
    "on_error",
    ["skip", "{}", "5", "{skip_file_over: -1}", "{skip_file_over: many}", "{skip_file_over: 101 %}",
     "{skip_file_over: true}", "{skip_file_over: 5, other: 1}", "{skip_files_over: 5}"],
)  # fmt: skip
def test_another_way_is_refused_in_one_sentence(on_error):
    assert errors_of(ImportProfilesGoal, GOAL | {"on_error": yaml.safe_load(on_error)}) == [ON_ERROR]


@pytest.mark.parametrize("text", READABLE)
def test_editors_accept_what_we_accept(text):
    data = yaml.safe_load(text)
    Format.model_validate(data)
    jsonschema.validate(data, schema_of(Format))


def findings(layout, goal=0, **changes):
    data = copy.deepcopy(GOOD)
    data["connections"][0]["goals"][goal] |= {"format": layout} | changes
    return [(one.location, one.message) for one in check(Deployment.model_validate(data))]


def columns_of(*columns):
    (email, *others) = columns
    mappings = [
        mapping | {"column": column} for mapping, column in zip(copy.deepcopy(GOAL["mappings"]), others, strict=True)
    ]
    return {"identifiers": [{"column": email, "property": "email"}], "mappings": mappings}


def test_a_file_without_a_header_is_mapped_by_position():
    assert findings({"header": False}, **columns_of("1", "2", "3", "4")) == []
    found = findings({"header": False}, **columns_of("E-Mail", "0", "03", "4"))
    assert [where for where, _ in found] == [
        ("goals", 0, "identifiers", 0, "column"),
        ("goals", 0, "mappings", 0, "column"),
        ("goals", 0, "mappings", 1, "column"),
    ]
    told = "a file without a header has no column 'E-Mail'; give its position, such as \"1\", or the names of all"
    assert found[0][1] == f"{told} in format.columns"


def test_a_file_whose_columns_are_named_is_mapped_by_these_names():
    layout = {"header": False, "columns": ["mail", "town", "money", "more"]}
    assert findings(layout, **columns_of("mail", "town", "money", "more")) == []
    assert findings(layout, **columns_of("mail", "2", "money", "more")) == [
        (
            ("goals", 0, "mappings", 0, "column"),
            "unknown column '2'; format.columns has, nearest first: mail, money, more, town",
        )
    ]


def test_names_that_processors_add_cannot_be_known_without_a_file():
    processors = [{"fixed_value": {"field": "town", "value": "Ede"}}]
    assert findings({"header": False}, **columns_of("1", "town", "3", "4"), processors=processors) == []
