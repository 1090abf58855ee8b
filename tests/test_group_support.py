"""Group support: what pairs of variants borrow from the other variants of their groups."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.contracts import gold
from sidecart.group_support import GroupEvidence, backed_off_pairs, group_pair_support
from sidecart.settings import Settings
from sidecart.settings_files import settings_from

GOODS: dict[str, dict[str, Any]] = {
    "green_bag": {"group_id": "bag", "category_id": "bags", "attributes": {"colour": "green"}, "buyers": 10},
    "black_bag": {"group_id": "bag", "category_id": "bags", "attributes": {"colour": "black"}, "buyers": 30},
    "green_shoe": {"group_id": "shoe", "category_id": "shoes", "attributes": {"colour": "green"}, "buyers": 20},
    "black_shoe": {"group_id": "shoe", "category_id": "shoes", "attributes": {"colour": "black"}, "buyers": 20},
    "polish": {"category_id": "care", "buyers": 50},
    "lace": {"category_id": "care", "buyers": 9},
}
NO_LIFT = (1.0, 1.0)
LISTED = ("anchor", "candidate", "support", "group_support", "effective_support", "group_rank")


def _settings(**variants: object) -> Settings:
    return settings_from({"variants": {"group_prior": 10.0, "lending_support": 1} | variants})


def _backed_off(
    shop: Shop,
    pairs: DataFrame,
    settings: Settings,
    colour: tuple[float, float] = NO_LIFT,
    goods: dict[str, dict[str, Any]] = GOODS,
    **only: DataFrame,
) -> DataFrame:
    facts = shop.facts(**goods)
    lifts = shop.frame(
        gold.ATTRIBUTE_LIFT,
        {"category_a": "*", "category_b": "*", "attribute": "colour", "lift_same": colour[0], "lift_other": colour[1]},
    )
    evidence = GroupEvidence(group_pair_support(pairs, facts, "buyers"), lifts, facts)
    return backed_off_pairs(pairs, evidence, settings, **only)


def _in_words(shop: Shop, found: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    rows = told(found, "anchor", "candidate", *columns)
    return sorted((shop.word(row[0]), shop.word(row[1]), *row[2:]) for row in rows)


def _of(shop: Shop, anchor: str, found: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in _in_words(shop, found, *columns) if row[0] == anchor]


def test_a_group_pair_has_the_sum_of_its_variants_pairs(shop: Shop) -> None:
    pairs = shop.flat_pairs("green_bag green_shoe 2", "black_bag green_shoe 3", "polish lace 7", "black_shoe polish 4")
    found = group_pair_support(pairs, shop.facts(**GOODS), "buyers")
    assert told(found, "anchor_group_id", "candidate_group_id", "pair_buyers", "pair_baskets") == [
        ("bag", "shoe", 5, 5),
        ("shoe", "polish", 4, 4),
    ]


def test_variants_of_one_group_lend_nothing_to_each_other(shop: Shop) -> None:
    pairs = shop.flat_pairs("green_bag black_bag 4", "black_bag green_bag 4")
    assert _in_words(shop, _backed_off(shop, pairs, _settings())) == []


def test_goods_of_one_variant_keep_their_own_count_exactly(shop: Shop) -> None:
    pairs = shop.flat_pairs("polish lace 7", "lace polish 7")
    found = _backed_off(shop, pairs, _settings(), colour=(3.0, 0.5))
    columns = ("pair_buyers", "support", "group_support", "effective_support", "attribute_lift", "group_rank")
    assert _of(shop, "polish", found, *columns) == [("lace", 7, 7, 7, 7.0, 1.0, 1)]


def test_a_pair_that_never_met_takes_its_part_of_what_the_groups_did(shop: Shop) -> None:
    """The green bag is a quarter of all bags and each shoe half of all shoes: 1/8 of k. C_G is 10, so is k.

    Met: 10 (6 + 10/8) / (10 + 10) = 3.625. Never met: 10 (10/8) / 20 = 0.625.
    """
    pairs = shop.flat_pairs("green_bag green_shoe 6", "black_bag black_shoe 4")
    found = _backed_off(shop, pairs, _settings())
    assert _of(shop, "green_bag", found, "support", "group_support", "effective_support", "group_rank") == [
        ("black_shoe", 0, 10, 0.625, 2),
        ("green_shoe", 6, 10, 3.625, 1),
    ]


def test_the_same_colour_comes_first_where_neither_was_met(shop: Shop) -> None:
    """Only black bags met shoes; colours that agree count double, others half: 10 (10 * 2/8) / 20 = 1.25, and .3125."""
    pairs = shop.flat_pairs("black_bag black_shoe 5", "black_bag green_shoe 5")
    found = _backed_off(shop, pairs, _settings(), colour=(2.0, 0.5))
    assert _of(shop, "green_bag", found, "attribute_lift", "effective_support", "group_rank") == [
        ("black_shoe", 0.5, 0.3125, 2),
        ("green_shoe", 2.0, 1.25, 1),
    ]


def test_an_attribute_that_one_side_lacks_changes_nothing(shop: Shop) -> None:
    pairs = shop.flat_pairs("polish black_shoe 5")
    found = _backed_off(shop, pairs, _settings(), colour=(2.0, 0.5))
    assert _of(shop, "polish", found, "attribute_lift") == [("black_shoe", 1.0), ("green_shoe", 1.0)]


def test_two_categories_with_counts_of_their_own_have_their_own_lift(shop: Shop) -> None:
    facts, pairs = shop.facts(**GOODS), shop.flat_pairs("green_bag green_shoe 4", "green_shoe green_bag 4")
    lift = {"attribute": "colour", "lift_other": 1.0}
    lifts = shop.frame(
        gold.ATTRIBUTE_LIFT,
        {"category_a": "*", "category_b": "*", "lift_same": 2.0} | lift,
        {"category_a": "bags", "category_b": "shoes", "lift_same": 5.0} | lift,
    )
    evidence = GroupEvidence(group_pair_support(pairs, facts, "buyers"), lifts, facts)
    found = backed_off_pairs(pairs, evidence, _settings(alternates=1))
    assert ("green_bag", "green_shoe", 5.0) in _in_words(shop, found, "attribute_lift")
    assert ("green_shoe", "green_bag", 2.0) in _in_words(shop, found, "attribute_lift")


def test_no_pair_counts_more_than_its_anchors_buyers(shop: Shop) -> None:
    """The rare bag has one buyer: its groups' 40 joint buyers lend it 40 (1 + 30/80) / 70 = .79 and no more."""
    goods = GOODS | {"green_bag": GOODS["green_bag"] | {"buyers": 1}, "black_bag": GOODS["black_bag"] | {"buyers": 1}}
    pairs = shop.flat_pairs("green_bag green_shoe 1", "black_bag green_shoe 40")
    found = _backed_off(shop, pairs, _settings(), goods=goods)
    assert max(row[1] for row in _of(shop, "black_bag", found, "effective_support")) == 1.0


