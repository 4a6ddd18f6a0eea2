package plugin

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// nodesOf is what crosses of an array: the same nodes, without the fields.
func nodesOf(a *Array) []Array {
	var nodes []Array
	for _, node := range a.appendNodes(nil) {
		nodes = append(nodes, Array{length: node.length, validity: node.validity, offsets: node.offsets, values: node.values})
	}
	return nodes
}

func TestValuesOfAllTypesSurvive(t *testing.T) {
	flat := func(kind Kind) Field { return Field{Name: "c", Type: DataType{Kind: kind}, Nullable: true} }
	typed := func(dataType DataType) Field { return Field{Name: "c", Type: dataType, Nullable: true} }
	nested := func(dataType DataType, children ...Field) Field {
		return Field{Name: "c", Type: dataType, Nullable: true, Children: children}
	}
	instant := time.Date(2026, 11, 27, 1, 2, 3, 456_000_000, time.UTC)
	decimal, err := ParseDecimal("-12345678901234567890.12")
	if err != nil {
		t.Fatal(err)
	}
	entry := nested(DataType{Kind: KindStruct}, Field{Name: "key", Type: DataType{Kind: KindUtf8}}, flat(KindInt64))
	entry.Nullable = false
	for _, c := range []struct {
		field  Field
		values []any
	}{
		{flat(KindNull), []any{nil, nil}},
		{flat(KindBool), []any{true, nil, false}},
		{flat(KindInt8), []any{int8(-128), nil}},
		{flat(KindUint64), []any{uint64(math.MaxUint64), uint64(0)}},
		{flat(KindFloat16), []any{Float16(0x3c00)}},
		{flat(KindFloat64), []any{math.Inf(1), nil, -0.5}},
		{flat(KindUtf8), []any{"é🦀", nil, ""}},
		{flat(KindLargeBinary), []any{[]byte{0, 255}, nil}},
		{typed(DataType{Kind: KindFixedSizeBinary, Size: 2}), []any{[]byte{1, 2}, nil}},
		{flat(KindDate32), []any{Date(-1), nil}},
		{flat(KindDate64), []any{instant, nil}},
		{typed(Timestamps(Second, "Europe/Berlin")), []any{time.Unix(math.MaxInt64, 0).UTC(), nil}},
		{typed(Timestamps(Nanosecond, "")), []any{time.Unix(0, math.MinInt64).UTC()}},
		{typed(DataType{Kind: KindTime32, Unit: Millisecond}), []any{TimeOfDay{1500, Millisecond}, nil}},
		{typed(DataType{Kind: KindDuration, Unit: Second}), []any{Span{math.MinInt64, Second}}},
		{typed(DataType{Kind: KindInterval, Interval: MonthDayNano}), []any{MonthDayNanoInterval{1, -2, 3}, nil}},
		{typed(DataType{Kind: KindInterval, Interval: DayTime}), []any{DayTimeInterval{1, -2}}},
		{typed(DataType{Kind: KindDecimal32, Precision: 9, Scale: 2}), []any{NewDecimal(-123, 2), nil}},
		{typed(Decimals(38, 2)), []any{decimal, nil}},
		{typed(Decimals(76, 2)), []any{decimal, nil}},
		{nested(DataType{Kind: KindList}, flat(KindUtf8)), []any{[]any{"a", nil}, nil, []any{}}},
		{nested(DataType{Kind: KindFixedSizeList, Size: 2}, flat(KindInt32)), []any{nil, []any{int32(1), nil}}},
		{nested(DataType{Kind: KindStruct}, flat(KindInt64)), []any{Row{"c": int64(1)}, nil, Row{"c": nil}}},
		{nested(DataType{Kind: KindMap}, entry), []any{[]Entry{{"a", int64(1)}, {"b", nil}}, nil}},
		{nested(DataType{Kind: KindDictionary, Index: KindUint8}, flat(KindUtf8)), []any{"a", "b", "a", nil}},
	} {
		builder := NewAnyBuilder(c.field)
		for _, value := range c.values {
			if err := builder.Append(value); err != nil {
				t.Fatal(err)
			}
		}
		array, rest, err := newArray(&c.field, nodesOf(builder.Build()))
		if err != nil || len(rest) > 0 {
			t.Fatal(err, len(rest))
		}
		for row, value := range c.values {
			if actual := array.Value(row); !reflect.DeepEqual(actual, value) {
				t.Errorf("%s: %#v in place of %#v", c.field.Type, actual, value)
			}
		}
	}
}

func TestTypedColumns(t *testing.T) {
	field := Field{Name: "name", Type: DataType{Kind: KindUtf8}}
	builder := NewTextBuilder(3, 10)
	builder.AppendUpper("straße, josé peña und zoë")
	builder.AppendNull()
	builder.AppendUpper("abcdefghijklmnopqrstuvwxyz{`@[")
	array, err := builder.Build().array(&field)
	if err != nil {
		t.Fatal(err)
	}
	column, err := ColumnOf[string](array)
	if err != nil || column.Value(0) != "STRAßE, JOSÉ PEÑA UND ZOË" || !column.IsNull(1) || column.Value(2) != "ABCDEFGHIJKLMNOPQRSTUVWXYZ{`@[" {
		t.Fatal(err, column.Values())
	}
	numbers := NewBuilder[int64](0)
	for i := range int64(20) {
		numbers.AppendIf(i, i%3 != 0)
	}
	array, _ = numbers.Build().array(&Field{Type: DataType{Kind: KindInt64}})
	doubled, _ := Map(newColumn[int64](array), func(n int64) float64 { return float64(2 * n) }).array(&Field{Type: DataType{Kind: KindFloat64}})
	for row := range 20 {
		value, valid := newColumn[float64](doubled).Get(row)
		if valid != (row%3 != 0) || valid && value != float64(2*row) {
			t.Fatal(row, value, valid)
		}
	}
	if _, err := ColumnOf[bool](array); err == nil {
		t.Fatal("an int64 was read as a boolean")
	}
}

