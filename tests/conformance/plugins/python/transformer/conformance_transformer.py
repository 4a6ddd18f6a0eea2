"""The transformer of the conformance suite: one class for each case, chosen by the configuration."""

import json
import logging
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from typing import List, Literal

from wasmill import (
    BadConfig, BadSchema, Batch, Builder, DetachedRows, Fatal, Plan, Reject, Retryable, Rows, RowsOut, Transformer, config,
    types,
)
from wasmill.config import to_json

log = logging.getLogger(__name__)


@config
class Nested:
    depth: int = 1


@config
class Options:
    text: str = "standard"
    number: int = 7
    ratio: float = 0.5
    flag: bool = True
    list: List[int] = [1, 2]
    nested: Nested = Nested()


@config
class Config:
    case: Literal[
        "copy", "keep", "rename", "even", "reverse", "explode", "running", "count", "hold", "reject", "unchanged", "words", "add",
        "defaults", "log", "time", "http", "fail", "exhaust",
    ]
    way: Literal["columns", "rows"] = "columns"
    by: Literal["values", "buffers"] = "values"
    at: Literal["bind", "open", "process", "finish"] = "process"
    kind: Literal["retryable", "retryable-after", "fatal", "bad-config", "bad-schema", "exception"] = "fatal"
    what: Literal["fuel", "memory", "stack"] = "fuel"
    connection: str = "server"
    options: Options = Options()


class Case:
    """What a case does. Those that are done both ways have `row` or `rows` too."""

    def __init__(self, config: Config):
        self.config = config

    def bind(self, plan: Plan) -> None: ...

    def process(self, batch: Batch, out: Rows) -> None: ...

    def row(self, row: dict):
        raise NotImplementedError

    def rows(self, rows: list[dict], out: RowsOut) -> None:
        out.emit_each(self.row, rows)

    def finish(self, out: DetachedRows) -> None: ...

    def finish_rows(self) -> list[dict]:
        return []


class Copy(Case):
    def bind(self, plan):
        self.pairs = [(plan.read(field.name), plan.write(field)) for field in plan.schema]

    def process(self, batch, out):
        for read, written in self.pairs:
            column = batch[read]
            if self.config.by == "buffers":
                out[written] = column
            else:
                builder = Builder(written.field)
                for value in column:
                    builder.append(value)
                out[written] = builder.build()

    def row(self, row):
        return row


class Keep(Case):
    pass


class Rename(Case):
    def bind(self, plan):
        names = plan.schema.names
        plan.drop(names[-1])
        if len(names) > 1:
            plan.rename(names[0], "renamed")


class Even(Case):
    def bind(self, plan):
        self.id = plan.read("id", types.int64)

    def process(self, batch, out):
        out.filter(batch[self.id] % 2 == 0)

    def row(self, row):
        return row if row["id"] % 2 == 0 else None


class Reverse(Case):
    def bind(self, plan):
        self.id = plan.read("id", types.int64)
        if self.config.way == "rows":
            plan.drop_all()
            plan.write(plan.schema["id"])
        self.position = plan.write("position", int)

    def process(self, batch, out):
        order = list(reversed(range(len(batch)))) + [0] * (len(batch) > 0)
        out.take(order)
        out[self.position] = range(len(order))

    def rows(self, rows, out):
        order = list(reversed(range(len(rows)))) + [0] * (len(rows) > 0)
        for position, row in enumerate(order):
            out.emit({"id": rows[row]["id"], "position": position}, row)


class Explode(Case):
    def bind(self, plan):
        self.id = plan.read("id", types.int64)
        plan.drop_all()
        self.new_id, self.part = plan.write(plan.schema["id"]), plan.write("part", int)

    def process(self, batch, out):
        ids = batch[self.id].to_list()
        pairs = [(row, part) for row, id in enumerate(ids) for part in range(id % 4)]
        out.take(row for row, _ in pairs)
        out[self.new_id] = [ids[row] for row, _ in pairs]
        out[self.part] = [part for _, part in pairs]

    def row(self, row):
        for part in range(row["id"] % 4):
            yield {"id": row["id"], "part": part}


class Running(Case):
    def bind(self, plan):
        self.key = plan.read("key", types.utf8)
        self.seen = plan.write("seen", int)
        self.counts = Counter()
        plan.keyed_by("key")

    def process(self, batch, out):
        seen = []
        for key in batch[self.key]:
            self.counts[key] += 1
            seen.append(self.counts[key])
        out[self.seen] = seen


class Count(Case):
    def bind(self, plan):
        plan.single_instance()
        plan.drop_all()
        self.rows_written = plan.write("rows", int)
        self.count = 0

    def process(self, batch, out):
        self.count += len(batch)
        out.take([])
        out[self.rows_written] = []

    def finish(self, out):
        out[self.rows_written] = [self.count]


