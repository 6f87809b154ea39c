"""`python -m cdp_assets reland`: one goal, or all of a connection, in one go."""

from __future__ import annotations

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.config.model import Deployment
from cdp_assets.flows.land_files import current_versions
from cdp_assets.flows.withdrawals import withdraw
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, connection
from cdp_assets_tests.support.lab import EPOCH, Lab

NAMES = ("customers", "guests")
SHOP = connection(
    goals=[CUSTOMERS | {"name": name, "files": CUSTOMERS["files"] | {"root": f"{name}_*.csv"}} for name in NAMES]
)


def write(folder, model) -> None:
    for name, kind, attributes in (("model", "CustomerModel", model), ("shop", "SftpConnection", SHOP)):
        place = folder / "defs" / name / "defs.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(yaml.safe_dump({"type": f"cdp_assets.{kind}", "attributes": attributes}))


@pytest.fixture
def room(tmp_path, monkeypatch):
    write(tmp_path, MODEL)
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    room = Lab(tmp_path / "data", Deployment.model_validate({"model": MODEL, "connections": [SHOP]}))
    for number, name in enumerate(NAMES):
        room.land(name, f"{name}_20260101.csv", f"E-Mail,City,Spend\np{number}@x.nl,Ede,{number}.50\n")
    room.fold()
    return room


def test_another_type_is_applied_to_all_goals_at_once(room, tmp_path, capsys):
    spend = next(prop for prop in MODEL["properties"] if prop["name"] == "spend")
    others = [prop for prop in MODEL["properties"] if prop is not spend]
    write(tmp_path, MODEL | {"properties": [*others, {"name": "spend", "type": "decimal", "precision": 1}]})
    assert main(["replay"]) == 1
    told = (
        "run `python -m cdp_assets reland shop customers` and `python -m cdp_assets reland shop guests` or change the"
    )
    assert told in capsys.readouterr().err
    assert main(["reland", "shop"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["landed anew as batch" in line for line in lines[:2]] == [True, True]
    assert lines[-1] == "2 profiles"
    assert room.rows("SELECT spend::VARCHAR FROM main.profiles ORDER BY email") == [("0.5",), ("1.5",)]


def test_what_is_withdrawn_is_told_as_such(room, capsys):
    withdraw(room.folders, current_versions(room.folders, "shop", "guests"), EPOCH)
    assert main(["reland", "shop", "guests"]) == 0
    assert "it is withdrawn and does not count" in capsys.readouterr().out.splitlines()[0]
