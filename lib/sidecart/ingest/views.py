"""Views: visits of product pages and adds to cart, visits and buyers as keyed hashes."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import VIEWS as INPUT
from sidecart.contracts.silver import VIEWS
from sidecart.ingest.parsing import Moment, typed_rows
from sidecart.ingest.places import Places, in_its_region
from sidecart.ingest.staged import accepted, staged


def staged_views(raw: DataFrame, places: Places, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    typed = typed_rows(raw, INPUT, moment)
    completed = typed.withColumnRenamed("buyer_id", "buyer_key").withColumn("kind", F.coalesce("kind", F.lit("view")))
    return staged(in_its_region(completed, places), INPUT.name)


def views(rows: DataFrame, known_views: DataFrame) -> DataFrame:
    """VIEWS that are new: of rows with one key the first by file and line; those among `known_views` are dropped."""
    first = Window.partitionBy(*VIEWS.key).orderBy("source_file", "source_line")
    distinct = accepted(rows).withColumn("nth", F.row_number().over(first)).where("nth = 1")
    key = list(VIEWS.key)
    # Looked up first, as orders are (order_events).
    again = known_views.select(*key).join(distinct.select(*key), key, "left_semi")
    return conform(distinct.join(again, key, "left_anti"), VIEWS)
