package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // there are no files in the sandbox

	"wasmill.dev/plugin"
)

// Config is what the pipeline file says under `config`.
type Config struct {
	Keys       []string           `json:"keys" default:"[]" doc:"The columns that say whose readings they are: text, integers, booleans or dates. Without any, all readings are of one series."`
	Time       string             `json:"time" doc:"The column with the time of the reading: a timestamp, or an int64 with time_unit."`
	TimeUnit   *string            `json:"time_unit" enum:"s,ms,us,ns" doc:"What an int64 in time counts since 1970."`
	Size       string             `json:"size" doc:"How long a window is: 30s, 15m, 1h, or days (1d), weeks from Monday (1w) and months (1mo) of the zone."`
	Hop        *string            `json:"hop" doc:"How much later the next window begins; as long as size where left out. Shorter: windows overlap."`
	Zone       string             `json:"zone" default:"UTC" doc:"The time zone of days, weeks and months, such as Europe/Berlin."`
	Offset     *string            `json:"offset" doc:"How much later than a multiple of hop since 1970 (UTC) windows begin; not of days, weeks and months."`
	Values     map[string]Measure `json:"values" doc:"The columns to make by their names, such as { average = { mean = \"temperature\" } }."`
	Fill       string             `json:"fill" enum:"none,null,previous,linear" default:"none" doc:"What windows between two others get that have no readings; none: there are no such windows."`
	FillLimit  int64              `json:"fill_limit" default:"500" minimum:"1" maximum:"1000000" doc:"Gaps of more windows than this are not filled."`
	Lateness   string             `json:"lateness" default:"0s" doc:"How much longer than until its end a window stays open, by the latest reading of its key."`
	Prefix     string             `json:"prefix" default:"window_" doc:"What the names of the columns start, end and filled begin with."`
	MaxWindows int                `json:"max_windows" default:"100000" minimum:"1" doc:"How many windows an instance may have open."`
	MaxSamples int                `json:"max_samples" default:"2000000" minimum:"1" doc:"How many readings an instance may hold for increase."`
}

// Measure is a column of the output: one of the aggregates, of one column.
type Measure struct {
	Count    *string  `json:"count" doc:"How many values of this column there are; of * how many readings."`
	Sum      *string  `json:"sum"`
	Mean     *string  `json:"mean"`
	Min      *string  `json:"min"`
	Max      *string  `json:"max"`
	First    *string  `json:"first" doc:"The earliest value."`
	Last     *string  `json:"last" doc:"The latest value."`
	Stddev   *string  `json:"stddev" doc:"The standard deviation of the sample."`
	Quantile *string  `json:"quantile" doc:"The quantile q."`
	Increase *string  `json:"increase" doc:"By how much a counter has grown that may begin anew."`
	Q        *float64 `json:"q" minimum:"0" maximum:"1" doc:"With quantile: 0.5 is the median."`
	Fill     *string  `json:"fill" enum:"null,previous,linear" doc:"In place of the fill of all columns."`
}

// kind is an aggregate.
type kind uint8

const (
	kindCount kind = iota
	kindSum
	kindMean
	kindMin
	kindMax
	kindFirst
	kindLast
	kindStddev
	kindQuantile
	kindIncrease
)

var kindNames = [...]string{"count", "sum", "mean", "min", "max", "first", "last", "stddev", "quantile", "increase"}

// isAmount says whether it makes sense to add the values of several windows up.
func (k kind) isAmount() bool { return k == kindCount || k == kindSum || k == kindIncrease }

// of returns the only aggregate that is given, and its column.
func (m *Measure) of(pointer string) (kind, string, error) {
	found, column := -1, ""
	for k, name := range []*string{m.Count, m.Sum, m.Mean, m.Min, m.Max, m.First, m.Last, m.Stddev, m.Quantile, m.Increase} {
		if name == nil {
			continue
		}
		if found >= 0 {
			return 0, "", plugin.BadConfig(pointer, fmt.Sprintf("has `%s` and `%s`: give each a column of its own", kindNames[found], kindNames[k]))
		}
		found, column = k, *name
	}
	switch {
	case found < 0:
		return 0, "", plugin.BadConfig(pointer, "needs one of "+strings.Join(kindNames[:], ", ")+`, such as { mean = "temperature" }`)
	case kind(found) == kindQuantile && m.Q == nil:
		return 0, "", plugin.BadConfig(pointer, "`quantile` needs `q`, such as q = 0.95")
	case m.Q != nil && !(*m.Q >= 0 && *m.Q <= 1):
		return 0, "", plugin.BadConfig(pointer+"/q", "a quantile is between 0 and 1, such as 0.95")
	case kind(found) != kindQuantile && m.Q != nil:
		return 0, "", plugin.BadConfig(pointer+"/q", "`q` belongs to `quantile`: leave it out")
	case kind(found).isAmount() && m.Fill != nil:
		return 0, "", plugin.BadConfig(pointer+"/fill", fmt.Sprintf("`%s` is never made up, or sums over windows would be too large: leave `fill` out", kindNames[found]))
	}
	return kind(found), column, nil
}

