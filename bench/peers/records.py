"""The work of `records` in Python: with expressions of Polars, with Python functions called by Polars, and with dlt."""

import dlt
import orjson
import polars as pl
import pyarrow.parquet
from dlt.destinations import filesystem

from worker import serve


def is_address(email):
    """Exactly one @, something before it, and a domain with a dot inside."""
    local, _, domain = email.partition("@")
    return local != "" and "@" not in domain and "." in domain[1:-1]


def publish(records, is_good, upper, folder):
    """From a lazy frame to a file of records, and a file of rejected ones."""
    wanted = records.filter(pl.col("amount") > 0).with_columns(good=is_good).collect()
    kept = wanted.filter("good").drop("good").with_columns(upper, gross=pl.col("amount") * 1.2)
    rejected = wanted.filter(~pl.col("good")).drop("good")
    kept.write_parquet(folder / "out/kept.parquet", compression="zstd", compression_level=1)
    rejected.write_parquet(folder / "rejects.parquet", compression="zstd", compression_level=1)
    return rejected.height


def scan(source):
    return pl.scan_parquet(source) if source.endswith(".parquet") else pl.scan_ndjson(source)


def by_expressions(source, folder, _threads):
    # The same rule as a pattern.
    is_good = pl.col("email").str.contains(r"^[^@]+@[^@]+\.[^@]+$")
    return publish(scan(source), is_good, pl.col("name").str.to_uppercase(), folder)


def by_functions(source, folder, _threads):
    is_good = pl.col("email").map_elements(is_address, return_dtype=pl.Boolean)
    upper = pl.col("name").map_elements(str.upper, return_dtype=pl.String)
    return publish(scan(source), is_good, upper, folder)


def by_dlt(source, folder, _threads):
    rejected = []

    def records():
        if source.endswith(".parquet"):
            for batch in pyarrow.parquet.ParquetFile(source).iter_batches(8192):
                yield batch.to_pylist()
            return
        with open(source, "rb") as lines:
            batch = []
            for line in lines:
                batch.append(orjson.loads(line))
                if len(batch) == 8192:
                    yield batch
                    batch = []
            yield batch

    def is_kept(record):
        if record["amount"] <= 0:
            return False
        if not is_address(record["email"]):
            rejected.append(record)
            return False
        return True

    def derive(record):
        record["name"] = record["name"].upper()
        record["gross"] = record["amount"] * 1.2
        return record

    resource = dlt.resource(records, name="kept", write_disposition="replace")
    resource = resource.add_filter(is_kept).add_map(derive)
    pipeline = dlt.pipeline(
        pipeline_name="records",
        pipelines_dir=str(folder / "state"),
        destination=filesystem(bucket_url=str(folder / "out")),
        dataset_name="published",
    )
    pipeline.run(resource, loader_file_format="parquet")
    with open(folder / "rejects.ndjson", "wb") as rejects:
        for record in rejected:
            rejects.write(orjson.dumps(record) + b"\n")
    return len(rejected)


# One process and one thread for each stage, which run one after another.
for stage in ["extract", "normalize", "load"]:
    dlt.config[f"{stage}.workers"] = 1
dlt.config["runtime.dlthub_telemetry"] = False
dlt.config["normalize.data_writer.compression"] = "zstd"

serve({"polars": by_expressions, "polars with Python functions": by_functions, "dlt": by_dlt})
