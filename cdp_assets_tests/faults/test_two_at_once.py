"""Two processes meet: the second waits, and the result is what one after the other gives."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest

from cdp_assets.errors import WarehouseBusyError
from cdp_assets.warehouse import open_warehouse, writer_lock
from cdp_assets_tests.support.connected import START, Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import driver

FILES = {
    f"customers_{number}.csv": f"email,city,points\na@x.com,City{number},{number}\np{number}@x.com,Rome,50\n"
    for number in range(1, 7)
}
HOLD = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def shop(sshd, tmp_path):
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True}), export_goal()])
    for name, content in FILES.items():
        shop.put(name, content)
    return shop


@pytest.fixture
def two(shop, tmp_path):
    """Two processes of the same deployment."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(driver(tmp_path / f"driver{number}", shop.settings(), shop.folders.root))
            for number in range(2)
        ]


@contextmanager
def held_by_another_program(path):
    """As a notebook that opened the file for writing does; gives its process id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "open\n"
            yield process.pid
        finally:
            process.kill()


def start_both(two, verbs, seconds=0):
    for number, process in enumerate(two):
        process.start(START + timedelta(seconds=number * seconds), verbs)


def check_result(shop):
    assert shop.rows("SELECT count(*), sum(rows_created), count(DISTINCT position) FROM ops.batches") == [(6, 7, 6)]
    assert shop.rows("SELECT city, points FROM main.profiles WHERE email = 'a@x.com'") == [("City6", 21)]


@pytest.mark.slow
def test_two_folds_wait_for_the_writer_and_then_for_each_other(shop, two):
    assert two[0].run(START, ["import"]) == 0
    with writer_lock(shop.folders.warehouse, wait_s=5):
        start_both(two, ["fold"])
        time.sleep(1)
        assert all(process.children() for process in two)
        assert not shop.folders.warehouse.exists()
    assert [process.wait() for process in two] == [0, 0], [process.errors() for process in two]
    check_result(shop)


def test_a_fold_that_waits_too_long_names_the_process_that_writes(shop):
    with (
        held_by_our_lock(shop.folders.warehouse) as holder,
        pytest.raises(WarehouseBusyError, match=f"process {holder} has been using it for more than 0.5 s"),
        open_warehouse(shop.folders.warehouse, wait_s=0.5),
    ):
        pass
    shop.import_all()
    check_result(shop)


@contextmanager
def held_by_our_lock(path):
    script = (
        "import sys, pathlib; from cdp_assets.warehouse import writer_lock\n"
        "with writer_lock(pathlib.Path(sys.argv[1]), 5): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process.pid
        finally:
            process.kill()


def test_a_warehouse_held_by_another_program_is_said_so_and_nothing_is_lost(shop):
    shop.import_all()
    before = shop.dump()
    shop.put("customers_7.csv", "email,points\na@x.com,100\n")
    shop.land()
    with held_by_another_program(shop.folders.warehouse) as holder:
        with (
            pytest.raises(WarehouseBusyError, match=rf"another program holds the warehouse open.*PID {holder}\)"),
            open_warehouse(shop.folders.warehouse, wait_s=0.5),
        ):
            pass
        assert shop.names()[-1] == "customers_7.csv"
    assert shop.dump() == before
    (batch,) = shop.fold().folded
    assert batch["name"] == "customers_7.csv"
    assert shop.rows("SELECT points FROM main.profiles WHERE email = 'a@x.com'") == [(121,)]


@pytest.mark.slow
def test_a_fold_waits_until_another_program_lets_go(shop, two):
    shop.import_all()
    shop.put("customers_7.csv", "email,points\na@x.com,100\n")
    with held_by_another_program(shop.folders.warehouse):
        two[0].start(START + timedelta(days=1), ["import", "fold"])
        deadline = time.monotonic() + 30
        while len(list(shop.folders.landing.glob("shop/customers/batches/*"))) < 7 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        assert two[0].children()
    assert two[0].wait() == 0, two[0].errors()
    assert shop.rows("SELECT points FROM main.profiles WHERE email = 'a@x.com'") == [(121,)]


def test_two_landings_of_the_same_files_give_one_batch_each(shop, two):
    start_both(two, ["import"])
    assert [process.wait() for process in two] == [0, 0], [process.errors() for process in two]
    assert len(list(shop.folders.landing.glob("shop/customers/batches/*"))) == 6
    assert list(shop.folders.landing.glob("shop/customers/attempts/*")) == []
    assert list(shop.folders.staging.iterdir()) == []


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.slow) for turn in range(1, 3))])
def test_two_whole_runs_at_once_import_and_deliver_everything_once(shop, two, turn):
    start_both(two, ["import", "fold", "acknowledge", "select", "deliver"], seconds=7)
    assert [process.wait() for process in two] == [0, 0], [process.errors() for process in two]
    check_result(shop)
    assert shop.names() == [f"{name}.done" for name in FILES]
    lines = [line for name in shop.names("out") for line in (shop.dirs["out"] / name).read_text().splitlines()[1:]]
    assert sorted(line.split(",")[0] for line in lines) == sorted(["a@x.com", *(f"p{n}@x.com" for n in range(1, 7))])
