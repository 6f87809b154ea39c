import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_assets.config.processors import Processor
from cdp_assets.sql.cell_processors import DOMAIN_TYPOS
from cdp_assets_tests.sql.rows import CELLS, MANY, read

AMSTERDAM = {"timezone": "Europe/Amsterdam"}
ONE_CELL = [
    ({"email_cleansing": {"field": "a"}}, "  Jan Jansen@GMIAL.com ", "janjansen@gmail.com"),
    ({"email_cleansing": {"field": "a"}}, "j\u200ban@\u00a0x.nl", "jan@x.nl"),
    ({"email_cleansing": {"field": "a"}}, "jan\uff20x\u3002nl", "jan@x.nl"),
    ({"email_cleansing": {"field": "a"}}, "mailto:<Jan@x.nl>;", "jan@x.nl"),
    ({"email_cleansing": {"field": "a"}}, "'jan@hmail.com.'", "jan@gmail.com"),
    ({"email_cleansing": {"field": "a", "correct_domains": False}}, "a@gmial.com", "a@gmial.com"),
    ({"email_cleansing": {"field": "a", "domains": {"Shop.exmpl": "shop.example"}}}, "a@shop.exmpl", "a@shop.example"),
    ({"email_cleansing": {"field": "a", "domains": {"hmail.com": "hmail.com"}}}, "a@hmail.com", "a@hmail.com"),
    ({"email_cleansing": {"field": "a"}}, "a@b@gmial.com", "a@b@gmial.com"),
    ({"email_cleansing": {"field": "a"}}, "none", "none"),
    ({"email_cleansing": {"field": "a"}}, " \u00a0", None),
    ({"email_cleansing": {"field": "a"}}, None, None),
    ({"fixed_value": {"field": "a", "value": "it's"}}, "x", "it's"),
    ({"fixed_value": {"field": "a", "value": ""}}, "x", None),
    ({"convert_value": {"field": "a", "values": {"M": "male"}}}, "M", "male"),
    ({"convert_value": {"field": "a", "values": {"M": "male"}}}, "m", "m"),
    ({"convert_value": {"field": "a", "values": {"M": "male"}}}, "M|M", "M|M"),
    ({"convert_value": {"field": "a", "values": {"-": ""}}}, "-", None),
    ({"convert_value": {"field": "a", "values": {"a": "b", "b": "c"}}}, "a", "b"),
    ({"convert_value": {"field": "a", "separator": "|", "values": {"a": "x", "-": ""}}}, "b| a |-||a", "b|x|x"),
    ({"convert_value": {"field": "a", "separator": "; ", "values": {"a": "x"}}}, "b; a", "b; x"),
    ({"convert_value": {"field": "a", "separator": "|", "values": {"-": ""}}}, "-|", None),
    ({"current_date": {"into": "a"}}, None, "2024-02-29"),
    ({"current_date": {"into": "a", "pattern": "D MMM HH:mm", "timezone": "Asia/Kolkata"}}, "x", "1 Mar 05:00"),
    ({"casing": {"fields": ["a"], "to": "lower"}}, "ÉÉN Ij", "één ij"),
    ({"casing": {"fields": ["a"], "to": "upper"}}, "één", "ÉÉN"),
    ({"casing": {"fields": ["a"], "to": "title"}}, "jan DE vries-o'neil (3eN)", "Jan De Vries-O'Neil (3en)"),
    ({"casing": {"fields": ["a"], "to": "title"}}, None, None),
    ({"date_format": {"field": "a", "from": "D/M/YY", "to": "YYYY-MM-DD"}}, "3/4/21", "2021-04-03"),
    ({"date_format": {"field": "a", "from": "D/M/YY", "to": "YYYY-MM-DD"}}, "31/2/21", "31/2/21"),
    (
        {"date_format": {"field": "a", "from": "YYYY-MM-DD HH:mm", "to": "YYYY-MM-DDTHH:mmXXX", **AMSTERDAM}},
        "2021-07-01 12:00",
        "2021-07-01T12:00+02:00",
    ),
    ({"date_format": {"field": "a", "from": "X", "to": "DD-MM-YYYY"}}, "1615680000", "14-03-2021"),
    ({"hash": {"fields": ["a"]}}, "a", hashlib.sha256(b"a").hexdigest()),
    ({"hash": {"fields": ["a"], "algorithm": "md5"}}, "é", hashlib.md5("é".encode()).hexdigest()),
    ({"hash": {"fields": ["a"], "algorithm": "sha1", "normalise": True}}, " A ", hashlib.sha1(b"a").hexdigest()),
    ({"hash": {"fields": ["a"]}}, None, None),
    ({"remove_null": {}}, "null", None),
    ({"remove_null": {}}, "Null", "Null"),
    ({"remove_null": {"texts": ["n/a", "-"]}}, "n/a", None),
    ({"find_replace": {"field": "a", "pattern": "[0-9]"}}, "a1b2", "ab"),
    ({"find_replace": {"field": "a", "pattern": r"(\w+) (\w+)", "replacement": r"\2, \1"}}, "Jan Vos", "Vos, Jan"),
    ({"find_replace": {"field": "a", "pattern": "^.*$"}}, "abc", None),
    ({"find_replace": {"field": "a", "pattern": "x*", "replacement": "{a}'"}}, None, None),
    ({"trim": {"fields": ["a"]}}, "\t\u00a0 a b \u2003", "a b"),
    ({"trim": {"fields": ["a"]}}, "\u200b", None),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "06-1234 5678", "+31612345678"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "+31 (0)20 123 45 67", "+31201234567"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "0031201234567", "+31201234567"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "31201234567", "+31201234567"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "(020) 123 45 67 ext. 12", "+31201234567"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "unknown", "unknown"),
    ({"phone_cleansing": {"field": "a", "default_country": "NL"}}, "112", "112"),
    ({"phone_cleansing": {"field": "a", "default_country": "US"}}, "(212) 555-0100", "+12125550100"),
    ({"phone_cleansing": {"field": "a", "default_country": "US"}}, "1-212-555-0100 x7", "+12125550100"),
    ({"phone_cleansing": {"field": "a", "default_country": "US"}}, "011 31 20 123 4567", "+31201234567"),
    ({"phone_cleansing": {"field": "a", "default_country": "IT"}}, "06 6982 1234", "+390669821234"),
    ({"phone_cleansing": {"field": "a", "default_country": "HU"}}, "06 30 123 4567", "+36301234567"),
    ({"phone_cleansing": {"field": "a"}}, "020-1234567", "0201234567"),
    ({"phone_cleansing": {"field": "a"}}, "0044 20 7946 0000", "+442079460000"),
    ({"phone_cleansing": {"field": "a"}}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("processor", "text", "expected"), ONE_CELL)
