package main

import (
	"math"
	"math/rand"
	"slices"
	"testing"
)

func TestQuantilesAreExactUpToALimit(t *testing.T) {
	for _, c := range []struct {
		values      []float64
		q, expected float64
	}{
		{[]float64{5}, 0.3, 5},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{4, 1, 2, 3}, 0, 1},
		{[]float64{4, 1, 2, 3}, 1, 4},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 0.5, 0},
	} {
		d := &digest{}
		for _, value := range c.values {
			d.add(value)
		}
		if actual := d.quantile(c.q); actual != c.expected {
			t.Errorf("%v of %v is %v", c.q, c.values, actual)
		}
	}
}

// Beyond, the rank of what is estimated is near the one that was asked for: the nearer, the nearer to the ends.
func TestQuantilesAreEstimatedWell(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	shapes := map[string]func() float64{
		"uniform":     random.Float64,
		"normal":      random.NormFloat64,
		"exponential": func() float64 { return math.Exp(5 * random.NormFloat64()) },
		"few":         func() float64 { return float64(random.Intn(5)) },
	}
	for name, draw := range shapes {
		for _, count := range []int{513, 5_000, 100_000} {
			d := &digest{}
			values := make([]float64, count)
			for i := range values {
				values[i] = draw()
				d.add(values[i])
			}
			slices.Sort(values)
			if d.quantile(0) != values[0] || d.quantile(1) != values[count-1] {
				t.Errorf("%s: the ends of %d values are lost", name, count)
			}
			if centroids := len(d.centroids); centroids > compression {
				t.Errorf("%s: %d centroids", name, centroids)
			}
			for _, q := range []float64{0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999} {
				estimate := d.quantile(q)
				below, _ := slices.BinarySearch(values, estimate)
				above, _ := slices.BinarySearch(values, math.Nextafter(estimate, math.Inf(1)))
				low, high := float64(below)/float64(count), float64(above)/float64(count)
				// A value that is there often has many ranks; among few different ones, estimates lie between them.
				distance := max(low-q, q-high, 0)
				if allowed := 0.01*math.Sqrt(q*(1-q))*2 + 1/float64(count); distance > allowed && name != "few" {
					t.Errorf("%s: %v of %d values has the rank %v to %v", name, q, count, low, high)
				}
			}
		}
	}
}

func TestSumsKnowWhenTheyOverflow(t *testing.T) {
	for _, c := range []struct {
		values     []int64
		total      int64
		overflowed bool
	}{
		{[]int64{math.MaxInt64, -1, 1}, math.MaxInt64, false},
		{[]int64{math.MaxInt64, 1}, 0, true},
		{[]int64{math.MinInt64, -1}, 0, true},
		{[]int64{math.MinInt64, 0}, math.MinInt64, false},
		{[]int64{0, 0}, 0, false},
	} {
		s := &stats{}
		for at, value := range c.values {
			s.add(int64(at), ofInteger(value), &needs{isInteger: true})
		}
		if s.overflowed != c.overflowed || !c.overflowed && s.total != c.total {
			t.Errorf("%v: %d, %v", c.values, s.total, s.overflowed)
		}
	}
}

func TestDeviationsOfLargeNumbersAreExact(t *testing.T) {
	s := &stats{}
	for at, value := range []float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16} {
		s.add(int64(at), ofFloat(value), &needs{deviation: true})
	}
	if d := s.deviation(); !d.valid || math.Abs(d.float()-math.Sqrt(30)) > 1e-9 {
		t.Fatal(d.float())
	}
}

func TestIncreasesDoNotOverflow(t *testing.T) {
	s := &stats{}
	counter := &counter{known: true, value: ofInteger(math.MinInt64)}
	s.add(0, ofInteger(math.MaxInt64), &needs{isInteger: true, samples: true})
	if grown, known := s.increase(counter, true); !known || grown.integer() != math.MaxInt64 {
		t.Fatal(grown.integer(), known)
	}
}
