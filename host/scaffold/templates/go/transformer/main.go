// Adds the price with tax.
package main

import (
	"fmt"
	"log/slog"

	"wasmill.dev/plugin"
)

// Config is what a pipeline may say. The host refuses what does not fit; the tags become the JSON Schema that `wasmill inspect` shows.
type Config struct {
	Rate float64 `json:"rate" doc:"The tax rate, such as 0.19." minimum:"0"`
	Net  string  `json:"net" doc:"The column with the price before tax." default:"net"`
}

type gross struct {
	config Config
	net    plugin.Input[float64]
	gross  plugin.Output[float64]
}

func init() { plugin.Transformer(open) }

func main() {}

// Called to check a pipeline, and again for each instance: it must have no effects. All columns of the input are kept; only those that
// are read enter the sandbox. That a column is not there, the plan remembers: it becomes the error of the call.
func open(config Config, plan *plugin.Plan) (*gross, error) {
	return &gross{config, plugin.Read[float64](plan, config.Net), plugin.Write[float64](plan, "gross")}, nil
}

func (g *gross) Process(batch *plugin.Batch, out *plugin.Rows) error {
	net := g.net.Of(batch)
	// Map keeps the nulls.
	g.gross.Set(out, plugin.Map(net, func(net float64) float64 { return net * (1 + g.config.Rate) }))

	negative := 0
	for row, price := range net.Values() {
		if price < 0 && !net.IsNull(row) {
			// A bad row is no error: it goes to the quarantine, and the others go on.
			out.RejectColumn(row, g.config.Net, "negative-price", "the price is below 0")
			negative++
		}
	}
	if negative > 0 {
		slog.Info(fmt.Sprintf("%d of %d prices are negative", negative, batch.Rows()))
	}
	return nil
}
