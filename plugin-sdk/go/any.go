package plugin

import (
	"encoding/binary"
	"math"
	"time"
)

// Values of any type, one at a time. Value and AnyBuilder see every Arrow type that crosses as a Go type, the same in
// both directions:
//
//	null                        nil
//	boolean                     bool
//	int8 ... uint64             int8 ... uint64
//	float16, float32, float64   Float16, float32, float64
//	utf8, large-utf8            string
//	binary, also large, fixed   []byte
//	date32                      Date
//	date64, timestamp           time.Time, in UTC
//	time32, time64              TimeOfDay
//	duration                    Span
//	interval                    MonthInterval, DayTimeInterval, MonthDayNanoInterval
//	decimal32 ... decimal256    Decimal
//	list, large, fixed-size     []any
//	struct                      Row
//	map                         []Entry
//	dictionary                  what its values are
//
// A null of any type is nil.

// Row is a struct value, or a whole row of a batch: values by the names of fields.
type Row map[string]any

// Entry is one key of a map value, with what it stands for.
type Entry struct{ Key, Value any }

// Value returns one value as the Go type that stands for its Arrow type; nil for null. Dictionaries are seen through.
// Strings and byte slices are parts of the batch's memory, which stays as it is for as long as they are kept.
func (a *Array) Value(row int) any {
	if a.IsNull(row) {
		return nil
	}
	t := &a.field.Type
	switch t.Kind {
	case KindBool:
		return getBit(a.values, row)
	case KindInt8:
		return int8(a.values[row])
	case KindUint8:
		return a.values[row]
	case KindInt16:
		return int16(loadUint16(a.values, row))
	case KindUint16:
		return loadUint16(a.values, row)
	case KindInt32:
		return loadInt32(a.values, row)
	case KindUint32:
		return uint32(loadInt32(a.values, row))
	case KindInt64:
		return loadInt64(a.values, row)
	case KindUint64:
		return uint64(loadInt64(a.values, row))
	case KindFloat16:
		return Float16(loadUint16(a.values, row))
	case KindFloat32:
		return math.Float32frombits(uint32(loadInt32(a.values, row)))
	case KindFloat64:
		return math.Float64frombits(uint64(loadInt64(a.values, row)))
	case KindUtf8, KindLargeUtf8:
		return textOf(a.bytes(row))
	case KindBinary, KindLargeBinary, KindFixedSizeBinary:
		return a.bytes(row)
	case KindDate32:
		return Date(loadInt32(a.values, row))
	case KindDate64:
		return timestampOf(loadInt64(a.values, row), Millisecond)
	case KindTime32:
		return TimeOfDay{int64(loadInt32(a.values, row)), t.Unit}
	case KindTime64:
		return TimeOfDay{loadInt64(a.values, row), t.Unit}
	case KindTimestamp:
		return timestampOf(loadInt64(a.values, row), t.Unit)
	case KindDuration:
		return Span{loadInt64(a.values, row), t.Unit}
	case KindInterval:
		switch t.Interval {
		case YearMonth:
			return MonthInterval(loadInt32(a.values, row))
		case DayTime:
			return DayTimeInterval{loadInt32(a.values, 2*row), loadInt32(a.values, 2*row+1)}
		}
		months, days := loadInt32(a.values, 4*row), loadInt32(a.values, 4*row+1)
		return MonthDayNanoInterval{months, days, loadInt64(a.values, 2*row+1)}
	case KindDecimal32:
		return NewDecimal(int64(loadInt32(a.values, row)), t.Scale)
	case KindDecimal64:
		return NewDecimal(loadInt64(a.values, row), t.Scale)
	case KindDecimal128:
		high := loadInt64(a.values, 2*row+1)
		sign := uint64(high >> 63)
		return Decimal{[4]uint64{uint64(loadInt64(a.values, 2*row)), uint64(high), sign, sign}, t.Scale}
	case KindDecimal256:
		d := Decimal{Scale: t.Scale}
		for i := range d.words {
			d.words[i] = uint64(loadInt64(a.values, 4*row+i))
		}
		return d
	case KindList, KindLargeList, KindFixedSizeList:
		start, end := a.Range(row)
		list := make([]any, 0, end-start)
		for i := start; i < end; i++ {
			list = append(list, a.children[0].Value(i))
		}
		return list
	case KindStruct:
		fields := make(Row, len(a.children))
		for _, child := range a.children {
			fields[child.field.Name] = child.Value(row)
		}
		return fields
	case KindMap:
		start, end := a.Range(row)
		entries := make([]Entry, 0, end-start)
		pair := a.children[0]
		for i := start; i < end; i++ {
			entries = append(entries, Entry{pair.children[0].Value(i), pair.children[1].Value(i)})
		}
		return entries
	case KindDictionary:
		return a.children[0].Value(a.key(row))
	}
	return nil
}

