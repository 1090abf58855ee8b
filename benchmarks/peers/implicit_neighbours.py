"""implicit: neighbours of items by joint baskets. It gives lists only, no pairs."""

from __future__ import annotations

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender

from matrices import baskets_by_variants, write_lists
from told import DEPTH, told


def main() -> None:
    given = told()
    held, variants = baskets_by_variants(given.lines, np.float64)
    model = ItemItemRecommender(K=DEPTH + 1, num_threads=given.threads)  # one of them is the item itself
    model.fit(held, show_progress=False)
    write_lists(model.similarity.tocsr(), variants, given.out)


main()
