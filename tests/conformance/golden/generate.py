"""Writes the golden streams beside this file: see README.md."""

import datetime
import decimal
import pathlib

import pyarrow as pa

FOLDER = pathlib.Path(__file__).parent
TEXTS = ["plain", "", None, "héllo wörld", "日本語", "🦀", "tab\t\"quote\"", "\0", "e\u0301"]
NUMBERS = [0, 1, None, 2, 3, None, 5, 8, 13]


def batch(**columns):
    return pa.record_batch(list(columns.values()), names=list(columns))


def integers():
    for bits in (8, 16, 32, 64):
        for name, low in ((f"int{bits}", -(2 ** (bits - 1))), (f"uint{bits}", 0)):
            high = low + 2**bits - 1
            yield name, pa.array([low, high, None, 0, 1, 7, None, 42, high - 1], type=getattr(pa, name)())


def streams():
    floats = [0.5, float("nan"), None, float("inf"), float("-inf"), -0.0, 1e-3, 65504.0, 0.0]
    yield "booleans", batch(b=pa.array([True, False, None] * 3), n=pa.nulls(9))
    yield "integers", batch(**dict(integers()))
    yield "floats", batch(
        half=pa.array(floats, type=pa.float32()).cast(pa.float16()),
        single=pa.array(floats, type=pa.float32()),
        double=pa.array(floats, type=pa.float64()),
    )
    yield "texts", batch(
        text=pa.array(TEXTS),
        large=pa.array(TEXTS, type=pa.large_string()),
        view=pa.array(TEXTS, type=pa.string_view()),
    )
    raw = [None if text is None else text.encode() for text in TEXTS]
    yield "binaries", batch(
        binary=pa.array(raw, type=pa.binary()),
        large=pa.array(raw, type=pa.large_binary()),
        fixed=pa.array([None if text is None else bytes([len(text), 0, 255]) for text in TEXTS], type=pa.binary(3)),
    )
    days = [datetime.date(1970, 1, 1), datetime.date(2026, 11, 24), None, datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]
    yield "dates", batch(date32=pa.array(days, type=pa.date32()), date64=pa.array(days, type=pa.date64()))
    times = [datetime.time(0, 0), datetime.time(23, 59, 59), None, datetime.time(12, 30, 1)]
    yield "times", batch(
        s=pa.array(times, type=pa.time32("s")),
        ms=pa.array(times, type=pa.time32("ms")),
        us=pa.array(times, type=pa.time64("us")),
        ns=pa.array(times, type=pa.time64("ns")),
    )
    instants = [0, 1_764_000_000, None, -1, -4_000_000_000]
    zones = {"none": None, "utc": "UTC", "berlin": "Europe/Berlin", "offset": "-08:00"}
    yield "timestamps", batch(
        **{
            f"{unit}_{name}": pa.array(instants, type=pa.timestamp(unit, tz=zone))
            for unit in ("s", "ms", "us", "ns")
            for name, zone in zones.items()
        }
    )
    yield "durations", batch(**{unit: pa.array(instants, type=pa.duration(unit)) for unit in ("s", "ms", "us", "ns")})
    interval = pa.MonthDayNano([-3, 40, 10**15])
    yield "intervals", batch(months=pa.array([interval, None, pa.MonthDayNano([0, 0, 0])], type=pa.month_day_nano_interval()))

    def decimals(digits, scale):
        high = decimal.Decimal(10**digits - 1).scaleb(-scale, decimal.Context(prec=100))
        return [high, high.copy_negate(), None, decimal.Decimal(1).scaleb(-scale), decimal.Decimal(0)]

    yield "decimals", batch(
        d32=pa.array(decimals(9, 2), type=pa.decimal32(9, 2)),
        d64=pa.array(decimals(18, 6), type=pa.decimal64(18, 6)),
        d128=pa.array(decimals(38, 10), type=pa.decimal128(38, 10)),
        d256=pa.array(decimals(76, 38), type=pa.decimal256(76, 38)),
    )
    lists = [[1, None, 3], [], None, [4], [5, 6, 7, 8]]
    yield "lists", batch(
        list=pa.array(lists, type=pa.list_(pa.int64())),
        large=pa.array(lists, type=pa.large_list(pa.int64())),
        fixed=pa.array([[1, 2], [None, 3], None, [4, 5], [6, 7]], type=pa.list_(pa.int16(), 2)),
        deep=pa.array([[["a", None], []], None, [], [None], [["b"]]], type=pa.list_(pa.list_(pa.string()))),
    )
    person = pa.struct([("name", pa.string()), ("age", pa.uint8()), ("tags", pa.list_(pa.string()))])
    people = [{"name": "Ada", "age": 36, "tags": ["x"]}, None, {"name": None, "age": None, "tags": None}, {"name": "", "age": 0, "tags": []}]
    yield "structs", batch(person=pa.array(people, type=person), people=pa.array([people, None, [], people[:1]], type=pa.list_(person)))
    maps = [[("a", 1), ("b", None)], [], None, [("", 0)]]
    yield "maps", batch(map=pa.array(maps, type=pa.map_(pa.string(), pa.int32())))
    words = pa.array(["red", "green", None, "red", "blue", "green"])
    yield "dictionaries", batch(
        **{
            name: words.cast(pa.dictionary(getattr(pa, name)(), pa.string()))
            for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
        },
        numbers=pa.array([1, 2, None, 1, 2, 1]).dictionary_encode(),
    )
    schema = pa.schema([pa.field("required", pa.int64(), nullable=False, metadata={"unit": "€", "a": "b"})])
    yield "fields", pa.record_batch([pa.array([1, 2, 3])], schema=schema)


for name, made in streams():
    with pa.OSFile(str(FOLDER / f"{name}.arrows"), "wb") as file, pa.ipc.new_stream(file, made.schema) as stream:
        stream.write_batch(made)
        # Slices begin in the middle of bitmaps.
        stream.write_batch(made.slice(1, 2))
        stream.write_batch(made.slice(0, 0))
