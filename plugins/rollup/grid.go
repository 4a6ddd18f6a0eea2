package main

import (
	"math"
	"time"
)

// span is a window: from start up to, not including, end, in units of the time column.
type span struct{ start, end int64 }

func (s span) isBefore(other span) bool {
	return s.start < other.start || s.start == other.start && s.end < other.end
}

// ruler divides time into steps that are counted: units of the time column, or days, weeks or months of a zone.
type ruler interface {
	// index is the number of the step that holds an instant.
	index(instant int64) int64
	// instant is where a step begins.
	instant(index int64) int64
	// longest is how long a step can be.
	longest() int64
}

// fixed is a ruler of units of the time column, counted from this offset.
type fixed int64

func (f fixed) index(instant int64) int64 { return instant - int64(f) }
func (f fixed) instant(index int64) int64 { return index + int64(f) }
func (f fixed) longest() int64            { return 1 }

// grid is windows: they begin at each step whose number is a multiple of hop, and are size steps long.
type grid struct {
	size, hop int64
	ruler     ruler
	perSecond int64
}

// containing appends the windows that hold an instant, in their order.
func (g *grid) containing(instant int64, into []span) []span {
	index := g.ruler.index(instant)
	last := floorDivide(index, g.hop) * g.hop
	earlier := (g.size - 1 - (index - last)) / g.hop
	for start := last - earlier*g.hop; start <= last; start += g.hop {
		into = append(into, g.at(start))
	}
	return into
}

// next is the window that begins after another one. Days that a zone left out, as Samoa did in 2011, have no windows.
func (g *grid) next(window span) span {
	index := floorDivide(g.ruler.index(window.start), g.hop) * g.hop
	for {
		index += g.hop
		if next := g.at(index); next.start > window.start && next.end > next.start {
			return next
		}
	}
}

func (g *grid) at(index int64) span {
	return span{g.ruler.instant(index), g.ruler.instant(index + g.size)}
}

// tumbles says whether each instant is in one window.
func (g *grid) tumbles() bool { return g.size == g.hop }

// limits are the earliest and the latest instant whose windows can be computed: the years 1 to 9999, and not as near to the ends
// of 64 bits that a window reaches beyond.
func (g *grid) limits() (lowest, highest int64) {
	margin := 2 * g.size * g.ruler.longest()
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	return max(saturatingMultiply(first, g.perSecond), math.MinInt64+margin), min(saturatingMultiply(last, g.perSecond), math.MaxInt64-margin)
}

// floorDivide rounds down, also below zero.
func floorDivide(value, divisor int64) int64 {
	quotient := value / divisor
	if value%divisor < 0 {
		quotient--
	}
	return quotient
}
