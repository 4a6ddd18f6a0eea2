"""The loader of the conformance suite: stages lines of text at a server."""

import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Literal

from wasmill import Attempt, Batch, Loader, ReadPlan, Receipt, Rejected, Retryable, config, types


@config
class Config:
    connection: str = "server"
    way: Literal["columns", "rows"] = "columns"


class Conformance(Loader):
    config: Config

    def bind(self, plan: ReadPlan) -> None:
        self.id, self.name = plan.read("id", types.int64), plan.read("name", types.utf8)
        if self.config.way == "rows":
            plan.rows()

    def open(self, attempt: Attempt) -> None:
        self.folder = f"/staged/{attempt.attempt}"
        self.batches = self.staged = 0

    def write(self, batch: Batch, rejected: Rejected) -> None:
        self.stage(zip(batch[self.id], batch[self.name]), rejected)

    def write_rows(self, rows: list[dict], rejected: Rejected) -> None:
        self.stage(((row["id"], row["name"]) for row in rows), rejected)

    def stage(self, pairs: Iterable[tuple], rejected: Rejected) -> None:
        lines = []
        for row, (id, name) in enumerate(pairs):
            if id is None:
                rejected.reject(row, "null-id", "an id is needed", column="id")
            else:
                lines.append(f"{id} {'-' if name is None else name}\n")
        self.send("PUT", f"{self.folder}/{self.batches}", "".join(lines))
        self.batches += 1
        self.staged += len(lines)

    def finish(self) -> Receipt:
        return Receipt(self.staged, self.folder)

    def commit(self, run: str, receipts) -> None:
        self.send("PUT", f"/committed/{run}", "".join(f"{receipt.reference} {receipt.rows}\n" for receipt in receipts))

    def abort(self, run: str, receipts) -> None:
        for receipt in receipts:
            self.send("DELETE", receipt.reference)

    def send(self, method: str, path: str, body: str = "") -> None:
        url = f"http://{self.config.connection}{path}"
        request = urllib.request.Request(url, body.encode() if body or method == "PUT" else None, method=method)
        try:
            urllib.request.urlopen(request).close()
        except urllib.error.HTTPError as error:
            raise Retryable(f"the server answered {error.code}") from error
