"""The cells of one row, gathered line by line: quotes, escapes and blanks as `Format` says."""

from __future__ import annotations

import re

from cdp_assets.config.files import Format


class Row:
    """Cells gathered line by line; `complete` once no quote is open. A null text, unless quoted, is an empty cell."""

    def __init__(self, layout: Format, width: int | None = None) -> None:
        self.layout = layout
        self.width = width
        self.cells: list[str] = []
        self.open: list[str] | None = None
        self.nulls = frozenset(layout.null_texts)
        marks = {re.escape(sign) for sign in (layout.quote, layout.escape) if sign}
        self.mark = re.compile("|".join(sorted(marks))) if marks else None

    @property
    def complete(self) -> bool:
        """Whether the row ends with the lines fed so far."""
        return self.open is None

    @property
    def overfull(self) -> str:
        """Why an open quote cannot be part of the row: its cells are all there."""
        if self.open is None or self.width is None or len(self.cells) < self.width:
            return ""
        return f"a quote is never closed, or the row has more cells than the file has columns ({self.width})"

    def feed(self, text: str) -> str:
        """Takes one more physical line; says why the row is bad, if it is."""
        separator, quote = self.layout.separator, self.layout.quote
        if self.open is None and (not quote or quote not in text):
            cells = [cell.strip(" \t\r\n") for cell in text.rstrip("\r\n").split(separator)]
            self.cells += [self._unless_null(cell) for cell in cells] if self.nulls else cells
            return ""
        at = 0
        while True:
            if self.open is None:
                at = self._begin_cell(text, at)
            if self.open is not None:
                after = self._quoted(text, at)
                if after is None:
                    return ""
                at = _end_of_cell(text, after, separator)
                if text[after:at].strip(" \t"):
                    return "text after a closing quote"
            if at >= len(text) or text[at] in "\r\n":
                return ""
            at += 1

    def _begin_cell(self, text: str, at: int) -> int:
        """Opens a quoted cell, or takes a whole plain one; the place to go on from."""
        separator, quote = self.layout.separator, self.layout.quote
        begin = at
        while text[at : at + 1] in {" ", "\t"} and text[at] != separator:
            at += 1
        if text.startswith(quote, at):
            self.open = []
            return at + len(quote)
        end = _end_of_cell(text, begin, separator)
        self.cells.append(self._unless_null(text[begin:end].strip(" \t")))
        return end

    def _unless_null(self, cell: str) -> str:
        return "" if cell in self.nulls else cell

    def _quoted(self, text: str, at: int) -> int | None:
        """Reads a quoted cell from `at`; the place after its closing quote, None if it goes on."""
        assert self.open is not None
        assert self.mark is not None
        quote, escape = self.layout.quote, self.layout.escape
        while True:
            found = self.mark.search(text, at)
            if found is None:
                self.open.append(text[at:])
                return None
            place = found.start()
            self.open.append(text[at:place])
            sign, after = text[place], text[place + 1 : place + 2]
            if (sign == quote and after == quote) or (sign == escape and after and after in {quote, escape}):
                self.open.append(after)
                at = place + 2
            elif sign == quote:
                self.cells.append("".join(self.open))
                self.open = None
                return place + 1
            else:
                self.open.append(sign)
                at = place + 1


def _end_of_cell(text: str, at: int, separator: str) -> int:
    places = [place for place in (text.find(sign, at) for sign in (separator, "\n", "\r")) if place >= 0]
    return min(places, default=len(text))
