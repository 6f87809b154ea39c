"""Days without a time of day: the day that a file says is the day that is kept and delivered."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdp_assets.config.properties import Property
from cdp_assets_tests.support.connected import import_goal
from cdp_assets_tests.support.exported import Desk, goal
from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "born", "type": "datetime", "whole_days": True},
    {"name": "seen", "type": "datetime"},
    {"name": "days", "type": "datetime", "whole_days": True, "multiple": True},
]


def imported(tmp_path, text, **layout):
    mappings = [{"column": prop["name"], "property": prop["name"]} for prop in PROPERTIES[1:]]
    room = Lab(tmp_path, deployment(PROPERTIES, [import_goal(mappings=mappings, format=layout)]))
    room.land("customers", "customers_1.csv", text)
    room.fold()
    return room


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "America/Havana"])
@pytest.mark.parametrize("pattern", ["auto", "YYYY-MM-DD"])
def test_a_day_stays_the_same_whatever_the_time_zone_of_the_file(tmp_path, pattern, zone):
    days = ["0001-01-01", "1880-02-29", "1899-12-31", "1980-05-01", "2024-03-10", "2024-11-03"]
    text = "".join(f"{place}@x.com,{day},,{day}|2000-01-01\n" for place, day in enumerate(days))
    room = imported(tmp_path, f"email,born,seen,days\n{text}", date_format=pattern, timezone=zone)
    found = room.rows("SELECT strftime(timezone('UTC', born), '%Y-%m-%d %H:%M:%S'), epoch_ms(days[1]) = epoch_ms(born)"
                      " FROM main.profiles ORDER BY born")  # fmt: skip
    assert found == [(f"{day} 00:00:00", True) for day in days]


def test_a_moment_gives_the_day_it_is_in_the_time_zone_of_the_file(tmp_path):
    rows = "a@x.com,2024-05-01 23:30,\nb@x.com,2024-05-01T23:30:00Z,\n"
    room = imported(tmp_path, f"email,born,seen\n{rows}", timezone="Europe/Berlin")
    found = room.rows("SELECT strftime(timezone('UTC', born), '%Y-%m-%d %H:%M') FROM main.profiles ORDER BY email")
    assert found == [("2024-05-01 00:00",), ("2024-05-02 00:00",)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_an_export_writes_the_day_whatever_its_time_zone(tmp_path, zone):
    room = imported(tmp_path, "email,born,seen,days\na@x.com,1980-05-01,1980-05-01,2024-05-01\n", timezone="Asia/Tokyo")
    (row,) = room.rows("SELECT born, seen, days FROM main.profiles")
    columns = [{"property": name} for name in ("born", "days", "seen")]
    desk = Desk(
        tmp_path / "out", PROPERTIES, goal(columns=columns, format={"date_format": "DD.MM.YYYY", "timezone": zone})
    )
    desk.fill({1: dict(zip(("born", "seen", "days"), row, strict=True))})
    # A moment is the day that it is in the zone of the export.
    assert desk.text() == "born,days,seen\n01.05.1980,01.05.2024,30.04.1980\n"


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        ({}, "1980-05-01,2024-05-01,325987200000"),
        ({"date_format": "auto", "timezone": "America/New_York"}, "1980-05-01,2024-05-01,325987200000"),
        ({"date_format": "timestamp"}, "325987200000,1714521600000,325987200000"),
    ],
)
def test_an_export_writes_days_as_days_unless_it_is_asked_for_milliseconds(tmp_path, layout, written):
    room = imported(tmp_path, "email,born,seen,days\na@x.com,1980-05-01,1980-05-01,2024-05-01\n")
    (row,) = room.rows("SELECT born, seen, days FROM main.profiles")
    columns = [{"property": name} for name in ("born", "days", "seen")]
    desk = Desk(tmp_path / "out", PROPERTIES, goal(columns=columns, format=layout))
    desk.fill({1: dict(zip(("born", "seen", "days"), row, strict=True))})
    assert desk.text() == f"born,days,seen\n{written}\n"


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("pattern", ["auto", "x"])
def test_unix_time_as_an_export_writes_it_is_the_same_day_in_every_time_zone(tmp_path, pattern, zone):
    room = imported(tmp_path, "email,born,seen,days\na@x.com,1588377600000,,\n", date_format=pattern, timezone=zone)
    assert room.rows("SELECT strftime(timezone('UTC', born), '%Y-%m-%d %H:%M') FROM main.profiles") == [
        ("2020-05-02 00:00",)
    ]


def test_only_dates_are_days():
    with pytest.raises(ValidationError, match="only a datetime has whole_days; born is text"):
        Property.model_validate({"name": "born", "whole_days": True})
