package plugin

import (
	"iter"
	"reflect"
	"time"
	"unsafe"
)

// Rows as Go values: structs whose fields are columns, or maps (Row). They are made from the columns that cross, not from JSON:
// nothing is parsed, and numbers, instants and decimals are exact. Columns are faster still, since nothing is gathered.
//
//	type Order struct {
//		ID   int64   `column:"id"`
//		Name *string `column:"name"` // nil where null
//	}
//
// Fields of structs have the types of typed columns (see Value), or pointers to them, which are nil where the column is null;
// other fields are zero there. A field without a tag has the name of the column in its Go name; "-" leaves it out.

// RowInput is rows that a plugin reads.
type RowInput[R any] struct {
	inputs []AnyInput
	names  []string
	fields []rowField
}

// ReadRows declares that the plugin reads the columns that are fields of the struct R. Where R is Row it reads the columns that
// are named, or all where none are.
func ReadRows[R any](plan Reader, names ...string) RowInput[R] {
	rows := RowInput[R]{}
	t := reflect.TypeFor[R]()
	if t.Kind() == reflect.Struct {
		rows.fields = rowFields(t)
		for i := range rows.fields {
			field := &rows.fields[i]
			rows.inputs = append(rows.inputs, field.read(plan))
		}
		return rows
	}
	schema := &plan.reader().schema
	if len(names) == 0 {
		for i := range schema.Fields {
			names = append(names, schema.Fields[i].Name)
		}
	}
	rows.names = names
	for _, name := range names {
		rows.inputs = append(rows.inputs, ReadAny(plan, name))
	}
	return rows
}

// All goes over the rows of a batch, with their positions. The struct that is pointed to is another one's in the next turn; a Row
// is new for each row.
func (r RowInput[R]) All(batch *Batch) iter.Seq2[int, *R] {
	return func(yield func(int, *R) bool) {
		var row R
		if into, ok := any(&row).(*Row); ok {
			for at := range batch.rows {
				*into = make(Row, len(r.names))
				for i, input := range r.inputs {
					(*into)[r.names[i]] = input.Of(batch).Value(at)
				}
				if !yield(at, &row) {
					return
				}
			}
			return
		}
		loads := make([]func(unsafe.Pointer, int), len(r.fields))
		for i := range r.fields {
			loads[i] = r.fields[i].load(r.inputs[i].Of(batch))
		}
		into := unsafe.Pointer(&row)
		for at := range batch.rows {
			for _, load := range loads {
				load(into, at)
			}
			if !yield(at, &row) {
				return
			}
		}
	}
}

// RowOutput is rows that a plugin writes.
type RowOutput[R any] struct {
	plan   Writer
	slots  []int
	fields []rowField
	types  []Field
}

// WriteRows declares the columns that are fields of the struct R, each at the end of the output or in the place of the column of
// that name. Where R is Row, the columns are those of the fields that are given.
func WriteRows[R any](plan Writer, fields ...Field) RowOutput[R] {
	rows := RowOutput[R]{plan: plan}
	if t := reflect.TypeFor[R](); t.Kind() == reflect.Struct {
		rows.fields = rowFields(t)
		for i := range rows.fields {
			fields = append(fields, Field{Name: rows.fields[i].name, Type: rows.fields[i].codec.dataType, Nullable: true})
		}
	}
	rows.types = fields
	for _, field := range fields {
		rows.slots = append(rows.slots, plan.declare(field))
	}
	return rows
}

// RowWriter gathers the output rows of one call.
type RowWriter[R any] struct {
	output RowOutput[R]
	stores []rowStore
	any    []*AnyBuilder
	inputs []uint32
	length int
	err    error
}

// NewWriter returns a writer with room for so many rows.
func (r RowOutput[R]) NewWriter(capacity int) *RowWriter[R] {
	w := &RowWriter[R]{output: r, inputs: make([]uint32, 0, capacity)}
	if len(r.fields) == 0 {
		for i := range r.types {
			w.any = append(w.any, NewAnyBuilder(r.types[i]))
		}
		return w
	}
	for i := range r.fields {
		w.stores = append(w.stores, r.fields[i].store(capacity))
	}
	return w
}

// Append adds an output row that comes from the input row at that position; any number where there is no input.
func (w *RowWriter[R]) Append(input int, row *R) {
	w.inputs = append(w.inputs, uint32(input))
	w.length++
	if len(w.stores) > 0 {
		from := unsafe.Pointer(row)
		for _, store := range w.stores {
			store.append(from)
		}
		return
	}
	values, ok := rowOf(*(any(row).(*Row)))
	for _, builder := range w.any {
		if !ok || w.err != nil {
			return
		}
		w.err = builder.Append(values[builder.field.Name])
	}
}

// Len returns how many rows there are so far.
func (w *RowWriter[R]) Len() int { return w.length }

// Set makes the rows that were appended those of the output: input rows that none of them comes from are dropped.
func (w *RowWriter[R]) Set(out Setter) error {
	if w.err != nil {
		return w.err
	}
	for i, slot := range w.output.slots {
		if len(w.stores) > 0 {
			out.set(slot, w.stores[i].values())
		} else {
			array := w.any[i].Build()
			out.set(slot, func(*Field) (*Array, error) { return array, nil })
		}
	}
	if rows, ok := out.(*Rows); ok && !isEach(w.inputs, rows.batch.rows) {
		rows.Take(w.inputs)
	}
	return nil
}

