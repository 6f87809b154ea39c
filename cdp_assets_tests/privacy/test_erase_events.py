"""What an erased person did goes with them: events, linked rows, rows of drop folders, rejects of refused files."""

from datetime import timedelta

import pytest

from cdp_assets.errors import FileRefusedError
from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets_tests.drop_folders.dropping import deliver, drop_lab
from cdp_assets_tests.privacy.searching import traces
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "city"}]
BOUGHT = {
    "type": "order",
    "id": "basket",
    "date": "day",
    "on_missing_date": "now",
    "nested": [{"property": "product", "source": "lines", "mappings": [{"column": "lines.item", "property": "id"}]}],
    "product_store": "main",
}
VISIT = {"type": "order", "date": "day", "id": "basket"}
BASE = {
    "type": "import_profiles",
    "identifiers": [{"column": "email", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}],
}
LINKED = {"name": "lines", "file": "lines_*.csv", "parent_column": "basket", "column": "of"}


def day(number):
    return EPOCH + timedelta(days=number)


def forget(room, value="jane@x.com"):
    return erase(room.model, room.folders, [Asked(value, "email")], day(99))


def test_events_of_the_same_row(tmp_path):
    goal = BASE | {"name": "visits", "files": {"root": "visits_*.csv", "delta": True}, "events": [VISIT]}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    text = "email,city,basket,day\njane@x.com,Rome,jb1,2026-01-01\nbob@x.com,Oslo,bb1,2026-01-02\n"
    room.land("visits", "visits_1.csv", text, look_at=day(1))
    room.fold()
    forget(room)
    assert traces(tmp_path, "jb1") == traces(tmp_path, "jane@x.com") == []
    assert [basket for (basket,) in room.rows("SELECT event_id FROM main.events_order")] == ["bb1"]
    room.land("visits", "visits_2.csv", text.replace("Rome", "Bonn"), look_at=day(2))
    (entry,) = room.fold().folded
    assert (entry["rows_erased"], entry["events_created"], entry["events_set"]) == (1, 0, 1)
    assert traces(tmp_path, "jb1") == traces(tmp_path, "jane@x.com") == []


def test_events_of_linked_files(tmp_path):
    files = {"root": "baskets_*.csv", "delta": True, "linked": [LINKED]}
    goal = BASE | {"name": "baskets", "files": files, "events": [BOUGHT]}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    text = "email,city,basket\njane@x.com,Rome,jb1\nbob@x.com,Oslo,bb1\n"
    lines = "of,item\njb1,secretitem\nbb1,otheritem\njb1,secretitem\n"
    room.land("baskets", "baskets_1.csv", text, look_at=day(1), linked={"lines": ("lines_1.csv", lines)})
    room.fold()
    assert traces(tmp_path, "secretitem")
    forget(room)
    for gone in ("jb1", "jane@x.com", "secretitem"):
        assert traces(tmp_path, gone) == []
    assert [item for (item,) in room.rows("SELECT product_id FROM main.products")] == ["otheritem"]


def test_rows_of_drop_folders(tmp_path):
    room = drop_lab(tmp_path)
    header = "Email,PhoneNumber,FirstName,List ID\n"
    text = (
        f"{header}jane@x.com,,Janet,XyZ123\nbob@x.com,,Bobby,XyZ123\njane@x.com,secretnumber,,\nnomail,,jane@x.com,\n"
    )
    assert deliver(room, text)["rows_rejected"] == 1
    seen = "Seen,2022-11-08T10:00:00Z"
    events = f"Metric name,Time,Profile.Email,Unique ID\n{seen},jane@x.com,je1\n{seen},bob@x.com,be1\n"
    deliver(room, events, 2, goal="events")
    assert traces(tmp_path, "je1")
    assert traces(tmp_path, "secretnumber")
    forget(room)
    for gone in ("jane@x.com", "janet", "je1", "secretnumber"):
        assert traces(tmp_path, gone) == []
    assert [name for (name,) in room.rows("SELECT first_name FROM main.profiles")] == ["Bobby"]
    entry = deliver(room, text.replace("Janet", "Janine"), 3)
    assert (entry["rows_erased"], entry["rows_created"]) == (2, 0)
    assert traces(tmp_path, "jane@x.com") == traces(tmp_path, "janine") == []


def test_rejects_of_a_file_that_was_refused(tmp_path):
    files = {"root": "visits_*.csv", "delta": True}
    goal = BASE | {"name": "visits", "files": files, "on_error": "fail_file"}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    text = 'email,city\nbob@x.com,Oslo\n"jane@x.com" x,Rome\n"ann@x.com" x,Rome\n'
    with pytest.raises(FileRefusedError):
        room.land("visits", "visits_1.csv", text, look_at=day(1))
    room.land("visits", "visits_2.csv", "email,city\nbob@x.com,Oslo\n", look_at=day(2))
    room.fold()
    assert forget(room).rejects == 1
    assert traces(tmp_path, "jane@x.com") == []
    kept = [text for (text,) in room.rows("SELECT raw_text FROM ops.rejects ORDER BY line_no")]
    assert kept == ["(erased)", '"ann@x.com" x,Rome']
    with pytest.raises(FileRefusedError):
        room.land("visits", "visits_3.csv", text.replace("Rome", "Bonn"), look_at=day(3))
    room.fold()
    assert traces(tmp_path, "jane@x.com") == []
