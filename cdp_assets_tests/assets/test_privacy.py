"""Nothing that Dagster stores holds personal data or a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets_tests.assets.world import ANNA, BERT, World, small_shop

PERSONAL = (b"anna@example.com", b"bert@example.com", b"Delft", b"cleo(at)example", b"a lot of money")


@pytest.fixture
def remembering(tmp_path: Path) -> Iterator[World]:
    """A shop on an instance whose storage is files."""
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance, small_shop(tmp_path, instance) as shop:
        yield shop


def stored(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_event_or_log_holds_an_address_a_value_or_the_password(remembering: World, tmp_path: Path) -> None:
    shop = remembering
    bad = "cleo(at)example,Delft,1\n", "cleo@example.org,Delft,a lot of money\n", 'anna@example.com,"Delft"x,1\n'
    shop.put("customers_1.csv", ANNA, BERT, *bad)
    (shop.server.folder / "in" / "customers_2.csv").write_text("City\nDelft\n")
    assert not shop.run("shop__run_now").success
    shop.tick("shop__arrivals")
    assert not shop.materialize("shop/customers", "2").success
    assert shop.materialize("shop/customers", "1").success
    for key in ("profiles", "shop/done", "segments/vip", "shop/vip_list", "shop/files"):
        assert shop.materialize(key).success
    found = stored(tmp_path / "home")
    assert b"customers_1.csv" in found
    secret = shop.server.password_file.read_text().strip().encode()
    assert [text for text in (*PERSONAL, secret) if text in found] == []


def test_a_wrong_password_stands_in_no_message(remembering: World, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2-hunter2")
    wrong.chmod(0o600)
    server = remembering.connection.server.model_dump(exclude_none=True) | {"password": {"file": str(wrong)}}
    remembering.set_up(server=server)
    remembering.add_partitions("1")
    assert not remembering.materialize("shop/customers", "1").success
    assert not remembering.run("shop__run_now").success
    assert b"hunter2" not in stored(tmp_path / "home")
    assert "hunter2" not in str(remembering.tick("shop__arrivals"))
