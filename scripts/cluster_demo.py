"""The small demo on a standalone cluster of this machine: submit the wheel, compare every table with a local run.

`python scripts/cluster_demo.py [--probe] [--landing DIR --shop CONF.toml --as-of DATE]`
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.generator.settings import demo
from sidecart.generator.shop import write_shop
from sidecart.ingest.buyers import KEY_FILE_VARIABLE, make_buyer_key
from sidecart.storage.session import build_session
from standalone_cluster import standalone_cluster

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache" / "cluster"
OF_THE_RUN = ("run_id", "release_id", "source_file", "accepted_at", "refused_at")
"""Columns that say which run made a row; two runs differ there and nowhere else."""


def main() -> int:
    """0 when the cluster's tables equal the local ones row for row."""
    told = _arguments()
    shutil.rmtree(FOLDER, ignore_errors=True)
    told = _with_a_shop(told)
    packages = _packages()
    with standalone_cluster(FOLDER) as cluster:
        print(f"cluster: {cluster.url}, two workers")
        if cluster.submit(ROOT / "scripts" / "cluster_probe.py", [str(FOLDER / "probe")], packages):
            return _failed("the probe")
        if told.probe:
            return 0
        run = ["--landing", told.landing, "--shop", told.shop, "--as-of", told.as_of, "--warehouse"]
        if cluster.submit(ROOT / "jobs" / "run_chain.py", [*run, str(FOLDER / "there")], packages):
            return _failed("the chain")
    print("cluster: stopped; the same run locally")
    subprocess.run([str(Path(sys.executable).parent / "sidecart"), "run", *run, str(FOLDER / "here")], check=True)
    return _compare(FOLDER / "here", FOLDER / "there")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--probe", action="store_true", help="only prove that workers run the packed sidecart")
    parser.add_argument("--landing", help="landing folder; the small demo's generated shop without it")
    parser.add_argument("--shop", default=str(ROOT / "conf" / "demo_small.toml"))
    parser.add_argument("--as-of", help="the moment the runs speak of")
    return parser.parse_args()


def _with_a_shop(told: argparse.Namespace) -> argparse.Namespace:
    """The arguments, with a generated shop where they name none, and one buyer key for both runs."""
    os.environ[KEY_FILE_VARIABLE] = str(FOLDER / "buyer.key")
    make_buyer_key(FOLDER / "buyer.key")
    if told.landing is None:
        told.landing = str(FOLDER / "landing")
        told.as_of = write_shop(FOLDER / "landing", demo()).as_of.isoformat()
    return told


def _packages() -> Path:
    """The newest wheel under the name of a zip: Spark puts no other ending on its workers' path."""
    wheels = sorted((ROOT / "dist").glob("sidecart-*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    if not wheels:
        raise SystemExit("sidecart: there is no wheel in dist/; run make wheel first")
    FOLDER.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(wheels[-1], FOLDER / "sidecart.zip"))


def _failed(what: str) -> int:
    print(f"sidecart: {what} failed on the cluster; the reason is in {FOLDER / 'submit.log'}", file=sys.stderr)
    return 1


def _compare(here: Path, there: Path) -> int:
    """Print one line per table; 1 when any differs or is missing on one side."""
    spark = build_session("compare", "local[2]", driver_memory="1g")
    tables = {
        str(log.parent.relative_to(base))
        for base in (here, there)
        for layer in ("silver", "state", "gold")
        for log in (base / layer).glob("*/_delta_log")
    }
    differing = [table for table in sorted(tables) if not _is_same(spark, here / table, there / table)]
    print(f"{len(tables) - len(differing)} of {len(tables)} tables equal row for row")
    return 1 if differing or not tables else 0


def _is_same(spark: SparkSession, here: Path, there: Path) -> bool:
    if not (here / "_delta_log").is_dir() or not (there / "_delta_log").is_dir():
        print(f"  {here.parent.name}/{here.name}: is on one side only")
        return False
    ours, theirs = _rows(spark, here), _rows(spark, there)
    count, missing, extra = ours.count(), ours.exceptAll(theirs).count(), theirs.exceptAll(ours).count()
    print(f"  {here.parent.name}/{here.name}: {count} rows, {missing} missing and {extra} extra on the cluster")
    return missing == extra == 0


def _rows(spark: SparkSession, table: Path) -> DataFrame:
    frame = spark.read.format("delta").load(str(table)).drop(*OF_THE_RUN)
    # Maps can't be compared as such.
    return frame.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"}).alias("row"))


if __name__ == "__main__":
    sys.exit(main())
