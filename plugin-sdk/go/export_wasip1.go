package plugin

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

// What the exports of all kinds have in common. Sizes and offsets are those that the canonical ABI gives to the records of
// wit/types.wit.
const (
	fieldSize    = 44
	nodeSize     = 28
	findingSize  = 36
	metadataSize = 16
	// Results with a failure hold what they return from here on: a failure is aligned to eight bytes.
	payloadAt   = 8
	failureSize = 40
)

// describe lowers the descriptor.
func describe(kind pluginKind) unsafe.Pointer {
	made := abi.New(32)
	made.PutString(name)
	made.Field(8).PutString(version)
	made.Field(16).PutString(summary)
	made.Field(24).PutString(of(kind).configSchema())
	return made.Pointer()
}

// result calls what an export does, and lowers the failure where it fails. Size is that of what put lowers.
func result(size int, call func() (put func(abi.Place), err error)) unsafe.Pointer {
	defer abi.Prepare()
	put, err := guarded(call)
	made := abi.New(max(failureSize, payloadAt+size))
	if err != nil {
		made.PutU8(1)
		putFailure(made.Field(payloadAt), failureOf(err))
		return made.Pointer()
	}
	made.PutU8(0)
	if put != nil {
		put(made.Field(payloadAt))
	}
	return made.Pointer()
}

// guarded makes an error of a panic.
func guarded(call func() (func(abi.Place), error)) (put func(abi.Place), err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
			slog.Error(err.Error(), "stack", string(debug.Stack()))
		}
	}()
	return call()
}

func putFailure(place abi.Place, f failure) {
	place.PutU8(uint8(f.kind))
	payload := place.Field(8)
	switch f.kind {
	case failureRetryable:
		payload.PutString(f.message)
		payload.Field(8).PutBool(f.after >= 0)
		payload.Field(16).PutU64(uint64(max(f.after, 0)))
	case failureBadConfig:
		payload.PutString(f.where)
		payload.Field(8).PutString(f.message)
	case failureBadSchema:
		payload.PutOption(f.where)
		payload.Field(12).PutString(f.message)
	case failureFatal:
		payload.PutString(f.message)
	}
}

// takeSchema lifts the fields of a schema.
func takeSchema(start, count uint32) Schema {
	if count == 0 {
		return Schema{}
	}
	next := abi.At(start)
	left := int(count)
	var fields []Field
	for left > 0 {
		fields = append(fields, takeField(&next, &left))
	}
	return Schema{Fields: fields}
}

func takeField(next *abi.Place, left *int) Field {
	place := *next
	*next = place.Field(fieldSize)
	*left--
	field := Field{Name: place.String(), Type: takeType(place.Field(8)), Nullable: place.Field(28).U8() == 1}
	items, count := place.Field(36).List()
	for i := range count {
		item := items.Field(i * metadataSize)
		field.Metadata = append(field.Metadata, KeyValue{item.String(), item.Field(8).String()})
	}
	for range place.Field(32).U32() {
		if *left > 0 {
			field.Children = append(field.Children, takeField(next, left))
		}
	}
	return field
}

func takeType(place abi.Place) DataType {
	t := DataType{Kind: Kind(place.U8())}
	payload := place.Field(4)
	switch t.Kind {
	case KindFixedSizeBinary, KindFixedSizeList:
		t.Size = payload.U32()
	case KindTime32, KindTime64, KindDuration:
		t.Unit = TimeUnit(payload.U8())
	case KindTimestamp:
		t.Unit = TimeUnit(payload.U8())
		if payload.Field(4).U8() == 1 {
			t.Zone = payload.Field(8).String()
		}
	case KindInterval:
		t.Interval = IntervalUnit(payload.U8())
	case KindDecimal32, KindDecimal64, KindDecimal128, KindDecimal256:
		t.Precision, t.Scale = payload.U8(), int8(payload.Field(1).U8())
	case KindMap:
		t.Sorted = payload.U8() == 1
	case KindDictionary:
		t.Index = KindInt8 + Kind(payload.U8())
	}
	return t
}

