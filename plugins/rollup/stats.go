package main

import (
	"cmp"
	"math"
	"slices"
)

// number is an int64 or a float64, as the bits that it consists of: which one is known of the column.
type number uint64

func ofFloat(value float64) number { return number(math.Float64bits(value)) }
func ofInteger(value int64) number { return number(value) }
func (n number) float() float64    { return math.Float64frombits(uint64(n)) }
func (n number) integer() int64    { return int64(n) }
func (n number) as(isInteger bool) float64 {
	if isInteger {
		return float64(n.integer())
	}
	return n.float()
}

func less(a, b number, isInteger bool) bool {
	if isInteger {
		return a.integer() < b.integer()
	}
	return a.float() < b.float()
}

// needs is what the aggregates of a column take beyond what is always gathered.
type needs struct {
	// isInteger says what the numbers of the column are.
	isInteger bool
	deviation bool
	digest    bool
	samples   bool
}

// stats is what is gathered of one column in one window. Times may come in any order.
type stats struct {
	count int64
	// sum is that of floats, and lost what rounding took from it (Neumaier); total is that of integers.
	sum, lost float64
	total     int64
	// overflowed says that total is of no use.
	overflowed bool
	// mean and squares are Welford's: the mean, and the sum of the squared distances from it.
	mean, squares   float64
	min, max        number
	first, last     number
	firstAt, lastAt int64
	digest          *digest
	samples         []sample
}

// sample is a reading of a counter.
type sample struct {
	at    int64
	value number
}

func (s *stats) add(at int64, value number, needs *needs) {
	float := value.as(needs.isInteger)
	if s.count == 0 {
		s.min, s.max = value, value
		s.first, s.last, s.firstAt, s.lastAt = value, value, at, at
	} else {
		if less(value, s.min, needs.isInteger) {
			s.min = value
		}
		if less(s.max, value, needs.isInteger) {
			s.max = value
		}
		// Of readings at the same time, the first is the one that came first, and the last the one that came last.
		if at < s.firstAt {
			s.first, s.firstAt = value, at
		}
		if at >= s.lastAt {
			s.last, s.lastAt = value, at
		}
	}
	s.count++
	if needs.isInteger {
		added := value.integer()
		total := s.total + added
		s.overflowed = s.overflowed || (added > 0 && total < s.total) || (added < 0 && total > s.total)
		s.total = total
	}
	s.addToSum(float)
	if needs.deviation {
		distance := float - s.mean
		s.mean += distance / float64(s.count)
		s.squares += distance * (float - s.mean)
	}
	if needs.digest {
		if s.digest == nil {
			s.digest = &digest{}
		}
		s.digest.add(float)
	}
	if needs.samples {
		s.samples = append(s.samples, sample{at, value})
	}
}

func (s *stats) addToSum(value float64) {
	total := s.sum + value
	if math.Abs(s.sum) >= math.Abs(value) {
		s.lost += (s.sum - total) + value
	} else {
		s.lost += (value - total) + s.sum
	}
	s.sum = total
}

// floatSum is the sum of all values. What was lost is of no use where the sum is beyond what floats can hold.
func (s *stats) floatSum() float64 {
	if math.IsInf(s.sum, 0) {
		return s.sum
	}
	return s.sum + s.lost
}

// counter is where a counter stood last, from window to window.
type counter struct {
	known bool
	value number
}

// increase is by how much a counter has grown since it was seen before this window. Where it is lower than before, it has begun
// anew, at 0. False where there was nothing to compare with.
func (s *stats) increase(counter *counter, isInteger bool) (grown number, known bool) {
	slices.SortStableFunc(s.samples, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
	for _, sample := range s.samples {
		if counter.known {
			known = true
			from := counter.value
			if less(sample.value, from, isInteger) {
				from = 0 // the same bits for integers and floats
			}
			if isInteger {
				grown = ofInteger(saturatingAdd(grown.integer(), saturatingSubtract(sample.value.integer(), from.integer())))
			} else {
				grown = ofFloat(grown.float() + (sample.value.float() - from.float()))
			}
		}
		counter.known, counter.value = true, sample.value
	}
	return grown, known
}

func saturatingAdd(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	}
	return sum
}

func saturatingSubtract(a, b int64) int64 {
	difference := a - b
	switch {
	case a >= 0 && b < 0 && difference < 0:
		return math.MaxInt64
	case a < 0 && b > 0 && difference > 0:
		return math.MinInt64
	}
	return difference
}

// deviation is that of a sample: there is none of a single value.
func (s *stats) deviation() cell {
	if s.count < 2 {
		return cell{}
	}
	return cell{ofFloat(math.Sqrt(s.squares / float64(s.count-1))), true}
}
