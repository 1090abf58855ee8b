"""From a landing folder to silver frames: look at the files, stage their rows, take silver from them.

Staging parses every file once: the caller's `keep` writes a staged frame somewhere and gives it back as read.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import Keep, rows
from sidecart.contracts.runs import INGESTED_FILES
from sidecart.contracts.silver import CATALOG, CATEGORIES, ERASED_BUYERS, OFFERS, ORDER_EVENTS, REGIONS, RULES, VIEWS
from sidecart.ingest.books import Entered, ingested_files, refused_files
from sidecart.ingest.buyers import BuyerKey
from sidecart.ingest.catalog import catalog, staged_catalog
from sidecart.ingest.categories import categories, staged_categories
from sidecart.ingest.erasures import refuse_erased
from sidecart.ingest.look import Files, Folder, KnownFiles, LeftOut, look
from sidecart.ingest.offers import empty_region_warnings, offers, staged_offers
from sidecart.ingest.orders import order_events, order_warnings, staged_orders
from sidecart.ingest.parsing import Moment
from sidecart.ingest.places import Places
from sidecart.ingest.reading import names_any, raw_rows
from sidecart.ingest.regions import derived_regions, regions, staged_regions
from sidecart.ingest.rules import require_applicable, rule_warnings, rules, staged_rules
from sidecart.ingest.staged import Batch, refused
from sidecart.ingest.survey import LandingFile
from sidecart.ingest.views import staged_views, views
from sidecart.rules import Goods, own_attributes, rule_subjects
from sidecart.settings import Settings


@dataclass(frozen=True)
class KnownTables:
    """What earlier runs left: INGESTED_FILES, ORDER_EVENTS, VIEWS and ERASED_BUYERS, empty on the first run.

    `landed_files` where the stream of files tells what is new: LANDED_FILES.
    """

    ingested_files: DataFrame
    order_events: DataFrame
    views: DataFrame
    erased_buyers: DataFrame
    landed_files: DataFrame | None = None

    @classmethod
    def none(cls, spark: SparkSession) -> KnownTables:
        """The tables of a shop's first run."""
        return cls(*(rows(spark, c, []) for c in (INGESTED_FILES, ORDER_EVENTS, VIEWS, ERASED_BUYERS)))


@dataclass(frozen=True)
class Reading:
    """One run's reading of one landing folder: what every step needs."""

    spark: SparkSession
    folder: Folder
    settings: Settings
    as_of: datetime
    buyer_key: BuyerKey
    run_id: str
    keep: Keep

    @property
    def moment(self) -> Moment:
        return Moment(self.as_of, self.settings)


@dataclass(frozen=True)
class Snapshots:
    """What holds in the shop now: CATALOG, CATEGORIES, RULES, and where the shop hands them over REGIONS and OFFERS."""

    catalog: DataFrame
    categories: DataFrame
    rules: DataFrame
    regions: DataFrame | None
    offers: DataFrame | None

    @property
    def tables(self) -> frozenset[str]:
        """The names of the tables that say so."""
        given = {REGIONS.name: self.regions, OFFERS.name: self.offers}
        always = (CATALOG.name, CATEGORIES.name, RULES.name)
        return frozenset((*always, *(name for name, frame in given.items() if frame is not None)))


@dataclass(frozen=True)
class Silver:
    """What one run took from its landing folder, each frame as its contract says.

    `order_events_new` and `views_new` are to be appended, the others to be replaced but for tables that `kept` names.
    `entered` and `left_out` are for the books. Order lines follow from all order events (`settlement`), once the new
    ones are stored.
    """

    order_events_new: DataFrame
    views_new: DataFrame
    catalog: DataFrame
    categories: DataFrame
    offers: DataFrame | None
    regions: DataFrame
    rules: DataFrame
    quarantine: DataFrame
    ingested_files_new: DataFrame
    files: tuple[LandingFile, ...]
    left_out: tuple[LeftOut, ...]
    entered: dict[str, Entered]
    kept: frozenset[str]
    warnings: tuple[str, ...]


def read_landing(reading: Reading, known: KnownTables, kept: Snapshots | None = None) -> Silver:
    """The landing folder as silver frames; of a history folder (`Folder.is_history`) with the snapshots `kept`.

    Raises InputError where a file fails the run, RuleError where a rule can't be applied.
    """
    seen = look(
        reading.spark, reading.folder, reading.settings.ingest, KnownFiles(known.ingested_files, known.landed_files)
    )
    read = _Inputs(reading, seen.files)
    goods, tree, tree_warnings = _goods(read) if kept is None else (kept.catalog, kept.categories, [])
    given, region_warnings = _given_regions(read) if kept is None else (kept.regions, [])
    places = Places(given, _fallback(read, known, given))
    with ThreadPoolExecutor() as pool:
        ordering = pool.submit(_events, read, known, goods, places)
        visiting = pool.submit(_views, read, known, places)
        offering = pool.submit(_offers, read, places, kept)
    events, visits, offers_now = ordering.result(), visiting.result(), offering.result()
    everywhere = [frame for frame in (known.order_events, events, known.views, visits, offers_now) if frame is not None]
    regions_now = given or derived_regions(everywhere, reading.settings.shop)
    offer_notes = [] if kept or offers_now is None else empty_region_warnings(offers_now, regions_now)
    rules_now, rule_notes = _rules(read, goods, tree, regions_now, offers_now) if kept is None else (kept.rules, [])
    entered = read.entered({"orders": events, "views": visits}, goods)
    refusals = [refused(input_.staged, Batch(name, reading.run_id)) for name, input_ in entered.items()]
    every_file = tuple(file for of_input in seen.files.values() for file in of_input)
    notes = (*tree_warnings, *region_warnings, *order_warnings(read.staged["orders"]), *offer_notes, *rule_notes)
    return Silver(
        order_events_new=events,
        views_new=visits,
        catalog=goods,
        categories=tree,
        offers=offers_now,
        regions=regions_now,
        rules=rules_now,
        quarantine=reduce(DataFrame.unionByName, refusals, refused_files(reading.spark, seen.left_out, reading.run_id)),
        ingested_files_new=ingested_files(reading.spark, every_file, seen.left_out, reading.run_id),
        files=every_file,
        left_out=tuple(seen.left_out),
        entered=entered,
        kept=frozenset() if kept is None else kept.tables,
        warnings=(*seen.warnings, *notes),
    )


