"""Adds the price with tax."""

import logging
from typing import Annotated

from wasmill import Batch, Plan, Rows, Transformer, config


# The host refuses what does not fit; descriptions are in the JSON Schema that `wasmill inspect` shows.
@config
class GrossConfig:
    """Adds the gross price, and rejects negative prices."""

    rate: Annotated[float, "The tax rate, such as 0.19.", {"minimum": 0}]
    net: Annotated[str, "The column with the price before tax."] = "net"


class Gross(Transformer):
    config: GrossConfig

    # Called to check a pipeline, and again for each instance: it must have no effects. All columns of the input are kept; only
    # those that are read enter the sandbox.
    def bind(self, plan: Plan) -> None:
        self.net = plan.read(self.config.net, float)
        self.gross = plan.write("gross", float)

    # Columns, not rows: what is done with a whole column at once runs in compiled code.
    def process(self, batch: Batch, out: Rows) -> None:
        net = batch[self.net]
        out[self.gross] = net * (1 + self.config.rate)

        # A bad row is no error: it goes to the quarantine, and the others go on.
        negative = net < 0
        out.reject(negative, "negative-price", "the price is below 0", column=self.config.net)
        if negative.any():
            logging.info("%d of %d prices are negative", negative.count(), len(batch))
