"""A preview tells the events that an import of the same files then makes, rejects and drops."""

from __future__ import annotations

import pytest

from cdp_assets.flows.fetch_sample import FileSample
from cdp_assets.flows.preview_files import GoalPreview, find_matches
from cdp_assets.flows.preview_set import preview_set
from cdp_assets_tests.drop_folders.dropping import drop, drop_lab
from cdp_assets_tests.flows import test_interactions
from cdp_assets_tests.flows.test_events import HEADER, ORDER, PRODUCT, events_goal, lab, land, rejects
from cdp_assets_tests.support.lab import EPOCH

ROWS = (
    "a@x.com,1,2026-01-01,10.5,b|a,s2,2\na@x.com,1,2026-01-01,,c,s1,1\nb@x.com,2,2026-01-02,abc,,s1,1\n"
    "b@x.com,3,,7,,,\n,4,2026-01-03,1,,s1,1\nc@x.com,,2026-01-04,8,,s9,x\nc@x.com,,2026-01-04,8,,s9,1\nd@x.com,,,,,,\n"
)


def preview(room, goal, texts, connection="shop", at=EPOCH, rows=10):
    """`texts`: alias → the text of that file; the root's is empty."""
    config = room.config(goal, connection)
    samples = []
    folder = room.folders.root / "previewed"
    folder.mkdir(parents=True, exist_ok=True)
    for alias, text in texts.items():
        path = folder / f"text_{alias}"
        path.write_text(text)
        samples.append(FileSample(alias, f"{alias or 'root'}.csv", path, len(text), len(text), ()))
    seen = preview_set(config, samples[0], samples[1:], folder, at, rows)
    matches = find_matches(config, seen.mapped.identifiers, room.folders)
    return GoalPreview(goal, config.goal.allow_create, "profiles", files=(samples[0],), seen=seen, matches=matches)


def table(found):
    """The rows of the first type of events, by name of their columns."""
    (kind,) = found.seen.events.types
    return [dict(zip(kind.rows.columns, row, strict=True)) for row in kind.rows.rows]


def made(room, columns, kind="order"):
    return room.rows(f"SELECT {columns} FROM main.events_{kind} ORDER BY set_at_row, date, event_id")


def test_a_preview_tells_the_events_an_import_makes_and_what_it_rejects(tmp_path):
    room = lab(tmp_path)
    found = preview(room, "customers", {"": HEADER + ROWS})
    land(room, ROWS)
    room.fold()
    rows = table(found)
    assert list(rows[0]) == ["event_id", "date", "total_revenue", "coupon", "product: items"]
    columns = "event_id, date::VARCHAR, total_revenue::VARCHAR, coupon, (SELECT count(*)::VARCHAR FROM"
    items = " main.events_order_product AS item WHERE item.event_id = events_order.event_id)"
    assert [tuple(row.values()) for row in rows] == made(room, columns + items)
    assert [row["product: items"] for row in rows] == ["2", "1"]
    (kind,) = found.seen.events.types
    assert (kind.rows.lines, kind.people) == ((3, 8), ("a@x.com", "c@x.com"))
    mistakes = [(item.line_no, item.column_name, item.raw_text, item.reason) for item in found.seen.events.rejects]
    assert sorted(mistakes) == [(line, column, raw or "", reason) for line, column, raw, reason in rejects(room)]
    assert (4, "total", "abc", "#/total_revenue/0: expected type: Number, found: String") in mistakes
    assert (5, "day", "", "Missing event date") in mistakes
    assert found.told_events == (
        "Timeline events: rows that bring one: 7, order: 2, rejected: 3, dropped, as their rows find no profile: 1"
    )
    ((received, created, rejected, dropped),) = room.rows(
        "SELECT events_received, events_created, events_rejected, events_dropped FROM ops.batches"
    )
    assert (received, created, rejected, dropped) == (7, 2, 3, 1)


def test_events_of_rows_that_find_no_profile_would_be_dropped(tmp_path):
    room = lab(tmp_path, events_goal(allow_create=False))
    found = preview(room, "customers", {"": HEADER + ROWS})
    assert found.told_events.endswith(
        "order: 0, rejected: 3, dropped, as their rows find no profile unless other new files bring them before: 4"
    )
    assert [found.fate(person) for person in found.seen.events.types[0].people] == ["not found", "not found"]


