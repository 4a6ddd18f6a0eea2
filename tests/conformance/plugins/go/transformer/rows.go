package main

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"wasmill.dev/plugin"
)

func newCopyRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	input, output := plugin.ReadRows[plugin.Row](plan), plugin.WriteRows[plugin.Row](plan, plan.Schema().Fields...)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			writer.Append(at, row)
		}
		return writer.Set(out)
	}), nil
}

// identified is a row with an id.
type identified struct {
	ID int64 `column:"id"`
}

func newEvenRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	input := plugin.ReadRows[identified](plan)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		for at, row := range input.All(batch) {
			if row.ID%2 != 0 {
				out.Drop(at)
			}
		}
		return nil
	}), nil
}

func newReverseRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	type positioned struct {
		ID       int64 `column:"id"`
		Position int64 `column:"position"`
	}
	input := plugin.ReadRows[identified](plan)
	plan.DropAll()
	output := plugin.WriteRows[positioned](plan)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		ids := make([]int64, 0, batch.Rows())
		for _, row := range input.All(batch) {
			ids = append(ids, row.ID)
		}
		writer := output.NewWriter(len(ids) + 1)
		for at, id := range slices.Backward(ids) {
			writer.Append(at, &positioned{id, int64(writer.Len())})
		}
		if len(ids) > 0 {
			writer.Append(0, &positioned{ids[0], int64(writer.Len())})
		}
		return writer.Set(out)
	}), nil
}

func newExplodeRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	input := plugin.ReadRows[plugin.Row](plan, "id")
	plan.DropAll()
	integer := plugin.DataType{Kind: plugin.KindInt64}
	output := plugin.WriteRows[plugin.Row](plan, plugin.Field{Name: "id", Type: integer, Nullable: true},
		plugin.Field{Name: "part", Type: integer, Nullable: true})
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			for part := range (*row)["id"].(int64) % 4 {
				writer.Append(at, &plugin.Row{"id": (*row)["id"], "part": part})
			}
		}
		return writer.Set(out)
	}), nil
}

type rowHolder struct {
	input  plugin.RowInput[identified]
	output plugin.RowOutput[identified]
	rows   []identified
}

func newHoldRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	input := plugin.ReadRows[identified](plan)
	plan.DropAll()
	plan.SingleInstance()
	return &rowHolder{input: input, output: plugin.WriteRows[identified](plan)}, nil
}

func (h *rowHolder) Process(batch *plugin.Batch, out *plugin.Rows) error {
	for _, row := range h.input.All(batch) {
		h.rows = append(h.rows, *row)
	}
	out.DropAll()
	return nil
}

func (h *rowHolder) Finish(out *plugin.DetachedRows) error {
	slices.SortFunc(h.rows, func(a, b identified) int { return int(min(1, max(-1, b.ID-a.ID))) })
	writer := h.output.NewWriter(len(h.rows))
	for i := range h.rows {
		writer.Append(0, &h.rows[i])
	}
	return writer.Set(out)
}

func newRejectRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	input := plugin.ReadRows[identified](plan)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		for at, row := range input.All(batch) {
			if row.ID%3 == 0 {
				out.RejectColumn(at, "id", "third", fmt.Sprintf("%d is divisible by 3", row.ID))
			}
		}
		return nil
	}), nil
}

func newWordsRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	type said struct {
		Text *string `column:"text"`
	}
	type shouted struct {
		Length *int64  `column:"length"`
		Shout  *string `column:"shout"`
	}
	input, output := plugin.ReadRows[said](plan), plugin.WriteRows[shouted](plan)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			var loud shouted
			if row.Text != nil {
				length, shout := int64(utf8.RuneCountInString(*row.Text)), *row.Text+"!é🦀"
				loud = shouted{&length, &shout}
			}
			writer.Append(at, &loud)
		}
		return writer.Set(out)
	}), nil
}

func newAddRows(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	type before struct {
		X *float64 `column:"x"`
	}
	type after struct {
		Y *float64 `column:"y"`
	}
	input, output := plugin.ReadRows[before](plan), plugin.WriteRows[after](plan)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			var made after
			if row.X != nil {
				y := *row.X + 1
				made.Y = &y
			}
			writer.Append(at, &made)
		}
		return writer.Set(out)
	}), nil
}
