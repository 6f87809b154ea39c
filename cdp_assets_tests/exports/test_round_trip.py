"""Export then import gives the same profiles, whatever stands in them and however the file is laid out."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cdp_assets_tests.support.connected import import_goal
from cdp_assets_tests.support.exported import Desk, goal
from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "note"},
    {"name": "tags", "multiple": True},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "born", "type": "datetime"},
]
COLUMNS = [{"property": prop["name"]} for prop in PROPERTIES]
HOSTILE = [*"ab,;|\t\"'\\=+-@ \n\r\u00a0#éñNUL01~\ufeff\u2028😀日", "NULL", "\\N", "\r\n", '""']
QUOTELESS = {"quote": ""}
DIALECTS = [
    {},
    {"separator": ";", "decimal": ","},
    {"separator": "\\t", "line_ending": "crlf", "bom": True},
    {"encoding": "utf-16", "quoting": "all", "separator": ","},
    {"encoding": "latin-1", "null_text": "NULL"},
    {"encoding": "windows-1252", "line_ending": "crlf", "separator": "|", "multi_value": ";"},
    {"escape": "\\", "quoting": "non_numeric", "null_text": "\\N"},
    {"quote": "'", "escape": "'", "multi_value": "~~"},
    {"quote": "'", "escape": "\\", "header": False},
    {"decimal": ",", "quoting": "non_numeric", "header": False, "encoding": "utf-16", "line_ending": "crlf"},
    {"separator": "~", "null_text": "0", "date_format": "yyyy-MM-dd HH:mm:ss.SSS"},
    QUOTELESS,
]

texts = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=6).map("".join)
# Imports cut off the blanks around each of several values, so that no profile has them.
in_lists = texts.map(str.strip).filter(bool)
# Imports read fractions of a second from 1678 to 2262 only: the engine counts nanoseconds for them.
profiles = st.lists(
    st.fixed_dictionaries(
        {
            "note": st.none() | texts,
            "tags": st.none() | st.lists(in_lists, min_size=1, max_size=3, unique=True),
            "spend": st.none() | st.decimals(-1000, 1000, places=2),
            "born": st.none()
            | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(
                lambda at: at.replace(microsecond=1000, fold=0)
            ),
        }
    ),
    min_size=12,
    max_size=24,
)


def import_format(layout):
    """What reads a file of this dialect."""
    ours = {"line_ending", "bom", "quoting"}
    found = {key: value for key, value in layout.items() if key not in ours}
    if layout.get("header") is False:
        found["columns"] = [prop["name"] for prop in PROPERTIES]
    return {"date_format": "x"} | found


def imported(folder: Path, data: bytes, layout) -> list[tuple]:
    columns = [prop for prop in PROPERTIES if prop["name"] != "email"]
    mappings = [{"column": prop["name"], "property": prop["name"]} for prop in columns]
    lab = Lab(folder, deployment(PROPERTIES, [import_goal(mappings=mappings, format=import_format(layout))]))
    landed = lab.land("customers", "customers_1.csv", data)
    lab.fold()
    assert landed is not None
    return values(lab.rows("SELECT email, note, tags, spend, born FROM main.profiles ORDER BY email"))


def values(rows) -> list[tuple]:
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("layout", DIALECTS, ids=lambda layout: ",".join(map(str, layout.values())) or "default")
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(people=profiles)
def test_what_is_exported_is_imported_again(layout, people):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        desk = Desk(folder, PROPERTIES, goal(columns=COLUMNS, format=layout))
        people = [fitting(person, layout) for person in people]
        desk.fill({number: {"email": f"p{number:03}@x.com"} | person for number, person in enumerate(people)})
        with desk.warehouse() as database:
            before = values(database.rows("SELECT email, note, tags, spend, born FROM main.profiles ORDER BY email"))
        (data,) = desk.contents()
        assert imported(folder / "lab", data, layout) == before


def fitting(person, layout):
    """The person without the values that have no place in such a file; test_files.py has what becomes of those."""
    sign = layout.get("multi_value", "|")
    tags = [value for value in person["tags"] or () if fits(value, layout)]
    while tags and (sign.join(tags).split(sign) != tags or not fits(sign.join(tags), layout)):
        tags.pop()
    note = person["note"] if person["note"] and fits(person["note"], layout) else None
    return person | {"note": note, "tags": tags or None}


def fits(text: str, layout) -> bool:
    encoding = layout.get("encoding", "utf-8").replace("windows-", "cp")
    is_plain = not any(sign in text for sign in ",\r\n") and text == text.strip("\ufeff").strip()
    return encodable(text, encoding) and (is_plain or layout.get("quote") != "")


def encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
