"""The page of a connection's files as an analyst sees it: an encrypted, gzipped, semicolon-separated, linked set."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets_tests.assets.web import running_dev
from cdp_assets_tests.support.openpgp import new_keyring
from cdp_assets_tests.support.previewed import EncryptedShop
from cdp_assets_tests.support.sshd import Sshd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_observing_the_files_shows_columns_and_masked_rows_on_the_page(sshd: Sshd, tmp_path: Path) -> None:
    with new_keyring() as ring:
        shop = EncryptedShop(sshd, tmp_path, ring, ring.key("ours"))
        shop.put_delivery()
        folders = {"CDP_DEFS_DIR": str(shop.write_defs()), "CDP_DATA_DIR": str(tmp_path / "data")}
        with running_dev(tmp_path, **folders) as dev:
            dev.launch("shop/files")
            page = dev.page("/assets/shop/files?view=overview")
    for text in ("customers_1.csv.gz.pgp", "orders_1.csv", "preview of customers", "E-Mail", "orders.Amount"):
        assert text in page, text
    assert "anna@example.com" not in page
