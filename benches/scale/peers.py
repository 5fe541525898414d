"""hnswlib and usearch on vectors of a file: how fast a graph is built on all cores, how long one query takes on
one, at a recall that is at least the given one, and how much memory the process takes for it.

`peers.py VECTORS.npy QUERIES.npy LINKS EF_CONSTRUCTION COUNT RECALL`
"""

import gc
import os
import sys
import time

import hnswlib
import numpy
from usearch.index import Index

# What a search may consider, from little to much; the first that reaches the recall counts.
WIDTHS = [200, 250, 300, 400, 500, 600, 800, 1000, 1500, 2000]


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def quantiles(times):
    return "p50 {:.2f}, p95 {:.2f}, p99 {:.2f} ms".format(*numpy.percentile(times, [50, 95, 99]) * 1e3)


def exact(vectors, queries, count):
    nearest = []
    for some in numpy.array_split(queries, max(1, len(queries) // 50)):
        cosines = some @ vectors.T
        nearest.extend(numpy.argpartition(-cosines, count, axis=1)[:, :count])
    return [set(of.tolist()) for of in nearest]


def measure(name, vectors, queries, nearest, count, wanted, build, widen, ask):
    gc.collect()
    before, started = resident(), time.perf_counter()
    index = build(vectors)
    took = time.perf_counter() - started
    memory = resident() - before
    for width in WIDTHS:
        widen(index, width)
        ask(index, queries[0])
        found, times = 0, []
        for query, true in zip(queries, nearest):
            started = time.perf_counter()
            keys = ask(index, query)
            times.append(time.perf_counter() - started)
            found += len(true.intersection(keys.tolist()))
        recall = found / len(queries) / count
        if recall >= wanted or width == WIDTHS[-1]:
            break
    print(
        f"  {name}: built {len(vectors) / took:.0f}/s, {memory / len(vectors):.0f} bytes a point, "
        f"recall {recall:.4f} (of {width} considered), {quantiles(times)}",
        flush=True,
    )


def main():
    vectors, queries = numpy.load(sys.argv[1]), numpy.load(sys.argv[2])
    links, construction, count = map(int, sys.argv[3:6])
    wanted = float(sys.argv[6])
    nearest = exact(vectors, queries, count)
    cores = os.cpu_count()

    def build_hnswlib(vectors):
        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), M=links, ef_construction=construction)
        index.add_items(vectors, num_threads=cores)
        return index

    measure(
        f"hnswlib {hnswlib.__version__ if hasattr(hnswlib, '__version__') else '0.8.0'} (f32)",
        vectors, queries, nearest, count, wanted,
        build_hnswlib,
        lambda index, width: index.set_ef(max(width, count)),
        lambda index, query: index.knn_query(query, k=count, num_threads=1)[0][0],
    )
    for dtype in ["f32", "i8"]:

        def build_usearch(vectors):
            index = Index(
                ndim=vectors.shape[1], metric="cos", dtype=dtype, connectivity=links, expansion_add=construction
            )
            index.add(numpy.arange(len(vectors)), vectors, threads=cores)
            return index

        def widen(index, width):
            index.expansion_search = width

        measure(
            f"usearch 2.26.6 ({dtype})", vectors, queries, nearest, count, wanted,
            build_usearch, widen, lambda index, query: index.search(query, count, threads=1).keys,
        )


if __name__ == "__main__":
    main()