// AnyBuilder makes an array of any type, value by value.
type AnyBuilder struct {
	field    *Field
	length   int
	validity []byte
	// hasNulls says whether the validity has a zero, and so whether it has to cross.
	hasNulls bool
	offsets  []byte
	values   []byte
	children []*AnyBuilder
	// positions are those in the dictionary, by what is there.
	positions map[any]int
}

// NewAnyBuilder returns a builder for the field. It panics where the field lacks the children that its type needs.
func NewAnyBuilder(field Field) *AnyBuilder {
	return newAnyBuilder(&field)
}

func newAnyBuilder(field *Field) *AnyBuilder {
	b := &AnyBuilder{field: field}
	for i := range field.Children {
		b.children = append(b.children, newAnyBuilder(&field.Children[i]))
	}
	if field.Type.offsetWidth() > 0 {
		b.appendOffset(0)
	}
	if field.Type.Kind == KindDictionary {
		b.positions = map[any]int{}
	}
	return b
}

// Len returns how many values there are so far.
func (b *AnyBuilder) Len() int { return b.length }

func (b *AnyBuilder) appendOffset(offset int) {
	if b.field.Type.offsetWidth() == 8 {
		b.values64(&b.offsets, int64(offset))
		return
	}
	b.offsets = binary.LittleEndian.AppendUint32(b.offsets, uint32(offset))
}

func (b *AnyBuilder) values64(buffer *[]byte, value int64) {
	*buffer = binary.LittleEndian.AppendUint64(*buffer, uint64(value))
}

func (b *AnyBuilder) mark(valid bool) {
	b.validity = appendBit(b.validity, b.length, valid)
	b.hasNulls = b.hasNulls || !valid
	b.length++
}

// AppendNull adds a null.
func (b *AnyBuilder) AppendNull() {
	b.appendEmpty()
	b.mark(false)
}

// appendEmpty adds what lies in the buffers where there is no value.
func (b *AnyBuilder) appendEmpty() {
	t := &b.field.Type
	switch {
	case t.Kind == KindBool:
		b.values = appendBit(b.values, b.length, false)
	case t.offsetWidth() > 0:
		if t.Kind == KindList || t.Kind == KindLargeList || t.Kind == KindMap {
			b.appendOffset(b.children[0].length)
		} else {
			b.appendOffset(len(b.values))
		}
	case t.Kind == KindFixedSizeList:
		for range t.Size {
			b.children[0].appendFiller()
		}
	case t.Kind == KindStruct:
		for _, child := range b.children {
			child.appendFiller()
		}
	case t.Kind == KindDictionary && b.children[0].length == 0 && !b.field.Nullable:
		// A key that is not null must lead somewhere, even below a null.
		b.children[0].appendFiller()
		fallthrough
	default:
		for range t.width() {
			b.values = append(b.values, 0)
		}
	}
}

// appendFiller adds a value that nobody sees, because what holds it is null.
func (b *AnyBuilder) appendFiller() {
	b.appendEmpty()
	b.mark(!b.field.Nullable)
}

