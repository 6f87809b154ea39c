"""What follows a fold by itself: each thing once, and nothing for ever."""

from __future__ import annotations

import dagster as dg

from cdp_assets_tests.assets.world import ANNA, BERT, World

BEHIND = {"shop/done", "segments/vip", "segments/nowhere", "shop/vip_list"}


class Ticks:
    """The automation sensor's ticks over a world."""

    def __init__(self, shop: World) -> None:
        self.shop = shop
        self.cursor = None
        self.next()

    def next(self) -> set[str]:
        """What one tick asks for."""
        result = dg.evaluate_automation_conditions(
            defs=self.shop.definitions,
            instance=self.shop.instance,
            asset_selection=dg.AssetSelection.all(),
            cursor=self.cursor,
        )
        self.cursor = result.cursor
        keys = self.shop.definitions.resolve_asset_graph().get_all_asset_keys()
        return {key.to_user_string() for key in keys if result.get_num_requested(key)}

    def run(self, keys: set[str]) -> None:
        """One run for what a tick asked for, as the daemon makes it."""
        job = self.shop.definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(
            instance=self.shop.instance, asset_selection=[dg.AssetKey.from_user_string(key) for key in sorted(keys)]
        ).success


def test_a_fold_is_followed_by_everything_behind_it_in_one_run_and_then_by_nothing(shop: World) -> None:
    ticks = Ticks(shop)
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__land_arrivals").success
    assert ticks.next() == set()
    assert shop.run("fold_profiles").success
    assert ticks.next() == BEHIND
    assert ticks.next() == set()
    ticks.run(BEHIND)
    assert [ticks.next() for _ in range(3)] == [set(), set(), set()]
    assert (shop.server.folder / "out" / "vip.csv").exists()
    assert (shop.server.folder / "in" / "customers_1.csv.done").exists()


def test_a_second_fold_is_followed_once_more(shop: World) -> None:
    ticks = Ticks(shop)
    for name, row in (("1", ANNA), ("2", BERT)):
        shop.put(f"customers_{name}.csv", row)
        assert shop.run("shop__land_arrivals").success
        assert shop.run("fold_profiles").success
        assert ticks.next() == BEHIND
        ticks.run(BEHIND)
        assert ticks.next() == set()


def test_run_now_has_done_it_all_but_the_segments_nobody_exports(shop: World) -> None:
    ticks = Ticks(shop)
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now").success
    assert ticks.next() == {"segments/nowhere"}
    ticks.run({"segments/nowhere"})
    assert [ticks.next() for _ in range(3)] == [set(), set(), set()]


def test_run_now_with_nothing_new_starts_nothing(shop: World) -> None:
    ticks = Ticks(shop)
    assert shop.run("shop__run_now").success
    assert [ticks.next() for _ in range(2)] == [set(), set()]


def test_a_segment_computed_by_hand_is_delivered_once(shop: World) -> None:
    assert shop.run("fold_profiles").success
    ticks = Ticks(shop)
    ticks.next()
    assert shop.materialize("segments/vip").success
    assert ticks.next() == {"shop/vip_list"}
    ticks.run({"shop/vip_list"})
    assert ticks.next() == set()


def test_exports_of_a_connection_with_a_schedule_wait_for_the_clock(shop: World) -> None:
    shop.set_up(schedule={"times_per_day": 1})
    ticks = Ticks(shop)
    assert shop.run("fold_profiles").success
    assert ticks.next() == BEHIND - {"shop/vip_list"}


def test_a_connection_run_by_hand_only_is_left_alone(shop: World) -> None:
    shop.set_up(run="manual")
    ticks = Ticks(shop)
    assert shop.run("fold_profiles").success
    assert ticks.next() == {"segments/vip", "segments/nowhere"}
