"""sidecart: which products complete an order, computed on Apache Spark from all of a shop's orders."""

__version__ = "0.1.0"