func putType(place abi.Place, t DataType) {
	place.PutU8(uint8(t.Kind))
	payload := place.Field(4)
	switch t.Kind {
	case KindFixedSizeBinary, KindFixedSizeList:
		payload.PutU32(t.Size)
	case KindTime32, KindTime64, KindDuration:
		payload.PutU8(uint8(t.Unit))
	case KindTimestamp:
		payload.PutU8(uint8(t.Unit))
		payload.Field(4).PutOption(t.Zone)
	case KindInterval:
		payload.PutU8(uint8(t.Interval))
	case KindDecimal32, KindDecimal64, KindDecimal128, KindDecimal256:
		payload.PutU8(t.Precision)
		payload.Field(1).PutU8(uint8(t.Scale))
	case KindMap:
		payload.PutBool(t.Sorted)
	case KindDictionary:
		payload.PutU8(uint8(t.Index - KindInt8))
	}
}

// putFields lowers fields, each followed by its descendants.
func putFields(place abi.Place, fields ...*Field) {
	count := 0
	for _, field := range fields {
		count += field.count()
	}
	next := place.PutList(count, fieldSize)
	for _, field := range fields {
		next = putField(next, field)
	}
}

func putField(place abi.Place, field *Field) (next abi.Place) {
	place.PutString(field.Name)
	putType(place.Field(8), field.Type)
	place.Field(28).PutBool(field.Nullable)
	place.Field(32).PutU32(uint32(len(field.Children)))
	items := place.Field(36).PutList(len(field.Metadata), metadataSize)
	for i, entry := range field.Metadata {
		items.Field(i * metadataSize).PutString(entry.Key)
		items.Field(i*metadataSize + 8).PutString(entry.Value)
	}
	next = place.Field(fieldSize)
	for i := range field.Children {
		next = putField(next, &field.Children[i])
	}
	return next
}

// takeBatch lifts a batch: its buffers stay where the host wrote them.
func takeBatch(rows, encoding, start, count uint32, fields []*Field) (*Batch, error) {
	if encoding != 0 {
		return nil, fatalf("the host sent another encoding than the one that was bound")
	}
	nodes := make([]Array, count)
	for i := range nodes {
		place := abi.At(start).Field(i * nodeSize)
		nodes[i] = Array{
			length: int(place.U32()), validity: place.Field(4).Bytes(), offsets: place.Field(12).Bytes(),
			values: place.Field(20).Bytes(),
		}
	}
	return newBatch(int(rows), nodes, fields)
}

// putNodes lowers arrays with their descendants: the host reads the buffers where they are.
func putNodes(place abi.Place, arrays ...*Array) {
	var nodes []*Array
	for _, array := range arrays {
		nodes = array.appendNodes(nodes)
	}
	items := place.PutList(len(nodes), nodeSize)
	for i, node := range nodes {
		item := items.Field(i * nodeSize)
		item.PutU32(uint32(node.length))
		item.Field(4).PutBytes(node.validity)
		item.Field(12).PutBytes(node.offsets)
		item.Field(20).PutBytes(node.values)
	}
}

func putPositions(place abi.Place, positions []int) {
	items := place.PutList(len(positions), 4)
	for i, position := range positions {
		items.Field(4 * i).PutU32(uint32(position))
	}
}

func putFindings(place abi.Place, list []finding) {
	items := place.PutList(len(list), findingSize)
	for i := range list {
		putFinding(items.Field(i*findingSize), &list[i])
	}
}

func putFinding(place abi.Place, f *finding) {
	place.PutU32s(f.rows)
	place.Field(8).PutString(f.rule)
	place.Field(16).PutOption(f.column)
	place.Field(28).PutString(f.message)
}

// putReads lowers what a validator or a loader is bound to: positions, and the encoding columns.
func putReads(place abi.Place, plan *ReadPlan) {
	putPositions(place, plan.reads.positions)
	place.Field(8).PutU8(0)
}

// notOpen is what a call finds before open.
var errNotOpen = fatalf("called before open")
