"""Settings of processors that are refused, in words that say what would be right."""

from __future__ import annotations

import re

import pytest

from cdp_assets.config.processors import Processor


@pytest.mark.parametrize(
    ("processor", "message"),
    [
        ({}, "exactly one key"),
        ({"remove_null": {}, "trim": {"fields": ["a"]}}, "exactly one key"),
        ({"trimm": {"fields": ["a"]}}, "Extra inputs"),
        ({"trim": {"fields": []}}, "at least 1"),
        ({"filter": {"field": "a", "pattern": "(?=a)"}}, "look-ahead"),
        ({"filter": {"field": "a", "pattern": r"(a)\1"}}, "back-references"),
        ({"filter": {"field": "a", "pattern": "a++"}}, "possessive"),
        ({"filter": {"field": "a", "pattern": "a{1001}"}}, "more than 1000 repeats"),
        ({"filter": {"field": "a", "pattern": "(a"}}, "not a regular expression"),
        (
            {"filter": {"field": "a", "pattern": r"[\u202F]"}},
            r"uses \u, which regular expressions here do not have; a sign",
        ),
        ({"filter": {"field": "a", "pattern": r"a\Z"}}, r"do not have; the end of the text is \z"),
        ({"filter": {"field": "a", "pattern": r"\y"}}, r"uses \y, which"),
        ({"find_replace": {"field": "a", "pattern": "a", "replacement": r"\1"}}, "names group 1"),
        ({"find_replace": {"field": "a", "pattern": "a", "replacement": r"\n"}}, "holds a backslash"),
        ({"split": {"field": "a"}}, "give either"),
        ({"split": {"field": "a", "into": ["b"], "count": 2}}, "give either"),
        ({"split": {"field": "a", "into": ["b", "b"]}}, "'b' is named twice"),
        ({"phone_cleansing": {"field": "a", "default_country": "nl"}}, "unknown country 'nl'; accepted: AE, "),
        ({"date_format": {"field": "a", "from": "MM", "to": "YYYY"}}, "needs a year"),
        ({"date_format": {"field": "a", "from": "YYYY", "to": "Q"}}, 'Unknown date token "Q"'),
        ({"current_date": {"into": "a", "timezone": "Mars"}}, "unknown time zone"),
        ({"python": {"field": "a", "callable": "os.system"}}, "match pattern"),
        ({"hash": {"fields": ["a"], "algorithm": "sha512"}}, "'sha256', 'sha1' or 'md5'"),
    ],
)
def test_settings_that_are_refused(processor, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Processor.model_validate(processor)
