package abi

import "unsafe"

// Place is somewhere in a record that crosses: its fields are at offsets that the canonical ABI gives.
type Place struct{ at unsafe.Pointer }

// New is a place for so many bytes.
func New(size int) Place { return Place{Alloc(size)} }

// At is the place of the memory that a pointer leads to.
func At(pointer unsafe.Pointer) Place { return Place{pointer} }

// Pointer leads to the place.
func (p Place) Pointer() unsafe.Pointer { return p.at }

// Field is a place so many bytes on.
func (p Place) Field(offset int) Place { return Place{unsafe.Add(p.at, offset)} }

func (p Place) U8() uint8   { return *(*uint8)(p.at) }
func (p Place) U16() uint16 { return *(*uint16)(p.at) }
func (p Place) U32() uint32 { return *(*uint32)(p.at) }
func (p Place) U64() uint64 { return *(*uint64)(p.at) }

func (p Place) PutU8(value uint8)    { *(*uint8)(p.at) = value }
func (p Place) PutU16(value uint16)  { *(*uint16)(p.at) = value }
func (p Place) PutU32(value uint32)  { *(*uint32)(p.at) = value }
func (p Place) PutU64(value uint64)  { *(*uint64)(p.at) = value }
func (p Place) PutF64(value float64) { *(*float64)(p.at) = value }

// PutBool stores a boolean, or the case of an option or a result.
func (p Place) PutBool(value bool) {
	if value {
		p.PutU8(1)
	} else {
		p.PutU8(0)
	}
}

// Pointed is the start and the length of a list or a string.
func (p Place) Pointed() (unsafe.Pointer, int) {
	return unsafe.Pointer(uintptr(p.U32())), int(p.Field(4).U32())
}

// String sees a string where it lies.
func (p Place) String() string {
	start, length := p.Pointed()
	return unsafe.String((*byte)(start), length)
}

// Bytes sees a list of bytes where it lies.
func (p Place) Bytes() []byte {
	start, length := p.Pointed()
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(start), length)
}

// PutString stores a string, which stays where it is.
func (p Place) PutString(value string) {
	p.putPointer(unsafe.Pointer(unsafe.StringData(value)), len(value), 1)
}

// PutBytes stores a list of bytes, which stays where it is.
func (p Place) PutBytes(value []byte) {
	p.putPointer(unsafe.Pointer(unsafe.SliceData(value)), len(value), 1)
}

// PutU32s stores a list of numbers, which stays where it is.
func (p Place) PutU32s(value []uint32) {
	p.putPointer(unsafe.Pointer(unsafe.SliceData(value)), len(value), 4)
}

func (p Place) putPointer(start unsafe.Pointer, length int, align uint32) {
	if length == 0 {
		p.PutU32(align)
		p.Field(4).PutU32(0)
		return
	}
	p.PutU32(Keep(start))
	p.Field(4).PutU32(uint32(length))
}

// PutOption stores an optional string: none where it is empty.
func (p Place) PutOption(value string) {
	p.PutBool(value != "")
	if value != "" {
		p.Field(4).PutString(value)
	}
}

// PutList makes room for a list of records of that size, and returns where the first one is.
func (p Place) PutList(count, size int) Place {
	items := New(count * size)
	p.PutU32(uint32(uintptr(items.at)))
	p.Field(4).PutU32(uint32(count))
	return items
}

// List is where the records of a list begin, and how many there are.
func (p Place) List() (Place, int) {
	start, length := p.Pointed()
	return Place{start}, length
}

// Text is a string among the parameters of a function.
func Text(start unsafe.Pointer, length uint32) string {
	return unsafe.String((*byte)(start), length)
}
