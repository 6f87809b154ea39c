"""How the text of an exported file is laid out (spec.md 10.2)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.export_columns import check_written_dates
from cdp_assets.config.timezones import check_timezone


class ExportFormat(Strict):
    """The dialect of a file we write; what is left out gives what imports read by default."""

    separator: str = ","
    """Between fields; the two characters `\\t` mean TAB."""
    decimal: Literal[".", ","] = "."
    """Decimal separator."""
    multi_value: str = Field(default="|", min_length=1)
    """Between the values of one cell."""
    multi_value_inside: Literal["fail", "keep"] = "fail"
    """A value that holds `multi_value` itself, beside others: the export fails and names it, or it is written as is."""
    quote: str = Field(default='"', max_length=1)
    """Quote character; empty = none, and a value that needs quotes is an error."""
    escape: str = Field(default="", max_length=1)
    """Before a quote, or itself, inside a quoted field; left out = the quote, so that it is doubled."""
    quoting: Literal["minimal", "all", "non_numeric"] = "minimal"
    """What is quoted: what must be, every cell, or every cell of columns that hold no numbers."""
    null_text: str = ""
    """What stands for no value, e.g. `NULL` or `\\N`; never quoted, while a value of that text is."""
    header: bool = True
    """Whether the first row names the columns."""
    line_ending: Literal["lf", "crlf"] = "lf"
    """What ends a line: lf as on Linux, crlf as on Windows."""
    encoding: Literal["utf-8", "utf-16", "latin-1", "windows-1252"] = "utf-8"
    """A character it does not have is an error that names the column."""
    bom: bool = False
    """Begin a UTF-8 file with a byte order mark; UTF-16 always has one."""
    date_format: str = "auto"
    """Pattern of dates, e.g. `yyyy-MM-dd HH:mm`; timestamp = UNIX ms; auto = that, but yyyy-MM-dd for whole days."""
    timezone: str = "UTC"
    """Zone of dates by a pattern."""
    formula_guard: bool = False
    """Put a ' before text that a spreadsheet would take for a formula: = + - @, TAB or CR at its beginning."""

    _zone = field_validator("timezone")(check_timezone)
    _pattern = field_validator("date_format")(check_written_dates)

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = "\t" if value == "\\t" else value
        if len(value) != 1 or value in "\r\n\0":
            message = "separator is one character, such as `,` `;` or `\\t`"
            raise ValueError(message)
        return value

    @field_validator("quote", "escape")
    @classmethod
    def _no_line_end(cls, value: str) -> str:
        if value and value in "\r\n\0 ":
            message = "quote and escape are one visible character, or empty"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _signs_differ(self) -> ExportFormat:
        if self.separator in {self.quote, self.escape} or (self.escape and not self.quote):
            message = "separator, quote and escape must differ, and an escape needs a quote"
            raise ValueError(message)
        if not self.quote and self.quoting != "minimal":
            message = f"quoting: {self.quoting} needs a quote character"
            raise ValueError(message)
        if self.bom and self.encoding != "utf-8":
            message = (
                f"bom belongs to utf-8; {self.encoding} {'has one anyway' if self.encoding == 'utf-16' else 'has none'}"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _texts_stay_whole(self) -> ExportFormat:
        signs = {self.separator, self.quote, "\r", "\n", "\0"} - {""}
        text = self.null_text
        if text != text.strip(" \t") or any(sign in text for sign in signs):
            message = f"null_text {text!r} is never a whole cell: give a text without separator, quote or outer blanks"
            raise ValueError(message)
        return self

    @property
    def codec(self) -> str:
        """The encoding as Python names it, with its byte order mark where it has one."""
        return {"windows-1252": "cp1252", "utf-8": "utf-8-sig" if self.bom else "utf-8"}.get(
            self.encoding, self.encoding
        )

    @property
    def escape_sign(self) -> str:
        """`escape`, with its default resolved."""
        return self.escape or self.quote

    @property
    def line_end(self) -> str:
        """What ends a row."""
        return "\r\n" if self.line_ending == "crlf" else "\n"