// Append adds a value: nil, the Go type that stands for the Arrow type, or an int or a float64 for any number. The error
// says that it is none of these, or does not fit; nothing is added then to flat builders, and the builder must not be used
// any more where it is nested.
func (b *AnyBuilder) Append(value any) error {
	if value == nil {
		b.AppendNull()
		return nil
	}
	t := &b.field.Type
	switch t.Kind {
	case KindNull:
		return b.mismatch(value)
	case KindBool:
		v, ok := value.(bool)
		if !ok {
			return b.mismatch(value)
		}
		b.values = appendBit(b.values, b.length, v)
	case KindInt8, KindInt16, KindInt32, KindInt64, KindUint8, KindUint16, KindUint32, KindUint64:
		v, ok := integerOf(value, t.Kind)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(v, t.width())
	case KindFloat16:
		v, ok := value.(Float16)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(int64(v), 2)
	case KindFloat32:
		v, ok := floatOf(value)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(int64(math.Float32bits(float32(v))), 4)
	case KindFloat64:
		v, ok := floatOf(value)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(int64(math.Float64bits(v)), 8)
	case KindUtf8, KindLargeUtf8, KindBinary, KindLargeBinary:
		switch v := value.(type) {
		case string:
			b.values = append(b.values, v...)
		case []byte:
			b.values = append(b.values, v...)
		default:
			return b.mismatch(value)
		}
		b.appendOffset(len(b.values))
	case KindFixedSizeBinary:
		v, ok := value.([]byte)
		if !ok || len(v) != int(t.Size) {
			return b.mismatch(value)
		}
		b.values = append(b.values, v...)
	case KindDate32:
		switch v := value.(type) {
		case Date:
			b.appendInteger(int64(v), 4)
		case time.Time:
			b.appendInteger(int64(DateOf(v)), 4)
		default:
			return b.mismatch(value)
		}
	case KindDate64:
		switch v := value.(type) {
		case Date:
			b.appendInteger(int64(v)*86_400_000, 8)
		case time.Time:
			b.appendInteger(timestampIn(v, Millisecond), 8)
		default:
			return b.mismatch(value)
		}
	case KindTimestamp:
		v, ok := value.(time.Time)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(timestampIn(v, t.Unit), 8)
	case KindTime32, KindTime64, KindDuration:
		v, ok := ticksOf(value, t.Unit)
		if !ok {
			return b.mismatch(value)
		}
		b.appendInteger(v, t.width())
	case KindInterval:
		if !b.appendInterval(value) {
			return b.mismatch(value)
		}
	case KindDecimal32, KindDecimal64, KindDecimal128, KindDecimal256:
		d, ok := value.(Decimal)
		if ok && d.Scale != t.Scale {
			d, ok = d.Rescale(t.Scale)
		}
		if !ok || !d.fits(t.width()) {
			return b.mismatch(value)
		}
		for i := range max(1, t.width()/8) {
			b.appendInteger(int64(d.words[i]), min(8, t.width()))
		}
	case KindList, KindLargeList, KindFixedSizeList:
		v, ok := value.([]any)
		if !ok || t.Kind == KindFixedSizeList && len(v) != int(t.Size) {
			return b.mismatch(value)
		}
		for _, item := range v {
			if err := b.children[0].Append(item); err != nil {
				return err
			}
		}
		if t.Kind != KindFixedSizeList {
			b.appendOffset(b.children[0].length)
		}
	case KindStruct:
		v, ok := rowOf(value)
		if !ok {
			return b.mismatch(value)
		}
		for _, child := range b.children {
			if err := child.Append(v[child.field.Name]); err != nil {
				return err
			}
		}
	case KindMap:
		v, ok := value.([]Entry)
		if !ok {
			return b.mismatch(value)
		}
		pair := b.children[0]
		for _, entry := range v {
			if err := pair.children[0].Append(entry.Key); err != nil {
				return err
			}
			if err := pair.children[1].Append(entry.Value); err != nil {
				return err
			}
			pair.mark(true)
		}
		b.appendOffset(pair.length)
	case KindDictionary:
		return b.appendToDictionary(value)
	}
	b.mark(true)
	return nil
}

func rowOf(value any) (Row, bool) {
	switch v := value.(type) {
	case Row:
		return v, true
	case map[string]any:
		return v, true
	}
	return nil, false
}

func (b *AnyBuilder) mismatch(value any) error {
	return fatalf("column `%s`: %T (%v) is no value of %s", b.field.Name, value, value, b.field.Type)
}

func (b *AnyBuilder) appendInteger(value int64, width int) {
	b.values = appendInteger(b.values, value, width)
}

func appendInteger(buffer []byte, value int64, width int) []byte {
	switch width {
	case 1:
		return append(buffer, byte(value))
	case 2:
		return binary.LittleEndian.AppendUint16(buffer, uint16(value))
	case 4:
		return binary.LittleEndian.AppendUint32(buffer, uint32(value))
	}
	return binary.LittleEndian.AppendUint64(buffer, uint64(value))
}

func (b *AnyBuilder) appendInterval(value any) bool {
	switch v := value.(type) {
	case MonthInterval:
		b.appendInteger(int64(v), 4)
		return b.field.Type.Interval == YearMonth
	case DayTimeInterval:
		b.appendInteger(int64(v.Days), 4)
		b.appendInteger(int64(v.Milliseconds), 4)
		return b.field.Type.Interval == DayTime
	case MonthDayNanoInterval:
		b.appendInteger(int64(v.Months), 4)
		b.appendInteger(int64(v.Days), 4)
		b.appendInteger(v.Nanoseconds, 8)
		return b.field.Type.Interval == MonthDayNano
	}
	return false
}

