"""What deliveries do to profiles, one after the other in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cdp_assets_tests.oracle.batches import Batch
from cdp_assets_tests.oracle.described import Delivery, Goal, Merging, Property
from cdp_assets_tests.oracle.ordering import Version, in_order, version_of
from cdp_assets_tests.oracle.several_identifiers import SeveralIdentifiers
from cdp_assets_tests.oracle.world import GROUP_ID, World


def fold(
    properties: Sequence[Property],
    goals: Sequence[Goal],
    arrivals: Sequence[Delivery],
    withdrawn: Collection[Version] = (),
    group_type: str = "",
    merging: Merging | None = None,
    after_row: Callable[[World, str, int], None] | None = None,
) -> World:
    """The world after all deliveries, given in the order they arrived, as if the withdrawn had not come.

    `group_type`: the world of such groups instead of that of profiles. Its groups hold their id as a property.
    """
    world = World({prop.name: prop for prop in properties} | {GROUP_ID: Property(GROUP_ID)}, merging)
    world.after_row = after_row
    known = {goal.name: goal for goal in goals if goal.group_type == group_type}
    counting = [item for item in arrivals if item.goal in known and version_of(item) not in withdrawn]
    for delivery in in_order(goals, counting):
        world.order.append(delivery)
        goal = known[delivery.goal]
        kind = SeveralIdentifiers if goal.rules else Batch
        world.counts.append(kind(world, goal, delivery).applied())
    return world
