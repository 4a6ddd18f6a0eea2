"""Stores orders in an API that keeps batches aside until they are committed:

    POST /staged    [{"id": 1, "amount": 9.5}, ...]    201 {"id": 7}
    POST /commits   {"staged": [7, 8]}                 once for each idempotency key
    DELETE /staged/7
"""

import json
import logging
from collections.abc import Sequence
from typing import Annotated

from wasmill import Attempt, Connection, Loader, ReadPlan, Receipt, Rejected, config


@config
class StoreConfig:
    """Stores orders in an HTTP API, all of a run at once."""

    connection: Annotated[str, "The connection to the API. The pipeline file says where it leads, and grants it."]


class Store(Loader):
    config: StoreConfig

    def bind(self, plan: ReadPlan) -> None:
        plan.read("id", int)
        plan.read("amount", float)

    def open(self, attempt: Attempt) -> None:
        logging.debug("attempt %s at split %s", attempt.attempt, attempt.split)
        self.staged: list[int] = []
        self.count = 0

    # Rows, not columns: slower, and shorter where each row becomes JSON anyway. What is written must stay invisible until
    # `commit`: this attempt may yet fail, and another one be made.
    def write_rows(self, rows: list[dict], rejected: Rejected) -> None:
        bad = [at for at, row in enumerate(rows) if row["id"] is None]
        rejected.reject(bad, "no-id", "the API needs an id", column="id")
        orders = [row for row in rows if row["id"] is not None]
        if orders:
            self.staged.append(self.api.post("/staged", json=orders).successful().json()["id"])
            self.count += len(orders)

    # The receipt is all that `commit` will know of this attempt.
    def finish(self) -> Receipt:
        return Receipt(self.count, json.dumps(self.staged))

    # On a fresh instance, and perhaps twice after a crash: the key makes sure that the second time changes nothing.
    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        headers = {"idempotency-key": run}
        self.api.post("/commits", json={"staged": staged(receipts)}, headers=headers).successful()

    # After a run that failed. What is not there any more is no error.
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        for id in staged(receipts):
            response = self.api.request("DELETE", f"/staged/{id}")
            if response.status != 404:
                response.successful()

    @property
    def api(self) -> Connection:
        return Connection(self.config.connection)


def staged(receipts: Sequence[Receipt]) -> list[int]:
    """The batches that receipts speak of."""
    return [id for receipt in receipts for id in json.loads(receipt.reference)]
