"""Which files a goal reads and how their text is laid out (spec.md 3)."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cdp_assets.config.base import RemoteDirectory, Strict
from cdp_assets.config.date_patterns import parse_date_pattern
from cdp_assets.config.linked import LinkedFile, linked_problem
from cdp_assets.config.readiness import Ready
from cdp_assets.config.timezones import check_timezone
from cdp_assets.config.windows import TimeWindows, windows_problem

DEFAULT_MAX_ROW_BYTES = 1_048_576
MAX_COLUMNS = 2_000
"""Of one file."""


class Files(Strict):
    """Where a goal's files stand, which of them it takes, and what a second delivery means."""

    directory: RemoteDirectory = ""
    """Relative to the connection's user directory unless it starts with `/`."""
    root: str = Field(min_length=1)
    """File name: exact, with wildcards (`*` any run of characters, `?` one), or a regular expression."""
    match: Literal["auto", "exact", "wildcard", "regex"] = "auto"
    """How `root` is read; auto = wildcard if it holds `*` or `?`, else exact."""
    linked: tuple[LinkedFile, ...] = ()
    """Files beside the root file that hold more about its rows."""
    wait_for_linked_s: int = Field(default=3_600, ge=0)
    """Seconds a root file waits for a linked file that is not there yet, before that is an error."""
    ready: Ready = Ready()
    """When a file is complete, beside keeping its size and time over two looks."""
    delta: bool = False
    """True: every row of every file applies. False: rows equal to the goal's earlier files do not."""
    rename_done: bool = True
    """Append `.done` to a file's name once its rows are folded."""
    keep_received: bool = True
    """Keep each file as received beside its batch, so that `reland` can import it anew."""
    date_format: str | None = None
    """Pattern of the date in the partition key, e.g. `YYYYMMDD`; left out = a date is looked for."""
    timezone: str = "UTC"
    """Zone of a date or time in the partition key."""
    partitions: TimeWindows | None = None
    """Partitions by time, from the date in the file name; left out = one partition for each wildcard value."""
    redelivery: Literal["auto", "supersede", "append"] = "auto"
    """A newer version of a partition replaces the older one, or applies after it; auto = replaces if dated.
    In partitions by time auto replaces a file of the same name only; supersede one of the same wildcard value."""
    duplicate_content: Literal["apply", "skip"] = "apply"
    """What happens to a file whose bytes already came under another partition key of this goal."""

    @field_validator("root")
    @classmethod
    def _root_is_a_name(cls, value: str) -> str:
        if "/" in value:
            message = "root is a file name without a folder; put the folder into `directory`"
            raise ValueError(message)
        return value

    @field_validator("date_format")
    @classmethod
    def _known_date_tokens(cls, value: str | None) -> str | None:
        if value is not None:
            parse_date_pattern(value)
            if "YY" not in value.upper():
                message = f"date_format {value!r} needs a year: YYYY or YY"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _links_hold(self) -> Files:
        problem = linked_problem(self.linked, self.root)
        if problem:
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _root_compiles(self) -> Files:
        if self.pattern_type == "regex":
            try:
                re.compile(self.root)
            except re.error as error:
                message = f"root {self.root!r} is no valid regular expression: {error}"
                raise ValueError(message) from error
        return self

    @model_validator(mode="after")
    def _names_tell_their_window(self) -> Files:
        named = self.pattern_type == "exact"
        problem = windows_problem(self.partitions.by, self.date_format, named=named) if self.partitions else None
        if problem:
            raise ValueError(problem)
        return self

    _zone = field_validator("timezone")(check_timezone)

    @property
    def versions_share_a_name(self) -> bool:
        """Whether only a file of the same name is another version, although their partition key may be the same."""
        return self.partitions is not None and self.redelivery == "auto"

    @property
    def pattern_type(self) -> Literal["exact", "wildcard", "regex"]:
        """How `root` is read, with `auto` resolved."""
        if self.match != "auto":
            return self.match
        return "wildcard" if any(sign in self.root for sign in "*?") else "exact"


