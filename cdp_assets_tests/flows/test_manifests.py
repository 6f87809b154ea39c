"""A batch that this code did not write, or that is damaged, is never read by guess."""

from __future__ import annotations

import json

import pytest

from cdp_assets.errors import LocalDiskError
from cdp_assets_tests.flows.test_fold import goal, lab, people

CHANGES = {
    "another format": lambda told: told | {"format": 2},
    "a field nobody knows": lambda told: told | {"colour": "red"},
    "a field that is missing": lambda told: {name: value for name, value in told.items() if name != "version_id"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_batch_of_another_version_stops_the_fold_with_its_name_and_changes_nothing(tmp_path, change):
    room = lab(tmp_path, goal())
    room.land("customers", "customers_20260101.csv", "email,city,points\na@x.com,Rome,1\n")
    room.fold()
    room.land("customers", "customers_20260102.csv", "email,city,points\na@x.com,Oslo,2\n")
    manifests = tmp_path.glob("landing/shop/customers/batches/*/manifest.json")
    (place,) = [manifest for manifest in manifests if "20260102" in manifest.read_text()]
    place.write_text(json.dumps(change(json.loads(place.read_text()))))
    with pytest.raises(LocalDiskError, match="another version of cdp_assets wrote it"):
        room.fold()
    assert people(room, "email, city") == [("a@x.com", "Rome")]


def test_a_torn_manifest_is_named(tmp_path):
    room = lab(tmp_path, goal())
    room.land("customers", "customers_20260101.csv", "email,city,points\na@x.com,Rome,1\n")
    (place,) = tmp_path.glob("landing/shop/customers/batches/*/manifest.json")
    place.write_bytes(place.read_bytes()[:100])
    with pytest.raises(LocalDiskError, match=str(place)):
        room.fold()
