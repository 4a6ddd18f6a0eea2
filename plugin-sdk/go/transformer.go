package plugin

// Processor is a transformer: it changes batches. See Transformer.
type Processor interface {
	// Process processes one batch. Without anything set on out, all rows go on; each column that was declared as written
	// must be set.
	Process(batch *Batch, out *Rows) error
}

// Finisher is a transformer that holds something back until the last batch has come. Only possible where no column is kept.
type Finisher interface {
	Finish(out *DetachedRows) error
}

// Transformer makes the program a transformer. To be called in an init function:
//
//	func init() { plugin.Transformer(New) }
//
//	func New(config Config, plan *plugin.Plan) (*Gross, error) { ... }
//
// The function is called once without any row to check a pipeline, and once for each instance. It must be pure.
func Transformer[C any, P Processor](open func(config C, plan *Plan) (P, error)) {
	register(kindTransformer, &registration{
		configSchema: configSchema[C],
		transformer: func(config string, schema Schema) (Processor, *Plan, error) {
			plan := newPlan(schema)
			parsed, err := parseConfig[C](config)
			if err != nil {
				return nil, nil, err
			}
			made, err := open(parsed, plan)
			if err == nil {
				err = plan.Err()
			}
			return made, plan, err
		},
	})
}

// Plan is what a transformer reads and writes. The output starts as the input: all columns, kept.
type Plan struct {
	reads   reads
	writes  writes
	columns []planned
	scope   scope
	keys    []int
	err     error
}

// planned is an output column: kept from position, or new from slot, where that is not below 0.
type planned struct {
	name     string
	position int
	slot     int
}

type scope uint8

const (
	scopeRows scope = iota
	scopeKeyed
	scopeSingle
)

func newPlan(schema Schema) *Plan {
	plan := &Plan{reads: reads{schema: schema}}
	for position := range schema.Fields {
		plan.columns = append(plan.columns, planned{schema.Fields[position].Name, position, -1})
	}
	return plan
}

func (p *Plan) reader() *reads { return &p.reads }

func (p *Plan) refuse(err error) { p.reads.fail(err) }

// Err returns the first mistake in what was declared.
func (p *Plan) Err() error { return p.reads.err }

// Schema returns the input columns.
func (p *Plan) Schema() *Schema { return &p.reads.schema }

func (p *Plan) declare(field Field) int {
	slot := len(p.writes.fields)
	p.writes.fields = append(p.writes.fields, &field)
	column := planned{field.Name, -1, slot}
	if place := p.place(field.Name); place >= 0 {
		p.columns[place] = column
	} else {
		p.columns = append(p.columns, column)
	}
	return slot
}

func (p *Plan) place(name string) int {
	for place := range p.columns {
		if p.columns[place].name == name {
			return place
		}
	}
	return -1
}

// Drop leaves a column out of the output.
func (p *Plan) Drop(name string) {
	place := p.place(name)
	if place < 0 {
		p.refuse(BadColumn(name, "there is no such column in the output"))
		return
	}
	p.columns = append(p.columns[:place], p.columns[place+1:]...)
}

// DropAll leaves all columns out of the output, so that only what is written makes it up.
func (p *Plan) DropAll() { p.columns = nil }

// Rename renames an output column.
func (p *Plan) Rename(from, to string) {
	place := p.place(from)
	if place < 0 {
		p.refuse(BadColumn(from, "there is no such column in the output"))
		return
	}
	p.columns[place].name = to
	if slot := p.columns[place].slot; slot >= 0 {
		p.writes.fields[slot].Name = to
	}
}

// KeyedBy says that all rows that agree in these columns meet one instance, in the order of the input.
func (p *Plan) KeyedBy(names ...string) {
	p.scope = scopeKeyed
	for _, name := range names {
		position, err := p.reads.schema.Position(name)
		if err != nil {
			p.refuse(err)
			return
		}
		p.keys = append(p.keys, position)
	}
}

// SingleInstance says that one instance sees all rows, in the order of the input.
func (p *Plan) SingleInstance() { p.scope = scopeSingle }

// newFields are the columns that are written, in the order of the output, with their slots.
func (p *Plan) slots() []int {
	var slots []int
	for _, column := range p.columns {
		if column.slot >= 0 {
			slots = append(slots, column.slot)
		}
	}
	return slots
}

// outColumn is the values of a new column of one output.
type outColumn struct {
	set bool
	// keep is the input column that is handed on; below 0 where array is.
	keep  int
	array *Array
}

// Rows is what becomes of the rows of one batch.
type Rows struct {
	batch *Batch
	plan  *Plan
	// selected is a bitmap; nil as long as every row is.
	selected []byte
	// taken is the input row of each output row, where isTaken.
	taken    []uint32
	isTaken  bool
	dropped  bool
	columns  []outColumn
	findings findings
	err      error
}

func newRows(batch *Batch, plan *Plan) *Rows {
	return &Rows{batch: batch, plan: plan, columns: make([]outColumn, len(plan.writes.fields))}
}

func (r *Rows) set(slot int, values func(*Field) (*Array, error)) {
	array, err := values(r.plan.writes.fields[slot])
	if err != nil && r.err == nil {
		r.err = err
	}
	r.columns[slot] = outColumn{set: true, keep: -1, array: array}
}

