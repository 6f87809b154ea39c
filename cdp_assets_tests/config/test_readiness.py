from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.files import Files
from cdp_assets.config.readiness import Ready


def test_a_goal_asks_for_nothing_unless_told():
    assert Files(root="a.csv").ready == Ready()


@pytest.mark.parametrize("name", ["{name}.ok", "{stem}.trg", "ready_{name}", ".{name}.flag", "{name}.done"])
def test_a_ready_file_is_named_after_its_file(name):
    assert Ready(file=name).file == name


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"file": "ok"}, r"'ok' must hold \{name\} or \{stem\} once"),
        ({"file": ""}, "must hold"),
        ({"file": "{name}.{stem}"}, "once and no other brace"),
        ({"file": "{nome}.ok"}, "once and no other brace"),
        ({"file": "{name}.{ok"}, "once and no other brace"),
        ({"file": "{{name}}.ok"}, "once and no other brace"),
        ({"file": "{name}"}, "the file itself would be meant"),
        ({"file": "{name}.part"}, "uploads that are not finished"),
        ({"file": "ok/{name}.ok"}, "without a folder"),
        ({"manifest": "lists/*.txt"}, "without a folder"),
        ({"manifest": ""}, "at least 1"),
        ({"min_age_s": -1}, "greater than or equal to 0"),
        ({"checksum": "sha256"}, "'ignore', 'optional' or 'required'"),
        ({"minimum_age": 3}, "not permitted"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        Ready.model_validate(settings)
