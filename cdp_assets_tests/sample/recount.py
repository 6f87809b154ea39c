"""Counts the oddities of a file again, from its bytes alone, with nothing of the generator but the words."""

import csv
import re
from collections import Counter
from pathlib import Path

SEPARATORS = {"customers": ";"}
EMAIL_COLUMNS = {"E-Mail", "email", "Email", "Profile.Email"}
NUMBER_COLUMNS = {"points", "quantity"}
CONSENTS = {"", "SUBSCRIBE", "UNSUBSCRIBED", "NEVER SUBSCRIBED"}


def read_rows(path: Path) -> list[list[str]]:
    """All rows with the header, as Python's own reader sees them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=SEPARATORS.get(path.name.split("_")[0], ",")))


def recount(path: Path, order_ids: set[str]) -> Counter[str]:
    """Rows of each kind of dirt; `order_ids` are the known ones, empty = any may be."""
    header, *rows = read_rows(path)
    found = Counter({"text_after_quote": len(re.findall(r'(?m)^[^\n]*"[^"\n]*" \(old\)', path.read_text()))})
    seen = set()
    for row in rows:
        if tuple(row) in seen:
            found["duplicate"] += 1
            continue
        seen.add(tuple(row))
        if len(row) > len(header):
            found["too_many_columns"] += 1
            continue
        found["quoted_separator"] += any(";" in cell for cell in row)
        found["quoted_newline"] += any("\n" in cell for cell in row)
        for column, cell in zip(header, row, strict=True):
            found.update(_oddities(column, cell, order_ids))
    return +found


def _oddities(column: str, cell: str, order_ids: set[str]) -> list[str]:
    if column in EMAIL_COLUMNS:
        return _email_oddities(cell)
    checks = {
        "impossible_date": column == "Birthday" and cell.endswith("-02-30"),
        "amount_with_currency": cell.endswith(" EUR"),
        "not_a_number": column in NUMBER_COLUMNS and not cell.isdigit(),
        "orphan": column == "order_id" and bool(order_ids) and cell not in order_ids,
        "missing_time": column == "Time" and not cell,
        "unknown_consent": column == "Email Marketing Consent" and cell not in CONSENTS,
        "broken_list": cell.startswith("[") and not cell.endswith("]"),
    }
    return [kind for kind, is_so in checks.items() if is_so]


def _email_oddities(cell: str) -> list[str]:
    if not cell:
        return ["missing_email"]
    if "@" not in cell:
        return ["invalid_email"]
    if cell != cell.strip().lower():
        return ["untidy_email"]
    return ["stranger"] if cell.startswith("guest.") else []


def known_order_ids(path: Path) -> set[str]:
    """The ids of the orders that a file of order lines belongs to; empty for other files."""
    if not path.name.startswith("order_lines_"):
        return set()
    orders = path.with_name(path.name.replace("order_lines_", "orders_"))
    return {row[0] for row in read_rows(orders)}