def test_one_cell(column, processor, text, expected):
    assert column([text], processor) == [expected]


def test_every_phone_country_makes_the_same_of_a_number_at_home_and_abroad(column):
    from_home = {
        "DE": "030 123456",
        "FR": "01 23 45 67 89",
        "ES": "912 345 678",
        "LT": "8 612 34567",
        "JP": "03-1234-5678",
    }
    for country, text in from_home.items():
        processor = {"phone_cleansing": {"field": "a", "default_country": country}}
        (made,) = column([text], processor)
        assert made.startswith("+")
        assert column([made, "00" + made[1:]], processor) == [made, made]


@pytest.mark.parametrize(
    "processor", [case[0] for case in ONE_CELL] + [{"remove_null": None}, {"split": {"field": "a", "count": 2}}]
)
def test_settings_survive_being_stored(processor):
    (read_back,) = read(processor)
    assert Processor.model_validate_json(read_back.model_dump_json()) == read_back


@pytest.mark.parametrize(
    "pattern", [r"\p{L}+", r"\pN", r"[[:alpha:]]", r"(?i)a", r"(?P<n>a)", r"a\z", r"\\1", r"a{1000}", r"[\]()]"]
)
def test_expressions_that_pass_the_check_run(column, pattern):
    assert len(column(["abc"], {"filter": {"field": "a", "pattern": pattern}})) <= 1


# The same rules in plain Python.

BLANK = " \t\n\r\f\v\u00a0\u2003\u200b\ufeff"
SIGNS = st.text("aB@.é<>'\";, \t\u00a0\u200b\uff20", max_size=12)
ADDRESSES = st.builds(
    lambda before, local, domain, after: f"{before}{local}@{domain}{after}",
    st.sampled_from(["", " ", "mailto:", "<", "MAILTO:"]),
    st.text("aZ.é ", min_size=1, max_size=4),
    st.sampled_from([*sorted(DOMAIN_TYPOS)[:8], "Gmial.com", "x. nl", "gmail.com", "hot mail.co"]),
    st.sampled_from(["", ">", ".", "\n", "';"]),
)


def cleansed(text):
    if text is None:
        return None
    text = "".join(sign for sign in text if sign not in BLANK).replace("\uff20", "@").lower()
    text = text.removeprefix("mailto:").lstrip("<([\"'").rstrip(">)]\"'.,;:")
    local, sign, domain = text.partition("@")
    if sign and "@" not in domain:
        text = f"{local}@{DOMAIN_TYPOS.get(domain, domain)}"
    return text or None


@MANY
@given(st.lists(st.none() | SIGNS | ADDRESSES, min_size=1, max_size=8))
def test_email_cleansing_agrees_with_the_plain_rule(column, texts):
    assert column(texts, {"email_cleansing": {"field": "a"}}) == [cleansed(text) for text in texts]


@MANY
@given(
    st.lists(st.none() | st.text("abAZé1 -'(.", max_size=12), min_size=1, max_size=8),
    st.sampled_from(["lower", "upper", "title"]),
)
def test_casing_agrees_with_the_plain_rule(column, texts, to):
    plain = {"lower": str.lower, "upper": str.upper, "title": lambda t: re.sub(r"\w+", lambda w: w[0].capitalize(), t)}
    expected = [plain[to](text) if text else None for text in texts]
    assert column(texts, {"casing": {"fields": ["a"], "to": to}}) == expected


@MANY
@given(
    st.lists(CELLS, min_size=1, max_size=6),
    st.dictionaries(st.text("aA1 ", min_size=1, max_size=2), st.text("bx|'", max_size=2), min_size=1, max_size=4),
    st.none() | st.sampled_from(["|", ";"]),
)
def test_convert_value_agrees_with_the_plain_rule(column, texts, values, separator):
    def plain(text):
        if not text:
            return None
        if separator is None:
            return values.get(text, text) or None
        parts = [part.strip(" ") for part in text.split(separator)]
        return separator.join(filter(None, (values.get(part, part) for part in parts))) or None

    chosen = {"field": "a", "values": values} | ({"separator": separator} if separator else {})
    assert column(texts, {"convert_value": chosen}) == [plain(text) for text in texts]


@MANY
@given(
    st.lists(
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["sha256", "sha1", "md5"]),
)
def test_hash_agrees_with_the_standard_library(column, texts, algorithm):
    expected = [hashlib.new(algorithm, text.encode()).hexdigest() if text else None for text in texts]
    assert column(texts, {"hash": {"fields": ["a"], "algorithm": algorithm}}) == expected
