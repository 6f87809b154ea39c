"""`python -m cdp_assets run` tells the people of notifications, as no sensor hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cdp_assets_tests.assets.terminal import run_command, write_down
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, World
from cdp_assets_tests.support.smtp import mail_server


def test_a_run_at_a_terminal_tells_people_what_became_of_the_files_and_of_itself(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [{"when": ["success", "failure"], "to": [{"env": "ALERTS"}]}]
    shop.set_up(goals=[CUSTOMERS], notifications=told)
    write_down(shop, tmp_path, monkeypatch)
    with mail_server() as mails:
        monkeypatch.setenv("ALERTS", mails.address)
        shop.put("customers_1.csv", ANNA)
        done = run_command("run", "shop")
        assert "sent: shop/customers: customers_1.csv is in" in done.stdout
        (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
        for _ in range(2):
            assert run_command("run", "shop").returncode == 1
        (shop.server.folder / "in").rename(shop.server.folder / "elsewhere")
        assert run_command("run", "shop").returncode == 1
    subjects = [subject for subject, _ in mails.mails()]
    assert subjects[:2] == ["shop/customers: customers_1.csv is in", "shop/customers: customers_2.csv was refused"]
    assert [subject.partition(":")[0] for subject in subjects[2:]] == ["shop"]
    assert "Directory not found: in" in mails.mails()[-1][1]


def test_a_run_without_the_address_leaves_the_message_to_one_that_has_it(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.set_up(goals=[CUSTOMERS], notifications=[{"when": ["success"], "to": [{"env": "ALERTS"}]}])
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA)
    with mail_server() as mails:
        monkeypatch.setenv("ALERTS", mails.address)
        assert run_command("run", "shop").returncode == 0
        monkeypatch.delenv("ALERTS")
        shop.put("customers_2.csv", BERT)
        done = run_command("run", "shop")
        assert done.stdout.count("no notification can be sent: environment variable ALERTS is not set") == 1
        assert "the sensor shop__notifications, that has it tells" in " ".join(done.stdout.split())
        monkeypatch.setenv("ALERTS", mails.address)
        assert run_command("run", "shop").returncode == 0
    subjects = [subject for subject, _ in mails.mails()]
    assert subjects == [f"shop/customers: customers_{number}.csv is in" for number in (1, 2)]


def test_what_a_run_brings_is_not_told_as_missing_before_it(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [f"{datetime.now(tz=UTC) - timedelta(days=back):%Y-%m-%d}" for back in (2, 1)]
    files = CUSTOMERS["files"] | {"partitions": {"by": "day", "start": days[0]}}
    told = [{"when": ["missing"], "to": [{"env": "ALERTS"}]}]
    shop.set_up(goals=[CUSTOMERS | {"files": files}], notifications=told)
    write_down(shop, tmp_path, monkeypatch)
    with mail_server() as mails:
        monkeypatch.setenv("ALERTS", mails.address)
        for day in days:
            shop.put(f"customers_{day}.csv", ANNA)
        assert run_command("run", "shop").returncode == 0
    assert mails.mails() == []
