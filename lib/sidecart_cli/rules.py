"""Check a rule set before a run takes it, and see what it would change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from sidecart.contracts import silver
from sidecart.errors import RuleError, StorageError
from sidecart.ingest.parsing import Moment
from sidecart.ingest.reasons import REASONS
from sidecart.ingest.rules import require_applicable, rule_file, rules, unreadable_values
from sidecart.rule_changes import list_changes, rule_effects, slot_changes, total_effect
from sidecart.rule_checks import Finding, rule_findings
from sidecart.rules import goods_of
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.views import release_moment, shortlists_resolved
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session

_EXAMPLES = 5
_PRINTED = 200
_NUMBERS = ("lists_touched", "slots_denied", "slots_allowed", "slots_freed", "slots_emptied", "lists_short")


def add_commands(parser: argparse.ArgumentParser, add_reading: Callable[[argparse.ArgumentParser], None]) -> None:
    """What `sidecart rules` understands."""
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    checked = commands.add_parser("lint", help="name rules that do nothing, contradict each other or reach too far")
    checked.add_argument("rules", type=Path, nargs="?", help="a rules file, folder or Delta table; else the released")
    add_reading(checked)
    checked.set_defaults(do=lint)
    compared = commands.add_parser("diff", help="what a rule set would change in the release's lists")
    compared.add_argument("rules", type=Path, help="a rules file, folder or Delta table")
    where = compared.add_mutually_exclusive_group()
    where.add_argument("--region", help="in this region; the root without it")
    where.add_argument("--all-regions", action="store_true", help="in every region; takes as long as resolving all")
    add_reading(compared)
    compared.set_defaults(do=diff)


@dataclass(frozen=True)
class _Release:
    """A release as rules see it."""

    reader: ReleaseReader
    moment: Moment

    @staticmethod
    def of(told: argparse.Namespace) -> _Release:
        reader = ReleaseReader(Warehouse(analysts_session(), told.warehouse), told.release)
        if not reader.versions:
            raise StorageError(f"nothing was released in {told.warehouse} yet; run `sidecart run` first")
        return _Release(reader, release_moment(reader))

    def staged(self, path: Path) -> DataFrame:
        return rule_file(self.reader.warehouse.spark, path, self.moment)


def lint(told: argparse.Namespace) -> None:
    """Print the findings of a rule file, or of the released rules; exit code 1 where one is an error."""
    release = _Release.of(told)
    checked = release.reader.read(silver.RULES)
    findings: list[Finding] = []
    if told.rules:
        staged = release.staged(told.rules)
        findings, checked = [_refusal(row) for row in _refused(staged)], rules(staged)
    unreadable = unreadable_values(checked)
    findings += [Finding(row["rule_id"], "refused", "error", row["detail"]) for row in unreadable.collect()]
    readable = checked.join(unreadable, "rule_id", "left_anti")
    limit = release.moment.settings.ingest.max_wildcard_share
    findings += rule_findings(readable, goods_of(release.reader, readable), release.moment.day, limit)
    _print_findings(findings, checked.count())
    if any(found.severity == "error" for found in findings):
        sys.exit(1)


def _refused(staged: DataFrame) -> list[Row]:
    """Rows that a run would refuse."""
    return staged.where("fault IS NOT NULL").orderBy("source_file", "source_line").limit(_PRINTED).collect()


def _refusal(row: Row) -> Finding:
    """A refused row as a finding."""
    reason, column = REASONS[row["fault"]["code"]], row["fault"]["column"]
    place = f"{row['source_file']}, line {row['source_line']}" + (f", {column}" if column else "")
    detail = f"{place}: {reason.code}, {reason.meaning}; {reason.remedy}"
    return Finding(row["rule_id"] or "-", "refused", "error", detail)


def _print_findings(findings: list[Finding], count: int) -> None:
    width = max((len(found.rule_id) for found in findings), default=0)
    for found in findings:
        print(f"{found.severity:<8} {found.finding:<14} {found.rule_id:<{width}}  {found.detail}")
    errors = sum(found.severity == "error" for found in findings)
    print(f"{count:,} rules: {errors:,} errors, {len(findings) - errors:,} warnings")


def diff(told: argparse.Namespace) -> None:
    """Print what a rule set would change: per rule, in all, and examples."""
    release = _Release.of(told)
    proposed, released = _applicable(release.staged(told.rules)), release.reader.read(silver.RULES)
    region = None if told.all_regions else _region(release, told.region)
    shown = release.moment.settings.lists.shown
    with TemporaryDirectory(prefix="sidecart-rules-") as folder:
        # Kept once: numbers, rules and examples all ask for it, and each asking would resolve the lists twice.
        kept = str(Path(folder) / "changes")
        before, after = _lists(release, released, region), _lists(release, proposed, region)
        list_changes(before, after, shown).write.parquet(kept)
        changes = release.reader.warehouse.spark.read.parquet(kept)
        goods = goods_of(release.reader, released.unionByName(proposed))
        slots = slot_changes(changes, released, proposed, goods, release.moment.day)
        effects = rule_effects(changes, slots, shown).orderBy(F.desc("lists_touched"), "rule_id").collect()
        total = total_effect(changes, shown).collect()[0]
        examples = _examples(changes, release.reader.read(silver.CATALOG))
    where = f"region {region}" if region else "all regions"
    print(f"{told.rules}: {proposed.count():,} rules; {release.reader.release_id} has {released.count():,}; {where}")
    _print_effects(effects, total)
    _print_examples(examples)


def _applicable(staged: DataFrame) -> DataFrame:
    """The rules of a file of which a run would take every row; raises RuleError for any other."""
    for row in _refused(staged)[:1]:
        refused = _refusal(row)
        raise RuleError(
            row["fault"]["code"], f"rule {refused.rule_id}: {refused.detail}. `sidecart rules lint` names all"
        )
    found = rules(staged)
    require_applicable(found, 1.0)
    return found


def _region(release: _Release, wanted: str | None) -> str:
    """The region asked for, the root without one; raises StorageError for one that is not there."""
    regions = release.reader.read(silver.REGIONS)
    row = regions.where(F.col("region_id") == wanted if wanted else F.expr("depth = 0")).first()
    if row is None:
        raise StorageError(f"no region {wanted!r} in {release.reader.release_id}; the table regions lists them")
    return str(row["region_id"])


def _lists(release: _Release, rules_: DataFrame, region: str | None) -> DataFrame:
    # A literal, not a join: only that reaches the lists before they are resolved.
    lists = shortlists_resolved(release.reader, rules_)
    return lists if region is None else lists.where(F.col("region_id") == F.lit(region))


def _examples(changes: DataFrame, catalog: DataFrame) -> list[Row]:
    """The lists that lose most, with the names of what left and what came."""
    some = changes.orderBy(F.desc("slots_emptied"), "region_id", "anchor_id").limit(_EXAMPLES)
    sides = {"gone": F.array_except("before", "after"), "new": F.array_except("after", "before")}
    names = catalog.select(F.col("variant_id").alias("candidate_id"), "name")
    told = some.join(catalog.select(F.col("variant_id").alias("anchor_id"), "name"), "anchor_id")
    for side, candidates in sides.items():
        moved = some.select("region_id", "anchor_id", F.explode(candidates).alias("candidate_id"))
        named = moved.join(names, "candidate_id").groupBy("region_id", "anchor_id")
        told = told.join(
            named.agg(F.array_sort(F.collect_list("name")).alias(side)), ["region_id", "anchor_id"], "left"
        )
    return told.orderBy(F.desc("slots_emptied"), "region_id", "anchor_id").collect()


def _print_effects(effects: list[Row], total: Row) -> None:
    titles = [name.replace("_", " ") for name in _NUMBERS]
    width = max([len("in all"), *(len(row["rule_id"]) for row in effects)])
    print(" ".join([" " * width, *(f"{title:>13}" for title in titles)]))
    for row in effects[:_PRINTED]:
        print(" ".join([f"{row['rule_id']:<{width}}", *(f"{row[name]:>13,}" for name in _NUMBERS)]))
    if len(effects) > _PRINTED:
        print(f"… and {len(effects) - _PRINTED:,} more rules")
    sums = {name: sum(row[name] for row in effects) for name in _NUMBERS} | total.asDict()
    print(" ".join([f"{'in all':<{width}}", *(f"{sums[name]:>13,}" for name in _NUMBERS)]))


def _print_examples(examples: list[Row]) -> None:
    for row in examples:
        parts = [f"{row['name']} [{row['anchor_id']}], {row['region_id']}:"]
        parts += [f"without {', '.join(row['gone'])};"] if row["gone"] else []
        parts += [f"with {', '.join(row['new'])};"] if row["new"] else []
        print("  " + " ".join(parts) + f" {len(row['after'])} candidates, {len(row['before'])} before")
