// Package abi is the plugin's side of the component model's canonical ABI
// (https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md), written by hand: memory that is handed to
// the host and that comes from it, and loads and stores in it.
//
// Bindings could be generated instead. The contract is small, however, and written by hand nothing is copied: buffers of the
// host become Arrow buffers where they lie, and those of new columns are handed to the host where they were made. A plugin then
// needs no tool but Go's, either.
//
// Memory and the garbage collector: what the host writes, and what it will read, must not be collected while only the host knows
// of it. The collector does not move objects, so it is enough that a variable refers to them.
//
// While the host asks for memory, and while it tells that it has read a result (cabi_post), a component must not call the host:
// that would trap. Go's collector, however, reads the clock, and any allocation may start it. So neither allocates:
//
//   - Realloc hands out pieces of the inbox, memory of the collector that was made at the end of the call before, as large as that
//     one needed it. Whatever the plugin still refers to afterwards lives on: a string of a batch can be kept. What does not fit
//     goes into the overflow, which the collector knows nothing of, and is copied out of there when it is lifted (own).
//   - What an export returns is held by Keep and by the scratch memory of Alloc, until the host has read it and calls the
//     export's cabi_post function (Release).
package abi

import (
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"
)

// The limits of an instance, which only the host knows: 256 MiB where nothing is said. Collecting starts early enough to stay
// below, and seldom, because what is alive between two batches is little.
const (
	collectAbove = 4 << 20
	softLimit    = 192 << 20
)

// Sizes of memory for the host, in bytes.
const (
	firstInbox    = 16 << 10
	firstOverflow = 64 << 10
	// slack is left at the end of memory whose records are gone through: a pointer behind the last one must not be one into
	// memory that the collector holds free, or it stops the program.
	slack = 16
)

var (
	isReady bool

	// inbox is what the host gets memory of; its first inboxUsed bytes are taken.
	inbox     unsafe.Pointer
	inboxSize uintptr
	inboxUsed uintptr
	// taken are the bytes that the host has asked for in this call, wherever they are.
	taken uintptr

	overflow [40]chunk
	// overflowing are the chunks in use.
	overflowing int

	// kept are objects that only the host knows of.
	kept []unsafe.Pointer
	// scratch is where lists and records are laid out for the host. Its pieces are used again after each call.
	scratch     [][]uint64
	scratchUsed int
	piece       int
)

// chunk is memory of the overflow.
type chunk struct{ start, size, used uintptr }

func init() {
	// GOGC as a percentage of what is alive, 4 MiB at least.
	debug.SetGCPercent(100 * collectAbove / (4 << 20))
	debug.SetMemoryLimit(softLimit)
	kept = make([]unsafe.Pointer, 0, 256)
	scratch = append(scratch, make([]uint64, 2048+slack/8))
	inbox, inboxSize = bytes(firstInbox+slack), firstInbox
	isReady = true
}

//go:linkname sbrk runtime.sbrk
func sbrk(bytes uintptr) unsafe.Pointer

// Realloc is how the host asks for memory, aligned to eight bytes. The component model gives the name.
//
//go:wasmexport cabi_realloc
func Realloc(old, oldSize, align, newSize uint32) uint32 {
	if newSize == 0 {
		return align
	}
	if !isReady {
		// The adapter of WASI asks for its own memory while Go's runtime is still starting, so there is no heap yet. Go leaves
		// memory that it did not ask for itself alone.
		return uint32(uintptr(sbrk(uintptr(newSize))))
	}
	made := take(uintptr(newSize+7) &^ 7)
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(made), newSize), unsafe.Slice((*byte)(unsafe.Pointer(uintptr(old))), oldSize))
	}
	return uint32(uintptr(made))
}

func take(size uintptr) unsafe.Pointer {
	taken += size
	if size <= inboxSize-inboxUsed {
		made := unsafe.Add(inbox, inboxUsed)
		inboxUsed += size
		return made
	}
	for i := range overflow {
		c := &overflow[i]
		if c.size == 0 {
			// Each chunk is twice as large as the one before, so that there are few.
			size := max(size, firstOverflow<<min(i, 12))
			start := sbrk(size)
			if start == nil {
				return nil
			}
			c.start, c.size = uintptr(start), size
		}
		if size <= c.size-c.used {
			made := unsafe.Pointer(c.start + c.used)
			c.used += size
			overflowing = max(overflowing, i+1)
			return made
		}
	}
	return nil
}

// own returns where the bytes are that the host wrote: a copy where they are in the overflow, which is used again.
func own(address, size uint32) unsafe.Pointer {
	start, length := unsafe.Pointer(uintptr(address)), int(size)
	for i := range overflowing {
		if c := &overflow[i]; uintptr(start)-c.start < c.size {
			made := bytes(length)
			copy(unsafe.Slice((*byte)(made), length), unsafe.Slice((*byte)(start), length))
			return made
		}
	}
	return start
}

// Prepare makes room for what the host will write for the next call, at the end of one: here the collector may run.
func Prepare() {
	if want := (taken + taken/8 + 0xfff) &^ 0xfff; inboxSize-inboxUsed < want {
		inbox, inboxSize, inboxUsed = bytes(int(want)+slack), want, 0
	}
	taken = 0
	// The collector's own work is done by goroutines, which have no other time than this.
	runtime.Gosched()
}

// bytes is memory that is not zeroed, aligned to eight bytes.
func bytes(size int) unsafe.Pointer {
	if size < 512 {
		return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	}
	// The only memory without zeros that Go gives away, and it needs them as little as we do: the host fills all of it.
	var builder strings.Builder
	builder.Grow(size)
	return unsafe.Pointer(unsafe.StringData(builder.String()))
}

// Keep holds what a pointer leads to until the call has ended. It returns the address as the host sees it.
func Keep(pointer unsafe.Pointer) uint32 {
	kept = append(kept, pointer)
	return uint32(uintptr(pointer))
}

// Alloc is scratch memory until the call has ended, aligned to eight bytes. It is not zeroed.
func Alloc(size int) unsafe.Pointer {
	words := (size + 7) / 8
	for words > len(scratch[piece])-slack/8-scratchUsed {
		piece++
		scratchUsed = 0
		if piece == len(scratch) {
			scratch = append(scratch, make([]uint64, max(words+slack/8, 2*len(scratch[piece-1]))))
		}
	}
	if words == 0 {
		return unsafe.Pointer(&scratch[0][0])
	}
	made := unsafe.Pointer(&scratch[piece][scratchUsed])
	scratchUsed += words
	return made
}

// Release lets go of what only the host knew of: a call has ended. It allocates nothing.
func Release() {
	clear(kept)
	kept = kept[:0]
	piece, scratchUsed = 0, 0
	for i := range overflowing {
		overflow[i].used = 0
	}
	overflowing = 0
	if len(scratch) > 4 {
		// One call needed much; the next ones need not.
		clear(scratch[1:])
		scratch = scratch[:1]
	}
}

// Mark is a point in a call from which scratch memory can be given back, with Reset: for calls of the host's functions.
type Mark struct{ piece, used, kept int }

// Set remembers the point.
func Set() Mark { return Mark{piece, scratchUsed, len(kept)} }

// Reset gives back what was handed out since.
func (m Mark) Reset() {
	piece, scratchUsed = m.piece, m.used
	clear(kept[m.kept:])
	kept = kept[:m.kept]
}
