"""Why a candidate stands on a page, or why not: the story of one pair in plain words."""

from __future__ import annotations

import argparse
import difflib
import math
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.errors import StorageError
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.views import TOP, register_views, release_settings
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session

_NEAR = 3
_Fact = dict[str, Any]


@dataclass(frozen=True)
class _Pair:
    """Who is asked about, where, and in which release."""

    spark: SparkSession
    settings: Settings
    region: str
    anchor: _Fact
    candidate: _Fact

    def of_pair(self, view: str) -> _Fact | None:
        """The row of a view about this pair in this region."""
        return _first(self.on_page(view).where(F.col("candidate_id") == self.candidate["variant_id"]))

    def on_page(self, view: str) -> DataFrame:
        """The rows of a view about this anchor in this region."""
        page = self.spark.table(view).where(F.col("anchor_id") == self.anchor["variant_id"])
        return page.where(F.col("region_id") == self.region) if "region_id" in page.columns else page


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `sidecart why` must be told."""
    command.add_argument("anchor", help="the variant whose page it is")
    command.add_argument("candidate", help="the variant that is shown there, or is not")
    command.add_argument("--region", help="the region; the root without it")
    command.add_argument("--as-of", dest="release", metavar="RELEASE", help="a release other than the newest")
    command.set_defaults(do=why)


def why(told: argparse.Namespace) -> None:
    """Print the story of `told.candidate` on the page of `told.anchor`."""
    spark = analysts_session()
    reader = ReleaseReader(Warehouse(spark, told.warehouse), told.release)
    register_views(reader)
    pair = _Pair(
        spark,
        release_settings(reader),
        _region(spark, told.region),
        _variant(spark, told.anchor),
        _variant(spark, told.candidate),
    )
    print("\n".join(story(pair)))


def story(pair: _Pair) -> list[str]:
    """The story, a sentence a line: who, what orders say, what categories ask, what the list and the day made of it."""
    shown, refused = pair.of_pair("shortlists_resolved"), pair.of_pair("refusals")
    lines = [_headline(pair, shown, refused), *_counts(pair)]
    if pair.anchor["group_id"] == pair.candidate["group_id"]:
        return [*lines, "They are variants of one product: a list never shows the anchor's own group."]
    lines += _categories(pair)
    if shown:
        lines += _score(shown, pair.settings)
        lines += _place(shown)
    return lines + _refusal(pair, refused, is_listed=shown is not None)


def _headline(pair: _Pair, shown: _Fact | None, refused: _Fact | None) -> str:
    who = f"{_named(pair.candidate)} on the page of {_named(pair.anchor)} in {pair.region}"
    if shown and not refused:
        return f"{who}: shown, rank {shown['rank']}."
    return f"{who}: not among the first {TOP}."


def _counts(pair: _Pair) -> list[str]:
    unit = pair.settings.scoring.support_unit
    met = _first(
        pair.spark.table("pairs")
        .where(F.col("anchor_id") == pair.anchor["variant_id"])
        .where(F.col("candidate_id") == pair.candidate["variant_id"])
        .join(pair.spark.table("regions").where("depth = 0").select("region_id"), "region_id", "left_semi")
    )
    n_i, n_j = pair.anchor[unit], pair.candidate[unit]
    if met is None:
        return [f"No counted basket of the whole shop holds both ({n_i:,} and {n_j:,} {unit} had one of them)."]
    both = met[f"pair_{unit}"]
    share = f"{both:,} of the anchor's {n_i:,} {unit} had both in one basket ({both / n_i:.1%})"
    return [f"Whole shop: {share}; the candidate has {n_j:,} {unit}."]


def _categories(pair: _Pair) -> list[str]:
    ours, theirs = pair.anchor["category_id"], pair.candidate["category_id"]
    if not ours or not theirs:
        return ["A category of the two is unknown, which counts as lift 1."]
    table = pair.spark.table("category_compatibility").where(
        F.col("level") == pair.settings.compatibility.category_level
    )
    found = _first(table.where((F.col("category_a") == ours) & (F.col("category_b") == theirs)))
    if found is None:
        return [f"Categories {ours} and {theirs} were never counted together, which counts as lift 1."]
    counts = f"{found['joint_baskets']:,} baskets hold both, chance expects {found['expected_baskets']:,.1f}"
    asked = f"lift {found['lift']:.2f}, which asks support {found['required_support']:,} of a pair"
    return [f"Categories {ours} and {theirs}: {counts}; {asked}."]


def _score(row: _Fact, settings: Settings) -> list[str]:
    source = f"Source: {row['source']}; evidence: {row['evidence_class']}."
    if row["source"] == "orders":
        return [source, *_lending(row), *_region_share(row), _sum(row, settings)]
    if row["source"] == "views":
        return [source, f"{row['view_support']:,} looked at both in one session; orders alone do not bring it."]
    brand = "of the anchor's brand, " if row["source"] == "brand" else ""
    return [source, f"Filled in, {brand}by how often the anchor's category met it ({row['fill_support']:,})."]


def _lending(row: _Fact) -> list[str]:
    own = row["pair_buyers" if row["support_unit"] == "buyers" else "pair_baskets"]
    if row["effective_support"] == own:
        return []
    lent = f"Their groups met {row['group_support']:,} times and lend to the pair"
    return [f"{lent}: it counts as {row['effective_support']:.2f} (attribute lift {row['attribute_lift']:.2f})."]


def _region_share(row: _Fact) -> list[str]:
    if not row["region_weight"]:
        return []
    own = f"{row['region_pair_support']:,} of {row['region_anchor_support']:,}"
    return [f"In {row['list_region_id']} itself {own}, which weigh {row['region_weight']:.0%} of the confidence."]


def _sum(row: _Fact, settings: Settings) -> str:
    """The score as its parts add up."""
    if settings.scoring.measure != "damped_count":
        return f"Score {float(row['score']):.3f}: how surprising the pair is where chance decides, and category lift."
    prior, power = settings.scoring.popularity_prior, settings.scoring.lift_exponent
    parts = (
        f"confidence {math.log(row['confidence']):+.3f}",
        f"popularity {-row['popularity_exponent'] * math.log(row['candidate_support'] + prior):+.3f}",
        f"categories {power * math.log(row['category_lift']):+.3f}",
        f"exposure {math.log(row['exposure_factor']):+.3f}",
    )
    return f"Score {float(row['score']):.3f}, in logarithms: {', '.join(parts)}."


def _place(row: _Fact) -> list[str]:
    where = f"Base list of {row['list_region_id']}, rank {row['base_rank']} there"
    likes = row["likes_before"]
    moved = f"; {likes} better of its subcategory stand before it" if likes else ""
    rule = f"; allowed by rule {row['rule_id']}" if row["rule_id"] else ""
    return [f"{where}{moved}{rule}."]


def _refusal(pair: _Pair, refused: _Fact | None, *, is_listed: bool) -> list[str]:
    near = pair.of_pair("near_misses") if refused is None and not is_listed else refused
    if near:
        return [_REASONS[near["refused_by"]].format(**{"rule_id": None, "rank": None} | near, top=TOP)]
    if is_listed:
        return []
    offer = _first(
        pair.spark.table("offers")
        .where(F.col("region_id") == pair.region)
        .where(F.col("variant_id") == pair.candidate["variant_id"])
    )
    if offer is None:
        return [f"{pair.region} does not sell it: lists are formed from what a region sells."]
    return ["It is in no base list: too little support for what its categories ask, or too far behind the others."]


_REASONS = {
    "compatibility": "Refused by compatibility: the support of the pair is below what its categories ask.",
    "own_category": "Refused: the shop excludes the anchor's own category.",
    "sold_out": "Left out: it can't be bought in the region now.",
    "rule": "Left out by rule {rule_id}.",
    "group": "Left out: a better variant of its group stands in the list.",
    "diversity": "Behind the first {top} (rank {rank}) by diversity: better ones of its subcategory stand before it.",
    "rank": "Behind the first {top}: its rank is {rank}.",
}


def _region(spark: SparkSession, region: str | None) -> str:
    regions = spark.table("regions")
    if region is None:
        return str(regions.where("depth = 0").collect()[0]["region_id"])
    if regions.where(F.col("region_id") == region).isEmpty():
        known = [row["region_id"] for row in regions.select("region_id").limit(10_000).collect()]
        raise StorageError(f"no region {region!r}{_nearest(region, known)}")
    return region


def _variant(spark: SparkSession, variant: str) -> _Fact:
    """The facts and the name of a variant."""
    named = spark.table("catalog").select("variant_id", "name").where(F.col("variant_id") == variant)
    found = _first(spark.table("variant_facts").drop("brand").join(named, "variant_id"))
    if found is None:
        like = spark.table("catalog").where(F.levenshtein("variant_id", F.lit(variant)) <= _NEAR)
        known = [row["variant_id"] for row in like.select("variant_id").limit(_NEAR).collect()]
        raise StorageError(f"no variant {variant!r} in the catalogue{_nearest(variant, known)}")
    return found


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _named(variant: _Fact) -> str:
    return f"{variant['name']} [{variant['variant_id']}]"


def _first(rows: DataFrame) -> _Fact | None:
    row = rows.first()
    return row.asDict() if row else None
