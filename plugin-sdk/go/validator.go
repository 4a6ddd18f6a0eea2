package plugin

// Checker is a validator whose judgement of the table needs a state S: whatever the fields of its type hold. It keeps
// nothing between calls: states are merged in any grouping, on any machine.
type Checker[S any] interface {
	// Check judges one batch, and adds what it shows of the table to state, which is new for each batch.
	Check(batch *Batch, verdict *Verdict, state *S) error
	// Merge adds other to state. The order in which states are merged must not matter.
	Merge(state *S, other S)
	// Conclude judges the table by the merged state of all its batches.
	Conclude(state S) (Conclusion, error)
}

// Outcome is what a rule says of the table.
type Outcome uint8

const (
	Pass Outcome = iota
	// Warn is reported; the run goes on.
	Warn
	// Refuse refuses the run: nothing is published.
	Refuse
)

// Conclusion is what is to be said of the table.
type Conclusion struct {
	Rules   []RuleResult
	Metrics []Metric
}

// RuleResult is the result of one rule over the table.
type RuleResult struct {
	Rule string
	// Column is the one that the rule is about, where it is about one.
	Column  string
	Outcome Outcome
	// Message says what was expected and what was seen.
	Message string
	// Checked are the rows that were judged, Violated those of them that violate the rule.
	Checked, Violated uint64
}

// Metric is a named value to report.
type Metric struct {
	Name  string
	Value float64
}

// Verdict is what is wrong with the rows of one batch.
type Verdict struct{ rejected, warned findings }

// Reject reports a row, to be dealt with as the pipeline says under on_violation. The column may be empty.
func (v *Verdict) Reject(row int, rule, column, message string) {
	v.rejected.add(row, rule, column, message)
}

// Warn reports a row that is counted, and goes on. The column may be empty.
func (v *Verdict) Warn(row int, rule, column, message string) {
	v.warned.add(row, rule, column, message)
}

// checker is a Checker without the type of its state.
type checker interface {
	check(batch *Batch, verdict *Verdict) (state []byte, err error)
	merge(states [][]byte) ([]byte, error)
	conclude(state []byte) (Conclusion, error)
}

type checkerOf[S any, V Checker[S]] struct{ validator V }

// Validator makes the program a validator. To be called in an init function; see Transformer for the function. The state's type
// is that of the methods:
//
//	func init() { plugin.Validator[State](New) }
func Validator[S, C any, V Checker[S]](open func(config C, plan *ReadPlan) (V, error)) {
	register(kindValidator, &registration{
		configSchema: configSchema[C],
		validator: func(config string, schema Schema) (checker, *ReadPlan, error) {
			plan := &ReadPlan{reads{schema: schema}}
			parsed, err := parseConfig[C](config)
			if err != nil {
				return nil, nil, err
			}
			made, err := open(parsed, plan)
			if err == nil {
				err = plan.Err()
			}
			return checkerOf[S, V]{made}, plan, err
		},
	})
}

func (c checkerOf[S, V]) check(batch *Batch, verdict *Verdict) ([]byte, error) {
	var state S
	if err := c.validator.Check(batch, verdict, &state); err != nil {
		return nil, err
	}
	return encodeState(&state)
}

func (c checkerOf[S, V]) merge(states [][]byte) ([]byte, error) {
	var merged S
	for _, state := range states {
		var other S
		if err := decodeState(state, &other); err != nil {
			return nil, err
		}
		c.validator.Merge(&merged, other)
	}
	return encodeState(&merged)
}

func (c checkerOf[S, V]) conclude(encoded []byte) (Conclusion, error) {
	var state S
	if err := decodeState(encoded, &state); err != nil {
		return Conclusion{}, err
	}
	return c.validator.Conclude(state)
}
