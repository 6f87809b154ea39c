"""What each data processor can be told (spec.md 5).

Every cell is a text; an empty one is no value. `into` and the fields of `split` may be new or may exist.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from cdp_assets.config.base import Strict
from cdp_assets.config.date_patterns import parse_date_pattern, parse_readable_pattern
from cdp_assets.config.phone_countries import PHONE_COUNTRIES
from cdp_assets.config.regular_expressions import check_expression, check_replacement
from cdp_assets.config.timezones import check_timezone

FieldName = Annotated[str, Field(min_length=1)]
"""A column of the file, or a field that an earlier processor made."""
FieldNames = Annotated[tuple[FieldName, ...], Field(min_length=1)]

MAX_SPLIT = 100


def _readable(value: str) -> str:
    parse_readable_pattern(value)
    return value


def _writable(value: str) -> str:
    parse_date_pattern(value)
    return value


def _searchable(value: str) -> str:
    check_expression(value)
    return value


Zone = Annotated[str, AfterValidator(check_timezone)]
ReadPattern = Annotated[str, AfterValidator(_readable)]
WrittenPattern = Annotated[str, AfterValidator(_writable)]
Expression = Annotated[str, AfterValidator(_searchable)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"{twice[0]!r} is named twice"
        raise ValueError(message)
    return names


class EmailCleansing(Strict):
    """Lower case, no blanks, plain signs; without `mailto:`, brackets or quotes around, a dot at the end."""

    field: FieldName
    """Field whose texts change."""
    correct_domains: bool = True
    """Mend known misspellings of the domain, such as gmial.com."""
    domains: dict[FieldName, FieldName] = Field(default={})
    """Further misspellings and what is meant; one that is built in can be switched off by naming itself."""


class FixedValue(Strict):
    """The same text in every row."""

    field: FieldName
    """Field that gets the text; may be new."""
    value: str
    """The text."""


class ConvertValue(Strict):
    """Replaces texts that are equal to one of a list; the others stay."""

    field: FieldName
    """Field whose texts change."""
    separator: str | None = Field(default=None, min_length=1)
    """Between the values of one cell; left out = the cell is one value."""
    values: dict[str, str] = Field(min_length=1)
    """Old text: new text; an empty new one removes the value."""


class Concatenate(Strict):
    """Joins fields, skipping empty ones."""

    fields: FieldNames
    """Fields whose texts are joined, in this order."""
    separator: str = ""
    """Text between the joined ones."""
    into: FieldName
    """Field that gets the result."""


class CurrentDate(Strict):
    """When the file was first seen, in every row; the same however often the batch is made again."""

    into: FieldName
    """Field that gets the date."""
    pattern: WrittenPattern = "YYYY-MM-DD"
    """How it is written, e.g. `DD-MM-YYYY HH:mm`."""
    timezone: Zone = "UTC"
    """In which time zone it is told."""


class Casing(Strict):
    """Changes the case of letters."""

    fields: FieldNames
    """Fields whose texts change."""
    to: Literal["lower", "upper", "title"]
    """title = every word's first letter is a capital, the others are not."""


class DateFormat(Strict):
    """Writes dates in another form; what is no date in the first form stays as it is."""

    field: FieldName
    """Field whose texts change."""
    read: ReadPattern = Field(alias="from")
    """Pattern of the dates as they are, e.g. `DD-MM-YYYY`."""
    write: WrittenPattern = Field(alias="to")
    """Pattern of the dates as they become, e.g. `YYYY-MM-DD`."""
    timezone: Zone = "UTC"
    """Zone of the old and the new text where they name no offset."""


class DuplicateCheck(Strict):
    """Keeps one row of those that are equal in some fields; rows that are empty in all of them stay."""

    fields: FieldNames
    """Rows that are equal in all of these are duplicates."""
    keep: Literal["first", "last"] = "last"
    """Which of the equal rows stays."""


