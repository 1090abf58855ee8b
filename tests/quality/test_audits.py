"""Audits: with every component at work all of them pass; each component switched off is seen by its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from builders import NOON, Frames, Shop
from random_shop import CountedShop, counted_shop
from sidecart.contracts import gold, silver, state, views
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.errors import GateError, SettingsError
from sidecart.ingest.parsing import Moment
from sidecart.list_depths import shelves, watched
from sidecart.list_places import Range
from sidecart.pairs import pair_support
from sidecart.quality.audits.audited import Audited, audited_lists
from sidecart.quality.audits.every import AUDITS, findings, wanted_audits
from sidecart.quality.audits.gate import audited, require_audits
from sidecart.scoring import ScoringParameters
from sidecart.settings import AuditName, DiversitySettings, Settings
from sidecart.settings_files import settings_from
from sidecart.shortlists import (
    ListInputs,
    list_regions,
    listed_candidates,
    pairs_at_root,
    sellers_of,
    shelf_support,
    shortlists,
    stored_lists,
)
from sidecart.storage.staging import Staging

pytestmark = pytest.mark.slow

SETTINGS = settings_from(
    {
        "regions": {"min_region_baskets": 100, "min_anchor_support": 40, "prior_support": 60.0},
        "lists": {"live_candidates": 30, "region_depth": 30, "root_depth": 30, "own_category_level": 3},
        "compatibility": {"prior_baskets": 2.0},
        "scoring": {"popularity_prior": 3.0, "popularity_exponent": 0.5},
        "cold_start": {"brand_by_category": {"lamps": "only"}},
        "variants": {"group_prior": 0.0},
        "baskets": {"extreme_buyer_share": 0.0},
    }
)
PARAMETERS = {"basis": "set", "exponent": 0.5, "wished_share": 0.48}


@dataclass(frozen=True)
class Listed:
    """The random shop with lists: its tables, ready to be changed."""

    counted: CountedShop
    frames: Frames
    listed: DataFrame
    folder: Path

    def audited(self, changed: dict[Contract, DataFrame] | None = None, settings: Settings = SETTINGS) -> Audited:
        """What audits look at, with some tables changed; `settings` resolve the lists, SETTINGS judge them."""
        tables = self.frames.but(changed or {})
        stage = Staging(self.listed.sparkSession, self.folder)
        return replace(audited(tables, Moment(NOON, settings), stage), settings=SETTINGS)


def _settled(frame: DataFrame) -> DataFrame:
    return frame.sparkSession.createDataFrame(frame.toArrow(), frame.schema)


def _lists(inputs: ListInputs, listed: DataFrame, settings: Settings = SETTINGS) -> dict[Contract, DataFrame]:
    parameters = ScoringParameters(0.5, 500, rows(listed.sparkSession, gold.EXPOSURE_FACTORS, []))
    where, seen = (
        _where(inputs),
        watched(shelves(inputs.offers), rows(listed.sparkSession, gold.LIST_REGIONS, []), None, 0.0),
    )
    met = shelf_support(inputs, where.sold()) if settings.cold_start.fills else None
    lists = _settled(shortlists(inputs, listed, met, where, parameters, settings))
    stored = _settled(stored_lists(lists))
    regions = _settled(list_regions(inputs, where.places, seen, stored))
    return {gold.SHORTLISTS: lists, gold.BASE_LISTS: stored, gold.LIST_REGIONS: regions}


def _where(inputs: ListInputs) -> Range:
    places = Shop(inputs.offers.sparkSession).places(inputs.regions, inputs.offers, SETTINGS.lists)
    return Range(places, sellers_of(inputs, places), inputs.variant_facts.count())


def _listed(inputs: ListInputs) -> DataFrame:
    nothing_damped = rows(inputs.offers.sparkSession, gold.EXPOSURE_FACTORS, [])
    where = _where(inputs)
    judged = pairs_at_root(inputs, where.sold(), SETTINGS)
    return _settled(listed_candidates(inputs, judged, where, ScoringParameters(0.5, 500, nothing_damped), SETTINGS))


@pytest.fixture(scope="module")
def shop_with_lists(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Listed:
    shop = Shop(spark)
    counted = counted_shop(shop, SETTINGS, orders=400, seed=11)
    inputs = counted.inputs
    names = counted.variant_ids.select("variant", "variant_id")
    sold = counted.baskets.select("order_id", F.explode("variants").alias("variant")).join(names, "variant")
    lines = sold.withColumn("quantity_left", F.lit(1))
    listed = _listed(inputs)
    frames = Frames(
        {
            silver.CATALOG: counted.catalog,
            silver.CATEGORIES: counted.categories,
            silver.OFFERS: inputs.offers,
            silver.REGIONS: inputs.regions,
            silver.RULES: shop.rules({"candidate_by": "variant", "candidate_value": "v01"}),
            silver.ORDER_LINES: _settled(lines),
            state.VARIANT_IDS: counted.variant_ids,
            state.VARIANT_FACTS: inputs.variant_facts,
            state.REGION_SUPPORT: inputs.region_support,
            state.BASKETS: counted.baskets,
            state.PAIR_SUPPORT: inputs.pair_support,
            gold.CATEGORY_COMPATIBILITY: inputs.category_compatibility,
            gold.SCORING_PARAMETERS: shop.frame(gold.SCORING_PARAMETERS, PARAMETERS),
        }
        | _lists(inputs, listed)
    )
    return Listed(counted, frames, listed, tmp_path_factory.mktemp("staging"))


def look(audited: Audited, audit: str) -> Row:
    (row,) = AUDITS[audit].look(audited).collect()
    return row


def test_with_every_component_at_work_all_audits_pass(shop_with_lists: Listed) -> None:
    found = findings(shop_with_lists.audited())
    assert [row["audit"] for row in found] == list(AUDITS)
    assert [row for row in found if not row["passed"]] == []
    unasked = {row["audit"] for row in found if not row["looked_at"]}
    assert unasked == {"bananas_elsewhere", "bananas_where_needed", "buyers_left_out", "rules"}


def _without_fills(it: Listed) -> dict[Contract, DataFrame]:
    none_filled = replace(SETTINGS, cold_start=replace(SETTINGS.cold_start, fills=False))
    return _lists(it.counted.inputs, it.listed.where("tier = 0"), none_filled)


def _with_brands_as_any(it: Listed) -> dict[Contract, DataFrame]:
    inputs = replace(
        it.counted.inputs, variant_facts=it.counted.inputs.variant_facts.withColumn("brand_mode", F.lit("off"))
    )
    return _lists(inputs, it.listed.where("tier = 0"))


def _relisted(inputs: ListInputs) -> dict[Contract, DataFrame]:
    return _lists(inputs, _listed(inputs))


def _without_gate(it: Listed) -> dict[Contract, DataFrame]:
    asked_nothing = it.counted.inputs.category_compatibility.withColumn("required_support", F.lit(1))
    return _relisted(replace(it.counted.inputs, category_compatibility=asked_nothing))


def _with_own_category(it: Listed) -> dict[Contract, DataFrame]:
    none_excluded = it.counted.inputs.variant_facts.withColumn("own_category", F.lit(None).cast("string"))
    return _relisted(replace(it.counted.inputs, variant_facts=none_excluded))


def _of_half_the_history(it: Listed) -> dict[Contract, DataFrame]:
    recent = it.counted.baskets.where("order_id >= 'o2'")
    return {state.PAIR_SUPPORT: pair_support(recent, it.counted.inputs.regions, shards=2)}


def _with_a_reseller(it: Listed) -> dict[Contract, DataFrame]:
    everything = Shop(it.listed.sparkSession).baskets(bulk="ann: " + " ".join(f"w{n}" for n in range(101)))
    return {state.BASKETS: it.counted.baskets.unionByName(everything)}


@pytest.mark.parametrize(
    ("switch_off", "audits"),
    [
        (_without_fills, ["full_lists"]),
        (_with_brands_as_any, ["brand_first", "brand_only"]),
        (_without_gate, ["required_support"]),
        (_with_own_category, ["own_category"]),
        (_of_half_the_history, ["all_of_history"]),
        (_with_a_reseller, ["extremes_left_out"]),
    ],
)
def test_a_component_left_out_of_the_tables_fails_its_audit(
    shop_with_lists: Listed, switch_off: Callable[[Listed], dict[Contract, DataFrame]], audits: list[str]
) -> None:
    looked = shop_with_lists.audited(switch_off(shop_with_lists))
    assert [audit for audit in audits if look(looked, audit)["passed"]] == []


def test_lists_without_diversity_fail_its_audit(shop_with_lists: Listed) -> None:
    undiversified = replace(SETTINGS, diversity=DiversitySettings(factor=1.0))
    assert not look(shop_with_lists.audited(settings=undiversified), "diversity")["passed"]


def test_lists_resolved_without_rules_fail_their_audit(shop_with_lists: Listed) -> None:
    unruled = shop_with_lists.audited({silver.RULES: Shop(shop_with_lists.listed.sparkSession).rules()})
    rules = shop_with_lists.frames.read(silver.RULES)
    assert look(unruled, "rules")["detail"] == "no rules"
    assert not look(replace(unruled, rules=rules), "rules")["passed"]


def test_lists_that_ignore_what_regions_sell_fail_their_audit(shop_with_lists: Listed) -> None:
    everything = shop_with_lists.frames.read(silver.OFFERS).withColumn("is_available", F.lit(True))
    resolved = shop_with_lists.audited({silver.OFFERS: everything})
    assert not look(replace(resolved, tables=shop_with_lists.frames), "live_in_region")["passed"]


def test_a_global_list_filtered_for_small_regions_leaves_them_short(shop_with_lists: Listed) -> None:
    first = shop_with_lists.frames.read(gold.SHORTLISTS).where("region_id = 'root' AND rank <= 10")
    short = {gold.SHORTLISTS: first, gold.BASE_LISTS: stored_lists(first)}
    assert not look(shop_with_lists.audited(short), "full_lists_of_small_regions")["passed"]


# Single lists, in words: what a whole shop shows too seldom.


@dataclass(frozen=True)
class Pages:
    """Hand-made final lists of the root, and what audits read beside them."""

    shop: Shop

    def audited(self, settings: Settings, lists: list[dict[str, object]], **tables: DataFrame) -> Audited:
        given = {contract: tables[contract.name] for contract in CONTRACTS if contract.name in tables}
        final = self.shop.frame(views.SHORTLISTS_RESOLVED, *({"tier": 0} | row for row in lists))
        shown = audited_lists(final, tables["variant_facts"], settings)
        return Audited(Frames(given), shown, (), None, settings)


CONTRACTS = (*silver.TABLES, *state.TABLES, *gold.TABLES)


def _pages(shop: Shop, settings: Settings, *shown: tuple[str, str], **more: object) -> Audited:
    """Twenty-two goods, of which the first twenty are best sellers; each pair is the only row of its list."""
    goods = {f"w{n:02}": {"buyers": 100 - n, "baskets": 100 - n, "brand_mode": "off"} for n in range(22)}
    goods |= {"rare": {"buyers": 1, "baskets": 1, "brand_mode": "off"}}
    facts = shop.facts(**goods)
    lists = [{"anchor_id": a, "candidate_id": c, "candidate_group_id": c, "rank": 1} | more for a, c in shown]
    return Pages(shop).audited(
        settings,
        lists,
        variant_facts=facts,
        offers=shop.offers(root=" ".join(goods)),
        scoring_parameters=shop.frame(gold.SCORING_PARAMETERS, PARAMETERS | {"basis": "calibrated"}),
        shortlists=shop.frame(gold.SHORTLISTS, *lists),
    )


def test_best_sellers_on_every_page_fail_popularity_reduction(shop: Shop) -> None:
    anchors = [f"w{n:02}" for n in range(22)]
    on_every = look(_pages(shop, SETTINGS, *((a, "w00" if a != "w00" else "w01") for a in anchors)), "bestseller_share")
    # All lists but that of the rare one, which is bought once in 1,970 times.
    assert (on_every["passed"], on_every["bound"]) == (False, pytest.approx(0.51))
    assert on_every["measured"] == pytest.approx(1969 / 1970)
    assert look(_pages(shop, SETTINGS, *((a, "rare") for a in anchors)), "bestseller_share")["measured"] == 0.0


BANANAS = settings_from({"scoring": {"profile": "banana"}})


def test_a_banana_beside_what_avoids_it_fails_the_banana_profile(shop: Shop) -> None:
    page = ("w20", "w00")
    assert not look(_pages(shop, BANANAS, page, category_lift=0.8), "bananas_elsewhere")["passed"]
    assert look(_pages(shop, BANANAS, page, category_lift=1.5), "bananas_elsewhere")["passed"]
    assert look(_pages(shop, SETTINGS, page, category_lift=0.8), "bananas_elsewhere")["detail"] == "switched off"


def test_a_banana_that_is_needed_must_stand_in_a_list(shop: Shop) -> None:
    strong = {"category_lift": 1.5, "evidence_class": "strong"}
    kept = _pages(shop, BANANAS, ("w20", "w00"), **strong)
    assert look(kept, "bananas_where_needed")["passed"]
    assert not look(replace(kept, lists=kept.lists.limit(0)), "bananas_where_needed")["passed"]


def test_a_fill_from_a_category_that_avoids_the_anchors_fails_cold_start(shop: Shop) -> None:
    fill = {"source": "popularity", "category_lift": 0.9}
    assert not look(_pages(shop, SETTINGS, ("w20", "w00"), **fill), "incompatible_fills")["passed"]


def test_categories_that_avoid_each_other_are_seldom_shown_together(shop: Shop) -> None:
    assert not look(_pages(shop, SETTINGS, ("w20", "w00"), category_lift=0.5), "incompatible_pairs")["passed"]
    assert look(_pages(shop, SETTINGS, ("w20", "w00"), category_lift=0.8), "incompatible_pairs")["passed"]


def _of_one_group(shop: Shop, *ranks: tuple[str, int, int]) -> Audited:
    """A page of socks that shows shoes of one group: candidate, rank and base rank."""
    facts = shop.facts(socks={}, green={"group_id": "shoes"}, red={"group_id": "shoes"})
    common = {"anchor_id": "socks", "candidate_group_id": "shoes"}
    lists = [common | {"candidate_id": c, "rank": r, "base_rank": b} for c, r, b in ranks]
    stored = [common | {"candidate_id": c, "rank": b} for c, b in (("green", 1), ("red", 2))]
    return Pages(shop).audited(
        SETTINGS,
        lists,
        variant_facts=facts,
        offers=shop.offers(root="socks green red"),
        shortlists=shop.frame(gold.SHORTLISTS, *stored),
    )


def test_a_group_stands_in_a_list_once(shop: Shop) -> None:
    assert look(_of_one_group(shop, ("green", 1, 1)), "one_of_group")["passed"]
    assert not look(_of_one_group(shop, ("green", 1, 1), ("red", 2, 2)), "one_of_group")["passed"]


def test_the_best_variant_stands_for_its_group(shop: Shop) -> None:
    assert look(_of_one_group(shop, ("green", 1, 1)), "best_of_group")["passed"]
    assert not look(_of_one_group(shop, ("red", 1, 2)), "best_of_group")["passed"]


def test_more_buyers_left_out_than_allowed_fail_the_audit_of_extremes(shop: Shop) -> None:
    baskets = shop.baskets(b1="ann: milk bread", b2="bob: milk jam").withColumn(
        "exclusion", F.when(F.col("buyer_key") == "ann", "EXTREME_USER")
    )
    allowed = settings_from({"baskets": {"extreme_buyer_share": 0.1}})
    row = look(Pages(shop).audited(allowed, [], variant_facts=shop.facts(milk={}), baskets=baskets), "buyers_left_out")
    assert (row["passed"], row["measured"], row["bound"], row["looked_at"]) == (False, 0.5, 0.1, 2)


# What a failure does.


_FAILED = {
    "audit": "rules", "component": 9, "measured": 0.25, "bound": 0.0, "asks": "at most", "passed": False,
    "looked_at": 1_200, "detail": "rows that a rule in force speaks of",
}  # fmt: skip


def test_an_audit_that_blocks_refuses_the_release_and_says_what_to_do() -> None:
    with pytest.raises(GateError) as refused:
        require_audits([_FAILED | {"mode": "block"}])
    assert str(refused.value) == (
        "not published, the tables stay as they were; audit rules (component 9) measured 0.2500, at most 0.0000:"
        " rows that a rule in force speaks of, 1,200 looked at; resolve the lists with the rules as they are"
    )


def test_an_audit_that_warns_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    require_audits([_FAILED | {"mode": "warn"}, _FAILED | {"mode": "block", "passed": True}])
    assert [record.getMessage()[:27] for record in caplog.records] == ["audit rules (component 9) m"]


def test_single_audits_have_modes_of_their_own() -> None:
    quality = settings_from({"quality": {"audits": "off", "audit_modes": {"rules": "block"}}}).quality
    assert (quality.mode("rules"), quality.mode("diversity")) == ("block", "off")
    assert wanted_audits(quality) == ["rules"]
    with pytest.raises(SettingsError, match="audit_modes"):
        settings_from({"quality": {"audit_modes": {"ruels": "block"}}})


def test_every_audit_can_be_named_in_the_settings() -> None:
    assert list(AUDITS) == list(get_args(AuditName))
    assert {audit.component for audit in AUDITS.values()} == {*range(2, 14), 15}
