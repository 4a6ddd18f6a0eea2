package main

import "math"

// fill adds the windows between two of a series: there are no readings in them.
func (e *engine) fill(before, after row) {
	first := e.grid.next(before.span)
	missing := int64(0)
	for w := first; w.start < after.start; w = e.grid.next(w) {
		if missing++; missing > e.fillLimit {
			e.longGaps++
			return
		}
	}
	for w := first; w.start < after.start; w = e.grid.next(w) {
		fraction := float64(w.start-before.start) / float64(after.start-before.start)
		filled := row{span: w, series: after.series, values: make([]cell, len(e.results)), filled: true}
		for i := range e.results {
			filled.values[i] = e.results[i].between(before.values[i], after.values[i], fraction)
		}
		e.closed = append(e.closed, filled)
	}
}

// between is the value of a window without readings that lies at this fraction of the way between two others.
func (r *result) between(before, after cell, fraction float64) cell {
	switch {
	case r.kind == kindCount:
		return cell{ofInteger(0), true}
	case r.kind.isAmount():
		return cell{} // made up, it would be counted beside what there is
	case r.fill == "previous":
		return before
	case r.fill != "linear" || !before.valid || !after.valid:
		return cell{}
	case r.isInteger:
		// In two parts, because the difference of two integers may not fit.
		low, high := float64(before.integer())*(1-fraction), float64(after.integer())*fraction
		return cell{ofInteger(int64(math.RoundToEven(low + high))), true}
	}
	return cell{ofFloat(between(before.float(), after.float(), fraction)), true}
}
