"""The same rows land as the same batch however they are encrypted, by gpg and by PGPy, linked files too."""

from __future__ import annotations

import gzip
import os
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from cdp_assets.errors import FileError
from cdp_assets.files.pgp import PgpKeys
from cdp_assets_tests.flows import test_linked_rows as rows
from cdp_assets_tests.flows.test_fold import goal, lab, people
from cdp_assets_tests.flows.test_received_forms import TEXT, rows_of
from cdp_assets_tests.support.openpgp import new_keyring

FORMS = ("binary", "armoured", "gzip inside", "to several", "CRLF inside")


@pytest.fixture(scope="module")
def sealed():
    """Form → bytes, and the key that opens them."""
    with new_keyring() as ring:
        ours, other = ring.key("ours", passphrase="a phrase"), ring.key("other")
        text = TEXT.encode()
        yield (
            {
                "binary": ring.encrypted(text, ours),
                "armoured": ring.encrypted(text, ours, options=("--armor",)),
                "gzip inside": ring.encrypted(gzip.compress(text), ours),
                "to several": ring.encrypted(text, other, ours),
                "CRLF inside": ring.encrypted(text.replace(b"\n", b"\r\n"), ours),
                "to others": ring.encrypted(text, other),
                "orders": ring.encrypted(gzip.compress(rows.ORDER_ROWS.encode()), ours),
                "lines": ring.encrypted(rows.LINE_ROWS.encode(), ours, options=("--armor",)),
                "customers": ring.encrypted(rows.CUSTOMERS.encode(), ours),
            },
            PgpKeys(ours.private, passphrase=ours.passphrase),
        )


@pytest.fixture(params=["gpg", "PGPy"])
def tool(request, tmp_path, monkeypatch):
    """With PGPy, the machine has no gpg: every other program is on the path."""
    if request.param == "PGPy":
        place = tmp_path / "bin"
        place.mkdir()
        for name in ("sh", "env"):
            (place / name).symlink_to(shutil.which(name))
        monkeypatch.setenv("PATH", os.fspath(place))
        assert shutil.which("gpg") is None
    return request.param


@pytest.mark.parametrize("form", FORMS)
def test_every_encrypted_form_lands_as_the_plain_one_does(tmp_path, sealed, tool, form):
    contents, keys = sealed
    plain = lab(tmp_path / "plain", goal()).land("customers", "customers_1.csv", TEXT)
    landed = lab(tmp_path / "sealed", goal()).land("customers", "customers_1.csv", contents[form], keys=keys)
    assert rows_of(landed.folder) == rows_of(plain.folder)
    assert len(rows_of(landed.folder)) == 2
    assert landed.manifest.layers == (("pgp", "gzip") if form == "gzip inside" else ("pgp",))


def test_linked_files_are_opened_with_the_same_key(tmp_path, sealed, tool):
    contents, keys = sealed
    room = rows.lab(tmp_path / "room")
    linked = {alias: (f"{alias}_1.csv.pgp", contents[alias]) for alias in ("orders", "lines")}
    room.land("customers", "customers_1.csv", contents["customers"], linked=linked, keys=keys)
    room.fold()
    assert people(room, "email, spend")[:2] == [("a@x.com", Decimal("3.75")), ("b@x.com", Decimal("4.00"))]


def test_a_linked_file_for_somebody_else_refuses_the_set_and_is_named(tmp_path, sealed, tool):
    contents, keys = sealed
    room = rows.lab(tmp_path / "room")
    linked = {"orders": ("orders_1.csv", contents["orders"]), "lines": ("lines_1.csv", contents["to others"])}
    with pytest.raises(FileError, match=r"lines_1\.csv"):
        room.land("customers", "customers_1.csv", contents["customers"], linked=linked, keys=keys)
    assert not any(Path(room.folders.staging).glob("*"))
