package main

import (
	"strings"

	"wasmill.dev/plugin"
)

func wideRows(plan *plugin.Plan) process {
	type before struct {
		A int32   `column:"a"`
		B float64 `column:"b"`
		D float64 `column:"d"`
	}
	type after struct {
		C float64 `column:"c"`
	}
	input, output := plugin.ReadRows[before](plan), plugin.WriteRows[after](plan)
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			if row.A >= 9_000 && row.A < 9_500 {
				writer.Append(at, &after{row.B * (1 - row.D)})
			}
		}
		return writer.Set(out)
	}
}

func fieldsRows(plan *plugin.Plan) process {
	type before struct {
		Text *string `column:"text"`
	}
	type after struct {
		Field *string `column:"field"`
	}
	input := plugin.ReadRows[before](plan)
	plan.DropAll()
	output := plugin.WriteRows[after](plan)
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			var made after
			if row.Text != nil {
				if found, ok := second(*row.Text); ok {
					made.Field = &found
				}
			}
			writer.Append(at, &made)
		}
		return writer.Set(out)
	}
}

func recordsRows(plan *plugin.Plan) process {
	type before struct {
		Name   *string  `column:"name"`
		Amount *float64 `column:"amount"`
		Email  string   `column:"email"`
	}
	type after struct {
		Name  *string `column:"name"`
		Gross float64 `column:"gross"`
	}
	input, output := plugin.ReadRows[before](plan), plugin.WriteRows[after](plan)
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		writer := output.NewWriter(batch.Rows())
		for at, row := range input.All(batch) {
			switch {
			case row.Amount == nil || !(*row.Amount > 0):
			case !isAddress(row.Email):
				out.RejectColumn(at, "email", "bad-email", "this is no e-mail address")
			default:
				made := after{Gross: *row.Amount * 1.2}
				if row.Name != nil {
					upper := strings.ToUpper(*row.Name)
					made.Name = &upper
				}
				writer.Append(at, &made)
			}
		}
		return writer.Set(out)
	}
}
