package main

import (
	"math"
	"math/rand"
	"testing"
)

// A model: all readings are kept, and each window is computed from those that were not late.
func TestWindowsHoldWhatTheModelSays(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	for range 300 {
		hop := 1 + random.Int63n(10)
		size := hop + random.Int63n(20)
		lateness := random.Int63n(30)
		e := &engine{
			grid: &grid{size: size, hop: hop, ruler: fixed(random.Int63n(hop)), perSecond: 1}, lateness: lateness,
			columns: []needs{{}}, results: []result{{kind: kindSum}}, maxWindows: math.MaxInt, maxSamples: math.MaxInt,
		}
		s := e.begin("", nil)
		expected := map[span]float64{}
		latest := int64(math.MinInt64)
		for range 200 {
			at := random.Int63n(200) - 100
			value := float64(random.Intn(100))
			latest = max(latest, at)
			windows := e.grid.containing(at, nil)
			isLate := windows[0].end <= latest-lateness
			taken, err := e.add(s, at, &reading{columns: []numbers{{values: []number{ofFloat(value)}}}})
			if err != nil || taken == isLate {
				t.Fatal(at, latest, windows, taken, err)
			}
			for _, window := range windows {
				if taken {
					expected[window] += value
				}
			}
		}
		if err := e.finish(); err != nil || e.windows != 0 || len(e.closed) != len(expected) {
			t.Fatal(err, e.windows, len(e.closed), len(expected))
		}
		for i, row := range e.closed {
			if i > 0 && !e.closed[i-1].isBefore(row.span) {
				t.Fatal("windows out of order", e.closed[i-1].span, row.span)
			}
			if sum, known := expected[row.span]; !known || row.values[0].float() != sum {
				t.Fatal(row.span, row.values[0].float(), sum)
			}
		}
	}
}