// names returns the names of the values in their order: the alphabet's, because the configuration has none.
func (c *Config) names() []string {
	names := make([]string, 0, len(c.Values))
	for name := range c.Values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func valuePointer(name string) string {
	return "/values/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// longest is how long a window may be: far below what would make times overflow.
const longest = 3660 * 24 * time.Hour

// ticks is a length of time in units of the time column.
func (c *Config) ticks(pointer, text string, perSecond int64) (int64, error) {
	length, err := time.ParseDuration(text)
	if err != nil || length < 0 {
		forms := `"30s", "15m", "1h30m"`
		if pointer == "/size" || pointer == "/hop" {
			forms += `, "1d", "1w", "1mo"`
		}
		return 0, plugin.BadConfig(pointer, fmt.Sprintf("`%s` is no length of time; such are %s", text, forms))
	}
	if length > longest {
		return 0, plugin.BadConfig(pointer, fmt.Sprintf("`%s` is more than ten years", text))
	}
	unit := time.Second / time.Duration(perSecond)
	if length%unit != 0 {
		return 0, plugin.BadConfig(pointer, fmt.Sprintf("`%s` is no multiple of %s, the unit of `%s`", text, unit, c.Time))
	}
	return int64(length / unit), nil
}

// calendarLength takes "2d", "1w" and "3mo" apart; false for lengths that are the same everywhere.
func calendarLength(text string) (int64, calendarUnit, bool) {
	for _, unit := range []calendarUnit{days, weeks, months} {
		digits, found := strings.CutSuffix(text, unit.suffix())
		if count, err := strconv.ParseInt(digits, 10, 16); found && err == nil && count > 0 {
			return count, unit, true
		}
	}
	return 0, 0, false
}

// mostWindows is how many windows may hold one reading.
const mostWindows = 100

// grid makes the windows.
func (c *Config) grid(perSecond int64) (*grid, error) {
	made, err := c.gridOfSize(perSecond)
	if err != nil {
		return nil, err
	}
	hop := func(message string) error { return plugin.BadConfig("/hop", message) }
	switch {
	case made.hop > made.size:
		return nil, hop(fmt.Sprintf("`%s` is longer than the window, %s: readings between windows would be lost", *c.Hop, c.Size))
	case (made.size+made.hop-1)/made.hop > mostWindows:
		return nil, hop(fmt.Sprintf("`%s` is so short that each reading would be in more than %d windows of %s", *c.Hop, mostWindows, c.Size))
	}
	return made, nil
}

func (c *Config) gridOfSize(perSecond int64) (*grid, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "" || c.Zone == "Local" {
		return nil, plugin.BadConfig("/zone", fmt.Sprintf("there is no time zone `%s`; they are called as in Europe/Berlin", c.Zone))
	}
	if size, unit, isCalendar := calendarLength(c.Size); isCalendar {
		if c.Offset != nil {
			return nil, plugin.BadConfig("/offset", "days, weeks and months begin at midnight of `zone`: leave `offset` out, or make windows of hours")
		}
		hop := size
		if c.Hop != nil {
			var hopUnit calendarUnit
			hop, hopUnit, isCalendar = calendarLength(*c.Hop)
			if !isCalendar || hopUnit != unit {
				return nil, plugin.BadConfig("/hop", fmt.Sprintf("`%s` does not go with windows of %s: both have to be in `%s`", *c.Hop, c.Size, unit.suffix()))
			}
		}
		if size > unit.inTenYears() {
			return nil, plugin.BadConfig("/size", fmt.Sprintf("`%s` is more than ten years", c.Size))
		}
		return &grid{size: size, hop: hop, ruler: &calendar{unit: unit, zone: zone, perSecond: perSecond}, perSecond: perSecond}, nil
	}
	if c.Zone != "UTC" {
		return nil, plugin.BadConfig("/zone", fmt.Sprintf("windows of %s are the same in each zone: leave `zone` out, or make windows of days (\"1d\"); `offset` moves their beginnings", c.Size))
	}
	size, err := c.ticks("/size", c.Size, perSecond)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, plugin.BadConfig("/size", "a window of no length holds nothing: make it longer")
	}
	hop, offset := size, int64(0)
	if c.Hop != nil {
		if hop, err = c.ticks("/hop", *c.Hop, perSecond); err != nil {
			return nil, err
		}
		if hop == 0 {
			return nil, plugin.BadConfig("/hop", "windows cannot begin all at once: leave `hop` out, or make it longer")
		}
	}
	if c.Offset != nil {
		if offset, err = c.ticks("/offset", *c.Offset, perSecond); err != nil {
			return nil, err
		}
	}
	return &grid{size: size, hop: hop, ruler: fixed(offset % hop), perSecond: perSecond}, nil
}

// saturating multiplication of what is not near zero.
func saturatingMultiply(value, factor int64) int64 {
	product := value * factor
	if product/factor == value {
		return product
	}
	if value < 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}
