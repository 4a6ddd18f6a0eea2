"""Reads orders that are newer than those of the last run, from an API with pages:

    GET /orders/last                        {"id": 3}
    GET /orders?after=0&until=3&limit=100   [{"id": 1, "amount": 9.5}, ...] by id
"""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from wasmill import Connection, Cursor, Extracted, Extractor, Field, Split, WritePlan, config, types


@config
class OrdersConfig:
    """Reads new orders from an HTTP API, page after page."""

    connection: Annotated[str, "The connection to the API. The pipeline file says where it leads, and grants it."]
    page_rows: Annotated[int, "How many orders a page has at most.", {"minimum": 1}] = 100


class Orders(Extractor):
    config: OrdersConfig

    def bind(self, plan: WritePlan) -> None:
        self.id = plan.write(Field("id", types.int64, nullable=False))
        self.amount = plan.write("amount", float)

    # Called once in a run. A split may be read again after a failure, and must then have the same rows: so it says where it ends.
    def plan(self, cursors: Sequence[Cursor]) -> Iterable[Split]:
        after = cursors[0].position if cursors else "0"
        last = self.get("/orders/last")["id"]
        logging.info("reading orders from %s to %d", after, last)
        yield Split("orders", f"{after} {last}")

    def open(self, split: Split) -> None:
        self.after, self.until = map(int, split.descriptor.split())

    def next(self, max_rows: int, out: Extracted) -> bool:
        if self.after >= self.until:
            return False
        limit = min(max_rows, self.config.page_rows)
        path = f"/orders?after={self.after}&until={self.until}&limit={limit}"
        page = self.get(path)
        if not page:
            return False
        orders = []
        for record in page:
            if is_order(record):
                orders.append(record)
            else:
                # A record that is no row goes to the quarantine as it came, with the place where it was found.
                out.reject(path, json.dumps(record), "no-order", "an order has an `id` and an `amount`, a number or null")
        out[self.id] = [order["id"] for order in orders]
        out[self.amount] = [order.get("amount") for order in orders]
        # Where a page ends is in its last record, so that one must at least have an id.
        self.after = int(page[-1]["id"])
        return True

    # Stored once the run has succeeded, and given to the next one.
    def cursor(self) -> str:
        return str(self.until)

    def get(self, path: str) -> Any:
        # `successful` makes errors of statuses: 429 and 5xx are tried again, as the pipeline's retry policy says.
        return Connection(self.config.connection).get(path).successful().json()


def is_order(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("id"), int):
        return False
    return isinstance(record.get("amount"), (int, float, type(None)))
