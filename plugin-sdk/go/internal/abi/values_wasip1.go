package abi

import "unsafe"

// Place is somewhere in a record that crosses: its fields are at offsets that the canonical ABI gives.
type Place struct{ at unsafe.Pointer }

// New is a place for so many bytes.
func New(size int) Place { return Place{Alloc(size)} }

// At is the place of an address, as the host gives it.
//
// The host gives lists without items any address. Go's runtime must never see one that cannot be as a pointer, so addresses are
// numbers until it is known that there is something.
func At(address uint32) Place { return Place{unsafe.Pointer(uintptr(address))} }

// Address is the place as the host sees it.
func (p Place) Address() uint32 { return uint32(uintptr(p.at)) }

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

// pointed is the start and the length of a list or a string.
func (p Place) pointed() (address, length uint32) { return p.U32(), p.Field(4).U32() }

// String lifts a string.
func (p Place) String() string { return Text(p.pointed()) }

// Bytes lifts a list of bytes.
func (p Place) Bytes() []byte {
	address, length := p.pointed()
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(own(address, length)), length)
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
	p.PutU32(items.Address())
	p.Field(4).PutU32(uint32(count))
	return items
}

// List is where the records of a list begin, and how many there are.
func (p Place) List() (Place, int) {
	address, length := p.pointed()
	if length == 0 {
		return Place{}, 0
	}
	return At(address), int(length)
}

// Text lifts a string of the parameters of a function.
func Text(address, length uint32) string {
	if length == 0 {
		return ""
	}
	return unsafe.String((*byte)(own(address, length)), length)
}
