"""What leaving extremes out changed, on a shop where a reseller bought odd things together."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop, told
from sidecart.baskets import counted
from sidecart.contracts.frames import TABLES
from sidecart.extremes_effect import changed_lists, pairs_added, with_extremes
from sidecart.pairs import flat_pairs, pair_support
from sidecart.settings_files import settings_from
from sidecart.shortlists import ListInputs


def _ten(shop: Shop, lists: dict[str, str]) -> DataFrame:
    rows = [(shop.number(a), shop.number(c)) for a, words in lists.items() for c in words.split()]
    return shop.spark.createDataFrame(rows, "anchor INT, candidate INT")


def _inputs(shop: Shop, **given: DataFrame) -> ListInputs:
    """What a test says, and nothing else; no group has several variants."""
    tables = {f.name: shop.frame(TABLES[f.name]) for f in fields(ListInputs)} | given
    return replace(ListInputs(**tables), group_pair_support=None)


@pytest.mark.parametrize(
    ("released", "with_all", "expected"),
    [
        pytest.param({"tea": "milk jam"}, {"tea": "jam milk"}, (2, 0, 0), id="order within the ten is no change"),
        pytest.param({"tea": "milk jam"}, {"tea": "milk rope"}, (2, 1, 1), id="rope takes the place of jam"),
        pytest.param({"tea": "milk"}, {"tea": "milk rope"}, (1, 0, 1), id="rope comes after milk"),
        pytest.param({}, {"tea": "rope"}, (0, 0, 1), id="a list that only the reseller gives"),
    ],
)
def test_lists_are_compared_candidate_by_candidate(
    shop: Shop, released: dict[str, str], with_all: dict[str, str], expected: tuple[int, int, int]
) -> None:
    found = changed_lists(_ten(shop, released), _ten(shop, with_all)).collect()
    assert [(row["slots"], row["lost"], row["gained"]) for row in found] == [expected]


def test_everything_counted_adds_what_the_reseller_bought_and_nothing_else(shop: Shop) -> None:
    """Ann and Bob buy tea and milk; the reseller, left out, adds tea and rope, and has tea and milk too."""
    stored = shop.baskets(b1="ann: tea milk", b2="bob: tea milk", b3="reseller: tea rope", b4="reseller@oslo: tea milk")
    is_left_out = F.when(F.col("buyer_key") == "reseller", "EXTREME_USER")
    baskets, regions = stored.withColumn("exclusion", is_left_out), shop.regions("root > oslo")
    released = pair_support(counted(baskets), regions, shards=2)
    facts = shop.facts(tea={"buyers": 2, "baskets": 2}, milk={"buyers": 2, "baskets": 2}, rope={})
    inputs = _inputs(shop, pair_support=released, regions=regions, variant_facts=facts)
    whole = with_extremes(inputs, baskets, 2, settings_from({}), lambda _, frame: frame)
    root = released.where("region_id = 'root'")
    assert pairs_added(root, whole.pair_support).collect() == [(2, 1)]
    assert told(whole.variant_facts, "variant_id", "buyers", "baskets") == [
        ("milk", 3, 3),
        ("rope", 1, 1),
        ("tea", 3, 4),
    ]
    met = flat_pairs(whole.pair_support).select("anchor", "candidate", "pair_buyers").collect()
    assert {(shop.word(a), shop.word(c)): n for a, c, n in met if shop.word(a) < shop.word(c)} == {
        ("milk", "tea"): 3,
        ("rope", "tea"): 1,
    }
