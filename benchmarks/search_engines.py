"""Compare engines for text and for 1-bit vectors on made captions of real words.

    pip install tantivy lancedb duckdb usearch faiss-cpu
    python benchmarks/search_engines.py DATASET [--rows 200000] [ENGINE ...]

A made caption joins runs of five words of the captions of DATASET to a length that one of them has.
Each engine indexes the same captions with stems and positions, and answers the same queries of four
words among the rows of one licence group of three.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("dataset")
    parse.add_argument("engines", nargs="*", default=[])
    parse.add_argument("--rows", type=int, default=200_000)
    return parse


if __name__ == "__main__":
    check(arguments())


import numpy as np
import pyarrow.parquet as pq

GROUPS = ["commercial", "noncommercial", "other"]
WEIGHTS = [80, 15, 5]
DIM = 384


def made(folder: Any, rows: Any) -> Any:
    tables = [
        pq.read_table(path, columns=["caption"])
        for path in Path(folder, "captions").rglob("*.parquet")
    ]
    real = [text.split() for table in tables for text in table["caption"].to_pylist()]
    real = [words for words in real if len(words) > 5]
    draw = random.Random(0)
    for _ in range(rows):
        length, words = len(draw.choice(real)), []
        while len(words) < length:
            source = draw.choice(real)
            at = draw.randrange(len(source) - 5)
            words += source[at : at + 5]
        yield " ".join(words), draw.choices(GROUPS, WEIGHTS)[0]


def queries(folder: Any) -> Any:
    draw, found = random.Random(1), []
    for text, group in made(folder, 200):
        words = [w for w in text.split() if w.isalpha() and len(w) > 2]
        if len(words) > 8:
            found.append((draw.sample(words, 4), group))
    return found[:100]


def size(path: Any) -> Any:
    return sum(one.stat().st_size for one in Path(path).rglob("*") if one.is_file())


def tantivy_(source: Any, folder: Any) -> Any:
    import tantivy

    build = tantivy.SchemaBuilder().add_text_field("caption", tokenizer_name="en_stem")
    build.add_text_field("group", tokenizer_name="raw", index_option="basic")
    schema = build.build()
    index = tantivy.Index(schema, str(folder))
    writer = index.writer(512_000_000, 1)
    for text, group in source:
        writer.add_document(tantivy.Document(caption=text, group=group))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(words: Any, group: Any) -> Any:
        must = tantivy.Occur.Must
        text = index.parse_query_lenient(" ".join(words), ["caption"])[0]
        kept = tantivy.Query.const_score_query(tantivy.Query.term_query(schema, "group", group), 0)
        return searcher.search(tantivy.Query.boolean_query([(must, text), (must, kept)]), 20).hits

    return ask


def fts5(source: Any, folder: Any, detail: str = "full") -> Any:
    at = sqlite3.connect(folder / "f.db")
    at.execute(
        "create virtual table f using fts5(caption, content='', tokenize='porter unicode61', "
        f"detail={detail})"
    )
    at.execute("create table r(id integer primary key, g text)")
    for number, (text, group) in enumerate(source):
        at.execute("insert into f(rowid, caption) values(?, ?)", (number, text))
        at.execute("insert into r values(?, ?)", (number, group))
    at.execute("insert into f(f) values('optimize')")
    at.commit()

    def ask(words: Any, group: Any) -> Any:
        match = " OR ".join(f'"{word}"' for word in words)
        sql = (
            "select r.id, rank from f join r on r.id = f.rowid where f match ? and r.g = ? "
            "order by rank limit 20"
        )
        return at.execute(sql, (match, group)).fetchall()

    return ask


def fts5_none(source: Any, folder: Any) -> Any:
    return fts5(source, folder, "none")


def lancedb_(source: Any, folder: Any) -> Any:
    import lancedb
    import pyarrow as pa

    texts, groups = zip(*source, strict=True)
    table = lancedb.connect(folder).create_table("t", pa.table({"caption": texts, "g": groups}))
    table.create_fts_index("caption", use_tantivy=False, with_position=True, stem=True)

    def ask(words: Any, group: Any) -> Any:
        asked = table.search(" ".join(words), query_type="fts").where(
            f"g = '{group}'", prefilter=True
        )
        return asked.limit(20).select(["g"]).to_list()

    return ask


def duckdb_(source: Any, folder: Any) -> Any:
    import duckdb
    import pyarrow as pa

    at = duckdb.connect(str(folder / "d.db"))
    at.execute("install fts; load fts")
    texts, groups = zip(*source, strict=True)
    rows = pa.table({"id": list(range(len(texts))), "caption": texts, "g": groups})  # noqa: F841
    at.execute("create table t as select * from rows")
    at.execute("pragma create_fts_index('t', 'id', 'caption')")

    def ask(words: Any, group: Any) -> Any:
        sql = """select id, fts_main_t.match_bm25(id, ?) s from t where g = ? and s is not null
                 order by s desc limit 20"""
        return at.execute(sql, (" ".join(words), group)).fetchall()

    return ask


def bits(rows: Any) -> Any:
    return np.random.default_rng(0).integers(0, 2**63, (rows, DIM // 64), np.uint64)


def numpy_bits(source: Any, folder: Any) -> Any:
    np.save(folder / "v.npy", bits(len(source)))
    held = np.load(folder / "v.npy", mmap_mode="r")

    def ask(_words: Any, _group: Any) -> Any:
        query = held[7]
        found = np.empty(len(held), np.uint16)
        for at in range(0, len(held), 2**15):
            found[at : at + 2**15] = np.bitwise_count(held[at : at + 2**15] ^ query).sum(
                1, dtype=np.uint16
            )
        return np.argpartition(found, 100)[:100]

    return ask


def faiss_bits(source: Any, folder: Any) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(DIM)
    index.add(bits(len(source)).view(np.uint8))
    faiss.write_index_binary(index, str(folder / "v.faiss"))
    index = faiss.read_index_binary(str(folder / "v.faiss"), faiss.IO_FLAG_MMAP)
    query = bits(8).view(np.uint8)[7:8]
    return lambda _words, _group: index.search(query, 100)


def usearch_bits(source: Any, folder: Any) -> Any:
    from usearch.index import Index

    held = bits(len(source)).view(np.uint8)
    index = Index(ndim=DIM, metric="hamming", dtype="b1")
    index.add(np.arange(len(held)), held, threads=1)
    index.save(str(folder / "v.usearch"))
    index = Index.restore(str(folder / "v.usearch"), view=True)
    return lambda _words, _group: index.search(held[7], 100)


VECTORS = ("numpy", "faiss", "usearch")
ENGINES = {
    "tantivy": tantivy_, "fts5": fts5, "fts5-none": fts5_none, "lancedb": lancedb_,
    "duckdb": duckdb_,
    "numpy": numpy_bits, "faiss": faiss_bits, "usearch": usearch_bits,
}  # fmt: skip


def measure(name: Any, dataset: Any, rows: Any) -> None:
    source = range(rows) if name in VECTORS else list(made(dataset, rows))
    folder = Path(tempfile.mkdtemp())
    try:
        started = time.perf_counter()
        ask = ENGINES[name](source, folder)
        built = time.perf_counter() - started
        asked = queries(dataset)
        took = []
        for words, group in asked:
            began = time.perf_counter()
            ask(words, group)
            took.append(1000 * (time.perf_counter() - began))
        first, took = took[0], sorted(took[1:])
        print(
            f"| {name} | {size(folder) / rows:.0f} | {rows / built:,.0f} | "
            f"{took[len(took) // 2]:.1f} | {took[len(took) * 95 // 100]:.1f} | {first:.1f} |",
            flush=True,
        )
    finally:
        shutil.rmtree(folder)


def main() -> None:
    given = arguments().parse_args()
    engines = given.engines or list(ENGINES)
    if len(engines) == 1:
        measure(engines[0], given.dataset, given.rows)
        return
    print(
        "| engine | bytes a row | rows/s | median ms | p95 ms | first ms |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    for name in engines:  # each in a process of its own
        subprocess.run(
            [sys.executable, __file__, given.dataset, name, "--rows", str(given.rows)], check=False
        )


if __name__ == "__main__":
    main()
