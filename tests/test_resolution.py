"""Resolution: what a visitor of a region sees, given base lists, what is live and the rules of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from builders import Shop, told
from sidecart.contracts import gold, silver
from sidecart.resolution import held_lists, list_owners, refusals, resolved_lists
from sidecart.rules import Goods, rule_subjects, with_ruling
from sidecart.shortlists import stored_lists

TREE = ("root > north > oslo", "root > south")
SHELVES = ("drinks > alcohol > wine", "drinks > juice", "food > cheese")
TODAY = date(2026, 3, 1)


def _lists(shop: Shop, **lists: str) -> DataFrame:
    """Base lists of an anchor at the root, or in a region: `milk="bread jam"`, `milk_in_north="jam"`."""
    rows = []
    for name, words in lists.items():
        anchor, _, region = name.partition("_in_")
        for rank, word in enumerate(words.split(), 1):
            group = word.partition("_")[0]
            place = {"region_id": region or "root", "anchor_id": anchor, "rank": rank}
            rows.append(place | {"candidate_id": word, "candidate_group_id": group})
    return shop.frame(gold.SHORTLISTS, *rows)


def _resolved(
    shop: Shop, lists: DataFrame, offers: DataFrame, *rules: Mapping[str, Any], shelves: str = ""
) -> DataFrame:
    """Final lists; `shelves` names variants with their category: `red=wine`."""
    at = dict(pair.split("=") for pair in shelves.split())
    words = [word for pair in lists.select("anchor_id", "candidate_id").distinct().collect() for word in pair]
    catalog = shop.catalog(**{word: at.get(word, "") for word in words})
    subjects = rule_subjects(catalog, shop.categories(*SHELVES))
    return _by_rules(shop, lists, offers, subjects, shop.rules(*rules) if rules else None)


def _by_rules(
    shop: Shop, lists: DataFrame, offers: DataFrame, subjects: DataFrame, rules: DataFrame | None
) -> DataFrame:
    goods = Goods(subjects, offers, shop.regions(*TREE))
    return resolved_lists(_held(shop, lists, offers), goods, rules, TODAY)


def _held(shop: Shop, lists: DataFrame, offers: DataFrame, depth: int = 9) -> DataFrame:
    regions = shop.regions(*TREE)
    depths = regions.select("region_id", F.lit(depth).alias("list_depth"))
    return held_lists(lists, list_owners(stored_lists(lists), regions, offers), offers, depths)


def _page(resolved: DataFrame, anchor: str, region: str = "root") -> list[str]:
    page = resolved.where(resolved["anchor_id"] == anchor).where(resolved["region_id"] == region)
    return [candidate for _, candidate in told(page, "rank", "candidate_id")]


def test_what_is_sold_out_leaves_every_list_and_keeps_its_own(shop: Shop) -> None:
    lists = _lists(shop, milk="bread jam", bread="milk jam")
    found = _resolved(shop, lists, shop.offers(root="milk -bread jam"))
    assert told(found, "anchor_id", "rank", "candidate_id", "base_rank") == [
        ("bread", 1, "milk", 1),
        ("bread", 2, "jam", 2),
        ("milk", 1, "jam", 2),
    ]


def test_a_region_without_lists_sees_its_nearest_ancestors_cut_to_what_it_sells(shop: Shop) -> None:
    lists = _lists(shop, milk="bread jam ale", milk_in_north="ale bread", bread="milk jam")
    offers = shop.offers(root="milk bread jam ale", north="milk bread ale", oslo="milk bread", south="milk jam=2.5")
    found = _resolved(shop, lists, offers).where("region_id <> 'root'")
    assert told(found, "region_id", "anchor_id", "rank", "candidate_id", "list_region_id", "base_rank") == [
        ("north", "bread", 1, "milk", "root", 1),
        ("north", "milk", 1, "ale", "north", 1),
        ("north", "milk", 2, "bread", "north", 2),
        ("oslo", "bread", 1, "milk", "root", 1),
        ("oslo", "milk", 1, "bread", "north", 2),
        ("south", "milk", 1, "jam", "root", 2),
    ]
    assert [float(price) for price in told(found.where("candidate_id = 'jam'"), "price")] == [2.5]


def test_a_region_has_no_page_for_what_it_does_not_sell(shop: Shop) -> None:
    found = _resolved(shop, _lists(shop, milk="bread"), shop.offers(root="milk bread", oslo="bread"))
    assert told(found, "region_id", "anchor_id") == [("root", "milk")]


def test_a_list_shows_a_product_once_by_its_best_variant_that_is_live(shop: Shop) -> None:
    lists = _lists(shop, jeans="shoe_green belt_a shoe_red belt_b")
    found = _resolved(shop, lists, shop.offers(root="-shoe_green belt_a shoe_red belt_b"))
    assert _page(found, "jeans") == ["belt_a", "shoe_red"]


_ALCOHOL_ONLY_BESIDE_ALCOHOL = (
    {"action": "deny", "candidate_by": "category", "candidate_value": "alcohol"},
    {
        "action": "allow",
        "anchor_by": "category",
        "anchor_value": "alcohol",
        "candidate_by": "category",
        "candidate_value": "alcohol",
        "priority": 1,
    },
)


def test_alcohol_stands_only_beside_alcohol(shop: Shop) -> None:
    lists = _lists(shop, brie="red cola", white="red brie", cola="white brie")
    offers = shop.offers(root="brie red white cola")
    shelves = "brie=cheese red=wine white=wine cola=juice"
    found = _resolved(shop, lists, offers, *_ALCOHOL_ONLY_BESIDE_ALCOHOL, shelves=shelves)
    assert told(found, "anchor_id", "rank", "candidate_id", "rule_id") == [
        ("brie", 1, "cola", None),
        ("cola", 1, "brie", None),
        ("white", 1, "red", "r2"),
        ("white", 2, "brie", None),
    ]


def test_a_denied_variant_gives_its_place_to_another_of_its_product(shop: Shop) -> None:
    lists = _lists(shop, jeans="shoe_green shoe_red")
    deny = {"candidate_by": "variant", "candidate_value": "shoe_green"}
    assert _page(_resolved(shop, lists, shop.offers(root="shoe_green shoe_red"), deny), "jeans") == ["shoe_red"]


def test_a_price_rule_asks_the_prices_of_the_region_where_the_list_is_shown(shop: Shop) -> None:
    lists = _lists(shop, phone="case cable")
    offers = shop.offers(
        root="phone=100 case=10 cable=5", oslo="phone=900 case=10 cable=5", south="phone=100 case=60 cable=5"
    )
    dear_beside_cheap = {"anchor_by": "price", "anchor_value": "..200"}
    dear_beside_cheap |= {"candidate_by": "price", "candidate_value": "50.."}
    cheap_beside_dear = {"anchor_by": "price", "anchor_value": "500.."}
    cheap_beside_dear |= {"candidate_by": "price", "candidate_value": "..9.99"}
    found = _resolved(shop, lists, offers, dear_beside_cheap, cheap_beside_dear)
    assert [_page(found, "phone", region) for region in ("root", "oslo", "south")] == [
        ["case", "cable"],
        ["case"],
        ["cable"],
    ]


def test_the_columns_are_the_same_with_rules_and_without(shop: Shop) -> None:
    lists, offers = _lists(shop, milk="bread"), shop.offers(root="milk bread")
    with_rules = _resolved(shop, lists, offers, {"candidate_by": "variant", "candidate_value": "jam"})
    assert _resolved(shop, lists, offers).schema.simpleString() == with_rules.schema.simpleString()


# A denied pair never appears: the order of conflict said once more, without Spark, on random rule sets.

_GOODS: dict[str, dict[str, Any]] = {
    "red": {"path": ["drinks", "alcohol", "wine"], "group": "wines", "brand": "Acme", "colour": "red"},
    "white": {"path": ["drinks", "alcohol", "wine"], "group": "wines", "brand": "Acme", "colour": "white"},
    "cola": {"path": ["drinks", "juice"], "group": "cola", "brand": None, "colour": "red"},
    "brie": {"path": ["food", "cheese"], "group": "brie", "brand": "Alm", "colour": "white"},
    "edam": {"path": [], "group": "edam", "brand": "Acme", "colour": None},
}
_PRICES: dict[str, dict[str, str | None]] = {
    "root": {"red": "9", "white": "7.5", "cola": "2", "brie": "5", "edam": None},
    "oslo": {"red": "12", "white": "5", "cola": "3", "brie": None, "edam": "5"},
    "south": {"red": "5.01", "white": "4.99", "cola": "2", "brie": "8"},
}
_PATHS = {"root": ["root"], "oslo": ["root", "north", "oslo"], "south": ["root", "south"]}
_VALUES: dict[str, tuple[str | None, ...]] = {
    "any": (None,),
    "category": ("drinks", "alcohol", "cheese", "nowhere"),
    "brand": ("Acme", "Alm", "Nobody"),
    "attribute": ("colour=red", "colour=white", "size=red"),
    "price": ("5..9", "..5", "5.01.."),
    "variant": tuple(_GOODS),
    "group": ("wines", "brie"),
}
_CHOICES = st.sampled_from([(by, value) for by, values in _VALUES.items() for value in values])
_DAYS = st.sampled_from([None, date(2026, 2, 28), TODAY, date(2026, 3, 2)])
_RULES = st.lists(
    st.tuples(
        st.sampled_from(["allow", "deny"]),
        _CHOICES,
        _CHOICES,
        st.sampled_from([None, "root", "north", "south"]),
        st.integers(-1, 2),
        _DAYS,
        _DAYS,
    ).map(
        lambda rule: {
            "action": rule[0],
            "anchor_by": rule[1][0],
            "anchor_value": rule[1][1],
            "candidate_by": rule[2][0],
            "candidate_value": rule[2][1],
            "region_id": rule[3],
            "priority": rule[4],
            "starts_on": rule[5],
            "ends_on": rule[6],
        }
    ),
    min_size=1,
    max_size=25,
)


def _chooses(by: str, value: str, variant: str, region: str) -> bool:
    goods = _GOODS[variant]
    match by:
        case "any":
            return True
        case "category":
            return value in goods["path"]
        case "attribute":
            return value == f"colour={goods['colour']}"
        case "price":
            low, high = (float(end) if end else None for end in value.split(".."))
            price = _PRICES[region][variant]
            return price is not None and (low or 0) <= float(price) <= (1e9 if high is None else high)
        case "variant":
            return value == variant
    return bool(goods[by] == value)


def _decides(rules: list[dict[str, Any]], region: str, anchor: str, candidate: str) -> dict[str, Any] | None:
    """The rule that wins: the larger priority, at the same deny before allow, then the larger rule id."""
    speaking = [
        rule
        for rule in rules
        if (rule["starts_on"] or TODAY) <= TODAY <= (rule["ends_on"] or TODAY)
        and (rule["region_id"] is None or rule["region_id"] in _PATHS[region])
        and _chooses(rule["anchor_by"], rule["anchor_value"], anchor, region)
        and _chooses(rule["candidate_by"], rule["candidate_value"], candidate, region)
    ]
    order = [(rule["priority"], rule["action"] == "deny", rule["rule_id"]) for rule in speaking]
    return speaking[order.index(max(order))] if order else None


@pytest.mark.slow
@given(drawn=_RULES)
@settings(max_examples=12)
def test_a_denied_pair_never_appears_and_every_other_one_does(spark: SparkSession, drawn: list[dict[str, Any]]) -> None:
    shop = Shop(spark)
    rules = [{"rule_id": f"r{place}"} | rule for place, rule in enumerate(drawn, 1)]
    lists = _lists(shop, **{anchor: " ".join(sorted(set(_GOODS) - {anchor})) for anchor in _GOODS})
    # Groups are a matter of rules here, not of one variant per product.
    lists = lists.withColumn("candidate_group_id", lists["candidate_id"])
    offers = shop.offers(
        **{
            region: " ".join(f"{word}={price}" if price else word for word, price in prices.items())
            for region, prices in _PRICES.items()
        }
    )
    catalog = shop.frame(
        silver.CATALOG,
        *(
            {"variant_id": word, "group_id": goods["group"], "brand": goods["brand"]}
            | {"category_id": goods["path"][-1] if goods["path"] else None}
            | {"attributes": {"colour": goods["colour"]} if goods["colour"] else {}}
            for word, goods in _GOODS.items()
        ),
    )
    subjects = rule_subjects(catalog, shop.categories(*SHELVES))
    found = _by_rules(shop, lists, offers, subjects, shop.rules(*rules))
    expected = {}
    for region, prices in _PRICES.items():
        for anchor, candidate in ((a, c) for a in prices for c in prices if a != c):
            rule = _decides(rules, region, anchor, candidate)
            if rule is None or rule["action"] == "allow":
                expected[region, anchor, candidate] = rule and rule["rule_id"]
    told_of = {(r["region_id"], r["anchor_id"], r["candidate_id"]): r["rule_id"] for r in found.collect()}
    assert told_of == expected


def test_a_candidate_that_is_not_shown_says_why(shop: Shop) -> None:
    """Of milk's base list tea is sold out, wine is denied, jam_b is another jam, and bread is third of two."""
    lists = _lists(shop, milk="tea wine jam_a jam_b bun bread")
    offers = shop.offers(root="milk -tea wine jam_a jam_b bun bread")
    held = _held(shop, lists, offers)
    subjects = rule_subjects(shop.catalog(milk="", wine=""), shop.categories(*SHELVES))
    deny = {"rule_id": "dry", "candidate_by": "variant", "candidate_value": "wine"}
    ruled = with_ruling(held.where("is_available"), Goods(subjects, offers, shop.regions()), shop.rules(deny))
    resolved = _resolved(shop, lists, offers, deny)
    found = refusals(held, resolved, ruled, shown=2)
    assert told(found, "candidate_id", "refused_by", "rule_id", "rank") == [
        ("bread", "rank", None, 3),
        ("jam_b", "group", None, None),
        ("tea", "sold_out", None, None),
        ("wine", "rule", "dry", None),
    ]


