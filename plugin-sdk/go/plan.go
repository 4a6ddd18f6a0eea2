package plugin

// What a plugin reads and writes is declared when it is made, before any row has come. Mistakes are gathered, so that
// declarations need no checks one by one: the first mistake is what the host is told, when the plugin has been made without
// an error of its own. Err tells it earlier.

// reads are the columns that a plugin wants to see. A column that is asked for twice is read once.
type reads struct {
	schema    Schema
	positions []int
	err       error
}

// Reader is a plan of a plugin that has an input: *Plan or *ReadPlan.
type Reader interface{ reader() *reads }

func (r *reads) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// slot is the place among the columns that are read.
func (r *reads) slot(position int) int {
	for slot, other := range r.positions {
		if other == position {
			return slot
		}
	}
	r.positions = append(r.positions, position)
	return len(r.positions) - 1
}

// Input is a column that a plugin reads.
type Input[T Value] struct{ slot, position int }

// Of returns the column of a batch.
func (i Input[T]) Of(batch *Batch) *Column[T] {
	return newColumn[T](batch.arrays[i.slot])
}

// Read declares that the plugin reads a column, which must be there and have a type that T stands for.
func Read[T Value](plan Reader, name string) Input[T] {
	r := plan.reader()
	position, err := r.schema.Position(name)
	if err != nil {
		r.fail(err)
		return Input[T]{}
	}
	if actual := r.schema.Fields[position].values().Type; !matches[T](actual) {
		r.fail(typeMismatch[T](name, actual))
		return Input[T]{}
	}
	return Input[T]{slot: r.slot(position), position: position}
}

// AnyInput is a column of any type that a plugin reads.
type AnyInput struct{ slot, position int }

// Of returns the column of a batch.
func (i AnyInput) Of(batch *Batch) *Array { return batch.arrays[i.slot] }

// ReadAny declares that the plugin reads a column, which must be there.
func ReadAny(plan Reader, name string) AnyInput {
	r := plan.reader()
	position, err := r.schema.Position(name)
	if err != nil {
		r.fail(err)
		return AnyInput{}
	}
	return AnyInput{slot: r.slot(position), position: position}
}

// writes are the columns that a plugin makes.
type writes struct {
	fields []*Field
}

// Writer is a plan of a plugin that makes columns: *Plan or *WritePlan.
type Writer interface {
	// declare adds a new column, and returns its slot.
	declare(field Field) int
	refuse(err error)
}

// Output is a column that a plugin writes.
type Output[T Value] struct{ slot int }

// Setter is what values of new columns are set on: *Rows, *DetachedRows or *Extracted.
type Setter interface {
	set(slot int, values func(*Field) (*Array, error))
}

// Set sets the values of the column.
func (o Output[T]) Set(out Setter, values *Values[T]) {
	out.set(o.slot, values.array)
}

// SetUnchanged says that the values of the column are those of an input column of the same type. Nothing is copied.
func (o Output[T]) SetUnchanged(out *Rows, input Input[T]) {
	out.keep(o.slot, input.position, input.slot)
}

// Write declares a nullable column of T's own type (of instants: timestamp(microsecond, UTC); of decimals:
// decimal128(38, 10)), at the end of the output or in the place of the column of that name.
func Write[T Value](plan Writer, name string) Output[T] {
	return WriteAs[T](plan, Field{Name: name, Type: dataTypeOf[T](), Nullable: true})
}

// WriteAs is Write with a field of the caller's choice, whose type must be one that T stands for.
func WriteAs[T Value](plan Writer, field Field) Output[T] {
	if !matches[T](field.Type) {
		plan.refuse(fatalf("column `%s`: %s is not written as %s", field.Name, field.Type, dataTypeOf[T]()))
	}
	return Output[T]{slot: plan.declare(field)}
}

// AnyOutput is a column of any type that a plugin writes.
type AnyOutput struct {
	slot  int
	field Field
}

// WriteAny declares a column of any type, at the end of the output or in the place of the column of that name.
func WriteAny(plan Writer, field Field) AnyOutput {
	return AnyOutput{slot: plan.declare(field), field: field}
}

// NewBuilder returns a builder of the column's values.
func (o AnyOutput) NewBuilder() *AnyBuilder { return NewAnyBuilder(o.field) }

// Set sets the values of the column: an array that was built, or one that was read of a column of the same type.
func (o AnyOutput) Set(out Setter, values *Array) {
	out.set(o.slot, func(*Field) (*Array, error) { return values, nil })
}

// ReadPlan is what a validator or a loader reads.
type ReadPlan struct{ reads reads }

func (p *ReadPlan) reader() *reads { return &p.reads }

// Schema returns the input columns.
func (p *ReadPlan) Schema() *Schema { return &p.reads.schema }

// Err returns the first mistake in what was declared.
func (p *ReadPlan) Err() error { return p.reads.err }

// WritePlan is the columns of an extractor.
type WritePlan struct {
	writes writes
	err    error
}

func (p *WritePlan) declare(field Field) int {
	p.writes.fields = append(p.writes.fields, &field)
	return len(p.writes.fields) - 1
}

func (p *WritePlan) refuse(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Err returns the first mistake in what was declared.
func (p *WritePlan) Err() error { return p.err }

// Batch is rows as a plugin gets them: the columns that it reads.
type Batch struct {
	rows   int
	arrays []*Array
}

// Rows returns how many rows there are.
func (b *Batch) Rows() int { return b.rows }

// newBatch gives the nodes of a batch the fields of the columns that are read.
func newBatch(rows int, nodes []Array, fields []*Field) (*Batch, error) {
	batch := &Batch{rows: rows, arrays: make([]*Array, len(fields))}
	for i, field := range fields {
		var err error
		if batch.arrays[i], nodes, err = newArray(field, nodes); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// fields are those of the columns that are read.
func (r *reads) fields() []*Field {
	fields := make([]*Field, len(r.positions))
	for i, position := range r.positions {
		fields[i] = &r.schema.Fields[position]
	}
	return fields
}
