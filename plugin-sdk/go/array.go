package plugin

import (
	"unsafe"
)

// Array is the values of one field of any type over Arrow's own buffers: what typed columns are views of. The children of
// nested ones are arrays too.
//
// Buffers are never changed after they were made, and live as long as something refers to them.
type Array struct {
	field    *Field
	length   int
	validity []byte
	offsets  []byte
	values   []byte
	children []*Array
}

// Field returns what the array holds.
func (a *Array) Field() *Field { return a.field }

// Len returns the number of values, nulls included.
func (a *Array) Len() int { return a.length }

// HasNulls says whether there can be nulls.
func (a *Array) HasNulls() bool {
	return len(a.validity) > 0 || a.field.Type.Kind == KindNull
}

// IsNull says whether a value is null, in the array itself: the value behind a key of a dictionary may be null too, which
// Value sees.
func (a *Array) IsNull(row int) bool {
	if len(a.validity) == 0 {
		return a.field.Type.Kind == KindNull
	}
	return a.validity[row>>3]>>(row&7)&1 == 0
}

// Child returns a child of a nested array: the values of a list, the fields of a struct, the struct of keys and values of a
// map, the values of a dictionary.
func (a *Array) Child(index int) *Array { return a.children[index] }

// Range returns where the values of one list or map are in its child.
func (a *Array) Range(row int) (start, end int) {
	switch a.field.Type.offsetWidth() {
	case 4:
		return int(loadInt32(a.offsets, row)), int(loadInt32(a.offsets, row+1))
	case 8:
		return int(loadInt64(a.offsets, row)), int(loadInt64(a.offsets, row+1))
	}
	size := int(a.field.Type.Size)
	return row * size, (row + 1) * size
}

// bytes is one value of a type with offsets into bytes, or of fixed size.
func (a *Array) bytes(row int) []byte {
	if a.field.Type.Kind == KindFixedSizeBinary {
		size := int(a.field.Type.Size)
		return a.values[row*size : (row+1)*size : (row+1)*size]
	}
	start, end := a.Range(row)
	return a.values[start:end:end]
}

// key is the position in the dictionary.
func (a *Array) key(row int) int {
	return int(loadInteger(a.values, a.field.Type.Index, row))
}

// loadInteger is an integer of any of the eight kinds; those above the largest int64 wrap around.
func loadInteger(buffer []byte, kind Kind, row int) int64 {
	switch kind {
	case KindInt8:
		return int64(int8(buffer[row]))
	case KindUint8:
		return int64(buffer[row])
	case KindInt16:
		return int64(int16(loadUint16(buffer, row)))
	case KindUint16:
		return int64(loadUint16(buffer, row))
	case KindInt32:
		return int64(loadInt32(buffer, row))
	case KindUint32:
		return int64(uint32(loadInt32(buffer, row)))
	}
	return loadInt64(buffer, row)
}

func loadUint16(buffer []byte, row int) uint16 {
	b := buffer[row*2 : row*2+2]
	return uint16(b[0]) | uint16(b[1])<<8
}

// The loads below are one instruction each: little-endian machines without alignment are the only ones that this runs on.

func loadInt32(buffer []byte, row int) int32 {
	b := buffer[row*4 : row*4+4]
	return *(*int32)(unsafe.Pointer(&b[0]))
}

func loadInt64(buffer []byte, row int) int64 {
	b := buffer[row*8 : row*8+8]
	return *(*int64)(unsafe.Pointer(&b[0]))
}

// sliceOf sees bytes as values, without a copy.
func sliceOf[T any](buffer []byte, length int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if length == 0 {
		return nil
	}
	_ = buffer[length*size-1]
	return unsafe.Slice((*T)(unsafe.Pointer(&buffer[0])), length)
}

// bytesOf sees values as bytes, without a copy.
func bytesOf[T any](values []T) []byte {
	if len(values) == 0 {
		return nil
	}
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(unsafe.Sizeof(zero)))
}

// newArray divides the nodes of one column, in pre-order, among its field and its descendants. It returns the nodes left.
func newArray(field *Field, nodes []Array) (*Array, []Array, error) {
	if len(nodes) == 0 {
		return nil, nil, fatalf("the batch has too few nodes: column `%s` is incomplete", field.Name)
	}
	array := &nodes[0]
	array.field = field
	nodes = nodes[1:]
	if len(field.Children) > 0 {
		array.children = make([]*Array, len(field.Children))
		for i := range field.Children {
			var err error
			array.children[i], nodes, err = newArray(&field.Children[i], nodes)
			if err != nil {
				return nil, nil, err
			}
		}
	}
	return array, nodes, nil
}

// appendNodes adds the array and its descendants in pre-order.
func (a *Array) appendNodes(nodes []*Array) []*Array {
	nodes = append(nodes, a)
	for _, child := range a.children {
		nodes = child.appendNodes(nodes)
	}
	return nodes
}

// Bytes returns the values' own memory: the bytes of all texts, one behind another, or numbers as they lie. It must not be changed.
func (a *Array) Bytes() []byte { return a.values }
