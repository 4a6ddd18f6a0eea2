// Adds the price with tax.

import { config as c, transformer } from "@wasmill/plugin";

// The host refuses what does not fit; descriptions are in the JSON Schema that `wasmill inspect` shows.
const Config = c.object({
  rate: c.number("The tax rate, such as 0.19.", { minimum: 0 }),
  net: c.string("The column with the price before tax.", { default: "net" }),
}, "Adds the gross price, and rejects negative prices.");

export default transformer({
  config: Config,

  // Called to check a pipeline, and again for each instance: it must have no effects. All columns of the input are kept; only
  // those that are read enter the sandbox.
  bind({ rate, net }, plan) {
    const price = plan.read(net, "float64");
    const gross = plan.write("gross", "float64");

    return {
      // Columns, not rows: what is done with a whole column at once runs in compiled code.
      process(batch, out) {
        const prices = batch.column(price);
        out.set(gross, prices.times(1 + rate));

        // A bad row is no error: it goes to the quarantine, and the others go on.
        const negative = prices.lt(0);
        out.reject(negative, "negative-price", "the price is below 0", net);
        if (negative.count > 0) console.info(`${negative.count} of ${batch.rows} prices are negative`);
      },
    };
  },
});
