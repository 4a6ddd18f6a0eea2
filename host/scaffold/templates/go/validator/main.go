// Judges amounts, row by row and as a table.
package main

import (
	"fmt"
	"log/slog"

	"wasmill.dev/plugin"
)

// Config is what a pipeline may say.
type Config struct {
	Column  string `json:"column" doc:"The column with the amounts." default:"amount"`
	MinRows uint64 `json:"min_rows" doc:"A table with fewer rows is refused." default:"1"`
}

// State is what the judgement of the table needs. Nothing else is kept from batch to batch: they are judged on several instances.
type State struct {
	Rows uint64
}

type amounts struct {
	config Config
	amount plugin.Input[float64]
}

func init() { plugin.Validator[State](open) }

func main() {}

func open(config Config, plan *plugin.ReadPlan) (*amounts, error) {
	return &amounts{config, plugin.Read[float64](plan, config.Column)}, nil
}

func (a *amounts) Check(batch *plugin.Batch, verdict *plugin.Verdict, state *State) error {
	column := a.amount.Of(batch)
	for row, amount := range column.Values() {
		switch {
		case column.IsNull(row):
			// A warning is counted; the row goes on.
			verdict.Warn(row, "missing", a.config.Column, "there is no amount")
		case amount < 0:
			// What becomes of the row, the pipeline says: `on_violation`.
			verdict.Reject(row, "negative", a.config.Column, "the amount is below 0")
		}
	}
	state.Rows += uint64(batch.Rows()) // the state is new for each batch
	return nil
}

func (a *amounts) Merge(state *State, other State) { state.Rows += other.Rows }

func (a *amounts) Conclude(state State) (plugin.Conclusion, error) {
	slog.Debug(fmt.Sprintf("%d rows in all", state.Rows))
	outcome := plugin.Pass
	if state.Rows < a.config.MinRows {
		outcome = plugin.Refuse
	}
	return plugin.Conclusion{
		Rules: []plugin.RuleResult{{
			Rule: "min-rows", Outcome: outcome, Checked: state.Rows,
			Message: fmt.Sprintf("%d rows; at least %d are expected", state.Rows, a.config.MinRows),
		}},
		Metrics: []plugin.Metric{{Name: "rows", Value: float64(state.Rows)}},
	}, nil
}
