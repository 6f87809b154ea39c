"""One cell on its way into the batch: its text, made ready, typed, and what of it was not valid."""

from __future__ import annotations

from collections.abc import Mapping as Columns
from dataclasses import dataclass

from cdp_assets.config.files import Format
from cdp_assets.config.goals import Mapping, Rule
from cdp_assets.config.properties import MAX_TEXT_LENGTH, Property, PropertyType
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.dialect import distinct_in_order, value_type
from cdp_assets.sql.text import Sql, ident, literal, sql
from cdp_assets.sql.values import cell_parts, object_in_order, plain_number, prepared, trimmed, typed


@dataclass(frozen=True)
class Cells:
    """Where the text of every field stands before it is typed."""

    relation: Sql
    columns: Columns[str, Sql]
    """Field → column of the relation; NULL or the empty text = empty cell."""
    line: Sql | None
    """Column with the line number; None = it follows from the row's place."""
    trimmed: bool
    """Whether blanks around unquoted cells are gone: then those that are left were quoted."""
    lists: frozenset[str] = frozenset()
    """Fields of linked files: their column is a LIST with a text for each row, NULL = none."""
    carried: tuple[str, ...] = ()
    """Columns that stand in the batch as they are."""
    in_order: frozenset[str] = frozenset()
    """Fields that are objects whose keys are in order on every level."""


