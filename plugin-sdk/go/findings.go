package plugin

import "slices"

// finding is what is wrong with some rows.
type finding struct {
	rows                  []uint32
	rule, column, message string
}

// findings of one batch: rows that share rule, column and message share a finding.
type findings struct {
	list  []finding
	index map[findingKey]int
	// last is the finding that was added to last: mostly the next one to be added to.
	last int
}

type findingKey struct{ rule, column, message string }

func (f *findings) add(row int, rule, column, message string) {
	if f.last < len(f.list) {
		if last := &f.list[f.last]; last.rule == rule && last.column == column && last.message == message {
			last.add(uint32(row))
			return
		}
	}
	key := findingKey{rule, column, message}
	index, known := f.index[key]
	if !known {
		if f.index == nil {
			f.index = map[findingKey]int{}
		}
		index = len(f.list)
		f.index[key] = index
		f.list = append(f.list, finding{rule: rule, column: column, message: message})
	}
	f.last = index
	f.list[index].add(uint32(row))
}

// add keeps the rows ascending, each once. They mostly come in order.
func (f *finding) add(row uint32) {
	if count := len(f.rows); count == 0 || f.rows[count-1] < row {
		f.rows = append(f.rows, row)
	} else if place, known := slices.BinarySearch(f.rows, row); !known {
		f.rows = slices.Insert(f.rows, place, row)
	}
}