def test_linked_rows_are_events_and_columns_taken_by_their_names_are_told(tmp_path):
    event = {
        "type": "order", "source": "orders", "id": "orders.no", "date": "orders.day", "all_properties": True,
        "nested": [PRODUCT | {"source": "lines", "mappings": [{"column": "lines.sku", "property": "id"}]}],
    }  # fmt: skip
    linked = [
        {"name": "orders", "file": "orders_*.csv", "parent_column": "email", "column": "who"},
        {"name": "lines", "file": "lines_*.csv", "parent": "orders", "parent_column": "no", "column": "order"},
    ]
    room = lab(tmp_path, events_goal(event, files={"linked": linked}))
    texts = {
        "": "email,x\na@x.com,1\nb@x.com,2\n",
        "orders": "who,no,day,Total revenue\na@x.com,1,2026-01-01,5\nb@x.com,2,2026-01-02,x\na@x.com,3,2026-01-03,7\n",
        "lines": "order,sku\n1,s1\n1,s2\n3,s1\n3,\n",
    }
    found = preview(room, "customers", texts)
    assert [(row["event_id"], row["total_revenue"], row["product: items"]) for row in table(found)] == [
        ("1", "5.0000", "2"),
        ("3", "7.0000", "1"),
    ]
    assert [(item.file_name, item.line_no) for item in found.seen.events.rejects] == [("orders.csv", 3)]
    assert found.seen.event_columns == {
        "orders.no": ["order.event_id"],
        "orders.day": ["order.date"],
        "orders.Total revenue": ["order.total_revenue"],
        "lines.sku": ["order.product.id"],
    }
    assert (found.seen.unmapped, found.seen.missing) == (("x",), ())


def test_a_column_that_an_event_names_and_the_file_lacks_is_told(tmp_path):
    room = lab(tmp_path)
    found = preview(room, "customers", {"": "email,order,day\na@x.com,1,2026-01-01\n"})
    assert found.seen.missing == ("total", "coupons", "sku", "qty")
    assert table(found) == [
        {
            "event_id": "1",
            "date": "2026-01-01 00:00:00+00",
            "total_revenue": None,
            "coupon": None,
            "product: items": "0",
        }
    ]


def test_interactions_are_shown_and_their_made_cells_are_no_columns(tmp_path):
    room = test_interactions.lab(tmp_path)
    found = preview(room, "customers", {"": test_interactions.HEADER + "a@x.com,banner,view,2026-01-01,\n"})
    (row,) = table(found)
    assert (row["interaction_id"], row["kind"]) == ("banner", "VIEW")
    assert (found.seen.missing, found.seen.unmapped) == ((), ())
    assert found.seen.event_columns["how"] == ["interactions.kind"]


def test_files_that_cannot_be_imported_show_no_events(tmp_path):
    room = lab(tmp_path)
    found = preview(room, "customers", {"": "mail,order,day\na@x.com,1,2026-01-01\n"})
    assert (found.seen.events.types, found.told_events) == ((), "")
    assert found.seen.problems


@pytest.mark.parametrize("rows", [1, 10])
def test_a_drop_folders_events_are_shown_with_metric_time_and_properties(tmp_path, rows):
    room = drop_lab(tmp_path)
    text = (
        "Metric name,Time,Profile.Email,Value,Unique ID,Item\nSeen,2022-11-08T10:00:00Z,a@x.com,9.99,k,Mug\n"
        "Seen,2022-11-08T11:00:00Z,a@x.com,1,k,Cup\nSeen,2022-11-08T11:00:00Z,b@x.com,,,Cup\n"
        "Seen,,b@x.com,,,Cup\nSeen,2022-11-08,b@x.com,x,,\n"
    )
    found = preview(room, "events", {"": text}, "klaviyo", rows=rows)
    drop(room, text, goal="events")
    room.fold()
    expected = made(room, "event_id, date::VARCHAR, metric, value::VARCHAR, properties", "klaviyo")
    assert len(expected) == 2
    assert [tuple(row.values()) for row in table(found)] == expected[:rows]
    assert found.seen.events.types[0].made == {"a@x.com": 1, "b@x.com": 1}
    assert found.told_events.endswith("klaviyo: 2, rejected: 0, dropped, as their rows find no profile: 0, "
                                      "rows whose event came before: 1")  # fmt: skip
    assert [(item.line_no, item.reason) for item in found.seen.refused.first] == [
        (5, "Missing event date"),
        (6, "Invalid number format"),
    ]


def test_the_types_of_one_goal_are_shown_one_by_one(tmp_path):
    basket = {"type": "abandoned_basket", "id": "order", "date": "day", "mappings": []}
    room = lab(tmp_path, events_goal() | {"events": [ORDER, basket]})
    found = preview(room, "customers", {"": HEADER + "a@x.com,1,2026-01-01,1,,s1,1\n"})
    assert {kind.type: kind.made for kind in found.seen.events.types} == {
        "order": {"a@x.com": 1},
        "abandoned_basket": {"a@x.com": 1},
    }
