package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"wasmill.dev/plugin"
)

// input is the columns that are read.
type input struct {
	keys      []keyColumn
	keyFields []plugin.Field
	keyNames  []string
	time      timeColumn
	timeField plugin.Field
	timeName  string
	perSecond int64
	// lowest and highest are the times whose windows can be computed.
	lowest, highest int64
	numbers         []needs
	columns         []numberColumn
	places          map[string]int

	lateMessage string
}

func newInput(config *Config, plan *plugin.Plan) (*input, error) {
	in := &input{places: map[string]int{}, timeName: config.Time, keyNames: config.Keys}
	for _, name := range config.Keys {
		key, field, err := newKeyColumn(plan, name)
		if err != nil {
			return nil, err
		}
		in.keys, in.keyFields = append(in.keys, key), append(in.keyFields, field)
	}
	if len(config.Keys) > 0 {
		plan.KeyedBy(config.Keys...)
	} else {
		plan.SingleInstance()
	}
	in.lateMessage = "the reading belongs to a window that is closed: one of its key that came before is later than the end"
	if config.Lateness != "0s" {
		in.lateMessage += " by " + config.Lateness
	}
	return in, in.readTime(config, plan)
}

// fieldOf is a column of the input, with the type of its values where they stand in a dictionary.
func fieldOf(plan *plugin.Plan, name string) (plugin.Field, error) {
	position, err := plan.Schema().Position(name)
	if err != nil {
		return plugin.Field{}, err
	}
	field := plan.Schema().Fields[position]
	if field.Type.Kind == plugin.KindDictionary {
		field.Type, field.Children = field.Children[0].Type, nil
	}
	field.Nullable, field.Metadata = true, nil
	return field, nil
}

// ---- times --------------------------------------------------------------------------------------------------------------

// timeColumn gives the times of a batch, in the column's own unit.
type timeColumn interface {
	of(batch *plugin.Batch) (times []int64, isNull func(row int) bool) // isNull is nil where nothing is
}

type ticks[T int64 | plugin.Ticks] struct{ input plugin.Input[T] }

func (t ticks[T]) of(batch *plugin.Batch) ([]int64, func(int) bool) {
	column := t.input.Of(batch)
	times := make([]int64, column.Len())
	for row, time := range column.Values() {
		times[row] = int64(time)
	}
	return times, nullsOf(column)
}

