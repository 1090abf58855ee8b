"""What a base list is, in plain loops: nothing here is fast, and nothing is shared with the library."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from sidecart.settings import Settings

Rows = list[dict[str, Any]]


class Definition:
    """Dense base lists of a shop that counts buyers."""

    def __init__(self, tables: dict[str, Rows], settings: Settings) -> None:
        self.settings = settings
        self.facts = {fact["variant"]: fact for fact in tables["variant_facts"]}
        self.regions = {region["region_id"]: region for region in tables["regions"]}
        self.compatible = {(c["category_a"], c["category_b"]): c for c in tables["category_compatibility"]}
        self.has_lists = {
            row["region_id"]
            for row in tables["region_support"]
            if row["baskets"] >= settings.regions.min_region_baskets
        } | {"root"}
        number = {fact["variant_id"]: variant for variant, fact in self.facts.items()}
        self.sells: dict[str, set[int]] = defaultdict(set)
        for offer in tables["offers"]:
            self.sells[offer["region_id"]].add(number[offer["variant_id"]])
        self.met: dict[tuple[str, int], dict[int, int]] = {}
        self.buyers: dict[tuple[str, int], int] = defaultdict(int)
        for row in tables["pair_support"]:
            key = row["region_id"], row["anchor"]
            self.met[key] = dict(zip(row["candidates"], row["pair_buyers"], strict=True))
            self.buyers[key] = row["anchor_buyers"]

    def rows(self) -> list[tuple[Any, ...]]:
        """(region_id, anchor_id, rank, candidate_id, score_key, region_pair_support, region_anchor_support)."""
        found = []
        for region in self.has_lists:
            for anchor in self.facts if region == "root" else self.sells[region]:
                best = sorted(self._scored(region, anchor))[: self._depth(region)]
                found += [
                    (region, self.facts[anchor]["variant_id"], rank, candidate_id, -worse, *own)
                    for rank, (worse, _, candidate_id, own) in enumerate(best, 1)
                ]
        return sorted(found)

    def _depth(self, region: str) -> int:
        lists = self.settings.lists
        return lists.root_depth if region == "root" else lists.region_depth

    def _scored(self, region: str, anchor: int) -> list[tuple[int, int, str, tuple[int, int]]]:
        """Candidates that pass, as they sort: worst score last, then fewest buyers, then id."""
        scoring, scored = self.settings.scoring, []
        for candidate, support in self.met.get(("root", anchor), {}).items():
            if candidate not in self.sells[region] or not self._passes(anchor, candidate, support):
                continue
            confidence, own = self._confidence(region, anchor, candidate, support)
            popularity = self.facts[candidate]["buyers"] + scoring.popularity_prior
            score = confidence / popularity**scoring.exponent * self._lift(anchor, candidate) ** scoring.lift_exponent
            key = math.floor(math.log(score) * 1e6 + 0.5)
            scored.append((-key, -support, self.facts[candidate]["variant_id"], own))
        return scored

    def _passes(self, anchor: int, candidate: int, support: int) -> bool:
        a, b = self.facts[anchor], self.facts[candidate]
        is_own = a["own_category"] is not None and a["own_category"] == b["own_category"]
        known = self.compatible.get((a["category_id"], b["category_id"]))
        gate = self.settings.compatibility
        asked = known["required_support"] if known else math.ceil(max(1.0, gate.gate_constant) ** gate.gate_power)
        return a["group_id"] != b["group_id"] and not is_own and support >= asked

    def _lift(self, anchor: int, candidate: int) -> float:
        categories = self.facts[anchor]["category_id"], self.facts[candidate]["category_id"]
        return float(self.compatible[categories]["lift"]) if categories in self.compatible else 1.0

    def _confidence(self, region: str, anchor: int, candidate: int, support: int) -> tuple[float, tuple[int, int]]:
        """c/n of the whole shop, mixed with what every region with lists on the way down knows of the anchor."""
        prior, own = self.settings.regions.prior_support, (0, 0)
        confidence = support / self.buyers["root", anchor]
        for node in self.regions[region]["path"][1:]:
            buyers = self.buyers[node, anchor]
            if node in self.has_lists and buyers >= self.settings.regions.min_anchor_support:
                joint = self.met[node, anchor].get(candidate, 0)
                confidence = (joint + prior * confidence) / (buyers + prior)
                own = (joint, buyers) if node == region else own
        return confidence, own
