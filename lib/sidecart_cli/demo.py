"""The demo: a whole shop from its landing files to lists that one can read."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

from sidecart.ingest.buyers import KEY_FILE_VARIABLE, make_buyer_key
from sidecart_cli import tour
from sidecart_jobs.arguments import moment, run_as_task
from sidecart_jobs.run_chain import run_chain


@dataclass(frozen=True)
class DemoShop:
    """A shop to show: its landing folder, configuration and moment, and the anchors people know."""

    folder: Path
    as_of: datetime
    anchors: dict[str, str]

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def shop(self) -> Path:
        return self.folder / "shop.toml"


def demo(told: argparse.Namespace) -> None:
    """Make the landing files, run the chain on them from nothing, and show what it found."""
    begun = time.monotonic()
    folder = told.folder or Path(".cache/demo-small" if told.small else ".cache/demo")
    shop = _small_shop(folder) if told.small else _grocery_chain(folder)
    make_buyer_key(folder / "buyer.key")
    os.environ[KEY_FILE_VARIABLE] = str(folder / "buyer.key")
    shutil.rmtree(shop.warehouse, ignore_errors=True)
    print(f"Running the chain on {shop.landing} as of {shop.as_of:%Y-%m-%d %H:%M} UTC:")
    run_as_task(lambda run: run_chain(run, shop.landing), _arguments(shop))
    tour.show(shop.warehouse, shop.anchors)
    print(f"\nThe demo took {time.monotonic() - begun:.0f} s. Its files are in {folder}.")


def _grocery_chain(folder: Path) -> DemoShop:
    from sidecart.adapters import complete_journey

    print("Writing Complete Journey (a grocery chain, one year) as landing files:")
    _say_rows(complete_journey.write_landing(folder / "landing"))
    _write_settings(folder, "demo.toml")
    return DemoShop(folder, moment("2018-01-02"), complete_journey.well_known_anchors())


def _small_shop(folder: Path) -> DemoShop:
    from sidecart.generator.settings import demo as demo_shop
    from sidecart.generator.shop import write_shop

    print("Writing a generated grocery as landing files:")
    planted = write_shop(folder / "landing", demo_shop())
    _say_rows(planted.rows)
    _write_settings(folder, "demo_small.toml")
    anchors = [*dict.fromkeys(planted.complements["anchor_id"].to_pylist())][:2]
    labels = {f"{anchor}, with planted complements": anchor for anchor in anchors}
    banana = planted.bananas["variant_id"][0].as_py()
    return DemoShop(folder, planted.as_of, {**labels, f"{banana}, a planted banana": banana})


def _say_rows(rows: dict[str, int]) -> None:
    print("  " + ", ".join(f"{name} {count:,}" for name, count in rows.items()))


def _write_settings(folder: Path, name: str) -> None:
    with as_file(files("sidecart_presets").joinpath(name)) as file:
        (folder / "shop.toml").write_bytes(file.read_bytes())


def _arguments(shop: DemoShop) -> argparse.Namespace:
    return argparse.Namespace(
        landing=shop.landing,
        warehouse=str(shop.warehouse),
        shop=shop.shop,
        as_of=shop.as_of,
        run_id=None,
        master="local[*]",
        driver_memory="4g",
    )
