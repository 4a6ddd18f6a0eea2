package plugin

// Source is an extractor: it divides the work into splits, and reads the rows of one split batch by batch.
type Source interface {
	// Plan divides the work. The cursors are those of the last committed run; none at first.
	Plan(cursors []CursorPosition) ([]Split, error)
	// Open prepares to read one split.
	Open(split Split) error
	// Next sets the next rows on out, at most maxRows. False at the end of the split.
	Next(maxRows int, out *Extracted) (bool, error)
}

// CursorKeeper is an extractor whose next run goes on where this one ended.
type CursorKeeper interface {
	// Cursor says where, once the split is read to its end. Empty where there is nothing to say.
	Cursor() (string, error)
}

// CursorPosition is what Cursor returned for a split of the last committed run.
type CursorPosition struct {
	// Split is the id of the split.
	Split string
	// Position is what Cursor returned.
	Position string
}

// Split is a share of the work that can be read by itself.
type Split struct {
	// ID is unique within the run, and stable: the same share has the same id in the next run.
	ID string
	// Descriptor is whatever Open needs to know.
	Descriptor string
	// Rows and Bytes are estimates; nil where there are none.
	Rows, Bytes *uint64
}

// Extracted is the next rows of a split. All columns must be set, to as many values each.
type Extracted struct {
	plan       *WritePlan
	columns    []*Array
	badRecords []badRecord
	err        error
}

type badRecord struct {
	position, rule, message string
	raw                     []byte
}

func (e *Extracted) set(slot int, values func(*Field) (*Array, error)) {
	array, err := values(e.plan.writes.fields[slot])
	if err != nil && e.err == nil {
		e.err = err
	}
	e.columns[slot] = array
}

// Reject puts a record that could not be made into a row into the quarantine. Position says where it was found, such as
// "page 3, item 17"; raw is the record as received.
func (e *Extracted) Reject(position string, raw []byte, rule, message string) {
	e.badRecords = append(e.badRecords, badRecord{position, rule, message, raw})
}

func newExtracted(plan *WritePlan) *Extracted {
	return &Extracted{plan: plan, columns: make([]*Array, len(plan.writes.fields))}
}

// rows checks that the columns are all there.
func (e *Extracted) rows() (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	for i, column := range e.columns {
		name := e.plan.writes.fields[i].Name
		if column == nil {
			return 0, fatalf("column `%s` was declared as written and not set", name)
		}
		if column.length != e.columns[0].length {
			return 0, fatalf("column `%s` has %d values, others have %d", name, column.length, e.columns[0].length)
		}
	}
	if len(e.columns) == 0 {
		return 0, nil
	}
	return e.columns[0].length, nil
}

// Extractor makes the program an extractor. To be called in an init function; see Transformer for the function.
func Extractor[C any, S Source](open func(config C, plan *WritePlan) (S, error)) {
	register(kindExtractor, &registration{
		configSchema: configSchema[C],
		extractor: func(config string) (Source, *WritePlan, error) {
			plan := &WritePlan{}
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
