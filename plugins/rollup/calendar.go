package main

import "time"

// calendarUnit is what a calendar counts.
type calendarUnit uint8

const (
	days calendarUnit = iota
	weeks
	months
)

func (u calendarUnit) suffix() string { return [...]string{"d", "w", "mo"}[u] }

// inTenYears is how many there are in ten years, about.
func (u calendarUnit) inTenYears() int64 { return [...]int64{3660, 520, 120}[u] }

const secondsPerDay = 86_400

// calendar is a ruler of days, weeks (from Monday) or months of a zone, counted from the one of 1970-01-01. A day is what is called
// by its date on the clocks of the zone, so some have 23 or 25 hours.
type calendar struct {
	unit      calendarUnit
	zone      *time.Location
	perSecond int64
}

func (c *calendar) index(instant int64) int64 {
	year, month, day := time.Unix(floorDivide(instant, c.perSecond), 0).In(c.zone).Date()
	if c.unit == months {
		return int64(year-1970)*12 + int64(month-time.January)
	}
	number := floorDivide(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), secondsPerDay)
	if c.unit == weeks {
		return floorDivide(number+3, 7) // 1970-01-01 was a Thursday
	}
	return number
}

func (c *calendar) instant(index int64) int64 {
	switch c.unit {
	case months:
		return c.midnight(1970, time.Month(index+1), 1)
	case weeks:
		return c.midnight(1970, time.January, 1+int(7*index-3))
	}
	return c.midnight(1970, time.January, 1+int(index))
}

// longest is that of the longest step, and of what zones add.
func (c *calendar) longest() int64 {
	return [...]int64{2, 8, 32}[c.unit] * secondsPerDay * c.perSecond
}

// midnight is the first instant of a date. Clocks may be set forward at midnight, so that the date begins at one o'clock, or back to
// it, so that it is midnight twice: time.Date does not say which instant it gives then.
func (c *calendar) midnight(year int, month time.Month, day int) int64 {
	naive := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	// The clocks show midnight where UTC, together with the offset that holds there, does. Offsets change at most once in a day.
	_, before := naive.Add(-26 * time.Hour).In(c.zone).Zone()
	_, after := naive.Add(26 * time.Hour).In(c.zone).Zone()
	earlier, later := naive.Unix()-int64(max(before, after)), naive.Unix()-int64(min(before, after))
	for _, candidate := range []int64{earlier, later} {
		if shown := time.Unix(candidate, 0).In(c.zone); shown.Hour() == 0 && shown.Minute() == 0 && shown.Day() == naive.Day() {
			return candidate * c.perSecond
		}
	}
	// No clock shows it: the date begins where the clocks were set.
	start, _ := time.Unix(later, 0).In(c.zone).ZoneBounds()
	return start.Unix() * c.perSecond
}
