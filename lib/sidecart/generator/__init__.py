"""The generator: seeded shops of any size that write down what was planted in them."""

from sidecart.generator.settings import GeneratorSettings, Shape, bench, small, tiny
from sidecart.generator.shop import PLANTED_FOLDER, Planted, write_shop

__all__ = ["PLANTED_FOLDER", "GeneratorSettings", "Planted", "Shape", "bench", "small", "tiny", "write_shop"]
