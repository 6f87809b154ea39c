"""What passes every check of the YAML and is yet most likely not meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cdp_assets.config.conditions import Asking
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import OWN_PROPERTIES
from cdp_assets.config.questions import Asked, PropertyCondition, in_utc
from cdp_assets.config.related import EventCondition


def cut_days(model: CustomerModelConfig) -> Iterator[str]:
    """Ranges of moments that end with the first moment of a day, which leaves the rest of that day out."""
    whole = {prop.name for prop in model.properties if prop.whole_days}
    own = {prop.name for prop in OWN_PROPERTIES if prop.whole_days}
    asking: list[tuple[str, Asking]] = [(f"segment {one.name}", one) for one in model.segments]
    asking += [(f"lifecycle {one.name}", one) for one in model.lifecycles]
    for name, one in asking:
        for _, leaf in one.leaves:
            if isinstance(leaf, PropertyCondition) and leaf.property not in whole | own:
                yield from _told(name, leaf.property, leaf.asked)
            elif isinstance(leaf, EventCondition):
                for condition in leaf.event.conditions:
                    yield from _told(name, f"{condition.field} of {leaf.event.type}", condition.asked)


def idle_schedules(connection: Connection) -> Iterator[str]:
    """A schedule that nothing obeys."""
    if connection.schedule is not None and connection.run_mode != "schedule":
        yield f"its schedule is not obeyed, as it has run: {connection.run_mode}; write run: schedule, or remove run"


def _told(name: str, what: str, asked: Asked) -> Iterator[str]:
    if isinstance(asked.max, datetime) and in_utc(asked.max).time() == datetime.min.time():
        day = in_utc(asked.max)
        end = day + timedelta(days=1) - timedelta(milliseconds=1)
        yield (
            f"{name}: max {day:%Y-%m-%d} of {what} is the first moment of that day, in UTC; with the whole day:"
            f" max: {end:%Y-%m-%dT%H:%M:%S}.999Z"
        )
