package main

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"wasmill.dev/plugin"
)

func newCopy(plan *plugin.Plan, config Config) (plugin.Processor, error) {
	fields := plan.Schema().Fields
	var inputs []plugin.AnyInput
	var outputs []plugin.AnyOutput
	for _, field := range fields {
		inputs = append(inputs, plugin.ReadAny(plan, field.Name))
		outputs = append(outputs, plugin.WriteAny(plan, field))
	}
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		for i, input := range inputs {
			column := input.Of(batch)
			if config.By == "buffers" {
				outputs[i].Set(out, column)
				continue
			}
			builder := outputs[i].NewBuilder()
			for row := range column.Len() {
				if err := builder.Append(column.Value(row)); err != nil {
					return err
				}
			}
			outputs[i].Set(out, builder.Build())
		}
		return nil
	}), nil
}

func newKeep(*plugin.Plan, Config) (plugin.Processor, error) {
	return process(func(*plugin.Batch, *plugin.Rows) error { return nil }), nil
}

func newRename(plan *plugin.Plan, config Config) (plugin.Processor, error) {
	fields := plan.Schema().Fields
	plan.Drop(fields[len(fields)-1].Name)
	if len(fields) > 1 {
		plan.Rename(fields[0].Name, "renamed")
	}
	return newKeep(plan, config)
}

func newEven(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	id := plugin.Read[int64](plan, "id")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		ids := id.Of(batch).Values()
		out.Filter(func(row int) bool { return ids[row]%2 == 0 })
		return nil
	}), nil
}

func newReverse(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	position := plugin.Write[int64](plan, "position")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		var rows []uint32
		for row := batch.Rows() - 1; row >= 0; row-- {
			rows = append(rows, uint32(row))
		}
		if batch.Rows() > 0 {
			rows = append(rows, 0)
		}
		positions := make([]int64, len(rows))
		for i := range positions {
			positions[i] = int64(i)
		}
		out.Take(rows)
		position.Set(out, plugin.FromSlice(positions))
		return nil
	}), nil
}

func newExplode(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	id := plugin.Read[int64](plan, "id")
	plan.DropAll()
	idAgain, part := plugin.Write[int64](plan, "id"), plugin.Write[int64](plan, "part")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		var rows []uint32
		var ids, parts []int64
		for row, id := range id.Of(batch).Values() {
			for part := range id % 4 {
				rows, ids, parts = append(rows, uint32(row)), append(ids, id), append(parts, part)
			}
		}
		out.Take(rows)
		idAgain.Set(out, plugin.FromSlice(ids))
		part.Set(out, plugin.FromSlice(parts))
		return nil
	}), nil
}

func newRunning(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	key, seen := plugin.Read[string](plan, "key"), plugin.Write[int64](plan, "seen")
	plan.KeyedBy("key")
	// Null is a key too.
	type keyOf struct {
		text  string
		valid bool
	}
	counts := map[keyOf]int64{}
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		keys := key.Of(batch)
		seenSoFar := make([]int64, batch.Rows())
		for row := range seenSoFar {
			text, valid := keys.Get(row)
			counts[keyOf{text, valid}]++
			seenSoFar[row] = counts[keyOf{text, valid}]
		}
		seen.Set(out, plugin.FromSlice(seenSoFar))
		return nil
	}), nil
}

type counter struct {
	rows  plugin.Output[int64]
	count int64
}

func newCount(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	plan.DropAll()
	plan.SingleInstance()
	return &counter{rows: plugin.Write[int64](plan, "rows")}, nil
}

func (c *counter) Process(batch *plugin.Batch, out *plugin.Rows) error {
	c.count += int64(batch.Rows())
	out.DropAll()
	return nil
}

func (c *counter) Finish(out *plugin.DetachedRows) error {
	c.rows.Set(out, plugin.FromSlice([]int64{c.count}))
	return nil
}

type holder struct {
	id   plugin.Input[int64]
	held plugin.Output[int64]
	ids  []int64
}

func newHold(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	id := plugin.Read[int64](plan, "id")
	plan.DropAll()
	plan.SingleInstance()
	return &holder{id: id, held: plugin.Write[int64](plan, "id")}, nil
}

func (h *holder) Process(batch *plugin.Batch, out *plugin.Rows) error {
	h.ids = append(h.ids, h.id.Of(batch).Values()...)
	out.DropAll()
	return nil
}

func (h *holder) Finish(out *plugin.DetachedRows) error {
	if len(h.ids) > 0 {
		slices.Sort(h.ids)
		slices.Reverse(h.ids)
		h.held.Set(out, plugin.FromSlice(h.ids))
	}
	return nil
}

func newReject(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	id := plugin.Read[int64](plan, "id")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		for row, id := range id.Of(batch).Values() {
			if id%3 == 0 {
				out.RejectColumn(row, "id", "third", fmt.Sprintf("%d is divisible by 3", id))
			}
		}
		return nil
	}), nil
}

func newUnchanged(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	text := plugin.Read[string](plan, "text")
	again := plugin.Write[string](plan, "text")
	return process(func(_ *plugin.Batch, out *plugin.Rows) error {
		again.SetUnchanged(out, text)
		return nil
	}), nil
}

func newWords(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	text := plugin.Read[string](plan, "text")
	length, shout := plugin.Write[int64](plan, "length"), plugin.Write[string](plan, "shout")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		texts := text.Of(batch)
		length.Set(out, plugin.Map(texts, func(text string) int64 { return int64(utf8.RuneCountInString(text)) }))
		shout.Set(out, plugin.Map(texts, func(text string) string { return text + "!é🦀" }))
		return nil
	}), nil
}

func newAdd(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	x, y := plugin.Read[float64](plan, "x"), plugin.Write[float64](plan, "y")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		y.Set(out, plugin.Map(x.Of(batch), func(x float64) float64 { return x + 1 }))
		return nil
	}), nil
}