// isEach says whether the rows are all rows, in order.
func isEach(taken []uint32, rows int) bool {
	if len(taken) != rows {
		return false
	}
	for at, row := range taken {
		if int(row) != at {
			return false
		}
	}
	return true
}

// rowField is a field of a struct.
type rowField struct {
	name      string
	offset    uintptr
	isPointer bool
	codec     *rowCodec
}

type rowStore interface {
	append(from unsafe.Pointer)
	values() func(*Field) (*Array, error)
}

// rowCodec moves values of one type between columns and structs.
type rowCodec struct {
	dataType DataType
	read     func(plan Reader, name string) AnyInput
	load     func(f *rowField, array *Array) func(unsafe.Pointer, int)
	store    func(f *rowField, capacity int) rowStore
}

func codecOf[T Value]() *rowCodec {
	return &rowCodec{
		dataType: dataTypeOf[T](),
		read: func(plan Reader, name string) AnyInput {
			input := Read[T](plan, name)
			return AnyInput{input.slot, input.position}
		},
		load: func(f *rowField, array *Array) func(unsafe.Pointer, int) {
			column := newColumn[T](array)
			values, offset := column.Values(), f.offset
			switch {
			case f.isPointer:
				return func(into unsafe.Pointer, row int) {
					field := (**T)(unsafe.Add(into, offset))
					if *field = nil; !column.IsNull(row) {
						*field = &values[row]
					}
				}
			case column.HasNulls():
				return func(into unsafe.Pointer, row int) {
					*(*T)(unsafe.Add(into, offset)), _ = column.Get(row)
				}
			}
			return func(into unsafe.Pointer, row int) { *(*T)(unsafe.Add(into, offset)) = values[row] }
		},
		store: func(f *rowField, capacity int) rowStore {
			if f.isPointer {
				return &pointerStore[T]{f.offset, NewBuilder[T](capacity)}
			}
			return &valueStore[T]{f.offset, NewBuilder[T](capacity)}
		},
	}
}

type valueStore[T Value] struct {
	offset  uintptr
	builder *Builder[T]
}

func (s *valueStore[T]) append(from unsafe.Pointer) {
	s.builder.Append(*(*T)(unsafe.Add(from, s.offset)))
}

func (s *valueStore[T]) values() func(*Field) (*Array, error) { return s.builder.Build().array }

type pointerStore[T Value] struct {
	offset  uintptr
	builder *Builder[T]
}

func (s *pointerStore[T]) append(from unsafe.Pointer) {
	if value := *(**T)(unsafe.Add(from, s.offset)); value != nil {
		s.builder.Append(*value)
	} else {
		s.builder.AppendNull()
	}
}

func (s *pointerStore[T]) values() func(*Field) (*Array, error) { return s.builder.Build().array }

func (f *rowField) read(plan Reader) AnyInput { return f.codec.read(plan, f.name) }

func (f *rowField) load(array *Array) func(unsafe.Pointer, int) { return f.codec.load(f, array) }

func (f *rowField) store(capacity int) rowStore { return f.codec.store(f, capacity) }

var codecs = map[reflect.Type]*rowCodec{
	reflect.TypeFor[bool](): codecOf[bool](), reflect.TypeFor[string](): codecOf[string](), reflect.TypeFor[[]byte](): codecOf[[]byte](),
	reflect.TypeFor[int8](): codecOf[int8](), reflect.TypeFor[int16](): codecOf[int16](), reflect.TypeFor[int32](): codecOf[int32](),
	reflect.TypeFor[int64](): codecOf[int64](), reflect.TypeFor[uint8](): codecOf[uint8](), reflect.TypeFor[uint16](): codecOf[uint16](),
	reflect.TypeFor[uint32](): codecOf[uint32](), reflect.TypeFor[uint64](): codecOf[uint64](), reflect.TypeFor[Float16](): codecOf[Float16](),
	reflect.TypeFor[float32](): codecOf[float32](), reflect.TypeFor[float64](): codecOf[float64](), reflect.TypeFor[Date](): codecOf[Date](),
	reflect.TypeFor[time.Time](): codecOf[time.Time](), reflect.TypeFor[Ticks](): codecOf[Ticks](), reflect.TypeFor[Decimal](): codecOf[Decimal](),
}

// rowFields are the fields of a struct that are columns. It panics for a type that no column has: a mistake of the program.
func rowFields(t reflect.Type) []rowField {
	var fields []rowField
	for i := range t.NumField() {
		field := t.Field(i)
		name, tagged := field.Tag.Lookup("column")
		if !field.IsExported() || name == "-" {
			continue
		}
		if !tagged {
			name = field.Name
		}
		made := rowField{name: name, offset: field.Offset, isPointer: field.Type.Kind() == reflect.Pointer}
		value := field.Type
		if made.isPointer {
			value = value.Elem()
		}
		if made.codec = codecs[value]; made.codec == nil {
			panic("the field " + t.String() + "." + field.Name + " has a type that no column has; see plugin.Value")
		}
		fields = append(fields, made)
	}
	return fields
}