class _Inputs:
    """The inputs that are there, staged once each."""

    def __init__(self, reading: Reading, files: Files) -> None:
        self.reading = reading
        self.files = files
        self.staged: dict[str, DataFrame] = {}

    def raw(self, name: str) -> DataFrame:
        reading = self.reading
        return raw_rows(reading.spark, name, self.files[name], reading.settings.ingest, reading.buyer_key)

    def names_any(self, name: str, column: str) -> bool:
        """Whether any row of the input has a value in the column."""
        ingest, key = self.reading.settings.ingest, self.reading.buyer_key
        of_delta = any(file.format == "delta" and column in file.header for file in self.files[name])
        if of_delta and not self.raw(name).where(F.col(column).isNotNull()).isEmpty():
            return True
        files = [file for file in self.files[name] if file.format == "json" or column in file.header]
        return names_any([file for file in files if file.format != "delta"], column, ingest, key)

    def stage(self, name: str, parse: Callable[..., DataFrame]) -> DataFrame:
        """The input's staged rows, kept; `parse` takes its raw rows and the run's moment."""
        frame = self.reading.keep(f"staged_{name}", parse(self.raw(name), moment=self.reading.moment))
        self.staged[name] = frame
        return frame

    def stage_if_any(self, name: str, parse: Callable[..., DataFrame]) -> DataFrame | None:
        """The same, or None for an input without files."""
        return self.stage(name, parse) if self.files[name] else None

    def refuse_erased(self, name: str, erased: DataFrame, visit: str) -> DataFrame:
        """The input's staged rows, those of erased buyers refused."""
        if not erased.isEmpty():
            kept = refuse_erased(self.staged[name], erased, visit)
            self.staged[name] = self.reading.keep(f"staged_{name}_refused", kept)
        return self.staged[name]

    def entered(self, events: dict[str, DataFrame], goods: DataFrame) -> dict[str, Entered]:
        """What each staged input gave: events are held without their variant, snapshots are in by their newest rows."""
        return {
            name: Entered(frame, events[name], goods if name == "orders" else None)
            if name in events
            else Entered(frame, frame.where("is_newest"))
            for name, frame in self.staged.items()
        }


def _goods(read: _Inputs) -> tuple[DataFrame, DataFrame, list[str]]:
    """CATALOG and CATEGORIES as the files say, and warnings."""
    goods = catalog(read.stage("catalog", staged_catalog))
    tree, warnings = categories(read.stage_if_any("categories", staged_categories), goods)
    return goods, tree, warnings


def _given_regions(read: _Inputs) -> tuple[DataFrame | None, list[str]]:
    """REGIONS of the shop's own tree, where it hands one over, and warnings."""
    tree = read.stage_if_any("regions", staged_regions)
    return (None, []) if tree is None else regions(tree, read.reading.settings.shop)


def _fallback(read: _Inputs, known: KnownTables, given: DataFrame | None) -> str | None:
    """Where rows without a region go: to the shop's default one, or to the root of a shop that names none at all."""
    shop = read.reading.settings.shop
    if shop.default_region is not None:
        return shop.default_region
    if given is not None or not known.order_events.where(F.col("region_id") != shop.root_region).isEmpty():
        return None
    return None if read.names_any("orders", "region_id") else shop.root_region


def _events(read: _Inputs, known: KnownTables, goods: DataFrame, places: Places) -> DataFrame:
    read.stage("orders", partial(staged_orders, catalog=goods, places=places))
    rows_ = read.refuse_erased("orders", known.erased_buyers, "order_id")
    return order_events(rows_, known.order_events, read.reading.run_id)


def _views(read: _Inputs, known: KnownTables, places: Places) -> DataFrame:
    if read.stage_if_any("views", partial(staged_views, places=places)) is None:
        return rows(read.reading.spark, VIEWS, [])
    return views(read.refuse_erased("views", known.erased_buyers, "session_id"), known.views)


def _offers(read: _Inputs, places: Places, kept: Snapshots | None) -> DataFrame | None:
    if kept is not None:
        return kept.offers
    staged = read.stage_if_any("offers", partial(staged_offers, places=places))
    return None if staged is None else offers(staged)


def _rules(
    read: _Inputs, goods: DataFrame, tree: DataFrame, places: DataFrame, offers_now: DataFrame | None
) -> tuple[DataFrame, list[str]]:
    staged = read.stage_if_any("rules", staged_rules)
    if staged is None:
        return rows(read.reading.spark, RULES, []), []
    found = rules(staged)
    require_applicable(found, read.reading.settings.ingest.max_wildcard_share)
    sold = rows(read.reading.spark, OFFERS, []) if offers_now is None else offers_now
    chosen_from = Goods(rule_subjects(goods, tree), sold, places, own_attributes(sold, found))
    return found, rule_warnings(found, chosen_from, tree)
