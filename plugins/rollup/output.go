package main

import (
	"fmt"

	"wasmill.dev/plugin"
)

// What the host lets a step return for each input row where its limits are the default (output_rows_per_row), and how many rows fit
// into output_bytes where they are of some hundred bytes. What waits beyond leaves with the next batch, or at the end.
const (
	rowsPerRow  = 1000
	rowsPerCall = 100_000
)

// output is the columns that are written.
type output struct {
	keys       []plugin.AnyOutput
	start, end plugin.Output[plugin.Ticks]
	startInt   plugin.Output[int64]
	endInt     plugin.Output[int64]
	isInt      bool
	floats     []plugin.Output[float64]
	integers   []plugin.Output[int64]
	filled     plugin.Output[bool]
	fills      bool
	results    []result
}

func newOutput(config *Config, plan *plugin.Plan, in *input) (*output, error) {
	plan.DropAll()
	out := &output{fills: config.Fill != "none", isInt: in.timeField.Type.Kind == plugin.KindInt64}
	names := map[string]bool{}
	free := func(pointer, name string) error {
		if names[name] {
			return plugin.BadConfig(pointer, fmt.Sprintf("two columns of the output would be called `%s`: rename one, or choose another `prefix`", name))
		}
		names[name] = true
		return nil
	}
	for i, field := range in.keyFields {
		if err := free(fmt.Sprintf("/keys/%d", i), field.Name); err != nil {
			return nil, err
		}
		out.keys = append(out.keys, plugin.WriteAny(plan, field))
	}
	start, end, filled := config.Prefix+"start", config.Prefix+"end", config.Prefix+"filled"
	for _, name := range []string{start, end} {
		if err := free("/prefix", name); err != nil {
			return nil, err
		}
	}
	if out.isInt {
		out.startInt, out.endInt = plugin.Write[int64](plan, start), plugin.Write[int64](plan, end)
	} else {
		field := in.timeField
		field.Name = start
		out.start = plugin.WriteAs[plugin.Ticks](plan, field)
		field.Name = end
		out.end = plugin.WriteAs[plugin.Ticks](plan, field)
	}
	if out.fills {
		if err := free("/prefix", filled); err != nil {
			return nil, err
		}
		out.filled = plugin.Write[bool](plan, filled)
	}
	for _, name := range config.names() {
		if err := free(valuePointer(name), name); err != nil {
			return nil, err
		}
		if err := out.add(config, plan, in, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add declares one column of values.
func (o *output) add(config *Config, plan *plugin.Plan, in *input, name string) error {
	measure := config.Values[name]
	pointer := valuePointer(name)
	kind, column, err := measure.of(pointer)
	if err != nil {
		return err
	}
	made := result{name: name, kind: kind, column: -1, isInteger: true, fill: config.Fill}
	if measure.Fill != nil {
		if !o.fills {
			return plugin.BadConfig(pointer+"/fill", "windows are not filled: set `fill` of all columns to \"null\", and this one as it is")
		}
		made.fill = *measure.Fill
	}
	if measure.Q != nil {
		made.q = *measure.Q
	}
	if kind != kindCount || column != "*" {
		if made.column, err = in.number(plan, column); err != nil {
			return err
		}
		needs := &in.numbers[made.column]
		switch kind {
		case kindCount:
		case kindMean, kindStddev, kindQuantile:
			made.isInteger = false
		default:
			made.isInteger = needs.isInteger
		}
		needs.deviation = needs.deviation || kind == kindStddev
		needs.digest = needs.digest || kind == kindQuantile
		needs.samples = needs.samples || kind == kindIncrease
		if kind == kindIncrease && config.Hop != nil && *config.Hop != config.Size {
			return plugin.BadConfig(pointer, "an increase belongs to one window, and these overlap: leave `hop` out")
		}
	}
	o.results = append(o.results, made)
	if made.isInteger {
		o.integers = append(o.integers, plugin.Write[int64](plan, name))
		o.floats = append(o.floats, plugin.Output[float64]{})
	} else {
		o.floats = append(o.floats, plugin.Write[float64](plan, name))
		o.integers = append(o.integers, plugin.Output[int64]{})
	}
	return nil
}

// process hands on what may leave with a batch of so many rows. Rows that come of no single row of the batch leave as rows of the last
// one that was taken; where none was, they wait.
func (o *output) process(rows, source int, engine *engine, out *plugin.Rows) error {
	count := min(len(engine.closed), rows*rowsPerRow, rowsPerCall)
	if source < 0 || count == 0 {
		out.DropAll()
		return nil
	}
	sources := make([]uint32, count)
	for i := range sources {
		sources[i] = uint32(source)
	}
	out.Take(sources)
	err := o.set(engine.closed[:count], out)
	left := copy(engine.closed, engine.closed[count:])
	clear(engine.closed[left:])
	engine.closed = engine.closed[:left]
	return err
}

func (o *output) finish(engine *engine, out *plugin.DetachedRows) error {
	if len(engine.closed) == 0 {
		return nil
	}
	return o.set(engine.closed, out)
}

func (o *output) set(rows []row, out plugin.Setter) error {
	for i, key := range o.keys {
		builder := key.NewBuilder()
		for at := range rows {
			if err := builder.Append(rows[at].series.key[i]); err != nil {
				return err
			}
		}
		key.Set(out, builder.Build())
	}
	if o.isInt {
		setEdges(rows, out, o.startInt, o.endInt)
	} else {
		setEdges(rows, out, o.start, o.end)
	}
	if o.fills {
		filled := make([]bool, len(rows))
		for at := range rows {
			filled[at] = rows[at].filled
		}
		o.filled.Set(out, plugin.FromSlice(filled))
	}
	for i := range o.results {
		if o.results[i].isInteger {
			setValues(rows, i, out, o.integers[i], number.integer)
		} else {
			setValues(rows, i, out, o.floats[i], number.float)
		}
	}
	return nil
}

func setEdges[T int64 | plugin.Ticks](rows []row, out plugin.Setter, start, end plugin.Output[T]) {
	starts, ends := make([]T, len(rows)), make([]T, len(rows))
	for at := range rows {
		starts[at], ends[at] = T(rows[at].start), T(rows[at].end)
	}
	start.Set(out, plugin.FromSlice(starts))
	end.Set(out, plugin.FromSlice(ends))
}

func setValues[T int64 | float64](rows []row, column int, out plugin.Setter, output plugin.Output[T], of func(number) T) {
	builder := plugin.NewBuilder[T](len(rows))
	for at := range rows {
		value := rows[at].values[column]
		builder.AppendIf(of(value.number), value.valid)
	}
	output.Set(out, builder.Build())
}
