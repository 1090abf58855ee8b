"""The catalogue: one row per variant, the newest that the shop handed over."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import CATALOG as INPUT
from sidecart.contracts.silver import CATALOG
from sidecart.ingest.parsing import Moment
from sidecart.ingest.snapshots import staged_snapshot, with_duplicate_keys
from sidecart.ingest.staged import staged


def staged_catalog(raw: DataFrame, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    return staged(with_duplicate_keys(staged_snapshot(raw, INPUT, moment, "listed_at"), INPUT), INPUT.name)


def catalog(rows: DataFrame) -> DataFrame:
    """CATALOG: a variant without a group is a group of its own, one without a name is called by its id."""
    completed = rows.where("is_newest").withColumns(
        {
            "group_id": F.coalesce("group_id", "variant_id"),
            "name": F.coalesce("name", "variant_id"),
            "attributes": F.coalesce("attributes", F.create_map().cast("map<string,string>")),
            "sold_by": F.coalesce("sold_by", F.lit("unit")),
        }
    )
    return conform(completed, CATALOG)
