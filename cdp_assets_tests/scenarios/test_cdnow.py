"""Real purchases (CDNOW, 1997 and 1998): exact totals, whatever happens on the way."""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cdp_assets_tests.support.connected import START, WRITTEN, Shop, import_goal
from cdp_assets_tests.support.driven import KILLED, driver
from cdp_assets_tests.support.lab import Lab, deployment

SOURCE = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow" / "CDNOW_master.csv"
ROWS, PEOPLE, AMOUNT, VOLUME = 69_659, 23_570, Decimal("2500315.63"), 167_881
TOTALS = "count(*), sum(amount), sum(volume)"

pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason=f"needs the CDNOW purchases as {SOURCE.parent.name}/{SOURCE.name} beside the project"
)
PROPERTIES = [
    {"name": "customer"},
    {"name": "amount", "type": "decimal", "precision": 2},
    {"name": "volume", "type": "number"},
    {"name": "first_day"},
    {"name": "last_day"},
    {"name": "days", "multiple": True},
]


def goal(*, delta):
    return import_goal(
        "cdnow",
        files={"directory": "in", "root": "cdnow_*.csv", "delta": delta},
        identifiers=[{"column": "ID", "property": "customer"}],
        mappings=[
            {"column": "Amount", "property": "amount", "rule": "sum"},
            {"column": "Volume", "property": "volume", "rule": "sum"},
            {"column": "Date", "property": "first_day", "rule": "set_if_empty"},
            {"column": "Date", "property": "last_day"},
            {"column": "Date", "property": "days", "rule": "add"},
        ],
    )


@pytest.fixture(scope="module")
def months():
    """File name → content, in the order of months."""
    header, *lines = SOURCE.read_text().splitlines(keepends=True)
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.split(",")[1][:6], []).append(line)
    return {f"cdnow_{key[:4]}-{key[4:]}-01.csv": header + "".join(found[key]) for key in sorted(found)}


@pytest.mark.parametrize("delta", [True, False])
def test_one_file_gives_the_exact_totals_and_sent_again_changes_nothing(sshd, tmp_path, delta):
    """255 rows repeat another one exactly; within one file all of them count."""
    shop = Shop(sshd, tmp_path, [goal(delta=delta)], PROPERTIES)
    for hours in (0, 1):
        shop.put("cdnow_all.csv", SOURCE.read_bytes(), written=WRITTEN + timedelta(hours=hours))
        shop.import_all()
        assert shop.people(TOTALS) == [(PEOPLE, AMOUNT, VOLUME)]
    if not delta:
        shop.put("cdnow_more.csv", SOURCE.read_bytes() + b"1,19980701,1,1.00\n")
        shop.import_all()
        assert shop.people(TOTALS) == [(PEOPLE, AMOUNT + 1, VOLUME + 1)]
        assert shop.rows("SELECT max(rows_unchanged) FROM ops.batches") == [(ROWS,)]
    assert all(name.endswith(".done") for name in shop.names())


@pytest.mark.slow
def test_months_landed_in_parallel_in_any_order_with_deaths_give_what_they_give_one_by_one(sshd, tmp_path, months):
    shop = Shop(sshd, tmp_path / "data", [goal(delta=True)], PROPERTIES)
    names = list(months)
    random.Random(20).shuffle(names)  # a fixed order that is none
    with ExitStack() as stack:
        drivers = [
            stack.enter_context(driver(tmp_path / f"driver{number}", shop.settings(), shop.folders.root))
            for number in range(3)
        ]
        for hour, arrived in enumerate((names[:9], names[9:])):
            now = START + timedelta(hours=hour)
            for name in arrived:
                shop.put(name, months[name])
            land_in_parallel(drivers, now)
            assert drivers[0].run(now, ["fold"], kill_at=5) == KILLED
            assert drivers[0].run(now, ["fold", "acknowledge"]) == 0
    assert " land: " in drivers[1].trace.read_text()
    assert " fold: " in drivers[0].trace.read_text()
    assert shop.people(TOTALS) == [(PEOPLE, AMOUNT, VOLUME)]
    assert shop.rows("SELECT count(*), sum(rows_received), count(replayed_created) > 0 FROM ops.batches") == [
        (18, ROWS, True)
    ]
    assert shop.names() == sorted(f"{name}.done" for name in months)
    assert list(shop.folders.staging.iterdir()) == []
    assert shop.dump() == one_by_one(tmp_path / "lab", months)


def land_in_parallel(drivers, now: datetime) -> None:
    """Each of three takes a third; the second dies while it lands its second file, and is started anew."""
    for number, process in enumerate(drivers):
        process.start(now, ["land"], share=(number, 3), kill_at=10 if number == 1 else 0)
    assert drivers[1].wait() == KILLED, drivers[1].errors()
    drivers[1].start(now, ["land"], share=(1, 3))
    assert [process.wait() for process in drivers] == [0, 0, 0], [process.errors() for process in drivers]


def one_by_one(root, months):
    """The same months without a server, each folded before the next is landed."""
    lab = Lab(root, deployment(PROPERTIES, [goal(delta=True)]))
    for hour, (name, content) in enumerate(months.items()):
        lab.land("cdnow", name, content, look_at=START + timedelta(hours=hour))
        assert not lab.fold().replayed
    return lab.dump()
