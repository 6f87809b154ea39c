"""`python -m cdp_assets missing`: what it prints, and its exit code."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import yaml

from cdp_assets.__main__ import main
from cdp_assets.config.model import Deployment
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, VISITS, connection
from cdp_assets_tests.support.lab import Lab

TODAY = datetime.now(UTC).date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Four days are over; files of the first and the third have landed."""
    windows = {"partitions": {"by": "day", "start": ago(4).isoformat()}}
    shop = connection(goals=[CUSTOMERS | {"files": CUSTOMERS["files"] | windows}, VISITS])
    for name, kind, attributes in (("model", "CustomerModel", MODEL), ("shop", "SftpConnection", shop)):
        (tmp_path / "defs" / name).mkdir(parents=True)
        component = {"type": f"cdp_assets.{kind}", "attributes": attributes}
        (tmp_path / "defs" / name / "defs.yaml").write_text(yaml.safe_dump(component))
    monkeypatch.setenv("CDP_DEFS_DIR", str(tmp_path / "defs"))
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path / "data"))
    room = Lab(tmp_path / "data", Deployment.model_validate({"model": MODEL, "connections": [shop]}))
    for day in (ago(4), ago(2)):
        land(room, day)
    return room


def land(room, day):
    room.land("customers", f"customers_{day:%Y%m%d}.csv", f"E-Mail,City,Spend\na@b.nl,{day},1\n")


def test_missing_partitions_are_listed_and_make_the_exit_code_one(room, capsys):
    assert main(["missing", "shop"]) == 1
    assert capsys.readouterr().out == (
        f"customers: 2 of 4 partitions missing\n  {ago(3)}\n  {ago(1)}\n"
        "visits: its partitions come with the files, so none is known to be missing; see files.partitions\n"
    )


def test_where_none_is_missing_the_exit_code_is_zero(room, capsys):
    for day in (ago(3), ago(1)):
        land(room, day)
    assert main(["missing", "shop", "customers"]) == 0
    assert capsys.readouterr().out == "customers: 0 of 4 partitions missing\n"


def test_a_goal_that_is_not_there_is_told(room, capsys):
    assert main(["missing", "shop", "orders"]) == 1
    assert "shop has no import goal orders; there are: customers, visits" in capsys.readouterr().err
