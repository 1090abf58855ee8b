"""Held-out baskets: what is judged was never trained on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyspark.sql import functions as F

from builders import Shop, told
from sidecart.contracts import silver, state
from sidecart.evaluation.held_out import held_out_baskets, is_withheld, splits, training_lines, training_views

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SPLITS = splits(AS_OF)


def test_the_last_28_days_are_for_the_report_and_the_28_before_for_choosing() -> None:
    assert (SPLITS["test"].begins_at, SPLITS["test"].ends_at) == (datetime(2026, 2, 1, tzinfo=UTC), AS_OF)
    assert SPLITS["validation"].begins_at == datetime(2026, 1, 4, tzinfo=UTC)
    assert SPLITS["validation"].ends_at == SPLITS["test"].begins_at


def test_what_was_ordered_in_the_window_is_judged_and_only_what_came_before_it_is_trained_on(shop: Shop) -> None:
    begins = SPLITS["test"].begins_at
    days = {"before": begins, "first": begins + timedelta(seconds=1), "last": AS_OF, "after": AS_OF + timedelta(days=1)}
    lines = shop.order_lines(*({"order_id": name, "ordered_at": at} for name, at in days.items()))
    baskets = shop.frame(
        state.BASKETS, *({"order_id": name, "ordered_at": at, "variants": [1, 2]} for name, at in days.items())
    )
    assert told(training_lines(lines, SPLITS["test"]), "order_id") == ["before"]
    assert told(held_out_baskets(baskets, SPLITS["test"]), "order_id") == ["first", "last"]


def test_a_basket_of_one_variant_or_above_the_cap_is_not_judged_and_an_extreme_buyers_is(shop: Shop) -> None:
    rows = [("one", [1], None), ("capped", [1, 2, 3], "BASKET_CAP"), ("extreme", [1, 2], "EXTREME_USER")]
    baskets = shop.frame(
        state.BASKETS,
        *({"order_id": o, "ordered_at": AS_OF, "variants": v, "exclusion": why} for o, v, why in rows),
    )
    assert told(held_out_baskets(baskets, SPLITS["test"]), "order_id") == ["extreme"]


def test_a_buyer_who_is_judged_as_new_has_no_history_in_training(shop: Shop) -> None:
    people = [f"buyer{number}" for number in range(200)]
    split = SPLITS["test_new_buyers"]
    old = [{"order_id": f"o-{p}", "buyer_key": p, "ordered_at": split.begins_at} for p in people]
    new = [{"order_id": f"n-{p}", "buyer_key": p, "ordered_at": AS_OF, "variants": [1, 2]} for p in people]
    trained = told(training_lines(shop.order_lines(*old), split), "buyer_key")
    judged = told(held_out_baskets(shop.frame(state.BASKETS, *new), split), "buyer_key")
    assert sorted(trained + judged) == sorted(people)
    assert 25 < len(judged) < 60


def test_a_guest_order_is_a_buyer_of_its_own(shop: Shop) -> None:
    split = SPLITS["test_new_buyers"]
    lines = shop.order_lines(
        *({"order_id": f"g{n}", "buyer_key": None, "ordered_at": split.begins_at} for n in range(50))
    )
    withheld = lines.where(is_withheld(F.concat(F.lit("guest:"), "order_id")))
    kept = told(training_lines(lines, split), "order_id")
    assert 0 < len(kept) < 50
    assert sorted(kept + told(withheld, "order_id")) == sorted(f"g{n}" for n in range(50))


def test_views_of_a_withheld_buyer_leave_training_and_those_of_nobody_known_stay(shop: Shop) -> None:
    split = SPLITS["test_new_buyers"]
    keys = [None, *(f"buyer{number}" for number in range(20))]
    views = shop.frame(silver.VIEWS, *({"buyer_key": key, "viewed_at": split.begins_at} for key in keys))
    kept = told(training_views(views, split), "buyer_key")
    assert None in kept
    assert 1 < len(kept) < 21


def test_a_shorter_history_is_the_days_just_before_the_window(shop: Shop) -> None:
    begins = SPLITS["test"].begins_at
    days = {"long_ago": begins - timedelta(days=90), "lately": begins - timedelta(days=89)}
    lines = shop.order_lines(*({"order_id": name, "ordered_at": at} for name, at in days.items()))
    assert told(training_lines(lines, SPLITS["test"], history_days=90), "order_id") == ["lately"]
