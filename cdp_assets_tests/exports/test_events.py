"""Timeline events beside the profiles: which, of whom, in which files, and as they stand in the warehouse."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cdp_assets.config.drop_goals import dropped_event_type
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.errors import ConfigError
from cdp_assets_tests.support.exported import NOW, UUID, Desk, goal

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "note"}]
COLUMNS, IDS = [{"property": "email"}], [{"profile_id": {}}]
VISIT = {
    "id": "visit",
    "fields": [
        {"key": "page"},
        {"key": "tags", "multiple": True},
        {"key": "spent", "type": "decimal"},
        {"key": "left_at", "type": "datetime"},
        {"key": "person", "pii": True},
        {"key": "click", "fields": [{"key": "target", "identifier": True}, {"key": "count", "type": "number"}]},
    ],
}
MODEL = {"event_types": [VISIT], "display_name": "email"}
DAY = timedelta(days=1)


@pytest.fixture
def desk(tmp_path):
    def make(*visits, clicks=(), members=None, segments=("vip",), **settings):
        found = Desk(tmp_path, PROPERTIES, goal(**{"columns": COLUMNS} | settings), MODEL, segments)
        found.fill({1: {"email": "a@x.com"}, 2: {"email": "b@x.com"}, 3: {}}, members)
        if found.job.event_types:
            found.fill_events("events_visit", visits)
            found.fill_events("events_visit_click", clicks)
        return found

    return make


def visit(profile, event_id, date=NOW, **fields):
    return {"profile_id": profile, "event_id": event_id, "date": date} | fields


def click(profile, event_id, index, target, date=NOW):
    return visit(profile, event_id, date, index=index, target=target)


def ids(data: bytes) -> list[str]:
    return [row["event_id"] for row in csv.DictReader(io.StringIO(data.decode()))]


def test_each_type_and_each_of_its_nested_fields_has_a_file(desk):
    visits = [visit(2, "v2", page="a,b", tags=["x", "y"], spent=Decimal("1.5")), visit(1, "v1", left_at=NOW)]
    clicks = [click(2, "v2", 1, "second"), click(2, "v2", 0, "first")]
    found = desk(*visits, clicks=clicks, events={"types": "all"}, format={"date_format": "yyyy-MM-dd HH:mm"}).named()
    assert [*found] == ["Vip_20260301063000.csv", "visit.csv", "visit_click.csv"]
    assert found["visit.csv"].decode() == (
        "profile_id,event_id,event_type,date,page,tags,spent,left_at,person\n"
        f"{UUID.format(1)},v1,visit,2026-03-01 06:30,,,,2026-03-01 06:30,\n"
        f'{UUID.format(2)},v2,visit,2026-03-01 06:30,"a,b",x|y,1.5000,,\n'
    )
    assert found["visit_click.csv"].decode() == (
        f"profile_id,event_id,index,target,count\n{UUID.format(2)},v2,0,first,\n{UUID.format(2)},v2,1,second,\n"
    )


PERIODS = [
    ("all", ["-31", "-30", "-1", "0", "+", "1", "2"]),
    ({"last_days": 30}, ["-30", "-1", "0"]),
    ({"next_days": 1}, ["+", "1"]),
]


@pytest.mark.parametrize(("period", "wanted"), PERIODS)
def test_periods_are_days_of_24_hours_around_the_start_of_the_run(desk, period, wanted):
    dates = {str(days): NOW + days * DAY for days in (-31, -30, -1, 0, 1, 2)}
    dates |= {"-31": NOW - 30 * DAY - timedelta(milliseconds=1), "+": NOW + timedelta(milliseconds=1)}
    visits = [visit(1, name, date) for name, date in dates.items()]
    clicks = [click(1, name, 0, "x", date) for name, date in dates.items()]
    found = desk(*visits, clicks=clicks, events={"types": ["visit"], "period": period}).named()
    assert (ids(found["visit.csv"]), ids(found["visit_click.csv"])) == (wanted, wanted)


def test_unchanged_members_send_their_events_and_those_left_out_do_not(desk):
    columns = [{"property": "email", "identifier": True}]
    found = desk(
        *(visit(number, f"v{number}") for number in (1, 2, 3)),
        events={"types": ["visit"]},
        columns=columns,
        population="changed",
        segments=("vip", "old"),
        members={"vip": [1, 2, 3], "old": [2]},
        exclude_segments=["old"],
    )
    assert [ids(found.named()["visit.csv"]) for _ in range(2)] == [["v1"], ["v1"]]
    with found.warehouse() as database:
        assert database.rows("SELECT profile_id::VARCHAR FROM ops.exported_rows") == [(UUID.format(1),)]
    assert [*found.named()] == ["visit.csv", "visit_click.csv"]


def test_types_that_are_named_have_a_file_and_of_all_types_those_that_somebody_has(desk):
    empty = desk(visit(1, "old", NOW - 9 * DAY), events={"types": "all", "period": {"last_days": 1}}).named()
    assert empty["visit.csv"].count(b"\n") == 1
    assert [*desk(events={"types": "all"}).named()] == ["Vip_20260301063000.csv"]
    named = desk(events={"types": ["order", "visit"]}).named()
    assert [*named][1:] == ["order.csv", "order_product.csv", "visit.csv", "visit_click.csv"]
    assert named["order_product.csv"].startswith(b"profile_id,event_id,index,id,sku,")


def test_a_field_that_came_since_the_last_fold_is_empty(desk):
    found = desk(visit(1, "v1", page="home"), events={"types": ["visit"]})
    with found.warehouse() as database:
        database.run("ALTER TABLE main.events_visit DROP COLUMN tags")
    assert (
        found.named()["visit.csv"]
        .decode()
        .splitlines()[1]
        .startswith(f"{UUID.format(1)},v1,visit,1772346600000,home,,")
    )


NAMES = [
    ({}, {}, ["visit.csv", "visit_click.csv"]),
    ({"naming": "stamped"}, {"gzip": True, "timezone": "Asia/Tokyo"},
     ["visit_20260301153000.csv.gz", "visit_click_20260301153000.csv.gz"]),
    ({"naming": "stamped"}, {"split": {"rows": 2}},
     ["visit_20260301063000_1.csv", "visit_20260301063000_2.csv", "visit_click_20260301063000_1.csv"]),
    ({}, {"split": {"rows": 2}}, ["visit.csv", "visit_click.csv"]),
]  # fmt: skip


@pytest.mark.parametrize(("events", "file", "names"), NAMES)
def test_names(desk, events, file, names):
    visits = [visit(1, str(number)) for number in range(3)]
    found = desk(*visits, events={"types": ["visit"]} | events, file=file, population="changed", members={"vip": [1]})
    found.named()
    files = found.named()
    assert [*files] == names
    texts = [gzip.decompress(data) if file.get("gzip") else data for data in files.values()]
    assert [one for text in texts if b"page" in text for one in ids(text)] == ["0", "1", "2"]


def test_processors_name_the_files_that_they_change(desk):
    processors = [
        {"casing": {"fields": ["email"], "to": "upper"}},
        {"filter": {"field": "event_id", "pattern": "^x", "keep": "other"}, "stream": "events"},
        {"casing": {"fields": ["event_id"], "to": "upper"}, "stream": "visit"},
        {"fixed_value": {"field": "by", "value": "cdp"}, "stream": "nested"},
        {"trim": {"fields": ["event_id"]}, "stream": "all"},
    ]
    visits = [visit(1, "x1"), visit(1, "v1"), visit(2, "v2")]
    found = desk(*visits, clicks=[click(1, "x1", 0, "t")], events={"types": ["visit"]}, processors=processors).named()
    profiles, events, items = (data.decode() for data in found.values())
    assert profiles.splitlines()[1] == "A@X.COM"
    assert ids(events.encode()) == ["V1", "V2"]
    assert items == f"profile_id,event_id,index,target,count,by\n{UUID.format(1)},x1,0,t,,cdp\n"


def test_pseudonymize_reaches_every_file_unless_it_names_one(desk):
    visits = [visit(1, "v1", person="Ann")]
    found = desk(*visits, events={"types": ["visit"]}, ids="names", processors=[{"pseudonymize": {}}])
    address, name = (hashlib.sha256(text.encode()).hexdigest() for text in ("a@x.com", "Ann"))
    row = found.named()["visit.csv"].decode().splitlines()[1]
    assert (row.split(",")[0], row.split(",")[-1]) == (address, name)
    own = desk(*visits, events={"types": ["visit"]}, processors=[{"pseudonymize": {}, "stream": "profiles"}])
    assert own.named()["visit.csv"].decode().splitlines()[1].endswith(",Ann")


def test_a_value_that_does_not_fit_tells_its_file(desk):
    found = desk(visit(1, "v1", page="a,b"), events={"types": ["visit"]}, columns=IDS, format={"quote": ""})
    with pytest.raises(ConfigError, match=f"Value needs quoting: column 'page' of profile {UUID.format(1)} in visit;"):
        found.named()
    found = desk(visit(1, "v1", tags=["a|b", "c"]), events={"types": ["visit"]})
    with pytest.raises(ConfigError, match=f"column 'tags' of profile {UUID.format(1)} in visit; give another"):
        found.named()


def test_events_of_drop_folders_are_a_type_like_others(tmp_path):
    kind = dropped_event_type("mailing").model_dump(mode="json")
    settings = goal(columns=COLUMNS, events={"types": ["mailing"]})
    found = Desk(tmp_path, PROPERTIES, settings, {"event_types": [kind]})
    found.fill({1: {"email": "a@x.com"}})
    found.fill_events("events_mailing", [visit(1, "e", metric="Opened", value=Decimal(1), properties='{"a":"b,c"}')])
    assert found.named()["mailing.csv"].decode().splitlines()[1] == (
        f'{UUID.format(1)},e,mailing,1772346600000,Opened,1.0000,"{{""a"":""b,c""}}"'
    )


HOSTILE = st.lists(
    st.sampled_from([*"ab,;|\t\"'\\=+-@ \n\r\u00a0#éñNUL01~\ufeff\u2028😀日", "\r\n", '""']), min_size=1, max_size=6
)
texts = HOSTILE.map("".join)
dates = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, fold=0, tzinfo=UTC)
)
histories = st.lists(
    st.fixed_dictionaries(
        {
            "profile_id": st.integers(1, 3),
            "event_id": texts,
            "date": dates,
            "page": st.none() | texts,
            "tags": st.none()
            | st.lists(texts.map(lambda text: text.replace("|", "")).filter(bool), min_size=1, max_size=3),
            "spent": st.none() | st.decimals(-1000, 1000, places=4),
            "left_at": st.none() | dates,
        }
    ),
    max_size=8,
    unique_by=lambda event: (event["profile_id"], event["event_id"], event["date"]),
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(events=histories, targets=st.lists(texts, max_size=4))
def test_what_is_read_back_is_what_stands_in_the_tables(events, targets):
    with tempfile.TemporaryDirectory() as made:
        found = Desk(Path(made), PROPERTIES, goal(columns=COLUMNS, events={"types": ["visit"]}), MODEL)
        found.fill({number: {"email": f"p{number}@x.com"} for number in (1, 2, 3)})
        found.fill_events("events_visit", events)
        key = ("profile_id", "event_id", "date")
        items = [
            {name: event[name] for name in key} | {"index": index, "target": target}
            for event in events[:2]
            for index, target in enumerate(targets)
        ]
        found.fill_events("events_visit_click", items)
        files = found.named()
    order = sorted(events, key=lambda event: (event["profile_id"], event["date"], event["event_id"].encode()))
    assert rows(files["visit.csv"]) == [
        [UUID.format(event["profile_id"]), event["event_id"], "visit", stamp(event["date"]), event["page"] or "",
         "|".join(event["tags"] or ()), "" if event["spent"] is None else f"{event['spent']:.4f}",
         stamp(event["left_at"]), ""]
        for event in order
    ]  # fmt: skip
    assert sorted(rows(files["visit_click.csv"])) == sorted(
        [UUID.format(item["profile_id"]), item["event_id"], str(item["index"]), item["target"], ""] for item in items
    )


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))[1:]


def stamp(moment: datetime | None) -> str:
    return "" if moment is None else str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


REFUSED = [
    ({"types": []}, "at least 1 item"),
    ({"types": ["visit", "visit"]}, "event type 'visit' stands in `types` twice"),
    ({"types": "all", "period": {}}, "a period is `all`, {last_days: X} or {next_days: X}"),
    ({"types": "all", "period": {"last_days": 1, "next_days": 1}}, "a period is"),
]


@pytest.mark.parametrize(("events", "told"), REFUSED)
def test_what_makes_no_sense_is_refused(events, told):
    with pytest.raises(ValidationError) as error:
        ExportProfilesGoal.model_validate(goal(columns=COLUMNS, events=events))
    assert told in str(error.value)