def test_a_region_holds_of_its_parents_list_what_it_sells_to_its_depth(shop: Shop) -> None:
    lists = _lists(shop, milk="bread jam ale tea", milk_in_oslo="tea jam")
    offers = shop.offers(
        root="milk bread jam ale tea", north="milk -jam ale tea", south="milk tea", oslo="milk jam tea"
    )
    held = _held(shop, lists, offers, depth=2)
    columns = ("region_id", "base_rank", "candidate_id", "list_region_id", "is_available")
    assert [row for row in told(held, *columns) if row[0] != "root"] == [
        ("north", 2, "jam", "root", False),
        ("north", 3, "ale", "root", True),
        ("oslo", 1, "tea", "oslo", True),
        ("oslo", 2, "jam", "oslo", True),
        ("south", 4, "tea", "root", True),
    ]


def test_one_that_gave_way_to_diversity_says_so(shop: Shop) -> None:
    lists = _lists(shop, milk="a b c")
    offers = shop.offers(root="milk a b c")
    held = _held(shop, lists, offers)
    ranks = F.create_map(*(F.lit(part) for pair in (("a", 1), ("c", 2), ("b", 3)) for part in pair))
    resolved = _resolved(shop, lists, offers).withColumn("rank", ranks[F.col("candidate_id")])
    ruled = held.withColumn("ruling", F.lit(None).cast("struct<priority: bigint, is_deny: boolean, rule_id: string>"))
    found = refusals(held, resolved, ruled, shown=2)
    assert told(found, "candidate_id", "refused_by", "rank") == [("b", "diversity", 3)]
