"""The sensors that tell people: of files, and of runs that fail; neither ever fails itself."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from cdp_assets.assets.jobs import CONNECTION_TAG
from cdp_assets.assets.notifications import failures_told, files_told, notification_sensors
from cdp_assets.assets.steps import REFUSED
from cdp_assets.config.model import Deployment
from cdp_assets_tests.assets.world import CUSTOMERS, MODEL, connection
from cdp_assets_tests.support.smtp import mail_server


def shop(*when: str):
    told = [{"when": list(when), "to": [{"env": "ALERTS"}]}] if when else []
    entry = connection(goals=[CUSTOMERS]) | {"notifications": told}
    return Deployment.model_validate({"model": MODEL, "connections": [entry]}).connections[0]


@pytest.fixture
def mails(monkeypatch, tmp_path):
    monkeypatch.setenv("CDP_DATA_DIR", str(tmp_path))
    with mail_server() as server:
        monkeypatch.setenv("ALERTS", server.address)
        yield server


def failed_run(instance: dg.DagsterInstance, tags: dict[str, str], step: str = "breaks"):
    @dg.op(name=step)
    def breaks() -> None:
        raise ValueError("it broke")

    @dg.job(name="shop__run_now")
    def work() -> None:
        breaks()

    result = work.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    (event,) = [event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"]
    return result.dagster_run, event


def hear(instance: dg.DagsterInstance, run, event) -> None:
    context = dg.build_run_status_sensor_context("shop__failures", event, instance, run)
    failures_told(shop("failure"))(context.for_run_failure())


def test_a_failed_run_of_the_connection_is_told_once_by_mail(mails, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        run, event = failed_run(instance, {CONNECTION_TAG: "shop"})
        hear(instance, run, event)
        hear(instance, run, event)
    ((subject, text),) = mails.mails()
    assert subject == f"shop: run {run.run_id[:8]} of shop__run_now failed"
    assert "breaks: ValueError: it broke" in text
    (note,) = (tmp_path / "notifications" / "shop").glob("*.json")
    assert json.loads(note.read_bytes())["sent"] == 1


def test_a_run_that_failed_for_refused_files_alone_is_left_to_what_tells_of_the_files(mails):
    with dg.DagsterInstance.ephemeral() as instance:
        hear(instance, *failed_run(instance, {CONNECTION_TAG: "shop"}, step=REFUSED))
    assert mails.mails() == []


def test_a_failed_run_of_another_connection_is_not_told(mails):
    with dg.DagsterInstance.ephemeral() as instance:
        hear(instance, *failed_run(instance, {CONNECTION_TAG: "tills"}))
    assert mails.mails() == []


def test_a_sensor_that_cannot_tell_says_so_and_does_not_fail(mails, tmp_path):
    (tmp_path / "notifications").write_text("a file where the folder should be")
    found = files_told(shop("success"))(dg.build_sensor_context())
    assert "nobody could be told" in found.skip_message


def test_only_connections_with_notifications_have_such_sensors():
    assert notification_sensors(shop()) == []
    assert [item.name for item in notification_sensors(shop("success"))] == ["shop__notifications"]
    assert {item.name for item in notification_sensors(shop("failure"))} == {"shop__notifications", "shop__failures"}
