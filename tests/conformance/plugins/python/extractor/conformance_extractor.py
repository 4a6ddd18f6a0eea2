"""The extractor of the conformance suite: ids that go on where the last run ended."""

from typing import Literal

from wasmill import Extracted, Extractor, Field, Split, WritePlan, config, types


@config
class Config:
    rows: int = 10
    splits: int = 2
    bad_every: int = 0
    way: Literal["columns", "rows"] = "columns"


class Conformance(Extractor):
    config: Config

    def bind(self, plan: WritePlan) -> None:
        self.id = plan.write(Field("id", types.int64, nullable=False))
        self.name = plan.write("name", str)
        if self.config.way == "rows":
            plan.rows()

    def plan(self, cursors):
        start = next((int(cursor.position) for cursor in cursors if cursor.split == "part-0"), 0)
        rows = self.config.rows
        for index in range(self.config.splits):
            # The first id of the split, and where the next run begins.
            descriptor = f"{start + index * rows} {start + self.config.splits * rows}"
            yield Split(f"part-{index}", descriptor, rows=rows)

    def open(self, split: Split) -> None:
        self.position, self.following = map(int, split.descriptor.split())
        self.end = self.position + self.config.rows

    def next(self, max_rows: int, out: Extracted) -> bool:
        ids = range(self.position, min(self.end, self.position + max_rows))
        if not ids:
            return False
        self.position = ids.stop
        bad_every = self.config.bad_every
        bad = [id for id in ids if bad_every and id % bad_every == 0]
        for id in bad:
            out.reject(f"id {id}", f"bad {id}", "bad", f"{id} is bad")
        good = [id for id in ids if not (bad_every and id % bad_every == 0)]
        names = [None if id % 5 == 0 else f"row {id}" for id in good]
        if self.config.way == "rows":
            out.emit(*({"id": id, "name": name} for id, name in zip(good, names)))
        else:
            out[self.id] = good
            out[self.name] = names
        return True

    def cursor(self) -> str:
        return str(self.following)
