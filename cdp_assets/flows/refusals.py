"""How much of a file was refused, in one way for messages and checks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.counted import counted
from cdp_assets.files.remote import shown


def refusals(
    rows: int,
    rejected: int,
    event_rows: int,
    with_event: int,
    events_rejected: int,
    lost: tuple[str, int, int] | None = None,
) -> Iterator[tuple[float, str]]:
    """Per cent of a file that was refused, and in words; the rows first, then events of rows that were not.

    Args:
        rows: all of the file.
        rejected: rows that were refused.
        event_rows: rows that were not, and whose event was.
        with_event: rows that bring an event, of the file or of linked ones.
        events_rejected: events that were refused.
        lost: a column many of whose cells were refused, how many were, and how many are filled.
    """
    refused = rejected + event_rows
    share = 100 * refused / rows if rows else 0.0
    how = " or with a rejected event" if rejected else "with a rejected event"
    how = f"{'rejected' if rejected or not event_rows else ''}{how if event_rows else ''}"
    yield share, f"{refused:,} of {counted(rows, 'row')} {how} ({share:.1f} %)"
    if events_rejected and not event_rows:
        # Of linked files: their rows are none of this one.
        share = 100 * events_rejected / with_event if with_event else 0.0
        whole = counted(with_event, "row with an event", "rows with an event")
        yield share, f"{counted(events_rejected, 'event')} rejected, of {whole} ({share:.1f} %)"
    if lost:
        column, bad, filled = lost
        share = 100 * bad / filled
        yield share, f"{bad:,} of {counted(filled, 'cell')} of {shown(column)} rejected ({share:.1f} %)"
