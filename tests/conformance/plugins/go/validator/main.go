// The validator of the conformance suite: values of a column must not be above a maximum, and the table must not be too small.
package main

import (
	"fmt"

	"wasmill.dev/plugin"
)

// Config says what is right.
type Config struct {
	Column  string  `json:"column" doc:"The column to judge, a float64."`
	Max     float64 `json:"max" doc:"What is above is rejected." default:"100.0"`
	MinRows uint64  `json:"min_rows" doc:"A table with fewer rows is refused." default:"1"`
	Way     string  `json:"way" doc:"By columns or by rows." enum:"columns,rows" default:"columns"`
}

// State is what a table is judged by.
type State struct {
	Rows uint64
	Sum  float64
}

type limits struct {
	config Config
	values plugin.Input[float64]
	rows   plugin.RowInput[plugin.Row]
}

func init() { plugin.Validator[State](open) }

func main() {}

func open(config Config, plan *plugin.ReadPlan) (*limits, error) {
	l := &limits{config: config, values: plugin.Read[float64](plan, config.Column)}
	if config.Way == "rows" {
		l.rows = plugin.ReadRows[plugin.Row](plan, config.Column)
	}
	return l, nil
}

func (l *limits) Check(batch *plugin.Batch, verdict *plugin.Verdict, state *State) error {
	state.Rows += uint64(batch.Rows())
	if l.config.Way == "rows" {
		for at, row := range l.rows.All(batch) {
			if value, ok := (*row)[l.config.Column].(float64); ok {
				l.judge(at, value, verdict, state)
			}
		}
		return nil
	}
	values := l.values.Of(batch)
	for row, value := range values.Values() {
		if !values.IsNull(row) {
			l.judge(row, value, verdict, state)
		}
	}
	return nil
}

func (l *limits) judge(row int, value float64, verdict *plugin.Verdict, state *State) {
	state.Sum += value
	switch {
	case value > l.config.Max:
		verdict.Reject(row, "max", l.config.Column, fmt.Sprintf("%v is above %v", value, l.config.Max))
	case value == l.config.Max:
		verdict.Warn(row, "at-max", l.config.Column, fmt.Sprintf("%v is the most", value))
	}
}

func (l *limits) Merge(state *State, other State) {
	state.Rows += other.Rows
	state.Sum += other.Sum
}

func (l *limits) Conclude(state State) (plugin.Conclusion, error) {
	outcome := plugin.Pass
	if state.Rows < l.config.MinRows {
		outcome = plugin.Refuse
	}
	return plugin.Conclusion{
		Rules: []plugin.RuleResult{{
			Rule: "min-rows", Outcome: outcome, Checked: state.Rows,
			Message: fmt.Sprintf("%d rows; at least %d are expected", state.Rows, l.config.MinRows),
		}},
		Metrics: []plugin.Metric{{Name: "rows", Value: float64(state.Rows)}, {Name: "sum", Value: state.Sum}},
	}, nil
}
