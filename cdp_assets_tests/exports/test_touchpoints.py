"""Export goals in a lifecycle: only who is in their stages, and nobody more often than a stage allows."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from cdp_assets.files.sftp import open_server
from cdp_assets.flows.export_goal import export_goal as run_export
from cdp_assets.flows.export_job import ExportJob
from cdp_assets.sql.lifecycle_tables import LIFECYCLE_EVENTS, LIFECYCLE_MEMBERS
from cdp_assets_tests.support.connected import Shop, export_goal, import_goal
from cdp_assets_tests.support.driven import driver
from cdp_assets_tests.support.exported import NOW, UUID, Desk

HEADER = "email,city,points,tags\n"
DAY_1 = datetime(2026, 3, 1, 10, tzinfo=UTC)


def lifecycle(views=1, duration="DAY", **more):
    looking = {"id": "looking", "where": {"property": "points", "in_range": {"min": 10}}}
    buying = {"id": "buying", "where": {"property": "points", "in_range": {"min": 100}}}
    if views:
        looking |= {"threshold": {"views": views, "duration": duration}}
    return {"id": "club", "entrance": {"property": "email", "not_is_empty": True}, "stages": [looking, buying]} | more


def counted(name="out", **settings):
    place = {"id": "club", "stages": ["looking"]} | settings.pop("lifecycle", {})
    file = {"name": name + "_{timestamp}", "when_empty": "no_file"}
    return export_goal(name, population="all", file=file, lifecycle=place, **settings)


@pytest.fixture
def make(sshd, tmp_path):
    def made(*goals, people=("a@x.com,Rome,20,", "b@x.com,Oslo,30,", "c@x.com,Oslo,200,"), **settings):
        shop = Shop(sshd, tmp_path / "data", [import_goal(), *goals])
        shop.model = {"lifecycles": [lifecycle(**settings)]}
        shop.put("customers_1.csv", HEADER + "\n".join(people) + "\n")
        shop.import_all()
        return shop

    return made


def deliver(shop, at):
    """What each goal delivered at a moment: e-mail addresses, those skipped at the threshold, those elsewhere."""
    before = set(shop.names("out"))
    shop.now = at - timedelta(hours=1)
    done = shop.deliver()
    assert [item.error for item in done] == [""] * len(done)
    new = sorted(set(shop.names("out")) - before)
    texts = [(shop.dirs["out"] / name).read_text() for name in new]
    sent = sorted(line.split(",")[0] for text in texts for line in text.splitlines()[1:])
    own = [item.exports[-1] for item in done]
    return sent, [export.skipped_threshold for export in own], [export.not_in_stage for export in own]


def events(shop):
    query = (
        "SELECT stage, email, goal, time FROM ops.lifecycle_events JOIN main.profiles USING (profile_id)"
        " WHERE lifecycle = 'club' ORDER BY ALL"
    )
    return shop.rows(query)


def places(shop):
    (found,) = shop.rows("SELECT count(*) FROM ops.lifecycle_places")
    return found[0]


def test_one_a_day_is_one_in_any_24_hours(make):
    shop = make(counted())
    assert deliver(shop, DAY_1) == (["a@x.com", "b@x.com"], [0], [1])
    assert deliver(shop, DAY_1.replace(hour=17)) == ([], [2], [1])
    assert deliver(shop, DAY_1 + timedelta(hours=23, minutes=59)) == ([], [2], [1])
    assert deliver(shop, DAY_1 + timedelta(days=1, minutes=1)) == (["a@x.com", "b@x.com"], [0], [1])
    times = [at for _, email, _, at in events(shop) if email == "a@x.com"]
    assert times == [DAY_1, DAY_1 + timedelta(days=1, minutes=1)]
    assert places(shop) == 0


PROPERTIES = [{"name": "email"}, {"name": "points", "type": "number"}, {"name": "city"}]
THREE = [timedelta(days=6), timedelta(days=2), timedelta(hours=1)]


@pytest.mark.parametrize(
    ("views", "duration", "sent", "skipped"),
    [
        (3, "WEEK", [timedelta(days=8), *THREE], 1),
        (3, "WEEK", [timedelta(days=8), *THREE[1:]], 0),
        (3, "WEEK", [timedelta(days=7), *THREE[1:]], 0),
        (3, "WEEK", [timedelta(days=7) - timedelta(seconds=1), *THREE[1:]], 1),
        (1, "MINUTE", [timedelta(seconds=59)], 1),
        (1, "MINUTE", [timedelta(minutes=1)], 0),
        (1, "HOUR", [timedelta(minutes=59)], 1),
        (1, "HOUR", [timedelta(minutes=60)], 0),
        (1, "DAY", [timedelta(hours=7)], 1),
        (1, "DAY", [timedelta(hours=24)], 0),
        (1, "MONTH", [timedelta(days=29)], 1),
        (1, "MONTH", [timedelta(days=30)], 0),
        (1, "QUARTER", [timedelta(days=89)], 1),
        (1, "QUARTER", [timedelta(days=90)], 0),
        (1, "YEAR", [timedelta(days=364)], 1),
        (1, "YEAR", [timedelta(days=365)], 0),
        (1, "ALWAYS", [timedelta(days=9000)], 1),
        (2, "ALWAYS", [timedelta(days=9000)], 0),
    ],
)
def test_windows_slide(tmp_path, views, duration, sent, skipped):
    model = {"lifecycles": [lifecycle(views, duration)]}
    desk = Desk(tmp_path, PROPERTIES, counted(), model)
    desk.fill({1: {"email": "a@x.com"}, 2: {"email": "b@x.com"}})
    with desk.warehouse() as database:
        rows = [["club", UUID.format(number), "in_stage", "looking"] for number in (1, 2)]
        database.insert(LIFECYCLE_MEMBERS.path, ["lifecycle", "profile_id", "state", "stage"], rows)
        # Of the second, another stage and another lifecycle have as many.
        told = [
            (UUID.format(1), "club", "looking"),
            (UUID.format(2), "club", "buying"),
            (UUID.format(2), "x", "looking"),
        ]
        rows = [[*one, NOW - before] for one in told for before in sent]
        database.insert(LIFECYCLE_EVENTS.path, ["profile_id", "lifecycle", "stage", "time"], rows)
    made, _ = desk.export(settle=False)
    assert (made.counts.skipped_threshold, made.rows) == (skipped, 2 - skipped)


def test_goals_share_a_threshold_and_one_that_is_not_counted_neither_counts_nor_skips(make):
    free = counted("free", lifecycle={"add_event": False})
    shop = make(free, counted("mail"), counted("text"), counted("after", lifecycle={"add_event": False}))
    sent, skipped, _ = deliver(shop, DAY_1)
    assert (sent, skipped) == (["a@x.com", "a@x.com", "a@x.com", "b@x.com", "b@x.com", "b@x.com"], [0, 0, 2, 0])
    assert [(email, goal) for _, email, goal, _ in events(shop)] == [("a@x.com", "mail"), ("b@x.com", "mail")]


def test_another_stage_has_a_count_of_its_own(make):
    shop = make(counted(lifecycle={"stages": ["looking", "buying"]}))
    assert deliver(shop, DAY_1) == (["a@x.com", "b@x.com", "c@x.com"], [0], [0])
    shop.put("customers_2.csv", HEADER + "a@x.com,Rome,400,\n")
    shop.import_all()
    assert deliver(shop, DAY_1 + timedelta(hours=3)) == (["a@x.com", "c@x.com"], [1], [0])
    assert {stage for stage, email, *_ in events(shop) if email == "a@x.com"} == {"looking", "buying"}


def test_a_merged_profile_counts_what_both_were_sent(make):
    shop = make(counted(), views=2)
    assert deliver(shop, DAY_1)[0] == ["a@x.com", "b@x.com"]
    ids = "(SELECT profile_id FROM main.profiles WHERE email = '{}@x.com')"
    for query in (
        f"INSERT INTO main.replaced_profiles (profile_id, replaced_by) VALUES ({ids.format('b')}, {ids.format('a')})",
        "DELETE FROM main.profiles WHERE email = 'b@x.com'",
    ):
        shop.rows(query)
    assert deliver(shop, DAY_1 + timedelta(hours=1)) == ([], [1], [1])


def test_who_a_processor_drops_is_not_counted(make):
    drop = {"filter": {"field": "city", "pattern": "Oslo", "keep": "other"}}
    shop = make(counted(processors=[drop]))
    assert deliver(shop, DAY_1)[0] == ["a@x.com"]
    assert [email for _, email, *_ in events(shop)] == ["a@x.com"]
    assert places(shop) == 0


def test_places_wait_for_a_server_that_is_away_and_count_once(make, monkeypatch):
    shop = make(counted(), counted("other"))
    shop.dirs["out"].chmod(0o500)
    shop.now = DAY_1 - timedelta(hours=1)
    assert all(item.error for item in shop.deliver() if item.goal == "out")
    assert (places(shop), events(shop)) == (2, [])
    shop.dirs["out"].chmod(0o700)
    # Adopted by the next run, whose moment counts; its own rows find the places taken.
    sent, skipped, _ = deliver(shop, DAY_1 + timedelta(hours=2))
    assert (sent, skipped) == (["a@x.com", "b@x.com"], [2, 2])
    assert {at for *_, at in events(shop)} == {DAY_1 + timedelta(hours=2)}
    assert (len(events(shop)), places(shop)) == (2, 0)


def test_places_of_a_run_that_delivers_nothing_are_given_up(make):
    taken = counted() | {"file": {"name": "out", "when_taken": "skip"}}
    shop = make(taken)
    (shop.dirs["out"] / "out.csv").write_text("somebody else's\n")
    assert deliver(shop, DAY_1) == ([], [0], [1])
    assert (places(shop), events(shop)) == (0, [])


def test_the_same_content_once_more_is_sent_and_counted(make):
    shop = make(counted() | {"file": {"name": "out"}})
    deliver(shop, DAY_1)
    deliver(shop, DAY_1 + timedelta(days=2))
    assert len(events(shop)) == 4


def test_exports_in_parallel_keep_to_the_threshold(make, tmp_path):
    goals = [counted(f"goal{number}") for number in range(4)]
    shop = make(*goals, views=2, people=[f"p{number}@x.com,Rome,20," for number in range(50)])
    at = DAY_1
    with ExitStack() as stack:
        two = [
            stack.enter_context(driver(tmp_path / f"driver{number}", one, shop.folders.root))
            for number, one in enumerate(split(shop.settings()))
        ]
        assert two[0].run(at, ["select"]) == 0
        assert two[0].run(at, ["place"]) == 0
        for process in two:
            process.start(at, ["deliver"])
        assert [process.wait() for process in two] == [0, 0], [process.errors() for process in two]
    check_threshold(shop, 50, 2)


def split(settings):
    """Two deployments with every other export goal each."""
    (connection,) = settings["connections"]
    goals = connection["goals"]
    return [
        settings | {"connections": [connection | {"goals": [goals[0], *goals[1 + number :: 2]]}]} for number in range(2)
    ]


def test_threads_that_take_rows_at_once_keep_to_the_threshold(make):
    goals = [counted(f"goal{number}") for number in range(4)]
    shop = make(*goals, views=3, people=[f"p{number}@x.com,Rome,20," for number in range(30)])
    deliver(shop, DAY_1 - timedelta(days=3))
    start, failed = threading.Barrier(4), []

    def export(goal):
        try:
            job = ExportJob.of(shop.deployment, shop.connection, goal, DAY_1)
            with open_server(shop.connection.server) as server:
                start.wait(30)
                run_export(job, server, shop.folders)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=export, args=[goal]) for goal in shop.connection.exports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    check_threshold(shop, 30, 3, f"time = TIMESTAMPTZ '{DAY_1.isoformat()}'")


def check_threshold(shop, people, views, when="true"):
    """Exactly as many as allowed, by the ledger and by the files."""
    query = f"SELECT n, count(*) FROM (SELECT count(*) AS n FROM ops.lifecycle_events WHERE {when} GROUP BY profile_id)"
    assert shop.rows(query + " GROUP BY n") == [(views, people)]
    files = [path for path in shop.dirs["out"].iterdir() if when == "true" or "20260301" in path.name]
    lines = sorted(line for path in files for line in path.read_text().splitlines()[1:])
    assert len(lines) == people * views
    assert len(set(lines)) == people
    assert places(shop) == 0
