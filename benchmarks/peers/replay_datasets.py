"""RePlay's own frame around the lines: each basket a session."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from replay.data import Dataset, FeatureHint, FeatureInfo, FeatureSchema, FeatureType
from replay.utils.session_handler import State

from told import Told


def dataset(spark: SparkSession, given: Told) -> Dataset:
    """Lines as interactions of rating 1."""
    State(spark)
    lines = spark.read.parquet(given.lines).select("basket", "variant", F.lit(1).alias("rating"))
    hints = (
        ("basket", FeatureType.CATEGORICAL, FeatureHint.QUERY_ID),
        ("variant", FeatureType.CATEGORICAL, FeatureHint.ITEM_ID),
        ("rating", FeatureType.NUMERICAL, FeatureHint.RATING),
    )
    schema = FeatureSchema([FeatureInfo(column=c, feature_type=t, feature_hint=h) for c, t, h in hints])
    return Dataset(schema, lines, check_consistency=False, categorical_encoded=True)
