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
//   - Realloc gives the host memory of the collector, without pointers, and remembers it until the call that it belongs to has
//     ended (Release). Whatever the plugin still refers to then lives on: a string of a batch can be kept.
//   - What an export returns is remembered by Keep and by the scratch memory of Alloc, until the host has read it and calls the
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
	collectAbove = 16 << 20
	softLimit    = 192 << 20
)

var (
	isReady bool
	// kept are objects that only the host knows of.
	kept []unsafe.Pointer
	// scratch is where lists and records are laid out for the host. Its pieces are used again after each call.
	scratch     [][]uint64
	scratchUsed int
	piece       int
)

func init() {
	// GOGC as a percentage of what is alive, 4 MiB at least.
	debug.SetGCPercent(100 * collectAbove / (4 << 20))
	debug.SetMemoryLimit(softLimit)
	kept = make([]unsafe.Pointer, 0, 256)
	scratch = append(scratch, make([]uint64, 2048))
	isReady = true
}

//go:linkname sbrk runtime.sbrk
func sbrk(bytes uintptr) unsafe.Pointer

// Realloc is how the host asks for memory. The names of the component model for it are fixed.
//
//go:wasmexport cabi_realloc
func Realloc(old unsafe.Pointer, oldSize, align, newSize uint32) unsafe.Pointer {
	if newSize == 0 {
		return unsafe.Pointer(uintptr(align))
	}
	if !isReady {
		// The adapter of WASI asks for its own memory while Go's runtime is still starting, so there is no heap yet. Go leaves
		// memory that it did not ask for itself alone.
		return sbrk(uintptr(newSize))
	}
	made := bytes(int(newSize))
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(made), newSize), unsafe.Slice((*byte)(old), oldSize))
	}
	kept = append(kept, made)
	return made
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
	for words > len(scratch[piece])-scratchUsed {
		piece++
		scratchUsed = 0
		if piece == len(scratch) {
			scratch = append(scratch, make([]uint64, max(words, 2*len(scratch[piece-1]))))
		}
	}
	if words == 0 {
		return unsafe.Pointer(&scratch[0][0])
	}
	made := unsafe.Pointer(&scratch[piece][scratchUsed])
	scratchUsed += words
	return made
}

// Release lets go of what only the host knew of: a call has ended.
func Release() {
	clear(kept)
	kept = kept[:0]
	piece, scratchUsed = 0, 0
	if len(scratch) > 4 {
		// One call needed much; the next ones need not.
		scratch = scratch[:1]
	}
	if cap(kept) > 1<<16 {
		kept = make([]unsafe.Pointer, 0, 256)
	}
	// The collector's own work is done by goroutines, which have no other time than this.
	runtime.Gosched()
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
