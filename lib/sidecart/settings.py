"""Settings: one frozen dataclass per stage, each described once; settings_files reads them from a shop's file."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import asdict, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass as checked_dataclass

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Share = Annotated[float, Field(ge=0, lt=1)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


@checked_dataclass(frozen=True, config=_STRICT)
class ShopSettings:
    """Who the shop is."""

    shop_id: Identifier = "shop"
    """Names the shop in run records; letters, digits, dot, dash and underscore."""
    timezone: str = "UTC"
    """IANA zone of times that carry no offset, and of `_on` dates."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """ISO 4217 code of prices that carry none."""
    root_region: Identifier = "root"
    """The region above all others; every shop has one."""
    default_region: str | None = None
    """Region of rows that name none; without it such rows are refused, or are the root's in a shop without regions."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, sorted(available_timezones()), 1)
            raise ValueError(f"unknown time zone {value!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@checked_dataclass(frozen=True, config=_STRICT)
class IngestSettings:
    """How landing files are read and what is refused."""

    encoding: Literal["utf-8", "utf-16", "cp1251", "cp1252", "latin-1"] = "utf-8"
    """Encoding of text files; any other is an error, never a guess."""
    decimal_comma: bool = False
    """Whether numbers are written 1,5 rather than 1.5."""
    epoch_unit: Literal["none", "seconds", "milliseconds"] = "none"
    """Unit of times that are plain integers; `none` refuses them."""
    max_quantity: Annotated[float, Field(gt=0, le=1e9)] = 1_000_000
    """Largest quantity of a line; above it the row is refused."""
    future_tolerance_minutes: Annotated[int, Field(ge=0)] = 5
    """How far after `as_of` a time may lie."""
    earliest_year: Annotated[int, Field(ge=1900)] = 2000
    """Times before this year are implausible; so is exactly 1970-01-01."""
    test_order_pattern: str | None = None
    """Regular expression over order ids of test and staff orders; they are refused as TEST_ORDER."""
    max_row_bytes: Annotated[int, Field(gt=0)] = 1_000_000
    """Largest text row."""
    max_file_bytes: Annotated[int, Field(gt=0)] = 64 * 2**30
    """Largest landing file, after decompression."""
    on_broken_file: Literal["stop", "quarantine"] = "stop"
    """What a file of orders or views does that can't be read as a whole: it stops the run, or is left out, named in
    `quarantine` and read again under another name or with other content. New Parquet files are then read twice."""
    max_quarantine_share: Share = 0.02
    """Share of rows read that may be refused before a run is not published."""
    max_gap_days: Literal["none"] | Annotated[int, Field(ge=0)] = 14
    """Days in a row that new orders may leave out after the day of the newest release before a run stops: files of them
    are missing. `none` lets every gap pass."""
    max_catalog_shrink: Share = 0.3
    """Share of its variants that the catalogue may lose since the last release before a run is not published."""
    max_wildcard_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the catalogue that a rule with `any` on one side may choose on the other before a run stops; 1 lets
    every rule pass, and so does `--force` for one run."""


@checked_dataclass(frozen=True, config=_STRICT)
class BasketSettings:
    """Which baskets and buyers count."""

    max_basket_variants: Annotated[int, Field(ge=2, le=5000)] = 100
    """Baskets with more distinct variants leave every statistic (they stay in silver)."""
    extreme_buyer_share: Share = 0.005
    """At most this share of buyers, those with the most pair events, is left out; 0 keeps all."""
    max_pair_events: Annotated[int, Field(ge=1)] = 100_000_000_000
    """Pairs met in baskets (each once) that a run counts at most, of orders and of views; above it the run stops before
    counting and names the basket cap that would fit."""


@checked_dataclass(frozen=True, config=_STRICT)
class CompatibilitySettings:
    """How well a category complements another, and what that asks of a pair."""

    category_level: Annotated[int, Field(ge=1, le=32)] = 2
    """Depth of the category tree at which compatibility is measured; 1 is the top."""
    prior_baskets: Annotated[float, Field(gt=0)] = 20.0
    """Pseudo-baskets that pull the lift of two categories to that above them; larger trusts rare pairs less."""
    gate_constant: Annotated[float, Field(gt=0)] = 1.15
    """Required support is ceil(max(1, constant / lift) ^ power): larger asks more evidence of every category."""
    gate_power: Annotated[float, Field(ge=0)] = 4.0
    """Larger asks more of incompatible categories; 0 switches the gate off."""


@checked_dataclass(frozen=True, config=_STRICT)
class Profile:
    """A wish for popularity, and how it is come by."""

    bestseller_share: float
    """Share of lists, weighted by their anchors' recent baskets, that may hold one of the 20 best sellers."""
    damping_rounds: int
    """Rounds of exposure damping."""
    damping_strength: float
    """Power of each round."""
    assumed_exponent: float
    """Exponent a of a shop too small to calibrate it on."""


PROFILES = {
    "rich": Profile(bestseller_share=0.715, damping_rounds=1, damping_strength=0.05, assumed_exponent=0.30),
    "standard": Profile(bestseller_share=0.48, damping_rounds=1, damping_strength=0.20, assumed_exponent=0.50),
    "banana": Profile(bestseller_share=0.20, damping_rounds=16, damping_strength=0.30, assumed_exponent=0.70),
}


@checked_dataclass(frozen=True, config=_STRICT)
class ScoringSettings:
    """How a candidate is scored for an anchor."""

    measure: Literal["damped_count", "poisson_llr"] = "damped_count"
    """`poisson_llr` has no popularity to choose: the surprise of a pair, against chance; profiles do not touch it."""
    profile: Literal["rich", "standard", "banana"] = "standard"
    """How far popularity is reduced: rich least, banana most."""
    bestseller_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Overrides the profile's share of lists that may hold a best seller; smaller shows fewer."""
    popularity_exponent: Annotated[float, Field(ge=0, le=2)] | None = None
    """Sets the exponent a instead of calibrating it to the share; larger shows fewer bestsellers."""
    recent_weeks: Annotated[int, Field(ge=1)] = 8
    """A list counts as often as its anchor was bought in so many weeks up to the newest basket, in that share too."""
    exposure_limit: Share = 0.02
    """Share of lists above which a candidate's exposure is damped; 0 switches damping off."""
    damping_rounds: Annotated[int, Field(ge=0, le=50)] | None = None
    """Overrides the profile's rounds of damping; more press the most shown further down."""
    damping_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Overrides the profile's power of a round."""
    popularity_prior: Annotated[float, Field(ge=0)] = 30.0
    """Pseudo-buyers added to a candidate's support; larger trusts rare candidates less."""
    lift_exponent: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Weight of category lift in the score; 0 leaves it to the gate alone."""
    support_unit: Literal["buyers", "baskets"] = "buyers"
    """What a count counts; `buyers` bounds what one household can do to a list."""
    refresh_days: Annotated[int, Field(ge=0, le=365)] = 7
    """Days that scoring parameters, lifts and thresholds hold once a run found them; 0 finds them on every run."""
    refresh_drift: Share = 0.1
    """Share by which the shop's support may differ from what they were found on before they are found anew."""

    @property
    def is_exponent_set(self) -> bool:
        """Whether there is nothing to calibrate."""
        return self.measure == "poisson_llr" or self.popularity_exponent is not None

    @property
    def wish(self) -> Profile:
        """The profile with what overrides it."""
        base = PROFILES[self.profile]
        rounds = base.damping_rounds if self.damping_rounds is None else self.damping_rounds
        return Profile(
            bestseller_share=self.bestseller_share or base.bestseller_share,
            damping_rounds=rounds if self.exposure_limit else 0,
            damping_strength=base.damping_strength if self.damping_strength is None else self.damping_strength,
            assumed_exponent=base.assumed_exponent,
        )


Brand = Literal["off", "first", "only"]


@checked_dataclass(frozen=True, config=_STRICT)
class ColdStartSettings:
    """What fills a list that orders leave short; only from categories that complement the anchor's."""

    fills: bool = True
    """Whether lists that orders and views leave short are filled, to the depth of their region."""
    sharpness: Annotated[float, Field(gt=0, le=10)] = 2.0
    """Power of a fit when fills are drawn; larger keeps to the best fits, smaller spreads wider."""
    small_range: Annotated[int, Field(ge=0)] = 500
    """What a region of so many variants sells may also fill a list without having met the anchor's category, behind
    all else; larger fills more lists of small regions, and makes lists dearer to compute."""
    views: bool = True
    """Whether joint views count, behind orders and before popularity."""
    brand: Brand = "first"
    """Whether fills of the anchor's brand come first, or nothing else is filled in."""
    brand_by_category: dict[str, Brand] = field(default_factory=dict)
    """The same for anchors of a category or below it; the deepest one named holds."""


@checked_dataclass(frozen=True, config=_STRICT)
class VariantSettings:
    """What a pair of variants borrows from the other variants of their groups."""

    group_prior: Annotated[float, Field(ge=0)] = 30.0
    """Pseudo-pairs by which a pair is pulled to its part of the groups' count; larger trusts single variants less, 0
    leaves every pair its own count."""
    lending_support: Annotated[int, Field(ge=1)] = 3
    """Pairs that never met borrow from groups that met so often, in the support unit; smaller makes more pairs."""
    attribute_prior: Annotated[float, Field(gt=0)] = 20.0
    """Pseudo-pairs that pull an attribute's lift to all categories', and that to 1; larger trusts rare ones less."""
    alternates: Annotated[int, Field(ge=1, le=100)] = 3
    """Variants of one group that an anchor keeps, best first: the next one stands in where a region lacks the first."""


@checked_dataclass(frozen=True, config=_STRICT)
class EvidenceSettings:
    """What the classes of evidence ask of a pair."""

    strong_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Largest share of chance among `strong` pairs (q); smaller asks more support."""
    likely_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Largest share of chance among `likely` and `strong` pairs together; smaller asks more support."""
    least_support: Annotated[int, Field(ge=1)] = 2
    """A pair with less support is `weak`; at 1 a single basket of rare goods is evidence for all of its pairs."""


@checked_dataclass(frozen=True, config=_STRICT)
class RegionSettings:
    """Where a region's own counts enter, how it borrows strength, and what it sells where no offers say so."""

    min_region_baskets: Annotated[int, Field(ge=1)] = 500
    """A region's own counts enter its lists from so many counted baskets; below, those of the region above hold."""
    min_anchor_support: Annotated[int, Field(ge=1)] = 100
    """A region's own counts enter a list where its anchor has at least this support there."""
    prior_support: Annotated[float, Field(gt=0)] = 300.0
    """Weight of the parent's confidence, in the support unit; larger trusts regions less."""
    assortment_weeks: Annotated[int, Field(ge=1)] = 26
    """Without offers: a region sells what it sold in so many weeks before `as_of`."""
    root_assortment_weeks: Annotated[int, Field(ge=1)] = 8
    """Without offers: the same for what the root shows."""


@checked_dataclass(frozen=True, config=_STRICT)
class ListSettings:
    """How long lists are and what never stands in them."""

    shown: Annotated[int, Field(ge=1, le=100)] = 10
    """Candidates in a final list."""
    live_candidates: Annotated[int, Field(ge=1, le=1000)] = 30
    """Candidates of a list that should be live until the next run: those shown, and twice as many for rules."""
    live_chance: Annotated[float, Field(gt=0, lt=1)] = 0.99
    """Chance that so many are; a region keeps as many candidates as that takes with what sells out there."""
    assumed_sold_out: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """Share of live goods that sell out in a day, until it was seen how many do."""
    days_between_runs: Annotated[float, Field(gt=0, le=31)] = 1.0
    """How long lists must last."""
    region_depth: Annotated[int, Field(ge=1, le=1000)] = 100
    """Most candidates that a region's lists keep."""
    root_depth: Annotated[int, Field(ge=1, le=1000)] = 400
    """Most that lists keep which others are cut from: the root's, and those of regions with others below."""
    near_misses: Annotated[int, Field(ge=0, le=1000)] = 10
    """Refused candidates kept per anchor, the best first, for those who ask why not; 0 keeps none."""
    near_miss_support: Annotated[int, Field(ge=1)] = 2
    """Least support of a refused candidate that is kept; smaller keeps more accidents."""
    own_category_level: Literal["none"] | Annotated[int, Field(ge=1, le=32)] = "none"
    """Candidates that share the anchor's category at this depth are excluded; `none` keeps them."""
    own_category_by_category: dict[str, Literal["none"] | Annotated[int, Field(ge=1, le=32)]] = field(
        default_factory=dict
    )
    """The same for variants of a category or below it; the deepest one named holds."""


@checked_dataclass(frozen=True, config=_STRICT)
class DiversitySettings:
    """How far a candidate falls behind for being like better ones in the same list."""

    factor: Annotated[float, Field(gt=0, le=1)] = 0.85
    """What each better candidate of its subcategory beyond the free ones takes off its score; 1 switches it off."""
    free: Annotated[int, Field(ge=0, le=100)] = 1
    """Better candidates of its subcategory that take nothing off: two of a kind are a choice, more are a repeat."""
    brand_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    """What each better candidate of its subcategory and brand takes off beside."""
    floor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Most that can be taken off: no candidate falls behind one whose score is less than this part of its own."""


EVIDENCE_CLASSES = ("strong", "likely", "weak", "fill")
"""Classes of evidence, the surest first."""


@checked_dataclass(frozen=True, config=_STRICT)
class Placement:
    """One block of the shop's pages."""

    evidence: Literal["strong", "likely", "weak", "fill"] = "fill"
    """Least evidence of what it shows; `weak` shows all that orders say, `fill` everything."""
    shown: Annotated[int, Field(ge=1, le=100)] = 10
    """Candidates it shows."""


AuditName = Literal[
    "bestseller_share",
    "most_shown",
    "bananas_elsewhere",
    "bananas_where_needed",
    "full_lists",
    "incompatible_fills",
    "brand_first",
    "brand_only",
    "required_support",
    "incompatible_pairs",
    "diversity",
    "rules",
    "own_category",
    "one_of_group",
    "best_of_group",
    "live_in_region",
    "full_lists_of_small_regions",
    "all_of_history",
    "extremes_left_out",
    "buyers_left_out",
]
AuditMode = Literal["block", "warn", "off"]


@checked_dataclass(frozen=True, config=_STRICT)
class QualitySettings:
    """How a run's lists are judged before they are published."""

    audits: AuditMode = "warn"
    """What a failed audit does: `block` refuses the release, `warn` says so in the log, `off` does not look."""
    audit_modes: dict[AuditName, AuditMode] = field(default_factory=dict)
    """The same for single audits by name; docs/audits.md lists them."""
    scorecard: bool = True
    """Whether every run writes down the seven properties of its lists."""
    verified_anchors: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Anchors whose support, in every region, is counted again from silver after each increment, before lists are made
    of it; a count that is stored otherwise stops the run. 0 verifies none."""

    def mode(self, audit: str) -> AuditMode:
        """What a failure of the audit does."""
        return {str(name): mode for name, mode in self.audit_modes.items()}.get(audit, self.audits)


@checked_dataclass(frozen=True, config=_STRICT)
class ErasureSettings:
    """When the last trace of an erased buyer goes."""

    trace_days: Annotated[int, Field(ge=0, le=60)] = 30
    """Days after an erasure until old table versions and logs are purged; runs of the last week before purge them."""


def _placements() -> dict[str, Placement]:
    return {"product_page": Placement(), "basket": Placement(evidence="weak")}


@checked_dataclass(frozen=True, config=_STRICT)
class Settings:
    """A shop's whole configuration."""

    preset: str = "general"
    shop: ShopSettings = field(default_factory=ShopSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    baskets: BasketSettings = field(default_factory=BasketSettings)
    compatibility: CompatibilitySettings = field(default_factory=CompatibilitySettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    variants: VariantSettings = field(default_factory=VariantSettings)
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    regions: RegionSettings = field(default_factory=RegionSettings)
    cold_start: ColdStartSettings = field(default_factory=ColdStartSettings)
    lists: ListSettings = field(default_factory=ListSettings)
    diversity: DiversitySettings = field(default_factory=DiversitySettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    erasure: ErasureSettings = field(default_factory=ErasureSettings)
    placements: dict[str, Placement] = field(default_factory=_placements)

    def as_json(self) -> str:
        """The effective configuration as one line of JSON; it holds no secrets by construction."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """sha-256 of the effective configuration."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()
