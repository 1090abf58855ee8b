"""The plan of a count, against what is then sent and counted."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from builders import Shop, told
from sidecart.basket_messages import messages
from sidecart.count_plan import TASK_BYTES, CountPlan, SizeCount, basket_sizes, count_plan
from sidecart.errors import PlanError

SIZES = [SizeCount(1, 1, 50), SizeCount(2, 1, 30), SizeCount(10, 2, 4), SizeCount(100, 1, 1)]
"""Pair events: none, 30, 180 and 4,950."""


def _plan(parallelism: int = 2) -> CountPlan:
    return count_plan(SIZES, variants=500, parallelism=parallelism)


def test_baskets_are_told_by_their_size_and_the_depth_of_their_region(shop: Shop) -> None:
    baskets = shop.baskets(b1="milk", b2="milk bread", b3="@oslo: milk bread", b4="@oslo: tea jam")
    found = basket_sizes(baskets, shop.regions("root > north > oslo"))
    assert told(found, "variants", "levels", "baskets") == [(1, 1, 1), (2, 1, 1), (2, 3, 2)]


def test_a_plan_says_how_many_pairs_baskets_of_each_size_make() -> None:
    assert (_plan().baskets, _plan().pair_events) == (85, 5160)
    assert _plan().events_by_bucket() == [(1, 50, 0), (2, 30, 30), (10, 4, 180), (100, 1, 4950)]


@pytest.mark.parametrize(("limit", "cap"), [(5160, 100), (5159, 10), (210, 10), (209, 2), (30, 2), (29, None)])
def test_the_cap_that_fits_is_the_largest_whose_baskets_do(limit: int, cap: int | None) -> None:
    assert _plan().cap_within(limit) == cap


def test_a_count_above_the_limit_is_refused_and_the_cap_that_fits_is_named() -> None:
    _plan().require_within(5160, "orders")
    with pytest.raises(PlanError, match=r"orders would take 5,160 pair events.* = 5159; set .*_variants = 10, with"):
        _plan().require_within(5159, "orders")
    with pytest.raises(PlanError, match="= 29; raise that limit"):
        _plan().require_within(29, "views")


def test_there_are_as_many_shards_as_the_cluster_likes_and_more_where_a_task_would_hold_too_much() -> None:
    def plan(baskets: int, variants: int) -> CountPlan:
        return count_plan([SizeCount(variants, 1, baskets)], variants=900, parallelism=2)

    assert [plan(n, 2).shards for n in (0, 4_000_000)] == [2, 2]
    for large in (plan(80_000_000, 1), plan(80_000_000, 2), plan(2_000_000, 100)):
        assert large.shards > 2
        assert large.task_bytes <= TASK_BYTES


def test_a_shop_of_very_many_variants_needs_no_more_shards_but_each_task_holds_them() -> None:
    few, many = (count_plan([SizeCount(5, 1, 4_000_000)], variants, parallelism=2) for variants in (50_000, 10_000_000))
    assert few.shards == many.shards
    assert many.task_bytes - few.task_bytes > 200_000_000


def test_a_cluster_that_does_not_say_what_it_likes_gets_a_task_for_every_sixteen_million_events() -> None:
    shards = [count_plan([SizeCount(2, 1, n)], 9, parallelism=None).shards for n in (0, 16_000_000, 16_000_001)]
    assert shards[:1] == [1]
    assert shards[2] > shards[0]


def test_baskets_of_one_size_in_regions_of_two_depths_fit_or_fall_together() -> None:
    plan = count_plan([SizeCount(2, 1, 30), SizeCount(10, 1, 4), SizeCount(10, 2, 4)], 500, parallelism=2)
    assert [plan.cap_within(limit) for limit in (389, 390)] == [2, 10]


@pytest.mark.parametrize("shards", [2, 8, 16])
def test_what_is_sent_is_what_was_planned_within_a_quarter(shards: int) -> None:
    chance = random.Random(3)
    goods = list(range(2_000))
    sizes = [min(80, 1 + int(chance.expovariate(0.1))) for _ in range(20_000)]
    lists = pa.list_(pa.int32())
    baskets = pa.table(
        {
            "buyer": pa.array([f"{chance.randrange(4_000):016}".encode() for _ in sizes]),
            "nodes": pa.array([[0]] * len(sizes), lists),
            "variants": pa.array([sorted(chance.sample(goods, size)) for size in sizes], lists),
        }
    )
    counts = [SizeCount(size, 1, sizes.count(size)) for size in set(sizes)]
    plan = count_plan(counts, len(goods), parallelism=shards)
    sent = [
        value
        for buyers in range(shards)
        for message in messages(baskets.filter(pc.equal(_part(baskets, shards), buyers)).to_batches(), shards)
        for column in message.columns[5:]
        for value in column.to_pylist()
    ]
    assert plan.sent_bytes == pytest.approx(sum(map(len, sent)), rel=0.25)


def _part(baskets: pa.Table, parts: int) -> pa.Array:
    return pa.array([int(buyer) % parts for buyer in baskets.column("buyer").to_pylist()])