func (in *input) readTime(config *Config, plan *plugin.Plan) error {
	field, err := fieldOf(plan, config.Time)
	if err != nil {
		return err
	}
	in.timeField = field
	switch field.Type.Kind {
	case plugin.KindTimestamp:
		if config.TimeUnit != nil {
			return plugin.BadConfig("/time_unit", fmt.Sprintf("`%s` is a timestamp and has its own unit: leave `time_unit` out", config.Time))
		}
		in.perSecond = [...]int64{1, 1e3, 1e6, 1e9}[field.Type.Unit]
		in.time = ticks[plugin.Ticks]{plugin.Read[plugin.Ticks](plan, config.Time)}
	case plugin.KindInt64:
		if config.TimeUnit == nil {
			return plugin.BadConfig("/time_unit", fmt.Sprintf("`%s` is int64: say what it counts, \"s\", \"ms\", \"us\" or \"ns\"", config.Time))
		}
		in.perSecond = map[string]int64{"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[*config.TimeUnit]
		in.time = ticks[int64]{plugin.Read[int64](plan, config.Time)}
	default:
		return plugin.BadColumn(config.Time, "is "+field.Type.String()+", where a timestamp is needed: make one of it in a step before, with `clean` or a query")
	}
	return nil
}

// ---- keys ---------------------------------------------------------------------------------------------------------------

// keyColumn gives the keys of a batch.
type keyColumn interface {
	of(batch *plugin.Batch) keys
}

// keys are those of one batch.
type keys interface {
	hasNulls() bool
	isNull(row int) bool
	// appendTo adds what is the same for equal keys only, and does not run into what follows.
	appendTo(identity []byte, row int) []byte
	// value is what an output column takes, which must outlive the batch.
	value(row int) any
}

type textKey struct{ input plugin.Input[string] }

func (k textKey) of(batch *plugin.Batch) keys { return textKeys{k.input.Of(batch)} }

type textKeys struct{ column *plugin.Column[string] }

func (k textKeys) hasNulls() bool      { return k.column.HasNulls() }
func (k textKeys) isNull(row int) bool { return k.column.IsNull(row) }
func (k textKeys) value(row int) any   { return strings.Clone(k.column.Value(row)) }
func (k textKeys) appendTo(identity []byte, row int) []byte {
	text := k.column.Value(row)
	return append(binary.AppendUvarint(identity, uint64(len(text))), text...)
}

// plainKey is a key of a type that is no text. All of them fit into 64 bits.
type plainKey[T keyValue] struct{ input plugin.Input[T] }

type keyValue interface {
	bool | plugin.Date | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func (k plainKey[T]) of(batch *plugin.Batch) keys { return plainKeys[T]{k.input.Of(batch)} }

type plainKeys[T keyValue] struct{ column *plugin.Column[T] }

func (k plainKeys[T]) hasNulls() bool      { return k.column.HasNulls() }
func (k plainKeys[T]) isNull(row int) bool { return k.column.IsNull(row) }
func (k plainKeys[T]) value(row int) any   { return k.column.Value(row) }
func (k plainKeys[T]) appendTo(identity []byte, row int) []byte {
	var bits uint64
	switch value := any(k.column.Value(row)).(type) {
	case bool:
		if value {
			bits = 1
		}
	case plugin.Date:
		bits = uint64(value)
	case int8:
		bits = uint64(value)
	case int16:
		bits = uint64(value)
	case int32:
		bits = uint64(value)
	case int64:
		bits = uint64(value)
	case uint8:
		bits = uint64(value)
	case uint16:
		bits = uint64(value)
	case uint32:
		bits = uint64(value)
	case uint64:
		bits = value
	}
	return binary.LittleEndian.AppendUint64(identity, bits)
}

func newPlainKey[T keyValue](plan *plugin.Plan, name string) keyColumn {
	return plainKey[T]{plugin.Read[T](plan, name)}
}

var plainKeyColumns = map[plugin.Kind]func(*plugin.Plan, string) keyColumn{
	plugin.KindBool: newPlainKey[bool], plugin.KindDate32: newPlainKey[plugin.Date],
	plugin.KindInt8: newPlainKey[int8], plugin.KindInt16: newPlainKey[int16],
	plugin.KindInt32: newPlainKey[int32], plugin.KindInt64: newPlainKey[int64],
	plugin.KindUint8: newPlainKey[uint8], plugin.KindUint16: newPlainKey[uint16],
	plugin.KindUint32: newPlainKey[uint32], plugin.KindUint64: newPlainKey[uint64],
}

func newKeyColumn(plan *plugin.Plan, name string) (keyColumn, plugin.Field, error) {
	field, err := fieldOf(plan, name)
	if err != nil {
		return nil, field, err
	}
	if field.Type.Kind == plugin.KindUtf8 || field.Type.Kind == plugin.KindLargeUtf8 {
		return textKey{plugin.Read[string](plan, name)}, field, nil
	}
	if made, ok := plainKeyColumns[field.Type.Kind]; ok {
		return made(plan, name), field, nil
	}
	return nil, field, plugin.BadColumn(name, "is "+field.Type.String()+", and cannot be a key: text, integers, booleans and dates can")
}

// ---- numbers ------------------------------------------------------------------------------------------------------------

// numberColumn gives the numbers of a batch.
type numberColumn interface {
	of(batch *plugin.Batch) numbers
}

type floatColumn[T float32 | float64] struct{ input plugin.Input[T] }

func (c floatColumn[T]) of(batch *plugin.Batch) numbers {
	column := c.input.Of(batch)
	values := make([]number, column.Len())
	isFinite := true
	for row, value := range column.Values() {
		values[row] = ofFloat(float64(value))
		isFinite = isFinite && value-value == 0
	}
	if isFinite {
		return numbers{values, nullsOf(column)}
	}
	// Sensors and parsers say so that there is no value.
	return numbers{values, func(row int) bool {
		value := values[row].float()
		return column.IsNull(row) || math.IsNaN(value) || math.IsInf(value, 0)
	}}
}

type integerColumn[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32] struct{ input plugin.Input[T] }

func (c integerColumn[T]) of(batch *plugin.Batch) numbers {
	column := c.input.Of(batch)
	values := make([]number, column.Len())
	for row, value := range column.Values() {
		values[row] = ofInteger(int64(value))
	}
	return numbers{values, nullsOf(column)}
}

// nullsOf is nil where there are none.
func nullsOf[T plugin.Value](column *plugin.Column[T]) func(int) bool {
	if !column.HasNulls() {
		return nil
	}
	return column.IsNull
}

// number is the place of a column among those that are gathered.
func (in *input) number(plan *plugin.Plan, name string) (int, error) {
	if place, known := in.places[name]; known {
		return place, nil
	}
	field, err := fieldOf(plan, name)
	if err != nil {
		return 0, err
	}
	var column numberColumn
	isInteger := true
	switch field.Type.Kind {
	case plugin.KindFloat32:
		column, isInteger = floatColumn[float32]{plugin.Read[float32](plan, name)}, false
	case plugin.KindFloat64:
		column, isInteger = floatColumn[float64]{plugin.Read[float64](plan, name)}, false
	case plugin.KindInt8:
		column = integerColumn[int8]{plugin.Read[int8](plan, name)}
	case plugin.KindInt16:
		column = integerColumn[int16]{plugin.Read[int16](plan, name)}
	case plugin.KindInt32:
		column = integerColumn[int32]{plugin.Read[int32](plan, name)}
	case plugin.KindInt64:
		column = integerColumn[int64]{plugin.Read[int64](plan, name)}
	case plugin.KindUint8:
		column = integerColumn[uint8]{plugin.Read[uint8](plan, name)}
	case plugin.KindUint16:
		column = integerColumn[uint16]{plugin.Read[uint16](plan, name)}
	case plugin.KindUint32:
		column = integerColumn[uint32]{plugin.Read[uint32](plan, name)}
	default:
		return 0, plugin.BadColumn(name, "is "+field.Type.String()+", where floats or integers up to int64 are needed: make one of them in a step before, with `clean` or a query")
	}
	place := len(in.columns)
	in.places[name] = place
	in.columns = append(in.columns, column)
	in.numbers = append(in.numbers, needs{isInteger: isInteger})
	return place, nil
}

// ---- readings -----------------------------------------------------------------------------------------------------------

// feed adds all readings of a batch; bad ones go to the quarantine. It returns the last row that was taken, -1 where none was.
func (in *input) feed(batch *plugin.Batch, out *plugin.Rows, engine *engine) (source int, err error) {
	keys := make([]keys, len(in.keys))
	for i, key := range in.keys {
		keys[i] = key.of(batch)
	}
	identities, hasNullKeys := in.identities(keys, batch.Rows())
	times, isNullTime := in.time.of(batch)
	readings := &reading{columns: make([]numbers, len(in.columns))}
	for i, column := range in.columns {
		readings.columns[i] = column.of(batch)
	}
	source = -1
	var current *series
	known := ""
	for row, at := range times {
		if hasNullKeys {
			if i := nullAt(keys, row); i >= 0 {
				out.RejectColumn(row, in.keyNames[i], "null-key", "whose reading this is is not known")
				continue
			}
		}
		if isNullTime != nil && isNullTime(row) {
			out.RejectColumn(row, in.timeName, "null-time", "when this reading was is not known")
			continue
		}
		if at < in.lowest || at > in.highest {
			out.RejectColumn(row, in.timeName, "time-range", "the time is not in the years 1 to 9999, or at the ends of its type")
			continue
		}
		if identity := identities[row]; current == nil || identity != known {
			if current = engine.byKey[identity]; current == nil {
				current = engine.begin(strings.Clone(identity), valuesOf(keys, row))
			}
			known = identity
		}
		readings.row = row
		taken, err := engine.add(current, at, readings)
		if err != nil {
			return source, err
		}
		if taken {
			source = row
		} else {
			out.RejectColumn(row, in.timeName, "late", in.lateMessage)
		}
	}
	return source, nil
}

// identities are, of each row, something that is the same for equal keys only. Those of rows with a null mean nothing.
func (in *input) identities(keys []keys, rows int) (identities []string, hasNulls bool) {
	for _, key := range keys {
		hasNulls = hasNulls || key.hasNulls()
	}
	if len(keys) == 1 {
		if texts, ok := keys[0].(textKeys); ok {
			return texts.column.Values(), hasNulls
		}
	}
	identities = make([]string, rows)
	var together []byte
	ends := make([]int, rows)
	for row := range rows {
		for _, key := range keys {
			together = key.appendTo(together, row)
		}
		ends[row] = len(together)
	}
	text, start := string(together), 0
	for row, end := range ends {
		identities[row], start = text[start:end], end
	}
	return identities, hasNulls
}

// nullAt is the place of the key column that is null in this row; -1 where none is.
func nullAt(keys []keys, row int) int {
	for i, key := range keys {
		if key.isNull(row) {
			return i
		}
	}
	return -1
}

func valuesOf(keys []keys, row int) []any {
	values := make([]any, len(keys))
	for i, key := range keys {
		values[i] = key.value(row)
	}
	return values
}
