"""Data processors as a chain of steps, in the listed order (spec.md 5).

Reads   the input step: line_no (unique, ascending in the order of the file), a text column per field (NULL =
        empty cell), and whatever else it carries
Writes  steps with the same columns, the changed ones replaced, and one more per new field; rows in order of line_no
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdp_assets.config.base import Strict
from cdp_assets.config.processor_settings import (
    Casing,
    Concatenate,
    ConvertValue,
    CurrentDate,
    DateFormat,
    DuplicateCheck,
    EmailCleansing,
    Filter,
    FindReplace,
    FirstRows,
    FixedValue,
    Hash,
    KeyedHash,
    PhoneCleansing,
    Python,
    RemoveNull,
    Split,
    Trim,
)
from cdp_assets.config.processors import Processor
from cdp_assets.errors import FileError
from cdp_assets.sql import cell_processors as cells
from cdp_assets.sql.dates import format_date
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.text import Sql, Step, ident, joined, literal, sql

DROPPING = (DuplicateCheck, Filter, FirstRows)
"""Settings of the processors that may leave rows out."""


class MissingFieldError(FileError):
    """The supplier must act, or the YAML author: a processor names a field that the file does not have."""


@dataclass(frozen=True)
class PythonCall:
    """A function to run before the chain can: over the distinct texts of one column after one step.

    The caller runs `chain([...its steps, ...steps up to `after`], values)`, gives the texts to the function, and
    keeps texts and answers in a table `answers` (value_in VARCHAR, value_out VARCHAR), each text once.
    """

    callable: str
    """`package.module:function`."""
    field: str
    after: str
    """Name of the step whose rows the function sees; the chain's input step where none comes before."""
    values: Sql
    """SELECT of the distinct texts, in order, with NULL where there are empty cells."""
    answers: str
    """Name of the table the chain reads."""


@dataclass(frozen=True)
class Processed:
    """The steps, and where the fields are afterwards."""

    steps: Sequence[Step]
    """Empty where no processor does anything."""
    columns: Mapping[str, Sql]
    """Field name → column in the last step: those of the file, then the new ones."""
    result: str
    """Name of the last step, or of the input."""
    drops_rows: bool
    """Whether rows may be left out; the caller counts them as filtered."""
    calls: Sequence[PythonCall] = ()
    """What must be run and answered first, in this order."""


def processing_steps(
    processors: Sequence[Processor], columns: Mapping[str, Sql], source: str, at: datetime
) -> Processed:
    """The processors over the rows of the step `source`; `columns` are names of its columns, by field.

    Raises:
        MissingFieldError: a processor names a field that neither the file nor an earlier processor has.
    """
    work = _Work(dict(columns), source, at)
    for number, processor in enumerate(processors, start=1):
        work.number, work.name = number, processor.name
        _APPLY[type(processor.settings)](work, processor.settings)
    drops_rows = any(isinstance(processor.settings, DROPPING) for processor in processors)
    return Processed(work.steps, work.columns, work.source, drops_rows, work.calls)


class _Work:
    """The chain while it grows."""

    def __init__(self, columns: dict[str, Sql], source: str, at: datetime) -> None:
        self.columns = columns
        self.source = source
        self.at = at
        self.steps: list[Step] = []
        self.calls: list[PythonCall] = []
        self.number = 0
        self.name = ""

    def column(self, field: str) -> Sql:
        """The column a field stands in."""
        if field not in self.columns:
            raise MissingFieldError(f'Processor {self.number} ({self.name}): field "{field}" not found')
        return self.columns[field]

    def assign(self, values: Mapping[str, Sql]) -> None:
        """A step in which fields, old or new, have other values."""
        replaced: list[Sql] = []
        columns: list[Sql] = []
        for field, value in values.items():
            known = field in self.columns
            # A new column never takes the field's own name: the supplier of the file chose that one.
            name = self.columns.setdefault(field, ident(f"p{self.number}_{len(columns)}"))
            (replaced if known else columns).append(sql("({value})::VARCHAR AS {name}", value=value, name=name))
        star = sql("* REPLACE ({replaced})", replaced=joined(", ", replaced)) if replaced else Sql("*")
        self.step(sql("SELECT {columns} FROM {source}", columns=joined(", ", [star, *columns]), source=self.rows))

    def step(self, query: Sql) -> None:
        """A step over the last one."""
        self.source = f"p{self.number}_{self.name}"
        self.steps.append(Step(self.source, query))

    @property
    def rows(self) -> Sql:
        """The last step, to select from."""
        return ident(self.source)


