"""Views and offers of a generated shop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidecart.generator.baskets import Baskets, Crowd, goods_of_shelf, sold_on
from sidecart.generator.dice import Dice, mixed
from sidecart.generator.lines import buyer_ids, instants, money, order_ids, order_seconds, region_ids
from sidecart.generator.names import cents

_VIEWS, _STOCK = 60, 61
_WORD = 2**32


def view_rows(crowd: Crowd, chunk: int, bought: Baskets, variant_ids: pa.Array) -> pa.Table:
    """The views input of one chunk: looks at what was bought, at its shelf neighbours, and adds to cart.

    One order is one session in the half hour before it.
    """
    dice = Dice(crowd.settings.seed, _VIEWS, chunk)
    per_line = crowd.settings.views_per_line / 3
    times = dice.rounded(np.full(len(bought.order), per_line))
    line = np.repeat(np.arange(len(times)), times)
    order, own = bought.order[line], bought.variant[line]
    near = crowd.popular.draw_between(dice.words(len(line)), *goods_of_shelf(crowd, own))
    is_there = sold_on(crowd, near, bought.region[order], bought.day[order])
    near = np.where(is_there, near, own)
    placed = order_seconds(crowd, chunk, bought)[order]
    looks = ((near, "view", 1_500), (own, "view", 900), (own, "cart", 300))
    visits = {
        "session_id": pc.binary_join_element_wise("s", order_ids(bought, order), ""),
        "buyer_id": buyer_ids(bought.buyer[order]),
        "region_id": region_ids(crowd, bought.region[order]),
    }
    return pa.concat_tables(
        pa.table(
            {
                **visits,
                "variant_id": variant_ids.take(pa.array(item)),
                "viewed_at": instants(placed - gap - dice.below(300, len(line))),
                "kind": pa.repeat(kind, len(line)),
            }
        )
        for item, kind, gap in looks
    )


def offer_rows(crowd: Crowd, region: int, variant_ids: pa.Array) -> pa.Table:
    """The offers input of one region: what it sells at the end of the history, at its prices."""
    settings, goods = crowd.settings, crowd.goods
    every = np.arange(goods.count)
    sold = every[sold_on(crowd, every, np.full(goods.count, region), np.full(goods.count, settings.days))]
    luck = mixed(settings.seed, _STOCK, region, sold)
    is_short = (luck < round(settings.stock_out_share * _WORD)) & ~crowd.places.is_core[sold]
    price = cents(settings, goods, region)[sold]
    is_reduced = mixed(settings.seed, _STOCK, region, sold, 1) < round(0.1 * _WORD)
    return pa.table(
        {
            "region_id": region_ids(crowd, np.full(len(sold), region)),
            "variant_id": variant_ids.take(pa.array(sold)),
            "available": pa.array(~is_short),
            "price": money(np.where(is_reduced, price * 80 // 100, price)),
            "list_price": money(price),
            "updated_at": pa.array([settings.as_of] * len(sold), pa.timestamp("us", "UTC")),
        }
    )