func (r *Rows) keep(slot, position, readSlot int) {
	read := r.plan.reads.schema.Fields[position].Type
	if read.Kind == KindDictionary && r.plan.writes.fields[slot].Type.Kind != KindDictionary {
		// The column itself, with its dictionary, is of another type than what was declared.
		r.set(slot, func(field *Field) (*Array, error) {
			b := NewAnyBuilder(*field)
			array := r.batch.arrays[readSlot]
			for row := range array.Len() {
				if err := b.Append(array.Value(row)); err != nil {
					return nil, err
				}
			}
			return b.Build(), nil
		})
		return
	}
	r.columns[slot] = outColumn{set: true, keep: position}
}

// selection is the bitmap of the rows that go on, to be changed.
func (r *Rows) selection() []byte {
	if r.selected == nil {
		r.selected = filledBitmap(r.batch.rows, 0)
	}
	return r.selected
}

// Filter lets only those rows go on for which keep is true.
func (r *Rows) Filter(keep func(row int) bool) {
	selected := r.selection()
	for row := range r.batch.rows {
		if !keep(row) {
			clearBit(selected, row)
		}
	}
}

// Drop leaves a row out.
func (r *Rows) Drop(row int) { clearBit(r.selection(), row) }

// DropAll leaves all rows out. No column needs to be set then.
func (r *Rows) DropAll() { r.dropped = true }

// Reject puts a row into the quarantine. The rule is a short name to count by, such as "bad-date".
func (r *Rows) Reject(row int, rule, message string) {
	r.RejectColumn(row, "", rule, message)
}

// RejectColumn puts a row into the quarantine because of one column.
func (r *Rows) RejectColumn(row int, column, rule, message string) {
	r.findings.add(row, rule, column, message)
	r.Drop(row)
}

// Take makes the output of these rows of the batch, in this order, repeated where they repeat. Rejected rows must not be
// among them. Columns that are written then have one value per output row; Filter and Drop have no effect.
func (r *Rows) Take(rows []uint32) { r.taken, r.isTaken = rows, true }

// processed is what became of one batch, as it crosses.
type processed struct {
	outputs  []output
	findings []finding
}

// selectionKind is the case of the contract's variant selection.
type selectionKind uint8

const (
	selectAll selectionKind = iota
	selectBitmap
	selectIndices
	selectDetached
)

type output struct {
	kind    selectionKind
	bitmap  []byte
	indices []uint32
	count   int
	columns []outColumn
	perRow  bool
}

func (r *Rows) processed() (processed, error) {
	done := processed{findings: r.findings.list}
	if r.err != nil || r.dropped {
		return done, r.err
	}
	out := output{perRow: r.isTaken}
	expected := r.batch.rows
	switch {
	case r.isTaken:
		out.kind, out.indices = selectIndices, r.taken
		expected = len(r.taken)
	case r.selected != nil && !allSet(r.selected, r.batch.rows):
		trimBitmap(r.selected, r.batch.rows)
		out.kind, out.bitmap = selectBitmap, r.selected
	}
	for _, slot := range r.plan.slots() {
		column := r.columns[slot]
		name := r.plan.writes.fields[slot].Name
		if !column.set {
			return done, fatalf("column `%s` was declared as written and not set", name)
		}
		if column.keep < 0 && column.array.length != expected {
			return done, fatalf("column `%s` has %d values for %d rows", name, column.array.length, expected)
		}
		out.columns = append(out.columns, column)
	}
	done.outputs = []output{out}
	return done, nil
}

// DetachedRows is what a transformer held back: rows that belong to no row of the input. Nothing set means no rows.
type DetachedRows struct {
	plan    *Plan
	columns []outColumn
	err     error
}

func newDetachedRows(plan *Plan) *DetachedRows {
	return &DetachedRows{plan: plan, columns: make([]outColumn, len(plan.writes.fields))}
}

func (r *DetachedRows) set(slot int, values func(*Field) (*Array, error)) {
	array, err := values(r.plan.writes.fields[slot])
	if err != nil && r.err == nil {
		r.err = err
	}
	r.columns[slot] = outColumn{set: true, keep: -1, array: array}
}

func (r *DetachedRows) outputs() ([]output, error) {
	anything := false
	for _, column := range r.columns {
		anything = anything || column.set
	}
	if r.err != nil || !anything {
		return nil, r.err
	}
	out := output{kind: selectDetached, count: -1, perRow: true}
	for _, slot := range r.plan.slots() {
		column := r.columns[slot]
		name := r.plan.writes.fields[slot].Name
		switch {
		case !column.set:
			return nil, fatalf("column `%s` was declared as written and not set in Finish", name)
		case out.count >= 0 && out.count != column.array.length:
			return nil, fatalf("column `%s` has %d values, others have %d", name, column.array.length, out.count)
		}
		out.count = column.array.length
		out.columns = append(out.columns, column)
	}
	return []output{out}, nil
}

// Opener is a transformer or a validator that prepares itself before the first batch: what must not happen while a pipeline is
// only checked.
type Opener interface {
	Open() error
}
