from __future__ import annotations

import pytest

from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property

GOAL = {
    "type": "import_profiles",
    "name": "customers",
    "files": {"root": "*.csv"},
    "identifiers": [{"column": "email", "property": "email"}],
    "mappings": [{"column": "city", "property": "city"}],
}


def config_hash(**files):
    goal = GOAL | {"files": GOAL["files"] | files}
    return BatchConfig.model_validate(
        {"connection": "shop", "connection_order": 0, "goal_order": 0, "goal": goal, "properties": []}
    ).config_hash


@pytest.mark.parametrize("ready", [{"min_age_s": 5}, {"file": "{name}.ok"}, {"checksum": "required"}])
def test_when_a_file_counts_as_complete_says_nothing_about_its_batch(ready):
    assert config_hash(ready=ready) == config_hash() != config_hash(delta=True)


def test_what_happens_to_rejected_rows_says_nothing_about_the_batch():
    returning = BatchConfig.model_validate(
        {
            "connection": "shop",
            "connection_order": 0,
            "goal_order": 0,
            "goal": GOAL | {"return_rejects": {"directory": "back"}},
            "properties": [],
        }
    )
    assert returning.config_hash == config_hash()


def test_a_property_of_moments_says_nothing_of_whole_days():
    """Batches of before there were whole days keep their hash."""
    born = {"name": "born", "type": "datetime"}
    assert "whole_days" not in Property.model_validate(born).model_dump_json()
    assert "whole_days" in Property.model_validate(born | {"whole_days": True}).model_dump_json()
