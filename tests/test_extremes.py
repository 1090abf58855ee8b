"""Extremes: who is left out, who stays, and why."""

from __future__ import annotations

from builders import Shop, told
from sidecart.baskets import counted
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.settings import BasketSettings


def _orders(*pair_events: int) -> dict[str, str]:
    """One guest order per entry, of the size that makes so many pairs (0, 1, 3, 6 or 10)."""
    sizes = {0: 1, 1: 2, 3: 3, 6: 4, 10: 5}
    return {f"b{i:03}": " ".join("abcde"[: sizes[events]]) for i, events in enumerate(pair_events)}


def _extremes(shop: Shop, share: float, *pair_events: int) -> list[int]:
    """Pair events of the buyers that are left out."""
    activity = buyer_activity(shop.baskets(**_orders(*pair_events)), BasketSettings(extreme_buyer_share=share))
    return told(activity.where("is_extreme"), "pair_events")


def test_at_most_the_share_of_buyers_is_left_out(shop: Shop) -> None:
    assert _extremes(shop, 0.20, 1, 1, 1, 1, 1, 1, 1, 3, 6, 10) == [6, 10]


def test_a_tie_at_the_threshold_stays_whole(shop: Shop) -> None:
    assert _extremes(shop, 0.20, 1, 1, 1, 1, 1, 1, 1, 6, 6, 10) == [10]
    assert _extremes(shop, 0.20, 1, 1, 1, 1, 1, 1, 1, 6, 6, 6) == []


def test_a_share_that_is_less_than_one_buyer_leaves_nobody_out(shop: Shop) -> None:
    assert _extremes(shop, 0.005, 1, 1, 1, 10) == []


def test_a_share_of_nought_keeps_all(shop: Shop) -> None:
    assert _extremes(shop, 0.0, 0, 1, 3, 10) == []


def test_half_a_percent_of_two_hundred_buyers_is_one(shop: Shop) -> None:
    assert _extremes(shop, 0.005, *([1] * 198), 6, 10) == [10]


def test_a_buyer_is_judged_by_all_baskets_together(shop: Shop) -> None:
    orders = shop.baskets(b1="ann: a b c", b2="ann: a b c d", b3="bob: a", b4="a b", b5="a b")
    activity = buyer_activity(orders, BasketSettings(extreme_buyer_share=0.25))
    columns = ("buyer_key", "baskets", "items", "pair_events", "threshold", "is_extreme", "reason_code")
    assert told(activity.where("not is_guest"), *columns) == [
        ("ann", 2, 7, 9, 1, True, "EXTREME_USER"),
        ("bob", 1, 1, 0, 1, False, None),
    ]


def test_a_basket_above_the_cap_makes_no_pair_and_leaves_alone(shop: Shop) -> None:
    cap = BasketSettings(max_basket_variants=3, extreme_buyer_share=0.0)
    orders = shop.baskets(b1="ann: a b c d", b2="ann: a b c", b3="bob: a b")
    activity = buyer_activity(orders, cap)
    columns = ("buyer_key", "baskets_over_cap", "items", "pair_events", "reason_code")
    assert told(activity, *columns) == [("ann", 1, 7, 3, "BASKET_CAP"), ("bob", 0, 2, 1, None)]
    kept = excluded_baskets(orders, activity, cap)
    assert told(kept, "order_id", "exclusion") == [("b1", "BASKET_CAP"), ("b2", None), ("b3", None)]
    assert told(counted(kept), "order_id") == ["b2", "b3"]


def test_all_baskets_of_an_extreme_buyer_leave_every_count(shop: Shop) -> None:
    orders = shop.baskets(b1="ann: a b c d", b2="ann: a", b3="bob: a b")
    settings = BasketSettings(extreme_buyer_share=0.5)
    kept = excluded_baskets(orders, buyer_activity(orders, settings), settings)
    assert told(kept, "order_id", "exclusion") == [("b1", "EXTREME_USER"), ("b2", "EXTREME_USER"), ("b3", None)]
