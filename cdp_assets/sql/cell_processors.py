"""What the processors that change one cell make of its text. NULL = an empty cell, in and out."""

from __future__ import annotations

from collections.abc import Mapping

from cdp_assets.config.phone_countries import PHONE_COUNTRIES
from cdp_assets.config.processor_settings import (
    Casing,
    ConvertValue,
    DateFormat,
    EmailCleansing,
    FindReplace,
    Hash,
    KeyedHash,
    PhoneCleansing,
    Trim,
)
from cdp_assets.sql.dates import format_date, moment
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.text import Sql, joined, literal, sql

DOMAIN_TYPOS: Mapping[str, str] = {
    typo: meant
    for meant, typos in {
        "gmail.com": (
            "gmial.com gmal.com gmai.com gmaill.com gmali.com gamil.com gnail.com gmil.com hmail.com ggmail.com"
            " gmail.co gmail.cm gmail.om gmail.con gmail.cmo gmail.comm gmailcom"
        ),
        "hotmail.com": (
            "hotmial.com hotmal.com hotmai.com hotmali.com hotmil.com hotnail.com hotmaill.com hormail.com homail.com"
            " hotmail.co hotmail.cm hotmail.con hotmail.comm hotmailcom"
        ),
        "outlook.com": "outlok.com outloo.com outlool.com outllok.com outlook.co outlook.con",
        "yahoo.com": "yaho.com yahooo.com yhaoo.com yhoo.com yahoo.co yahoo.cm yahoo.con",
        "icloud.com": "iclould.com icoud.com icloud.co icloud.con iclod.com",
        "live.com": "live.con",
    }.items()
    for typo in typos.split()
}
"""Domains that are nobody's choice, and what is meant."""

BLANKS = r"[\s\p{Z}\x{200B}-\x{200D}\x{2060}\x{FEFF}\x{AD}]"
"""Blanks of every kind, and signs without width."""
_WIDE_SIGNS = "\uff20\uff0e\u3002\uff61"
"""An at sign and three full stops, as East Asian keyboards write them."""
_WORDS = r"[\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}]+"
_EXTENSION = r"(?i)(\d)\s*(?:ext\.?|x|#|;)\D*\d*$"


def no_empty(text: Sql) -> Sql:
    """An empty text is no value."""
    return sql("nullif({text}, '')", text=text)


def without_blanks_around(cell: Sql) -> Sql:
    """Trims blanks of every kind."""
    edges = literal(f"^{BLANKS}+|{BLANKS}+$")
    return no_empty(sql("regexp_replace({cell}, {edges}, '', 'g')", cell=cell, edges=edges))


def trimmed(cell: Sql, _: Trim) -> Sql:
    """No blanks around."""
    return without_blanks_around(cell)


def cleansed_email(cell: Sql, settings: EmailCleansing) -> Sql:
    """An address without what people add to it; whether it is one is not asked."""
    text = sql(
        r"regexp_replace(lower(translate(regexp_replace({cell}, {blanks}, '', 'g'), {odd}, '@...')),"
        r" '^(?:mailto:)?[<(\[\x22'']*(.*?)[>)\]\x22''.,;:]*$', '\1')",
        cell=cell,
        blanks=literal(f"{BLANKS}+"),
        odd=literal(_WIDE_SIGNS),
    )
    if settings.correct_domains:
        own = {typo.lower(): meant.lower() for typo, meant in settings.domains.items()}
        meant = looked_up(sql("split_part(e, '@', 2)"), dict(DOMAIN_TYPOS) | own)
        text = sql(
            "list_transform([{text}], lambda e: CASE WHEN {one} THEN split_part(e, '@', 1) || '@' || {meant}"
            " ELSE e END)[1]",
            text=text,
            one=matches(Sql("e"), "^[^@]*@[^@]+$"),
            meant=meant,
        )
    return no_empty(text)


def looked_up(text: Sql, answers: Mapping[str, str]) -> Sql:
    """The answer to a text, the text itself where there is none."""
    return sql(
        "coalesce(map([{keys}], [{values}])[{text}], {text})",
        keys=joined(", ", map(literal, answers)),
        values=joined(", ", map(literal, answers.values())),
        text=text,
    )


def converted(cell: Sql, settings: ConvertValue) -> Sql:
    """Values replaced; with a separator each of the trimmed values, and the cell is joined anew."""
    if settings.separator is None:
        return no_empty(looked_up(cell, settings.values))
    return no_empty(
        sql(
            "array_to_string(list_filter(list_transform(string_split({cell}, {sign}),"
            " lambda v: {answer}), lambda v: v <> ''), {sign})",
            cell=cell,
            sign=literal(settings.separator),
            answer=sql("list_transform([trim(v)], lambda t: {answer})[1]", answer=looked_up(Sql("t"), settings.values)),
        )
    )


def cased(cell: Sql, settings: Casing) -> Sql:
    """Letters in another case; a word is a run of letters, marks and digits."""
    if settings.to == "title":
        return sql(
            "array_to_string(list_transform(regexp_extract_all({cell}, {words}),"
            " lambda w: upper(left(w, 1)) || lower(substr(w, 2))), '')",
            cell=cell,
            words=literal(_WORDS),
        )
    return sql("upper({cell})", cell=cell) if settings.to == "upper" else sql("lower({cell})", cell=cell)


