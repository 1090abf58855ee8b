"""SAR of Microsoft's Recommenders, on one machine: joint baskets as its item similarity."""

from __future__ import annotations

import numpy as np
import pandas as pd
from recommenders.models.sar import SAR

from matrices import write_lists, write_pairs
from told import told


def main() -> None:
    given = told()
    lines = pd.read_parquet(given.lines.rsplit("/", 1)[0], columns=["basket", "variant"]).assign(rating=1)
    model = SAR(col_user="basket", col_item="variant", col_rating="rating", similarity_type="cooccurrence", threshold=1)
    model.fit(lines)
    variants = np.array([model.index2item[place] for place in range(model.n_items)])
    met = model.item_similarity
    met = met if met.format == "csr" else met.T  # it is symmetric, so this is the same without a copy
    write_pairs(met, variants, given.out)
    write_lists(met, variants, given.out)


main()