class Format(Strict):
    """The dialect of a delimited file (spec.md 3.3)."""

    separator: str = ","
    """Between fields; the two characters `\\t` mean TAB."""
    decimal: Literal[".", ","] = "."
    """Decimal separator; the other of `.` and `,` is the grouping sign."""
    encoding: str = "utf-8"
    """Any encoding Python knows, such as utf-16, latin-1 or windows-1252."""
    multi_value: str = Field(default="|", min_length=1)
    """Between the values of one cell."""
    quote: str = Field(default='"', max_length=1)
    """Quote character; empty = quotes are data."""
    escape: str = Field(default='"', max_length=1)
    """Before a quote inside a quoted field; left out = the quote itself. A doubled quote is always accepted."""
    date_format: str = "auto"
    """Pattern of date cells, e.g. `DD-MM-YYYY HH:mm`; auto = found out per column and file."""
    timezone: str = "UTC"
    """Zone of dates that name none."""
    max_row_bytes: int = Field(default=DEFAULT_MAX_ROW_BYTES, ge=1_024, le=67_108_864)
    """Longer rows are rejected."""
    skip_lines: int = Field(default=0, ge=0, le=10_000)
    """Lines at the top of the file that are no part of the table."""
    header: bool = True
    """The first row names the columns; false = their names are `1`, `2`, … or stand in `columns`."""
    columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), max_length=MAX_COLUMNS)
    """Names of the columns of files without a header, in their order."""
    comment: str = Field(default="", max_length=1)
    """Lines that begin with this character are no rows; empty = every line counts."""
    null_text: str | tuple[str, ...] = ()
    """An unquoted cell that is exactly this text, or one of these, is empty, e.g. `NULL` or `\\N`."""

    @model_validator(mode="before")
    @classmethod
    def _quotes_are_doubled(cls, data: Any) -> Any:
        quote = data.get("quote") if isinstance(data, dict) else None
        return data if not quote or "escape" in data else data | {"escape": quote}

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = "\t" if value == "\\t" else value
        if len(value) != 1 or value in "\r\n":
            message = "separator is one character, such as `,` `;` or `\\t`"
            raise ValueError(message)
        return value

    _zone = field_validator("timezone")(check_timezone)

    @field_validator("date_format")
    @classmethod
    def _known_tokens(cls, value: str) -> str:
        if value != "auto":
            parse_date_pattern(value)
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
            "a".encode(value)
        except (LookupError, TypeError, ValueError) as error:
            message = f"unknown encoding {value!r}; known are utf-8, utf-16, latin-1, windows-1252 and many more"
            raise ValueError(message) from error
        return value

    @field_validator("comment")
    @classmethod
    def _visible(cls, value: str) -> str:
        if value.isspace() or not value.isprintable():
            message = "comment is one visible character, such as `#`"
            raise ValueError(message)
        return value

    @field_validator("null_text", mode="before")
    @classmethod
    def _written_as_text(cls, value: Any) -> Any:
        if value is None or (isinstance(value, list | tuple) and None in value):
            message = "null_text must be text; put it in quotes, as YAML reads a bare NULL as nothing"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _signs_differ(self) -> Format:
        if self.separator in {self.quote, self.escape}:
            message = "separator, quote and escape must differ"
            raise ValueError(message)
        if self.comment and self.comment in {self.separator, self.quote, self.escape}:
            message = "comment must differ from separator, quote and escape"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _columns_have_one_source(self) -> Format:
        if self.columns and self.header:
            message = "columns names the columns of files without a header: add header: false, or leave columns out"
            raise ValueError(message)
        twice = next((name for place, name in enumerate(self.columns) if name in self.columns[:place]), None)
        if twice is not None:
            message = f"columns has {twice!r} twice; give each column its own name"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _null_texts_are_whole_cells(self) -> Format:
        signs = {self.separator, self.quote, "\r", "\n", "\0"} - {""}
        for text in self.null_texts:
            if not text or text != text.strip(" \t") or any(sign in text for sign in signs):
                message = (
                    f"null_text {text!r} is never a whole cell: give a text without separator, quote or outer blanks"
                )
                raise ValueError(message)
        return self

    @property
    def null_texts(self) -> tuple[str, ...]:
        """`null_text` as a list."""
        return (self.null_text,) if isinstance(self.null_text, str) else self.null_text
