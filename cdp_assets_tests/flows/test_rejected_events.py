"""All rows of a rejected event are given back to their sender, and mended they bring it whole."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cdp_assets.commands.summary import print_summary
from cdp_assets.flows.give_rejected import write_rejected
from cdp_assets.flows.import_files import reject_sample
from cdp_assets.flows.keep_rejected import REJECTED_ROWS
from cdp_assets_tests.flows.test_events import HEADER, ORDER, counts, events_goal, items, lab, land, rejects
from cdp_assets_tests.support.lab import EPOCH

ROWS = (
    "a@x.com,B9,2026-01-01,5,,s1,1\n"
    "b@x.com,B8,2026-01-01,5,,s1,1\n"
    "nope,B7,2026-01-01,5,,s1,x\n"
    'a@x.com,B9,2026-01-01,,,s2,"vi,ele"\n'
    "c@x.com,B6,soon,5,,s1,1\n"
    "a@x.com,B9,2026-01-01,,,s3,1\n"
    "c@x.com,,2026-01-01,5,,,1\n"
    "a@x.com,B9,2026-01-02,5,,s3,1\n"
)
GIVEN_BACK = (
    "email,order,day,total,coupons,sku,qty,reject_line,reject_reason\n"
    "a@x.com,B9,2026-01-01,5,,s1,1,2,order B9 is left out: see line 5\n"
    "nope,B7,2026-01-01,5,,s1,x,4,email: not a valid e-mail address\n"
    'a@x.com,B9,2026-01-01,,,s2,"vi,ele",5,"qty: \'vi,ele\' is not a whole number, or too large;'
    ' order B9 is left out"\n'
    "c@x.com,B6,soon,5,,s1,1,6,day: 'soon' is no valid date; order B6 is left out\n"
    "a@x.com,B9,2026-01-01,,,s3,1,7,order B9 is left out: see line 5\n"
    'c@x.com,,2026-01-01,5,,,1,8,"sku: empty, and must not be; the order is left out"\n'
)


def test_the_page_of_a_run_says_it_in_words_before_the_exact_reason_and_shows_no_text(tmp_path):
    told = [(item.line_no, item.column_name, item.reason) for item in reject_sample(land(lab(tmp_path), ROWS))]
    assert (
        5,
        "qty",
        (
            "not a whole number, or too large; the event is left out"
            " (#/product/1/quantity/0: expected type: Number, found: String)"
        ),
    ) in told
    assert (6, "day", "no valid date; the event is left out (Missing event date)") in told
    assert (4, "email", "email: not a valid e-mail address") in told


def test_the_summary_and_the_history_tell_rows_from_events(tmp_path):
    room = lab(tmp_path)
    landed = land(room, ROWS)
    room.fold()
    console = Console(file=StringIO(), width=80)
    print_summary(console, room.folders, EPOCH - timedelta(days=9_999), landed.manifest.config.event_types)
    printed = console.file.getvalue()
    for reason in ("qty: not a whole number, or too large", "day: no valid date", "sku: empty, and must not be"):
        assert f"\n{reason} " in printed, reason
    assert "expected type" not in printed
    told = printed.partition("\nEvents ")[2].splitlines()[1:]
    titles = " ".join(" ".join(told[:3]).split())
    assert titles == "rows events rows with events written events without file events created anew rejected profile"
    assert [line.split()[1:] for line in told if line.startswith("customers")] == [["8", "2", "0", "3", "0"]]
    ((message,),) = room.rows("SELECT message FROM ops.import_history")
    assert message.endswith(" 2 timeline events created. 3 timeline events rejected. 1 row rejected.")


def given_back(room, landed, *, cells=False) -> str:
    target = room.folders.root / "rows"
    write_rejected(landed.manifest, landed.folder, target, room.folders.root, cells=cells)
    return target.read_text()


# Processors make the rows stand in the engine first, and tell each its line.
@pytest.mark.parametrize("processors", [[], [{"fixed_value": {"field": "more", "value": "1"}}]])
def test_all_rows_of_a_rejected_event_are_given_back_with_what_is_wrong(tmp_path, processors):
    room = lab(tmp_path, events_goal(processors=processors))
    landed = land(room, ROWS)
    assert given_back(room, landed) == GIVEN_BACK
    assert (landed.manifest.rows_rejected, landed.manifest.events_rejected, landed.manifest.event_rows_rejected) == (
        1,
        3,
        5,
    )


def test_mended_they_bring_the_whole_event(tmp_path):
    room = lab(tmp_path)
    given = given_back(room, land(room, ROWS))
    (heading, *rows) = given.splitlines(keepends=True)
    mended = "".join(rows).replace('"vi,ele",5', "2,5").replace("soon", "2026-01-01")
    land(room, mended, 2, header=heading)
    room.fold()
    assert [item for item in items(room) if item[0] == "B9"] == [
        ("B9", 0, "s1", 1),
        ("B9", 0, "s3", 1),
        ("B9", 1, "s2", 2),
        ("B9", 2, "s3", 1),
    ]
    assert counts(room)[-1] == (6, 2, 0, 1, 0)


def test_the_file_as_received_tells_the_same(tmp_path):
    room = lab(tmp_path)
    landed = land(room, ROWS)
    (landed.folder / REJECTED_ROWS).unlink()
    assert given_back(room, landed) == given_back(room, landed, cells=True) == GIVEN_BACK


def test_a_row_with_several_rejected_events_tells_of_all(tmp_path):
    second = {"type": "booking", "id": "order", "date": "day", "mappings": [{"column": "total", "property": "nights"}]}
    booking = {"id": "booking", "fields": [{"key": "nights", "type": "number"}]}
    room = lab(tmp_path, events_goal() | {"events": [ORDER, second]}, event_types=[booking])
    assert given_back(room, land(room, "a@x.com,1,2026-01-01,x,,,\n")).splitlines()[-1] == (
        "a@x.com,1,2026-01-01,x,,,,2,\"total: 'x' is not a decimal number, or too large; order 1 is left out;"
        " total: 'x' is not a whole number, or too large; booking 1 is left out\""
    )


def test_rows_of_linked_files_stay_and_root_rows_of_their_events_go(tmp_path: Path):
    lines = {"name": "lines", "file": "lines_*.csv", "parent_column": "order", "column": "order"}
    nested = {"property": "product", "source": "lines", "mappings": [{"column": "lines.qty", "property": "quantity"}]}
    nested["mappings"].append({"column": "lines.sku", "property": "id"})
    from_root = ORDER | {"nested": [nested]}
    from_lines = {
        "type": "abandoned_basket",
        "source": "lines",
        "date": "day",
        "mappings": [{"column": "lines.qty", "property": "quantity"}],
    }
    linked = {"lines": ("lines_20260201.csv", "order,sku,qty\n1,s1,x\n2,s1,1\n")}
    root = "a@x.com,1,2026-01-01,5,,,\nb@x.com,2,2026-01-01,5,,,\n"
    files = {"linked": [lines]}
    both = lab(tmp_path / "both", events_goal(files=files) | {"events": [from_root, from_lines]})
    landed = land(both, root, linked=linked)
    assert (landed.manifest.events_rejected, landed.manifest.rows_to_mend) == (2, 1)
    assert given_back(both, landed) == (
        f"{HEADER.strip()},reject_line,reject_reason\n"
        "a@x.com,1,2026-01-01,5,,,,2,\"lines.qty: 'x' is not a whole number, or too large; order 1 is left out\"\n"
    )
    only = lab(tmp_path / "only", events_goal(from_lines, files=files))
    landed = land(only, root, linked=linked)
    assert (landed.manifest.events_rejected, landed.manifest.rows_to_mend) == (1, 0)
    assert not (landed.folder / REJECTED_ROWS).exists()


def test_a_cell_that_is_the_date_and_a_field_is_told_once(tmp_path):
    fields = [{"column": "day", "property": "order_date"}, {"column": "total", "property": "total_revenue"}]
    room = lab(tmp_path, events_goal(ORDER | {"mappings": fields}))
    land(room, "a@x.com,B1,soon,x,,s1,1\nb@x.com,B2,2026-02-01,x,,s1,1\n")
    room.fold()
    assert [(line, column) for line, column, _, _ in rejects(room)] == [(2, "day"), (2, "total"), (3, "total")]