@pytest.mark.parametrize(("alternates", "kept"), [(1, ["green_shoe"]), (2, ["black_shoe", "green_shoe"])])
def test_an_anchor_keeps_only_so_many_variants_of_a_group(shop: Shop, alternates: int, kept: list[str]) -> None:
    pairs = shop.flat_pairs("green_bag green_shoe 6", "green_bag black_shoe 4")
    found = _backed_off(shop, pairs, _settings(alternates=alternates))
    assert [row[0] for row in _of(shop, "green_bag", found, "support")] == kept


def test_of_two_equal_variants_the_first_id_is_better(shop: Shop) -> None:
    found = _backed_off(shop, shop.flat_pairs("green_bag green_shoe 3", "green_bag black_shoe 3"), _settings())
    assert _of(shop, "green_bag", found, "group_rank") == [("black_shoe", 1), ("green_shoe", 2)]


def test_groups_that_hardly_met_lend_to_no_pair_that_never_did(shop: Shop) -> None:
    found = _backed_off(shop, shop.flat_pairs("green_bag green_shoe 2"), _settings(lending_support=3))
    assert _in_words(shop, found, "support") == [("green_bag", "green_shoe", 2)]


def test_without_a_prior_every_pair_has_its_own_count(shop: Shop) -> None:
    pairs = shop.flat_pairs("green_bag green_shoe 6", "black_bag black_shoe 4")
    found = _backed_off(shop, pairs, _settings(group_prior=0.0), colour=(2.0, 0.5))
    assert _in_words(shop, found, "support", "group_support", "effective_support") == [
        ("black_bag", "black_shoe", 4, 4, 4.0),
        ("green_bag", "green_shoe", 6, 6, 6.0),
    ]


def test_what_may_not_be_shown_leaves_its_place_to_a_sibling(shop: Shop) -> None:
    pairs = shop.flat_pairs("green_bag green_shoe 6", "polish lace 7", "lace polish 7")
    sold = shop.spark.createDataFrame([(shop.number(w),) for w in ("black_shoe", "polish")], "candidate INT")
    pages = shop.spark.createDataFrame([(shop.number(w),) for w in ("green_bag", "lace")], "anchor INT")
    found = _backed_off(shop, pairs, _settings(), anchors=pages, candidates=sold)
    assert _in_words(shop, found, "support", "group_support") == [
        ("green_bag", "black_shoe", 0, 6),
        ("lace", "polish", 7, 7),
    ]


_WORDS = [word for word in GOODS if word != "lace"]
_PAIRS = st.dictionaries(
    st.tuples(st.sampled_from(_WORDS), st.sampled_from(_WORDS)).filter(lambda pair: pair[0] != pair[1]),
    st.integers(1, 9),
    min_size=1,
    max_size=12,
)


@given(met=_PAIRS)
@hypothesis_settings(max_examples=5)
def test_neither_order_nor_partitions_change_anything(shop: Shop, met: dict[tuple[str, str], int]) -> None:
    texts = [f"{anchor} {candidate} {count}" for (anchor, candidate), count in met.items()]
    one = _backed_off(shop, shop.flat_pairs(*texts).coalesce(1), _settings(), colour=(1.7, 0.9))
    other = _backed_off(shop, shop.flat_pairs(*reversed(texts)).repartition(5), _settings(), colour=(1.7, 0.9))
    columns = (*LISTED, "attribute_lift", "pair_buyers", "pair_baskets")
    assert told(one, *columns) == told(other, *columns)
    bounds = told(one, "effective_support", "group_support", "support")
    assert all(0 < effective <= group for effective, group, _ in bounds)