def _fixed_value(work: _Work, settings: FixedValue) -> None:
    work.assign({settings.field: literal(settings.value or None)})


def _concatenate(work: _Work, settings: Concatenate) -> None:
    parts = [literal(settings.separator), *map(work.column, settings.fields)]
    work.assign({settings.into: cells.no_empty(sql("concat_ws({parts})", parts=joined(", ", parts)))})


def _current_date(work: _Work, settings: CurrentDate) -> None:
    work.assign({settings.into: format_date(literal(work.at), settings.pattern, settings.timezone)})


def _split(work: _Work, settings: Split) -> None:
    cell = work.column(settings.field)
    places = enumerate(settings.targets, start=1)
    work.assign({target: cells.part(cell, settings.separator, place) for place, target in places})


def _remove_null(work: _Work, settings: RemoveNull) -> None:
    work.assign({field: cells.without_null(cell, settings.texts) for field, cell in work.columns.items()})


def _duplicate_check(work: _Work, settings: DuplicateCheck) -> None:
    keys = [work.column(field) for field in settings.fields]
    work.step(
        sql(
            "SELECT * FROM {rows} QUALIFY coalesce({keys}) IS NULL"
            " OR row_number() OVER (PARTITION BY {keys} ORDER BY line_no {direction}) = 1 ORDER BY line_no",
            rows=work.rows,
            keys=joined(", ", keys),
            direction=Sql("ASC" if settings.keep == "first" else "DESC"),
        )
    )


def _filter(work: _Work, settings: Filter) -> None:
    found = matches(sql("coalesce({cell}, '')", cell=work.column(settings.field)), settings.pattern)
    wanted = found if settings.keep == "matching" else sql("NOT {found}", found=found)
    work.step(sql("SELECT * FROM {rows} WHERE {wanted}", rows=work.rows, wanted=wanted))


def _first_rows(work: _Work, settings: FirstRows) -> None:
    work.step(sql("SELECT * FROM {rows} ORDER BY line_no LIMIT {n}", rows=work.rows, n=literal(settings.n)))


def _python(work: _Work, settings: Python) -> None:
    cell, answers = work.column(settings.field), f"python_{work.number}"
    values = sql("SELECT DISTINCT {cell} AS value FROM {rows} ORDER BY value", cell=cell, rows=work.rows)
    work.calls.append(PythonCall(settings.callable, settings.field, work.source, values, answers))
    work.step(
        sql(
            "SELECT rows.* REPLACE ({answer} AS {cell}) FROM {rows} AS rows LEFT JOIN {answers} AS answers"
            " ON rows.{cell} IS NOT DISTINCT FROM answers.value_in ORDER BY line_no",
            answer=cells.no_empty(Sql("answers.value_out")),
            cell=cell,
            rows=work.rows,
            answers=ident(answers),
        )
    )


def _one_field(change: Callable[[Sql, Any], Sql]) -> Callable[[_Work, Any], None]:
    def apply(work: _Work, settings: Any) -> None:
        work.assign({settings.field: change(work.column(settings.field), settings)})

    return apply


def _each_field(change: Callable[[Sql, Any], Sql]) -> Callable[[_Work, Any], None]:
    def apply(work: _Work, settings: Any) -> None:
        work.assign({field: change(work.column(field), settings) for field in settings.fields})

    return apply


_APPLY: Mapping[type[Strict], Callable[[_Work, Any], None]] = {
    EmailCleansing: _one_field(cells.cleansed_email),
    FixedValue: _fixed_value,
    ConvertValue: _one_field(cells.converted),
    Concatenate: _concatenate,
    CurrentDate: _current_date,
    Casing: _each_field(cells.cased),
    DateFormat: _one_field(cells.reformatted),
    DuplicateCheck: _duplicate_check,
    Filter: _filter,
    Hash: _each_field(cells.hashed),
    KeyedHash: _each_field(cells.hashed),
    Split: _split,
    RemoveNull: _remove_null,
    FirstRows: _first_rows,
    PhoneCleansing: _one_field(cells.cleansed_phone),
    FindReplace: _one_field(cells.replaced),
    Trim: _each_field(cells.trimmed),
    Python: _python,
}