def reformatted(cell: Sql, settings: DateFormat) -> Sql:
    """A date in another form; what is none stays."""
    return sql(
        "coalesce(list_transform([{moment}], lambda m: {text})[1], {cell})",
        moment=moment(cell, settings.read, settings.timezone),
        text=format_date(Sql("m"), settings.write, settings.timezone),
        cell=cell,
    )


_DIGESTS = {"sha256": Sql("sha256"), "sha1": Sql("sha1"), "md5": Sql("md5")}
INNER, OUTER = "_inner", "_outer"
"""Ends of the names of a key's two halves, which are variables of the engine."""


def hashed(cell: Sql, settings: Hash) -> Sql:
    """A digest of the text's UTF-8, in hexadecimals; with a separator one of each of the values."""
    if settings.separator is None:
        return _digest(cell, settings)
    return sql(
        "array_to_string(list_transform(string_split({cell}, {sign}), lambda v: {digest}), {sign})",
        cell=cell,
        sign=literal(settings.separator),
        digest=_digest(Sql("v"), settings),
    )


def _digest(cell: Sql, settings: Hash) -> Sql:
    text = sql("lower({text})", text=without_blanks_around(cell)) if settings.normalise else cell
    digest = _DIGESTS[settings.algorithm]
    if not isinstance(settings, KeyedHash):
        return sql("{digest}({text})", digest=digest, text=text)
    return sql(
        "{digest}(getvariable({outer}) || unhex({digest}(getvariable({inner}) || encode({text}))))",
        digest=digest,
        outer=literal(settings.key_name + OUTER),
        inner=literal(settings.key_name + INNER),
        text=text,
    )


def part(cell: Sql, separator: str, place: int) -> Sql:
    """The value at a place, counted from 1, of a cell with several; empty values keep their place."""
    text = sql("string_split({cell}, {s})[{place}]", cell=cell, s=literal(separator), place=literal(place))
    return without_blanks_around(text)


def without_null(cell: Sql, texts: tuple[str, ...]) -> Sql:
    """Nothing where the cell holds a word for nothing."""
    words = joined(", ", map(literal, texts))
    return sql("CASE WHEN {cell} NOT IN ({words}) THEN {cell} END", cell=cell, words=words)


def replaced(cell: Sql, settings: FindReplace) -> Sql:
    """Everything found replaced."""
    return no_empty(
        sql(
            "regexp_replace({cell}, {pattern}, {replacement}, 'g')",
            cell=cell,
            pattern=literal(settings.pattern),
            replacement=literal(settings.replacement),
        )
    )


def cleansed_phone(cell: Sql, settings: PhoneCleansing) -> Sql:
    """A number in international form, where it says or the default tells its country; else its digits.

    An extension is left out, and so is the (0) that some write between country code and number.
    """
    digits = sql(
        r"regexp_replace(regexp_replace(regexp_replace({cell}, {extension}, '\1'),"
        r" '^(\s*(?:\+|00).*?)\(0\)', '\1'), '[^\d+]', '', 'g')",
        cell=cell,
        extension=literal(_EXTENSION),
    )
    return sql(
        "list_transform([{digits}], lambda n: list_transform([{number}],"
        " lambda p: CASE WHEN {usable} THEN p ELSE {cell} END)[1])[1]",
        digits=digits,
        number=_international(Sql("n"), settings.default_country),
        usable=matches(Sql("p"), r"^(?:\+[1-9]\d{6,14}|\d{7,15})$"),
        cell=cell,
    )


def _international(number: Sql, country: str | None) -> Sql:
    """`number` holds digits and plus signs only."""
    digits = sql("replace({number}, '+', '')", number=number)
    cases = [
        sql("WHEN starts_with({number}, '+') THEN '+' || {digits}", number=number, digits=digits),
        sql("WHEN starts_with({number}, '00') THEN '+' || substr({digits}, 3)", number=number, digits=digits),
    ]
    if country is None:
        return sql("CASE {cases} ELSE {digits} END", cases=joined(" ", cases), digits=digits)
    known = PHONE_COUNTRIES[country]
    abroad = sql(
        "WHEN starts_with({number}, {prefix}) THEN '+' || substr({digits}, {rest})",
        number=number,
        prefix=literal(known.abroad),
        digits=digits,
        rest=literal(len(known.abroad) + 1),
    )
    foreign = sql(
        "WHEN length({digits}) > {longest} AND starts_with({digits}, {code}) THEN '+' || {digits}",
        digits=digits,
        longest=literal(known.longest),
        code=literal(known.calling_code),
    )
    home = sql(
        "'+' || {code} || {digits}", code=literal(known.calling_code), digits=_without_trunk(digits, known.trunk)
    )
    return sql("CASE {cases} ELSE {home} END", cases=joined(" ", [cases[0], abroad, *cases[1:], foreign]), home=home)


def _without_trunk(digits: Sql, trunk: str) -> Sql:
    return sql("regexp_replace({digits}, {trunk}, '')", digits=digits, trunk=literal(trunk)) if trunk else digits
