package main

import (
	"math/rand"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// The windows of a grid, as they should be: an instant is in each of its windows, they begin one hop apart, and next goes from one to the
// other.
func TestEachInstantIsInItsWindows(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	grids := map[string]*grid{
		"tumbling":  {size: 3600, hop: 3600, ruler: fixed(0), perSecond: 1},
		"hopping":   {size: 3000, hop: 1200, ruler: fixed(700), perSecond: 1},
		"days":      {size: 1, hop: 1, ruler: &calendar{days, zone(t, "America/Sao_Paulo"), 1}, perSecond: 1},
		"two days":  {size: 2, hop: 1, ruler: &calendar{days, zone(t, "Europe/Berlin"), 1}, perSecond: 1},
		"weeks":     {size: 1, hop: 1, ruler: &calendar{weeks, zone(t, "Asia/Kolkata"), 1}, perSecond: 1},
		"quarters":  {size: 3, hop: 3, ruler: &calendar{months, zone(t, "America/New_York"), 1}, perSecond: 1},
		"two hours": {size: 7200, hop: 7200, ruler: fixed(1), perSecond: 1},
	}
	for name, grid := range grids {
		for range 2000 {
			at := random.Int63n(8e9) - 4e9
			windows := grid.containing(at, nil)
			if expected := (grid.size + grid.hop - 1) / grid.hop; int64(len(windows)) > expected || len(windows) == 0 || grid.tumbles() && len(windows) != 1 {
				t.Fatalf("%s: %d is in %d windows", name, at, len(windows))
			}
			for i, window := range windows {
				if at < window.start || at >= window.end {
					t.Fatalf("%s: %d is not in %v", name, at, window)
				}
				if i > 0 && grid.next(windows[i-1]) != window {
					t.Fatalf("%s: after %v comes %v in place of %v", name, windows[i-1], grid.next(windows[i-1]), window)
				}
			}
			if next := grid.next(windows[len(windows)-1]); next.start <= at {
				t.Fatalf("%s: %d is in the window after its last one, %v", name, at, next)
			}
		}
	}
}

func TestDaysOfOddZones(t *testing.T) {
	for _, c := range []struct{ zone, day, start string }{
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // begins at one o'clock
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},    // has midnight twice
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"},
		{"Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"},
		{"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"}, // the day before was left out
	} {
		day, _ := time.Parse(time.DateOnly, c.day)
		start, _ := time.Parse(time.RFC3339, c.start)
		ruler := &calendar{days, zone(t, c.zone), 1}
		if actual := ruler.instant(day.Unix() / secondsPerDay); actual != start.Unix() {
			t.Errorf("%s of %s begins at %s", c.day, c.zone, time.Unix(actual, 0).UTC())
		}
		if index := ruler.index(start.Unix()); index != day.Unix()/secondsPerDay {
			t.Errorf("%s of %s is day %d", c.start, c.zone, index)
		}
	}
}

func TestADayThatWasLeftOutHasNoWindow(t *testing.T) {
	days := &grid{size: 1, hop: 1, ruler: &calendar{days, zone(t, "Pacific/Apia"), 1}, perSecond: 1}
	last := days.containing(time.Date(2011, 12, 30, 9, 59, 59, 0, time.UTC).Unix(), nil)[0]
	if next := days.next(last); next.start != last.end || next.end-next.start != 86_400 {
		t.Fatal(last, next)
	}
}
