// Package plugin is the SDK for Wasmill plugins in Go. A plugin is a configuration, a type with a method for each call, and
// an init function that registers it. A whole transformer:
//
//	package main
//
//	import "wasmill.dev/plugin"
//
//	type Config struct {
//		Net  string  `json:"net" doc:"The column with the price before tax."`
//		Rate float64 `json:"rate" doc:"The tax rate." default:"0.19"`
//	}
//
//	type Gross struct {
//		rate  float64
//		net   plugin.Input[float64]
//		gross plugin.Output[float64]
//	}
//
//	func New(config Config, plan *plugin.Plan) (*Gross, error) {
//		return &Gross{config.Rate, plugin.Read[float64](plan, config.Net), plugin.Write[float64](plan, "gross")}, nil
//	}
//
//	func (g *Gross) Process(batch *plugin.Batch, out *plugin.Rows) error {
//		g.gross.Set(out, plugin.Map(g.net.Of(batch), func(net float64) float64 { return net * (1 + g.rate) }))
//		return nil
//	}
//
//	func init() { plugin.Transformer(New) }
//
//	func main() {}
//
// The function main is never called. The files export_*_wasip1.go are what the host calls; internal/abi is how memory crosses, and
// why no bindings are generated. Everything else is plain Go, tested on any machine.
package plugin
