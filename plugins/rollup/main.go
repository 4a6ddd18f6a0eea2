// Rollup makes one row of each window of time of the readings of each key. README.md tells what that means.
//
//	config.go            the configuration, and what its schema cannot say about it
//	grid.go, calendar.go windows: which of them hold an instant, which one comes next
//	stats.go, digest.go  what is gathered of one column in one window
//	engine.go            readings, watermark, open and closed windows, apart from any batch
//	fill.go              windows without readings
//	input.go, output.go  columns
package main

import (
	"log/slog"

	"wasmill.dev/plugin"
)

// Rollup is the transformer.
type Rollup struct {
	input  *input
	output *output
	engine *engine
}

func init() { plugin.Transformer(New) }

func main() {}

// New declares what is read and written.
func New(config Config, plan *plugin.Plan) (*Rollup, error) {
	in, err := newInput(&config, plan)
	if err != nil {
		return nil, err
	}
	grid, err := config.grid(in.perSecond)
	if err != nil {
		return nil, err
	}
	lateness, err := config.ticks("/lateness", config.Lateness, in.perSecond)
	if err != nil {
		return nil, err
	}
	out, err := newOutput(&config, plan, in)
	if err != nil {
		return nil, err
	}
	in.lowest, in.highest = grid.limits()
	return &Rollup{in, out, &engine{
		grid:       grid,
		lateness:   lateness,
		columns:    in.numbers,
		results:    out.results,
		fills:      config.Fill != "none",
		fillLimit:  config.FillLimit,
		maxWindows: config.MaxWindows,
		maxSamples: config.MaxSamples,
	}}, nil
}

// Process adds the readings of a batch to their windows, and hands on windows that are closed.
func (r *Rollup) Process(batch *plugin.Batch, out *plugin.Rows) error {
	source, err := r.input.feed(batch, out, r.engine)
	if err != nil {
		return err
	}
	return r.output.process(batch.Rows(), source, r.engine, out)
}

// Finish closes all windows.
func (r *Rollup) Finish(out *plugin.DetachedRows) error {
	if err := r.engine.finish(); err != nil {
		return err
	}
	if gaps := r.engine.longGaps; gaps > 0 {
		slog.Warn("gaps were not filled because they are longer than `fill_limit`", "gaps", gaps, "fill_limit", r.engine.fillLimit)
	}
	return r.output.finish(r.engine, out)
}