func TestRowsSelectAndReject(t *testing.T) {
	type in struct {
		ID   int64   `column:"id"`
		Name *string `column:"name"`
	}
	type out struct {
		Twice int64 `column:"twice"`
	}
	schema := Schema{[]Field{{Name: "id", Type: DataType{Kind: KindInt64}}, {Name: "name", Type: DataType{Kind: KindUtf8}, Nullable: true}}}
	plan := newPlan(schema)
	input, output := ReadRows[in](plan), WriteRows[out](plan)
	ids, _ := FromSlice([]int64{1, 2, 3}).array(&schema.Fields[0])
	names := NewBuilder[string](3)
	names.Append("a")
	names.AppendNull()
	names.Append("c")
	texts, _ := names.Build().array(&schema.Fields[1])
	batch := &Batch{rows: 3, arrays: []*Array{ids, texts}}
	rows := newRows(batch, plan)
	writer := output.NewWriter(3)
	for at, row := range input.All(batch) {
		if row.Name == nil {
			rows.Reject(at, "no-name", "it has no name")
			continue
		}
		writer.Append(at, &out{2 * row.ID})
	}
	if err := writer.Set(rows); err != nil {
		t.Fatal(err)
	}
	done, err := rows.processed()
	if err != nil || !slices.Equal(done.outputs[0].indices, []uint32{0, 2}) || done.findings[0].rows[0] != 1 {
		t.Fatal(err, done)
	}
	if values := newColumn[int64](done.outputs[0].columns[0].array).Values(); !slices.Equal(values, []int64{2, 6}) {
		t.Fatal(values)
	}
}

type testConfig struct {
	Net    string  `json:"net" doc:"The column."`
	Rate   float64 `json:"rate" default:"0.19" minimum:"0"`
	Mode   string  `json:"mode" enum:"round,cut" default:"round"`
	Nested struct {
		Depth int8 `json:"depth" default:"1"`
	} `json:"nested"`
	List []struct {
		Name string `json:"name"`
	} `json:"list,omitempty"`
}

func TestConfig(t *testing.T) {
	config, err := parseConfig[testConfig](`{"net": "n", "list": [{"name": "a"}]}`)
	if err != nil || config.Rate != 0.19 || config.Mode != "round" || config.Nested.Depth != 1 || config.List[0].Name != "a" {
		t.Fatal(err, config)
	}
	for text, pointer := range map[string]string{
		`{}`: "", `{"net": 1}`: "/net", `{"net": "", "other": 1}`: "/other", `{"net": "", "list": [{}]}`: "/list/0",
		`{"net": "", "nested": {"depth": 128}}`: "/nested/depth", `{"net": "", "rate": "a"}`: "/rate",
	} {
		var bad *ConfigError
		if _, err := parseConfig[testConfig](text); !errors.As(err, &bad) || bad.Pointer != pointer {
			t.Errorf("%s: %v", text, err)
		}
	}
	schema := configSchema[testConfig]()
	for _, part := range []string{
		`"net":{"type":"string","description":"The column."}`, `"rate":{"type":"number","minimum":0,"default":0.19}`,
		`"enum":["round","cut"],"default":"round"`, `"required":["net"],"additionalProperties":false`,
	} {
		if !strings.Contains(schema, part) {
			t.Errorf("%s is not in %s", part, schema)
		}
	}
}

func TestErrorsSurviveWrapping(t *testing.T) {
	later := fmt.Errorf("reading: %w", Retryable(errors.New("busy")).After(1500*time.Millisecond))
	for _, c := range []struct {
		err  error
		want failure
	}{
		{later, failure{failureRetryable, "reading: busy", "", 1500}},
		{BadConfig("/a", "no"), failure{failureBadConfig, "no", "/a", -1}},
		{BadColumn("id", "no"), failure{failureBadSchema, "no", "id", -1}},
		{errors.New("no way"), failure{failureFatal, "no way", "", -1}},
	} {
		if actual := failureOf(c.err); actual != c.want {
			t.Errorf("%+v in place of %+v", actual, c.want)
		}
	}
}

func TestStatesSurvive(t *testing.T) {
	type state struct {
		Rows uint64
		Sum  float64
		Seen map[string][]int64
		Last *string
	}
	last := "z"
	before := state{3, math.Inf(-1), map[string][]int64{"a": {1, -2}, "b": nil}, &last}
	encoded, err := encodeState(&before)
	if err != nil {
		t.Fatal(err)
	}
	var after state
	if err := decodeState(encoded, &after); err != nil || after.Sum != before.Sum || after.Seen["a"][1] != -2 || *after.Last != "z" {
		t.Fatal(err, after)
	}
	if err := decodeState(encoded[:len(encoded)-1], &after); err == nil {
		t.Fatal("half a state was taken")
	}
}

func TestDecimals(t *testing.T) {
	for _, text := range []string{"0.00", "-0.05", "12.50", "-170141183460469231731687303715884105728", "123"} {
		if d, err := ParseDecimal(text); err != nil || d.String() != text {
			t.Errorf("%s became %s (%v)", text, d, err)
		}
	}
	if d, ok := NewDecimal(125, 2).Rescale(1); !ok || d.String() != "1.2" {
		t.Error(d, ok)
	}
}