class Hold(Case):
    def bind(self, plan):
        self.id = plan.read("id", types.int64)
        plan.single_instance()
        plan.drop_all()
        self.new_id = plan.write(plan.schema["id"])
        self.ids = []

    def process(self, batch, out):
        self.ids += batch[self.id].to_list()
        out.take([])
        out[self.new_id] = []

    def row(self, row):
        self.ids.append(row["id"])

    def finish(self, out):
        out[self.new_id] = sorted(self.ids, reverse=True)

    def finish_rows(self):
        return [{"id": id} for id in sorted(self.ids, reverse=True)]


class Rejecting(Case):
    def bind(self, plan):
        self.id = plan.read("id", types.int64)

    def process(self, batch, out):
        ids = batch[self.id]
        for row in (ids % 3 == 0).rows():
            out.reject(row, "third", f"{ids[row]} is divisible by 3", column="id")

    def row(self, row):
        if row["id"] % 3 == 0:
            raise Reject("third", f"{row['id']} is divisible by 3", column="id")
        return row


class Unchanged(Case):
    def bind(self, plan):
        self.text = plan.read("text", types.utf8)
        self.new_text = plan.write(plan.schema["text"])

    def process(self, batch, out):
        out.unchanged(self.new_text, self.text)


class Words(Case):
    def bind(self, plan):
        self.text = plan.read("text", types.utf8)
        self.length, self.shout = plan.write("length", int), plan.write("shout", str)

    def process(self, batch, out):
        text = batch[self.text]
        out[self.length] = text.length()
        out[self.shout] = text + "!é🦀"

    def row(self, row):
        text = row["text"]
        return {} if text is None else {"length": len(text), "shout": text + "!é🦀"}


class Add(Case):
    def bind(self, plan):
        self.x = plan.read("x", types.float64)
        self.y = plan.write("y", float)

    def process(self, batch, out):
        out[self.y] = batch[self.x] + 1

    def row(self, row):
        return {"y": None if row["x"] is None else row["x"] + 1}


class Defaults(Case):
    def bind(self, plan):
        self.options = plan.write("options", str)

    def process(self, batch, out):
        out[self.options] = [json.dumps(to_json(self.config.options))] * len(batch)


class Log(Case):
    def process(self, batch, out):
        log.debug("said at debug")
        log.info("said at info")
        log.warning("said at warn")
        log.error("said at error")
        print("printed")


class Time(Case):
    def bind(self, plan):
        self.now, self.random = plan.write("now", int), plan.write("random", int)

    def process(self, batch, out):
        out[self.now] = [int(time.time() * 1000)] * len(batch)
        out[self.random] = [random.randrange(2**31)] * len(batch)


class Http(Case):
    def bind(self, plan):
        self.status, self.body = plan.write("status", int), plan.write("body", str)

    def process(self, batch, out):
        url = f"http://{self.config.connection}/conformance?q=1"
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers={"x-asked": "yes"}))
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read().decode()
        out[self.status] = [answer.status] * len(batch)
        out[self.body] = [body] * len(batch)


class Fail(Case):
    def bind(self, plan):
        self.fail_at("bind")

    def process(self, batch, out):
        self.fail_at("process")

    def finish(self, out):
        self.fail_at("finish")

    def fail_at(self, place):
        if self.config.at != place:
            return
        match self.config.kind:
            case "retryable":
                raise Retryable("try later")
            case "retryable-after":
                raise Retryable("try later", after=1.5)
            case "fatal":
                raise Fatal("no way")
            case "bad-config":
                raise BadConfig("/kind", "not this one")
            case "bad-schema":
                raise BadSchema("id", "not this one")
            case "exception":
                raise RuntimeError("unexpected")


class Exhaust(Case):
    def process(self, batch, out):
        match self.config.what:
            case "fuel":
                while True:
                    pass
            case "memory":
                taken = []
                while True:
                    taken.append(bytearray(1 << 20))
            case "stack":
                self.process(batch, out)


CASES: dict[str, type[Case]] = {
    "copy": Copy, "keep": Keep, "rename": Rename, "even": Even, "reverse": Reverse, "explode": Explode, "running": Running,
    "count": Count, "hold": Hold, "reject": Rejecting, "unchanged": Unchanged, "words": Words, "add": Add, "defaults": Defaults,
    "log": Log, "time": Time, "http": Http, "fail": Fail, "exhaust": Exhaust,
}


class Conformance(Transformer):
    config: Config

    def bind(self, plan: Plan) -> None:
        if self.config.way == "rows":
            plan.rows()
        self.case = CASES[self.config.case](self.config)
        self.case.bind(plan)

    def open(self) -> None:
        if isinstance(self.case, Fail):
            self.case.fail_at("open")

    def process(self, batch: Batch, out: Rows) -> None:
        self.case.process(batch, out)

    def process_rows(self, rows: list[dict], out: RowsOut) -> None:
        self.case.rows(rows, out)

    def finish(self, out: DetachedRows) -> None:
        self.case.finish(out)

    def finish_rows(self) -> list[dict]:
        return self.case.finish_rows()