@dataclass(frozen=True)
class Field:
    """One cell on its way to one column of the batch, in stages that each are a column of their own.

    cell → plain (its number, if it is a plain one) → text (the whole as one value) and texts (its parts)
    → value and valid (the values of the parts that have one) → result and what is invalid.
    The later stages do their costly work only for the rows that the earlier ones leave to them.
    """

    name: str
    prop: Property
    cell: Sql
    scalar: bool
    """Whether the whole cell may be one value."""
    several: bool
    """Whether the cell may hold values, as parts or as the cells of linked rows."""
    rule: Rule | None = None
    """The mapping's; None = an identifier."""
    dates: KnownFormat | None = None
    linked: bool = False
    """Whether the cell is a LIST: a text for each linked row, in the order of their file."""
    in_order: bool = False
    """Whether the cell is an object whose keys are in order on every level."""

    @property
    def totalled(self) -> bool:
        """Whether the values are added up."""
        return self.rule is Rule.sum

    def column(self, stage: str) -> Sql:
        """The column a stage stands in."""
        return ident(f"{self.name}_{stage}")

    def parts(self, cell: Sql, layout: Format) -> Sql:
        """The texts of all values in a cell."""
        if not self.linked:
            return cell_parts(cell, layout)
        if self.prop.multiple:
            return sql("flatten(list_transform({cell}, lambda c: {all}))", cell=cell, all=cell_parts(Sql("c"), layout))
        if self.totalled:
            whole = sql(
                "CASE WHEN {number} IS NOT NULL OR NOT contains(c, {sign}) THEN [c] ELSE {all} END",
                number=prepared(self.prop, Sql("c"), layout),
                sign=literal(layout.multi_value),
                all=cell_parts(Sql("c"), layout),
            )
            return sql("flatten(list_transform({cell}, lambda c: {whole}))", cell=cell, whole=whole)
        return cell

    @property
    def _may_be_plain(self) -> bool:
        return self.scalar and self.prop.is_numeric

    def plain(self, layout: Format) -> list[Sql]:
        """The stage plain."""
        if not self._may_be_plain:
            return []
        number = plain_number(self.prop, self.column("cell"), layout)
        return [sql("{number} AS {name}", number=number, name=self.column("plain"))]

    def prepared(self, layout: Format) -> list[Sql]:
        """The stages text and texts: NULL where the cell is a plain number."""
        columns = [self.column("plain")] if self._may_be_plain else []
        if self.scalar:
            text = self._unless_plain(prepared(self.prop, self.column("cell"), layout))
            columns.append(sql("{text} AS {name}", text=text, name=self.column("text")))
        if self.several:
            columns.append(sql("{texts} AS {name}", texts=self._texts(layout), name=self.column("texts")))
        return columns

    def typed(self, layout: Format) -> list[Sql]:
        """The stages value and valid."""
        columns = []
        if self.scalar:
            text = self.column("text")
            value = object_in_order(text) if self.in_order else typed(self.prop, text, layout, self.dates)
            if self._may_be_plain:
                value = sql("coalesce({plain}, {value})", plain=self.column("plain"), value=value)
            columns.append(sql("{value} AS {name}", value=value, name=self.column("value")))
        if self.several:
            valid = sql("{valid} AS {name}", valid=self._valid(layout), name=self.column("valid"))
            columns += [self.column("texts"), valid]
        return columns

    def _unless_plain(self, text: Sql) -> Sql:
        if not self._may_be_plain:
            return text
        return sql("CASE WHEN {plain} IS NULL THEN {text} END", plain=self.column("plain"), text=text)

    def _texts(self, layout: Format) -> Sql:
        cell = self.column("cell")
        texts = self.parts(cell, layout)
        if self.prop.is_numeric:
            one = prepared(self.prop, Sql("part"), layout)
            texts = sql("list_transform({all}, lambda part: {one})", all=texts, one=one)
        if self.totalled and not self.linked:
            sign = literal(layout.multi_value)
            texts = self._unless_plain(
                sql("CASE WHEN contains({c}, {s}) THEN {texts} END", c=cell, s=sign, texts=texts)
            )
        return texts

    def _valid(self, layout: Format) -> Sql:
        texts = self.column("texts")
        one = typed(self.prop, Sql("part"), layout, self.dates)
        valid = sql(
            "list_filter(list_transform({all}, lambda part: {one}), lambda v: v IS NOT NULL)", all=texts, one=one
        )
        if self.linked or self.prop.type is not PropertyType.text or self.prop.choices is not None:
            return sql("CASE WHEN {all} IS NOT NULL THEN {valid} END", all=texts, valid=valid)
        # No part of a cell is longer than the cell, and a text has no more characters than bytes.
        return sql(
            "CASE WHEN strlen({cell}) <= {limit} THEN {all} ELSE {valid} END",
            cell=self.column("cell"),
            limit=literal(MAX_TEXT_LENGTH),
            all=texts,
            valid=valid,
        )

    def result(self) -> list[Sql]:
        """The columns of the batch: the value, and the cell as written where not all of it is valid."""
        found, bad = self._found()
        if self.rule is None:
            found = sql("{found}::{kind}", found=found, kind=Sql("VARCHAR[]" if self.prop.multiple else "VARCHAR"))
        cell = self.column("cell")
        shown = sql("array_to_string({cell}, ' | ')", cell=cell) if self.linked else cell
        return [
            sql("{found} AS {name}", found=found, name=ident(self.name)),
            sql("CASE WHEN {bad} THEN {cell} END AS {name}", bad=bad, cell=shown, name=self.column("invalid")),
        ]

    def _found(self) -> tuple[Sql, Sql]:
        """The value, and whether a part of the cell is not valid."""
        value, valid = self.column("value"), self.column("valid")
        some_invalid = sql("len({valid}) < len({texts})", valid=valid, texts=self.column("texts"))
        if self.totalled:
            total = sql("try_cast(list_sum({valid}) AS {kind})", valid=valid, kind=value_type(self.prop))
            total = sql("CASE WHEN {valid} IS NOT NULL THEN {total} END", valid=valid, total=total)
            too_large = sql("len({valid}) > 0 AND {total} IS NULL", valid=valid, total=total)
            if self.linked:
                return total, sql("{some} OR {large}", some=some_invalid, large=too_large)
            bad = sql("coalesce({some}, true) OR ({large})", some=some_invalid, large=too_large)
            bad = sql("CASE WHEN {value} IS NULL THEN {bad} END", value=value, bad=bad)
            return sql("coalesce({value}, {total})", value=value, total=total), bad
        if self.prop.multiple:
            distinct = sql(
                "CASE WHEN len({valid}) > 1 THEN {distinct} WHEN len({valid}) = 1 THEN {valid} END",
                valid=valid,
                distinct=distinct_in_order(valid),
            )
            return distinct, some_invalid
        if self.linked:
            place = literal(1 if self.rule is Rule.set_if_empty else -1)
            return sql("{valid}[{place}]", valid=valid, place=place), some_invalid
        return value, sql("{value} IS NULL", value=value)


def cell_of(field: Field, cells: Cells) -> Sql:
    """A cell's text, NULL where it is empty. Blanks inside quotes are kept in texts, and mean nothing elsewhere."""
    blanks_count = cells.trimmed and field.prop.type is PropertyType.text
    if field.linked:
        one = Sql("t") if blanks_count else trimmed(Sql("t"))
        texts = sql("list_transform({cell}, lambda t: nullif({one}, ''))", cell=field.cell, one=one)
        return sql("nullif(list_filter({texts}, lambda t: t IS NOT NULL), [])", texts=texts)
    text = field.cell if blanks_count else trimmed(field.cell)
    return sql("nullif({text}, '')", text=text)


def mapping_field(
    number: int, mapping: Mapping, prop: Property, cells: Cells, dates: KnownFormat | None = None
) -> Field:
    """The field of a mapping; of linked rows, `set` takes the last value, `set_if_empty` the first."""
    cell, linked = cells.columns[mapping.column], mapping.column in cells.lists
    several = linked or prop.multiple or mapping.rule is Rule.sum
    scalar = not linked and not prop.multiple
    in_order = mapping.column in cells.in_order
    return Field(f"m{number}", prop, cell, scalar, several, mapping.rule, dates, linked, in_order)