class Filter(Strict):
    """Keeps the rows in which a regular expression finds something, or the others."""

    field: FieldName
    """Field whose text decides."""
    pattern: Expression
    """Searched for anywhere in the text, unless it says ^ and $; an empty cell is the empty text."""
    keep: Literal["matching", "other"] = "matching"
    """Which rows stay: those in which something was found, or the others."""


class Hash(Strict):
    """Replaces texts by their digest, as lower-case hexadecimals; empty cells stay empty."""

    fields: FieldNames
    """Fields whose texts are replaced."""
    algorithm: Literal["sha256", "sha1", "md5"] = "sha256"
    """How the digest is made; md5 and sha1 only for partners that ask for them."""
    normalise: bool = False
    """Take the digest of the text in lower case and without blanks around."""
    separator: str | None = Field(default=None, min_length=1)
    """Between the values of one cell, each of which has its digest; left out = the cell is one value."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A separator that is left out leaves no trace: batches know their processors by this text."""
        written: dict[str, Any] = handler(self)
        return {key: value for key, value in written.items() if key != "separator" or value is not None}


class KeyedHash(Hash):
    """The same with a key (HMAC), as `pseudonymize` makes it; not in the YAML."""

    key_name: str
    """What the engine calls the key: the key itself stands in no text."""


class Split(Strict):
    """The values of one cell into fields of their own; values beyond the last field are left out."""

    field: FieldName
    """Field whose values are parted."""
    separator: str = Field(default="|", min_length=1)
    """Between the values."""
    into: Annotated[tuple[FieldName, ...], AfterValidator(_distinct)] = ()
    """The fields by name."""
    prefix: FieldName | None = None
    """Together with `count`: fields `prefix_1`, `prefix_2`, …; left out = the name of the field."""
    count: int = Field(default=0, ge=0, le=MAX_SPLIT)
    """How many fields; the alternative to naming them with `into`."""

    @model_validator(mode="after")
    def _names_or_count(self) -> Split:
        if bool(self.into) == bool(self.count) or (self.prefix and self.into):
            message = "give either `into`, a list of fields, or `count`, their number (and a `prefix`)"
            raise ValueError(message)
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        prefix = self.prefix or self.field
        return self.into or tuple(f"{prefix}_{number}" for number in range(1, self.count + 1))


class RemoveNull(Strict):
    """Empties cells, of all fields, that hold a word for nothing."""

    texts: FieldNames = ("null", "NULL")
    """The words, as they stand in the file."""


class FirstRows(Strict):
    """Keeps the first rows only."""

    n: int = Field(ge=1)
    """How many rows stay."""


class PhoneCleansing(Strict):
    """Telephone numbers as + and digits; what has fewer than 7 or more than 15 digits stays as it is."""

    field: FieldName
    """Field whose texts change."""
    default_country: str | None = None
    """ISO code of the country of numbers that name none; without it they become plain digits."""

    @field_validator("default_country")
    @classmethod
    def _known_country(cls, value: str | None) -> str | None:
        if value is not None and value not in PHONE_COUNTRIES:
            message = f"unknown country {value!r}; accepted: {', '.join(PHONE_COUNTRIES)}"
            raise ValueError(message)
        return value


class FindReplace(Strict):
    """Replaces whatever a regular expression finds, everywhere in the text."""

    field: FieldName
    """Field whose texts change."""
    pattern: str
    """Regular expression (RE2) of what is replaced."""
    replacement: str = ""
    r"""May name the groups of the pattern: `\1` to `\9`, `\0` for all that was found."""

    @model_validator(mode="after")
    def _usable(self) -> FindReplace:
        check_replacement(self.replacement, check_expression(self.pattern))
        return self


class Trim(Strict):
    """Removes blanks of every kind at the beginning and the end."""

    fields: FieldNames
    """Fields whose texts change."""


class Python(Strict):
    """A function of yours, `(list[str | None]) -> list[str | None]`, over the distinct values of a field.

    Its answer has the same length and order; None is an empty cell. It may be called with any part of the values,
    again for a batch that is made again, and must answer alike each time.
    """

    field: FieldName
    """Field whose texts change."""
    callable: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
    """`package.module:function`, importable where the pipeline runs."""
