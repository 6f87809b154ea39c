"""How delivered files are called, and which settings of them make no sense."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.export_targets import Naming
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets_tests.support.exported import NOW, goal

NOTE = [{"property": "email", "identifier": True}, {"property": "note"}]
NAMES = [
    ({}, {}, "Very_V.I.P._20260301063000.csv"),
    ({"name": "daily.txt", "gzip": True}, {}, "daily.txt.gz"),
    ({"name": "{goal}_{yyyy-MM-dd}_{HHmm}", "timezone": "Asia/Tokyo"}, {}, "out_2026-03-01_1530.csv"),
    ({"name": "x_{run_id}", "split": {"rows": 5}}, {"part": 3}, "x_abc123_3.csv"),
    ({"name": "{part}-{timestamp}", "split": {"rows": 5}}, {"part": 3}, "3-20260301063000.csv"),
    ({"name": "x.csv.gz", "gzip": True}, {}, "x.csv.gz"),
]


@pytest.mark.parametrize(("file", "place", "name"), NAMES)
def test_names(file, place, name):
    found = ExportProfilesGoal.model_validate(goal(columns=NOTE, file=file))
    assert Naming(found, "Very V.I.P.", NOW, "abc123").name(**place) == name
    assert Naming(found, "x", NOW, "abc123", encrypted=True).name(**place).endswith(".pgp")


STEMS = [
    ("vip_{timestamp}_{part}", "vip_20260301063000"),
    ("{part}-{timestamp}", "20260301063000"),
    ("vip_{part}_{timestamp}", "vip_20260301063000"),
    ("_vip_{timestamp}_", "_vip_20260301063000_"),
]


@pytest.mark.parametrize(("name", "stem"), STEMS)
def test_what_goes_with_all_parts_is_called_without_the_place_of_their_number(name, stem):
    found = ExportProfilesGoal.model_validate(goal(columns=NOTE, file={"name": name, "split": {"rows": 5}}))
    assert Naming(found, "x", NOW, "abc123").stem == stem


@pytest.mark.parametrize("label", ["../../etc", "a/b", "\x00\n", "x" * 300, "..", "ü 😀"])
def test_no_title_leaves_the_folder(label):
    found = ExportProfilesGoal.model_validate(goal(columns=NOTE, file={"name": "{segment}"}))
    name = Naming(found, label, NOW, "").name()
    assert "/" not in name
    assert not name.startswith(".")
    assert name.isascii()
    assert 4 < len(name) <= 204


REFUSED = [
    ({"file": {"name": "{who}"}}, "a file name does not know {who}; it may hold {segment}, {goal}, {run_id}"),
    ({"file": {"name": "{MMMM}"}}, "does not know {MMMM}|shows dates in digits; month name is none"),
    ({"file": {"name": "a/b"}}, "a file name holds no folder"),
    ({"file": {"name": "x", "split": {"rows": 5}}}, "put {timestamp} or {run_id} into the name"),
    ({"file": {"name": "x_{part}"}}, "but nothing is split"),
    ({"file": {"split": {}}}, "split by rows or by bytes: give exactly one"),
    ({"file": {"ready": "{x}.ok"}}, "ready is a file name without a folder"),
    ({"format": {"quote": "", "quoting": "all"}}, "quoting: all needs a quote character"),
    ({"format": {"separator": '"'}}, "separator, quote and escape must differ"),
    ({"format": {"bom": True, "encoding": "latin-1"}}, "bom belongs to utf-8; latin-1 has none"),
    ({"format": {"null_text": "a,b"}}, "is never a whole cell"),
    ({"format": {"date_format": "QQQ"}}, 'Unknown date token "QQQ"'),
    ({"format": {"skip_lines": 1}}, "Extra inputs are not permitted"),
    ({"population": "difference"}, "says who was removed by the profile id; add the column"),
    ({"file": {"name": "x_{action}"}}, "which only population: difference"),
    ({"pgp": {"encrypt": False, "sign": True}}, "encrypt: false leaves nothing to do"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_what_makes_no_sense_is_refused(settings, told):
    with pytest.raises(ValidationError) as error:
        ExportProfilesGoal.model_validate(goal(columns=NOTE) | settings)
    assert any(part in str(error.value) for part in told.split("|"))
