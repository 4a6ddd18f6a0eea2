package main

import (
	"fmt"

	"wasmill.dev/plugin"
)

// engine puts readings into windows. What becomes of readings depends on them and their order alone, so it does not matter how the
// host cuts its input into batches.
//
// Each series, the readings of one key, has a watermark: the time of its latest reading, less the lateness. Windows that end at or
// before the watermark are closed, the earliest first, and are rows of the output. A reading is late when one of the windows that it
// belongs to is closed, whether there was such a window or not.
//
// Invariants: the open windows of a series are in the order of their beginnings, and end after its watermark. A series has an open
// window always, the one with its latest reading, so the limit on windows bounds series too.
type engine struct {
	grid      *grid
	lateness  int64
	columns   []needs
	results   []result
	fills     bool
	fillLimit int64

	maxWindows, maxSamples int
	windows, samples       int
	// series are in the order of their first readings: a map has none.
	series   []*series
	byKey    map[string]*series
	closed   []row
	longGaps int
	spans    []span
	spare    []*window
}

// series is the readings of one key.
type series struct {
	// key is the values of the key columns.
	key    []any
	latest int64
	open   []*window
	// last is the window that was closed last.
	last    row
	hasLast bool
	// counters are those of results that are increases.
	counters []counter
}

type window struct {
	span
	readings int64
	stats    []stats
}

// row is a window that is closed, as the output has it.
type row struct {
	span
	series *series
	values []cell
	filled bool
}

// cell is a value of the output.
type cell struct {
	number
	valid bool
}

// result is a column of the output.
type result struct {
	name string
	kind kind
	// column is the place among the columns that are gathered; -1 where readings are counted.
	column    int
	isInteger bool
	q         float64
	fill      string
}

// reading is what a row has of the columns that are gathered.
type reading struct {
	columns []numbers
	row     int
}

// numbers are those of a column.
type numbers struct {
	values []number
	// isNull is nil where nothing is.
	isNull func(row int) bool
}

// begin makes the series of a key that has none yet.
func (e *engine) begin(key string, values []any) *series {
	if e.byKey == nil {
		e.byKey = map[string]*series{}
	}
	made := &series{key: values, latest: -1 << 63, counters: make([]counter, len(e.results))}
	e.byKey[key] = made
	e.series = append(e.series, made)
	return made
}

// add puts a reading into its windows; false where it is late.
func (e *engine) add(s *series, at int64, reading *reading) (bool, error) {
	if at > s.latest {
		s.latest = at
		if err := e.close(s, at-e.lateness); err != nil {
			return false, err
		}
	}
	// Most readings are of the window that was begun last.
	if last := len(s.open) - 1; last >= 0 && e.grid.tumbles() && s.open[last].start <= at && at < s.open[last].end {
		return true, e.gather(s.open[last], at, reading)
	}
	e.spans = e.grid.containing(at, e.spans[:0])
	if e.spans[0].end <= s.latest-e.lateness {
		return false, nil
	}
	for _, span := range e.spans {
		w, err := e.window(s, span)
		if err != nil {
			return false, err
		}
		if err := e.gather(w, at, reading); err != nil {
			return false, err
		}
	}
	return true, nil
}

// window is the open window of a span.
func (e *engine) window(s *series, span span) (*window, error) {
	place := len(s.open)
	for place > 0 && span.isBefore(s.open[place-1].span) {
		place--
	}
	if place > 0 && s.open[place-1].span == span {
		return s.open[place-1], nil
	}
	if e.windows >= e.maxWindows {
		return nil, full("max_windows", fmt.Sprintf("%d windows are open at once, and `max_windows` allows no more: raise `partitions` of the step, lower `lateness`", e.maxWindows))
	}
	e.windows++
	made := e.newWindow()
	made.span = span
	s.open = append(s.open, nil)
	copy(s.open[place+1:], s.open[place:])
	s.open[place] = made
	return made, nil
}