// appendToDictionary adds a key, and the value behind it where it is new.
func (b *AnyBuilder) appendToDictionary(value any) error {
	key, comparable := dictionaryKey(value)
	position, known := 0, false
	if comparable {
		position, known = b.positions[key]
	}
	if !known {
		position = b.children[0].length
		if err := b.children[0].Append(value); err != nil {
			return err
		}
		if comparable {
			b.positions[key] = position
		}
	}
	if _, fits := integerOf(int64(position), b.field.Type.Index); !fits {
		return fatalf("column `%s`: the dictionary has more values than its keys (%s) can name", b.field.Name, b.field.Type.Index)
	}
	b.appendInteger(int64(position), b.field.Type.width())
	b.mark(true)
	return nil
}

// dictionaryKey is what equal values have in common, where Go can compare them.
func dictionaryKey(value any) (any, bool) {
	switch v := value.(type) {
	case []byte:
		return string(v), true
	case []any, Row, map[string]any, []Entry:
		return nil, false
	case float64:
		// NaN differs from itself, and 0 is not -0.
		return math.Float64bits(v), true
	case float32:
		return math.Float32bits(v), true
	}
	return value, true
}

// Build returns the array, and empties the builder.
func (b *AnyBuilder) Build() *Array {
	array := &Array{field: b.field, length: b.length, offsets: b.offsets, values: b.values}
	if b.hasNulls && b.field.Type.Kind != KindNull {
		array.validity = b.validity
	}
	for _, child := range b.children {
		array.children = append(array.children, child.Build())
	}
	b.length, b.validity, b.hasNulls, b.offsets, b.values = 0, nil, false, nil, nil
	if b.field.Type.offsetWidth() > 0 {
		b.appendOffset(0)
	}
	if b.positions != nil {
		b.positions = map[any]int{}
	}
	return array
}

// integerOf is a number as an integer of the kind, where it is one without a fraction and fits.
func integerOf(value any, kind Kind) (int64, bool) {
	var v int64
	switch n := value.(type) {
	case int:
		v = int64(n)
	case int8:
		v = int64(n)
	case int16:
		v = int64(n)
	case int32:
		v = int64(n)
	case int64:
		v = n
	case uint8:
		v = int64(n)
	case uint16:
		v = int64(n)
	case uint32:
		v = int64(n)
	case uint:
		return integerOf(uint64(n), kind)
	case uint64:
		if kind == KindUint64 {
			return int64(n), true
		}
		v = int64(n)
		if v < 0 {
			return 0, false
		}
	case float64:
		v = int64(n)
		if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			return 0, false
		}
	default:
		return 0, false
	}
	switch kind {
	case KindInt8:
		return v, v == int64(int8(v))
	case KindInt16:
		return v, v == int64(int16(v))
	case KindInt32:
		return v, v == int64(int32(v))
	case KindUint8:
		return v, v == int64(uint8(v))
	case KindUint16:
		return v, v == int64(uint16(v))
	case KindUint32:
		return v, v == int64(uint32(v))
	case KindUint64:
		return v, v >= 0
	}
	return v, true
}

func floatOf(value any) (float64, bool) {
	switch n := value.(type) {
	case float64:
		return n, true
	case float32:
		return float64(n), true
	}
	v, ok := integerOf(value, KindInt64)
	return float64(v), ok
}

// ticksOf is a length of time in the unit.
func ticksOf(value any, unit TimeUnit) (int64, bool) {
	switch v := value.(type) {
	case TimeOfDay:
		if v.Unit == unit {
			return v.Value, true
		}
		return int64(v.Duration()) / (1e9 / unit.perSecond()), true
	case Span:
		if v.Unit == unit {
			return v.Value, true
		}
		return int64(v.Duration()) / (1e9 / unit.perSecond()), true
	case time.Duration:
		return int64(v) / (1e9 / unit.perSecond()), true
	}
	return 0, false
}

// fits says whether the integer has no more than so many bytes.
func (d Decimal) fits(width int) bool {
	switch width {
	case 4:
		v, ok := d.Int64()
		return ok && v == int64(int32(v))
	case 8:
		_, ok := d.Int64()
		return ok
	case 16:
		sign := uint64(int64(d.words[1]) >> 63)
		return d.words[2] == sign && d.words[3] == sign
	}
	return true
}
