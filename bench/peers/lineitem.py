"""The work of `pipeline` with expressions of DuckDB and of Polars: what is to be had without any plugins."""

import duckdb
import polars as pl

from worker import serve

TYPES = {
    "l_orderkey": pl.Int64,
    "l_partkey": pl.Int64,
    "l_suppkey": pl.Int64,
    "l_linenumber": pl.Int32,
    "l_quantity": pl.Int64,
    "l_extendedprice": pl.Float64,
    "l_discount": pl.Float64,
    "l_tax": pl.Float64,
    "l_shipdate": pl.Date,
    "l_commitdate": pl.Date,
    "l_receiptdate": pl.Date,
}

SHIP_MODES = ["air", "fob", "mail", "rail", "reg air", "ship", "truck"]


def by_duckdb(source, folder, threads):
    names = {pl.Int64: "BIGINT", pl.Int32: "INTEGER", pl.Float64: "DOUBLE", pl.Date: "DATE"}
    types = ", ".join(f"'{column}': '{names[kind]}'" for column, kind in TYPES.items())
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(f"""
        COPY (
            WITH cleaned AS (
                SELECT * REPLACE (
                    lower(trim(l_shipinstruct)) AS l_shipinstruct,
                    lower(trim(l_shipmode)) AS l_shipmode,
                    trim(l_comment) AS l_comment
                )
                FROM read_csv('{source}/*.csv', header = true, types = {{{types}}})
            ),
            derived AS (
                SELECT
                    *,
                    l_extendedprice * (1 - l_discount) AS revenue,
                    l_extendedprice * (1 - l_discount) * (1 + l_tax) AS charge,
                    CAST(l_receiptdate - l_shipdate AS INTEGER) AS days
                FROM cleaned
            )
            SELECT *
            FROM derived
            WHERE l_orderkey IS NOT NULL
                AND l_quantity BETWEEN 1 AND 50
                AND l_discount BETWEEN 0::DOUBLE AND 0.1::DOUBLE
                AND l_returnflag IN ('A', 'N', 'R')
                AND l_shipmode IN {tuple(SHIP_MODES)}
                AND days BETWEEN 2 AND 30
        )
        TO '{folder}/out/valid.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
    """)
    connection.close()
    return 0


def by_polars(source, folder, _threads):
    price, discount = pl.col("l_extendedprice"), pl.col("l_discount")
    rows = pl.scan_csv(f"{source}/*.csv", schema_overrides=TYPES)
    rows = rows.with_columns(
        pl.col("l_shipinstruct").str.strip_chars().str.to_lowercase(),
        pl.col("l_shipmode").str.strip_chars().str.to_lowercase(),
        pl.col("l_comment").str.strip_chars(),
    )
    rows = rows.with_columns(
        revenue=price * (1 - discount),
        charge=price * (1 - discount) * (1 + pl.col("l_tax")),
        days=(pl.col("l_receiptdate") - pl.col("l_shipdate")).dt.total_days().cast(pl.Int32),
    )
    rows = rows.filter(
        pl.col("l_orderkey").is_not_null(),
        pl.col("l_quantity").is_between(1, 50),
        discount.is_between(0, 0.1),
        pl.col("l_returnflag").is_in(["A", "N", "R"]),
        pl.col("l_shipmode").is_in(SHIP_MODES),
        pl.col("days").is_between(2, 30),
    )
    path = folder / "out/valid.parquet"
    rows.sink_parquet(path, compression="zstd", compression_level=1, engine="streaming")
    return 0


serve({"duckdb": by_duckdb, "polars": by_polars})
