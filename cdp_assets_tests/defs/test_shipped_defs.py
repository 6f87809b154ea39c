from importlib.resources import files
from pathlib import Path

import pytest

from cdp_assets.components.loading import load_deployment
from cdp_assets.config.export_columns import PropertyColumn
from cdp_assets.sample import write_shop
from cdp_assets_tests.sample.recount import read_rows


@pytest.fixture
def deployment(monkeypatch):
    monkeypatch.delenv("SHOP_SFTP_PORT", raising=False)
    return load_deployment(Path(str(files("cdp_assets") / "defs")))


def test_the_shop_runs_when_files_arrive_and_knows_its_server(deployment):
    shop = deployment.find_connection("shop")
    assert shop.run_mode == "arrival"
    assert shop.server.port == 2222


def test_every_property_that_a_goal_names_is_declared(deployment):
    shop = deployment.find_connection("shop")
    profiles = [goal for goal in shop.imports if not goal.group_type]
    named = {mapping.property for goal in profiles for mapping in goal.mappings}
    named |= {identifier.property for goal in profiles for identifier in goal.identifiers}
    for goal in shop.exports:
        named |= {column.property for column in goal.columns if isinstance(column, PropertyColumn)}
    assert named <= {prop.name for prop in deployment.model.properties}


def test_every_segment_that_is_exported_is_declared(deployment):
    shop = deployment.find_connection("shop")
    assert all(deployment.model.find_segment(goal.segment) for goal in shop.exports)


def test_every_column_that_a_goal_names_stands_in_the_sample_files(deployment, tmp_path):
    write_shop(tmp_path, customers=5)
    for goal in deployment.find_connection("shop").imports:
        paths = sorted((tmp_path / goal.files.directory).glob(goal.files.root))
        assert paths, goal.name
        named = {one.column for one in (*goal.mappings, *goal.identifiers)}
        assert all(named <= set(read_rows(path)[0]) for path in paths), goal.name


def test_every_column_that_orders_are_made_of_stands_in_the_sample_files(deployment, tmp_path):
    write_shop(tmp_path, customers=5)
    (goal,) = [goal for goal in deployment.find_connection("shop").imports if goal.events]
    patterns = {"": goal.files.root} | {link.name: link.file for link in goal.files.linked}
    headers = {
        f"{alias}." if alias else "": read_rows(path)[0]
        for alias, pattern in patterns.items()
        for path in (tmp_path / goal.files.directory).glob(pattern)
    }
    there = {f"{prefix}{name}" for prefix, names in headers.items() for name in names}
    for event in goal.events:
        mapped = [*event.mappings, *(mapping for nested in event.nested for mapping in nested.mappings)]
        assert {event.id, event.date, *(mapping.column for mapping in mapped)} <= there
