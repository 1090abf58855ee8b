"""What peers that count by sparse products share: the matrix of baskets by variants, and lists of a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from scipy import sparse

from told import DEPTH

Codes = npt.NDArray[np.int64]


def baskets_by_variants(lines: str, kind: type) -> tuple[sparse.csr_matrix, Codes]:
    """A 1 of the kind where a basket holds a variant, and the variant of each column."""
    table = ds.dataset(str(Path(lines).parent)).to_table(columns=["basket", "variant"])
    _, rows = np.unique(table.column("basket").to_numpy(), return_inverse=True)
    variants, columns = np.unique(table.column("variant").to_numpy(), return_inverse=True)
    ones = np.ones(len(rows), dtype=kind)
    return sparse.csr_matrix((ones, (rows, columns))), variants.astype(np.int64)


def write_pairs(met: sparse.csr_matrix, variants: Codes, out: Path) -> None:
    """Every entry beside the diagonal, in some hundred parts so that nothing is held twice."""
    (out / "pairs").mkdir()
    step = max(1, met.shape[0] // 100)
    schema = pa.schema([("anchor", pa.int32()), ("candidate", pa.int32()), ("baskets", pa.int32())])
    with pq.ParquetWriter(out / "pairs" / "0.parquet", schema) as writer:
        for first in range(0, met.shape[0], step):
            part = met[first : first + step].tocoo()
            beside = part.row + first != part.col
            anchor, candidate = variants[part.row[beside] + first], variants[part.col[beside]]
            columns = [anchor, candidate, part.data[beside]]
            writer.write_table(pa.table([pa.array(c.astype(np.int32)) for c in columns], schema=schema))


def write_lists(scores: sparse.csr_matrix, variants: Codes, out: Path) -> None:
    """The best of each row beside the diagonal."""
    (out / "lists").mkdir()
    anchors, candidates, kept = [], [], []
    for row in range(scores.shape[0]):
        begin, end = scores.indptr[row], scores.indptr[row + 1]
        met, score = scores.indices[begin:end], scores.data[begin:end]
        best = np.argpartition(-score, DEPTH)[: DEPTH + 1] if len(score) > DEPTH + 1 else np.arange(len(score))
        best = best[met[best] != row]
        best = best[np.lexsort((met[best], -score[best]))][:DEPTH]
        anchors.append(np.full(len(best), variants[row]))
        candidates.append(variants[met[best]])
        kept.append(score[best])
    columns = {"anchor": anchors, "candidate": candidates}
    whole = {name: pa.array(np.concatenate(parts).astype(np.int32)) for name, parts in columns.items()}
    table = pa.table({**whole, "score": pa.array(np.concatenate(kept).astype(np.float64))})
    pq.write_table(table, out / "lists" / "0.parquet")
