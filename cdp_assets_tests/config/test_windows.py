"""Partitions by time: what the YAML may say."""

from __future__ import annotations

from datetime import date

import jsonschema
import pytest
import yaml

from cdp_assets.components.json_schema import schema_of
from cdp_assets.components.wording import places
from cdp_assets.config.files import Files
from cdp_assets_tests.config.test_batch_config import config_hash

DAYS = {"by": "day", "start": "2026-01-01"}
A_DAY = "start is a day from 1990 to 2100, such as 2026-01-31"


def written(text):
    return {"root": "orders_*.csv"} | yaml.safe_load(text)


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("start", ["2026-01-31", '"2026-01-31"'])
def test_a_start_may_stand_in_quotes_or_not(by, start):
    data = written(f"partitions: {{by: {by}, start: {start}}}")
    assert Files.model_validate(data).partitions.start == date(2026, 1, 31)


def test_editors_accept_it():
    jsonschema.validate({"root": "orders_*.csv", "partitions": DAYS | {"due_after_s": 3600}}, schema_of(Files))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partitions: {by: day, start: 20260131}", A_DAY),
        ("partitions: {by: day, start: '2026-02-30'}", A_DAY),
        ("partitions: {by: day, start: 2026-01-31T10:00:00}", A_DAY),
        ("partitions: {by: day, start: 1889-01-01}", A_DAY),
        ("partitions: {by: day, start: yesterday}", A_DAY),
        ("partitions: {by: day}", "start"),
        ("partitions: {by: year, start: 2026-01-01}", "hour"),
        ("partitions: {by: day, start: 2026-01-01, due_after_s: -1}", "greater than or equal to 0"),
        ("{root: orders.csv, partitions: {by: day, start: 2026-01-01}}", "give root a `*` where it stands"),
        ("{date_format: YYYYMMDD, partitions: {by: hour, start: 2026-01-01}}", "need an hour (HH) in date_format"),
        ("{date_format: YYYYMM, partitions: {by: day, start: 2026-01-01}}", "need a day (DD) in date_format"),
        ("{date_format: YYYYMM, partitions: {by: week, start: 2026-01-01}}", "need a day (DD) in date_format"),
        ("{date_format: YYYY, partitions: {by: month, start: 2026-01-01}}", "need a month (MM) in date_format"),
    ],
)
def test_a_mistake_is_told(text, message):
    data = written(text)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the messages are compared, in our words
        Files.model_validate(data)
    (told,) = [told for _, told in places(raised.value, Files, data, "files")]
    assert message in told


def test_partitions_by_time_make_no_batch_outdated():
    assert config_hash(partitions=DAYS) == config_hash()


def test_where_they_change_which_file_replaces_which_batches_are_landed_anew():
    regex = {"root": r"orders_(\d{8})\d\d\.csv", "match": "regex"}
    assert config_hash(**regex, partitions=DAYS) != config_hash(**regex)
    stated = regex | {"redelivery": "supersede"}
    assert config_hash(**stated, partitions=DAYS) == config_hash(**stated)
