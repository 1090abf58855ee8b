"""What a base list is, in plain loops: nothing here is fast, and nothing is shared with the library."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from typing import Any

from sidecart.settings import Settings

Rows = list[dict[str, Any]]
_Row = tuple[int, int, int, str, tuple[int, int]]


class Definition:
    """Dense base lists of a shop that counts buyers."""

    def __init__(self, tables: dict[str, Rows], settings: Settings, depths: dict[str, int]) -> None:
        self.settings, self.depths = settings, depths
        self.facts = {fact["variant"]: fact for fact in tables["variant_facts"]}
        self.regions = {region["region_id"]: region for region in tables["regions"]}
        self.level = settings.compatibility.category_level
        measured = tables["category_compatibility"]
        self.measured = {(c["level"], c["category_a"], c["category_b"]): c for c in measured}
        self.weighed = {
            row["region_id"]
            for row in tables["region_support"]
            if row["baskets"] >= settings.regions.min_region_baskets
        }
        number = {fact["variant_id"]: variant for variant, fact in self.facts.items()}
        self.sells: dict[str, set[int]] = defaultdict(set)
        for offer in tables["offers"]:
            self.sells[offer["region_id"]].add(number[offer["variant_id"]])
        self.met, self.buyers = _by_anchor(tables["pair_support"])
        self.viewed, self.viewers = _by_anchor(tables["view_pair_support"])

    def dense(self) -> dict[tuple[str, int], list[_Row]]:
        """The base list of every region and anchor it sells (at the root, of every anchor)."""
        return {
            (region, anchor): sorted(
                self._scored(region, anchor) + self._by_views(region, anchor) + self._fills(region, anchor)
            )[: self.depths[region]]
            for region in self.regions
            for anchor in (self.facts if region == "root" else self.sells[region])
        }

    def rows(self) -> list[tuple[Any, ...]]:
        """Of the lists that are not their parents', cut to what the region sells: (region, anchor, rank, candidate,
        source, score_key, region_pair_support, region_anchor_support).
        """
        dense, found = self.dense(), []
        by_id = {fact["variant_id"]: variant for variant, fact in self.facts.items()}
        for (region, anchor), rows in dense.items():
            above = self.regions[region]["parent_id"]
            theirs = [row[3] for row in dense[above, anchor] if by_id[row[3]] in self.sells[region]] if above else []
            if region == "root" or [row[3] for row in rows] != theirs[: self.depths[region]]:
                found += [
                    (region, self.facts[anchor]["variant_id"], rank, candidate_id, _source(tier), -worse, *own)
                    for rank, (tier, worse, _, candidate_id, own) in enumerate(rows, 1)
                ]
        return sorted(found)

    def resolved(self) -> list[tuple[str, str, int, str, str]]:
        """Of every list: (region, anchor, rank, candidate, source)."""
        return sorted(
            (region, self.facts[anchor]["variant_id"], rank, row[3], _source(row[0]))
            for (region, anchor), rows in self.dense().items()
            for rank, row in enumerate(rows, 1)
        )

    def near_misses(self) -> list[tuple[str, int, str, str, int]]:
        """(anchor, place, candidate, refused_by, score_key) of the best pairs that never entered a list."""
        found, anywhere = [], set.union(*self.sells.values())
        for anchor, fact in self.facts.items():
            refused = []
            for candidate, support in self.met.get(("root", anchor), {}).items():
                is_own = fact["own_category"] and fact["own_category"] == self.facts[candidate]["own_category"]
                is_low = support < self._asked(anchor, candidate)
                if candidate in anywhere and self._group(candidate) != self._group(anchor) and (is_own or is_low):
                    key = self._key(anchor, candidate, support / self.buyers["root", anchor])
                    reason = "own_category" if is_own else "compatibility"
                    refused.append((-key, -support, self.facts[candidate]["variant_id"], reason))
            kept = [row for row in sorted(refused) if -row[1] >= self.settings.lists.near_miss_support]
            found += [
                (fact["variant_id"], place, candidate_id, reason, -worse)
                for place, (worse, _, candidate_id, reason) in enumerate(kept[: self.settings.lists.near_misses], 1)
            ]
        return sorted(found)

    def _scored(self, region: str, anchor: int) -> list[_Row]:
        """Candidates that orders bring, as they sort: trust, worst score last, then fewest buyers, then id."""
        scored = []
        for candidate, support in self.met.get(("root", anchor), {}).items():
            asked = self._asked(anchor, candidate)
            if candidate in self.sells[region] and self._is_other(anchor, candidate) and support >= asked:
                confidence, own = self._confidence(region, anchor, candidate, support)
                key = self._key(anchor, candidate, confidence)
                scored.append((0, -key, -support, self.facts[candidate]["variant_id"], own))
        return scored

    def _by_views(self, region: str, anchor: int) -> list[_Row]:
        """Candidates that joint views bring where orders do not, of categories that complement each other."""
        scored: list[_Row] = []
        for candidate, support in self.viewed.get(("root", anchor), {}).items():
            lift, asked = self._lift(anchor, candidate), self._asked(anchor, candidate)
            known = self.facts[anchor]["category_id"] and self.facts[candidate]["category_id"]
            by_orders = self.met.get(("root", anchor), {}).get(candidate, 0) >= asked
            if not known or by_orders or lift < 1 or support < asked or not self._is_other(anchor, candidate):
                continue
            if candidate in self.sells[region]:
                key = self._key(anchor, candidate, support / self.viewers["root", anchor])
                tier = 1 if self._is_same_brand(anchor, candidate) else 7
                scored.append((tier, -key, 0, self.facts[candidate]["variant_id"], (0, 0)))
        return scored

    def _fills(self, region: str, anchor: int) -> list[_Row]:
        """What the anchor's subcategory met, then its category, then what small regions sell: as it is drawn."""
        if not self.settings.cold_start.fills:
            return []
        filled: list[_Row] = []
        stands = {row[3] for row in self._scored("root", anchor) + self._by_views("root", anchor)}
        for candidate, (step, fit) in self._fitting(anchor).items():
            candidate_id = self.facts[candidate]["variant_id"]
            if candidate in self.sells[region] and candidate_id not in stands and self._is_other(anchor, candidate):
                key = round(self._drawn(anchor, candidate, fit) * 1e6)
                is_first = step < 4 and self._is_same_brand(anchor, candidate)
                tier = (1 if is_first else 7) + 1 + step
                filled.append((tier, -key, 0, candidate_id, (0, 0)))
        return filled

    def _fitting(self, anchor: int) -> dict[int, tuple[int, float]]:
        """What fits the anchor's subcategory or category, or complements it and is sold in small regions.

        Where first, and how well; each better one of its group, and each of as good a fit before it by id, takes off 1.
        """
        found: dict[int, tuple[int, float]] = {}
        for step, (level, name) in enumerate([(self.level + 1, "subcategory_id"), (self.level, "category_id")]):
            found = {c: (step, fit) for c, fit in self._pool(anchor, level, name).items()} | found
        found = {c: (4, fit) for c, fit in self._of_small_ranges(anchor).items()} | found
        better = [
            (
                c,
                sum(
                    self._group(o) == self._group(c) and self._by_fit(o, found) < self._by_fit(c, found) for o in found
                ),
            )
            for c in found
        ]
        return {c: (found[c][0], found[c][1] * self.settings.cold_start.sharpness - before) for c, before in better}

    def _by_fit(self, candidate: int, found: dict[int, tuple[int, float]]) -> tuple[float, str]:
        return (-found[candidate][1], self.facts[candidate]["variant_id"])

    def _pool(self, anchor: int, level: int, name: str) -> dict[int, float]:
        """Candidates that fit: ln(O / n L), root of n for an anchor never sold."""
        place = self.facts[anchor][name]
        sums: dict[int, int] = defaultdict(int)
        for other, fact in self.facts.items():
            if place and fact[name] == place:
                for candidate, support in self.met.get(("root", other), {}).items():
                    sums[candidate] += support
        fitting = {}
        power = 1.0 if self.facts[anchor]["buyers"] else 0.5
        for candidate, support in sums.items():
            lift = self.measured.get((level, place, self.facts[candidate][name]), {"lift": 0.0})["lift"]
            if lift >= 1 and candidate in self.sells["root"]:
                n = self.facts[candidate]["buyers"]
                fitting[candidate] = math.log(support) - power * math.log(n) + math.log(lift)
        return fitting

    def _of_small_ranges(self, anchor: int) -> dict[int, float]:
        """By popularity what regions of few goods sell of categories that complement the anchor's."""
        few = self.settings.cold_start.small_range
        sold = set[int]().union(*(goods for goods in self.sells.values() if len(goods) <= few))
        return {
            candidate: math.log(self.facts[candidate]["buyers"] + 1) + math.log(self._lift(anchor, candidate))
            for candidate in sold
            if self.facts[anchor]["category_id"] and self.facts[candidate]["category_id"]
            if self._known(anchor, candidate) and self._lift(anchor, candidate) >= 1
        }

    def _drawn(self, anchor: int, candidate: int, fit: float) -> float:
        if not self.facts[anchor]["buyers"]:
            return fit
        prime = 2**31 - 1
        draws = [
            int(hashlib.md5(self.facts[v]["variant_id"].encode(), usedforsecurity=False).hexdigest()[:15], 16)
            % (prime - 1)
            + 1
            for v in (anchor, candidate)
        ]
        return fit - math.log(-math.log(draws[0] * draws[1] % prime / prime))

    def _group(self, variant: int | str) -> str:
        by_id = {fact["variant_id"]: fact for fact in self.facts.values()}
        return str((self.facts[variant] if isinstance(variant, int) else by_id[variant])["group_id"])

    def _is_same_brand(self, anchor: int, candidate: int) -> bool:
        brand = self.facts[anchor]["brand"]
        return brand is not None and brand == self.facts[candidate]["brand"]

    def _is_other(self, anchor: int, candidate: int) -> bool:
        a, b = self.facts[anchor], self.facts[candidate]
        is_own = a["own_category"] is not None and a["own_category"] == b["own_category"]
        return a["group_id"] != b["group_id"] and not is_own

    def _known(self, anchor: int, candidate: int) -> dict[str, Any] | None:
        return self.measured.get((self.level, self.facts[anchor]["category_id"], self.facts[candidate]["category_id"]))

    def _asked(self, anchor: int, candidate: int) -> int:
        known, gate = self._known(anchor, candidate), self.settings.compatibility
        return int(known["required_support"]) if known else math.ceil(max(1.0, gate.gate_constant) ** gate.gate_power)

    def _lift(self, anchor: int, candidate: int) -> float:
        known = self._known(anchor, candidate)
        return float(known["lift"]) if known else 1.0

    def _key(self, anchor: int, candidate: int, confidence: float) -> int:
        scoring, exponent = self.settings.scoring, self.settings.scoring.popularity_exponent
        assert exponent is not None
        popularity = self.facts[candidate]["buyers"] + scoring.popularity_prior
        score = confidence / popularity**exponent * self._lift(anchor, candidate) ** scoring.lift_exponent
        return math.floor(math.log(score) * 1e6 + 0.5)

    def _confidence(self, region: str, anchor: int, candidate: int, support: int) -> tuple[float, tuple[int, int]]:
        """c/n of the whole shop, mixed with what every weighed region on the way down knows of the anchor."""
        prior, own = self.settings.regions.prior_support, (0, 0)
        confidence = support / self.buyers["root", anchor]
        for node in self.regions[region]["path"][1:]:
            buyers = self.buyers[node, anchor]
            if node in self.weighed and buyers >= self.settings.regions.min_anchor_support:
                joint = self.met[node, anchor].get(candidate, 0)
                confidence = (joint + prior * confidence) / (buyers + prior)
                own = joint, buyers
        return confidence, own


def _by_anchor(rows: Rows) -> tuple[dict[tuple[str, int], dict[int, int]], dict[tuple[str, int], int]]:
    """What each anchor of each region met, and how many buyers it had."""
    met: dict[tuple[str, int], dict[int, int]] = {}
    buyers: dict[tuple[str, int], int] = defaultdict(int)
    for row in rows:
        key = row["region_id"], row["anchor"]
        met[key] = {candidate: alike["pair_buyers"] for alike in row["met"] for candidate in alike["candidates"]}
        buyers[key] = row["anchor_buyers"]
    return met, buyers


def _source(tier: int) -> str:
    return {0: "orders", 1: "views", 7: "views"}.get(tier, "brand" if tier < 7 else "popularity")