// full says that a limit is reached. No row is at fault, so none is to be searched for: it is the configuration that cannot work with
// so much.
func full(option, message string) error {
	return plugin.BadConfig("/"+option, fmt.Sprintf("%s, or raise `%s` and `limits.memory`", message, option))
}

func (e *engine) newWindow() *window {
	if last := len(e.spare) - 1; last >= 0 {
		spare := e.spare[last]
		e.spare = e.spare[:last]
		return spare
	}
	return &window{stats: make([]stats, len(e.columns))}
}

func (e *engine) gather(w *window, at int64, reading *reading) error {
	w.readings++
	for i := range w.stats {
		column := &reading.columns[i]
		if column.isNull != nil && column.isNull(reading.row) {
			continue
		}
		w.stats[i].add(at, column.values[reading.row], &e.columns[i])
		if e.columns[i].samples {
			if e.samples++; e.samples > e.maxSamples {
				return full("max_samples", fmt.Sprintf("%d readings are held for `increase`, and `max_samples` allows no more: raise `partitions` of the step, make windows smaller", e.maxSamples))
			}
		}
	}
	return nil
}

// close closes the windows that end at or before the watermark.
func (e *engine) close(s *series, watermark int64) error {
	count := 0
	for count < len(s.open) && s.open[count].end <= watermark {
		if err := e.closeWindow(s, s.open[count]); err != nil {
			return err
		}
		count++
	}
	if count > 0 {
		s.open = s.open[:copy(s.open, s.open[count:])]
	}
	return nil
}

func (e *engine) closeWindow(s *series, w *window) error {
	closed := row{span: w.span, series: s, values: make([]cell, len(e.results))}
	for i := range e.results {
		var err error
		if closed.values[i], err = e.results[i].of(w, &s.counters[i], e.columns); err != nil {
			return err
		}
	}
	if e.fills && s.hasLast {
		e.fill(s.last, closed)
	}
	s.last, s.hasLast = closed, true
	e.closed = append(e.closed, closed)
	e.windows--
	for i := range w.stats {
		e.samples -= len(w.stats[i].samples)
		w.stats[i] = stats{samples: w.stats[i].samples[:0]}
	}
	w.readings = 0
	if len(e.spare) < 1024 {
		e.spare = append(e.spare, w)
	}
	return nil
}

// finish closes all windows.
func (e *engine) finish() error {
	for _, s := range e.series {
		if err := e.close(s, 1<<63-1); err != nil {
			return err
		}
	}
	return nil
}

// of is the value of a window's column.
func (r *result) of(w *window, counter *counter, columns []needs) (cell, error) {
	if r.column < 0 {
		return cell{ofInteger(w.readings), true}, nil
	}
	stats := &w.stats[r.column]
	if r.kind == kindCount {
		return cell{ofInteger(stats.count), true}, nil
	}
	if stats.count == 0 {
		return cell{}, nil
	}
	switch r.kind {
	case kindSum:
		if !r.isInteger {
			return cell{ofFloat(stats.floatSum()), true}, nil
		}
		if stats.overflowed {
			return cell{}, plugin.BadConfig(valuePointer(r.name), fmt.Sprintf("the sum of the window from %d to %d (as the time column counts) does not fit into 64 bits: make floats of its column in a step before", w.start, w.end))
		}
		return cell{ofInteger(stats.total), true}, nil
	case kindMean:
		return cell{ofFloat(stats.floatSum() / float64(stats.count)), true}, nil
	case kindMin:
		return cell{stats.min, true}, nil
	case kindMax:
		return cell{stats.max, true}, nil
	case kindFirst:
		return cell{stats.first, true}, nil
	case kindLast:
		return cell{stats.last, true}, nil
	case kindStddev:
		return stats.deviation(), nil
	case kindQuantile:
		return cell{ofFloat(stats.digest.quantile(r.q)), true}, nil
	}
	grown, known := stats.increase(counter, columns[r.column].isInteger)
	return cell{grown, known}, nil
}
