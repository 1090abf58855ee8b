"""Backtest: how good would the lists have been, had they been made some weeks ago."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.runs import RELEASES
from sidecart.errors import StorageError
from sidecart.evaluation.held_out import Split, splits
from sidecart.evaluation.report import by_region_size, markdown
from sidecart.settings import Settings
from sidecart.settings_files import load_configurations, load_settings
from sidecart.storage.journal import log_to_console
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.export import write_one_file
from sidecart_jobs.arguments import moment
from sidecart_jobs.backtest import Backtest, backtest

_SPLITS = ("test", "validation", "test_new_buyers", "validation_new_buyers")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What a backtest must know."""
    command.add_argument("--shop", type=Path, help="the shop's TOML file; the general preset without one")
    command.add_argument("--splits", nargs="+", choices=_SPLITS, default=["test"], help="which (default test)")
    command.add_argument("--days", type=_days, default=28, help="days of held-out baskets (default 28)")
    command.add_argument("--as-of", type=moment, help="the end of the newest window; the release's moment without it")
    command.add_argument("--configurations", type=Path, help="TOML file: lists to judge, [NAME.scoring] and so on")
    command.add_argument("--without-baselines", action="store_true", help="judge the shop's own lists only")
    command.add_argument("--by-region", action="store_true", help="judge a basket by the lists of its region")
    command.add_argument("--history-days", type=_days, help="count so many days before the window only; all without it")
    command.add_argument(
        "--folder", type=Path, default=Path(".cache/backtest"), help="for its tables (default .cache/backtest)"
    )
    command.add_argument("--report", type=Path, help="for figures.parquet and report.md (default: beside its tables)")
    command.set_defaults(do=run_backtest)


def run_backtest(told: argparse.Namespace) -> None:
    """Judge every configuration on every split; prints a table each, writes figures.parquet and report.md."""
    log_to_console()
    settings = load_settings(told.shop)
    configurations = load_configurations(told.configurations, settings) if told.configurations else {"lists": settings}
    spark = build_session("sidecart backtest", driver_memory="6g")
    source = ReleaseReader(Warehouse(spark, told.warehouse), told.release)
    if source.release_id is None:
        raise StorageError(f"nothing was released in {told.warehouse} yet; run `sidecart run` first")
    known = splits(told.as_of or _moment_of(source), told.days)
    folder = told.folder / source.release_id
    parts, pages = [], []
    for split in (known[name] for name in told.splits):
        warehouse = Warehouse(spark, str(folder / _folder_of(split, settings, told.history_days)))
        with_baselines = not told.without_baselines
        test = Backtest(
            source, split, warehouse, settings, configurations, with_baselines, told.by_region, told.history_days
        )
        figures = backtest(test)
        parts.append(figures)
        pages.append(f"## {split.name}: {split.begins_at:%Y-%m-%d} to {split.ends_at:%Y-%m-%d}\n\n{_page(figures)}")
        print(pages[-1], flush=True)
    _write(parts, pages, told.report or folder)


def _page(figures: DataFrame) -> str:
    rows = [row.asDict() for row in figures.collect()]
    sized = by_region_size(rows)
    return markdown(rows) + (f"\n{sized}" if sized else "")


def _write(parts: list[DataFrame], pages: list[str], folder: Path) -> None:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.unionByName(part)
    write_one_file(
        whole.orderBy("split", "table_name", "page", "targets", "bucket", "metric"), folder / "figures.parquet"
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text("\n".join(pages), encoding="utf-8")
    print(f"{folder / 'figures.parquet'} and {folder / 'report.md'}")


def _folder_of(split: Split, settings: Settings, history_days: int | None) -> str:
    """Where the split's tables are: another window, or settings that count otherwise, another folder."""
    counted = {
        "window": [split.begins_at.isoformat(), split.ends_at.isoformat()],
        "shop": asdict(settings.shop),
        "baskets": asdict(settings.baskets),
        "history_days": history_days,
        "levels": [settings.compatibility.category_level, settings.lists.own_category_level],
    }
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
    return f"{split.name}-{digest[:8]}"


def _days(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; give a whole number from 1 up")
    return int(text)


def _moment_of(source: ReleaseReader) -> datetime:
    row = source.warehouse.read(RELEASES).where(F.col("release_id") == F.lit(source.release_id)).select("as_of").first()
    if row is None:
        raise StorageError(f"release {source.release_id} is gone from the table releases")
    moment_: datetime = row["as_of"].astimezone(UTC)
    return moment_
