// The work of the benchmarks that compare languages: the same as bench/guests/wasmill and bench/guests/records do in Rust.
package main

import (
	"strings"

	"wasmill.dev/plugin"
)

// Config says what to do.
type Config struct {
	Work string `json:"work" doc:"Which work." enum:"wide,strings,records"`
	Way  string `json:"way" doc:"By columns or by rows." enum:"columns,rows" default:"columns"`
}

func init() { plugin.Transformer(open) }

func main() {}

type process func(batch *plugin.Batch, out *plugin.Rows) error

func (p process) Process(batch *plugin.Batch, out *plugin.Rows) error { return p(batch, out) }

func open(config Config, plan *plugin.Plan) (process, error) {
	works := map[string]func(*plugin.Plan) process{
		"wide columns": wide, "strings columns": fields, "records columns": records,
		"wide rows": wideRows, "strings rows": fieldsRows, "records rows": recordsRows,
	}
	return works[config.Work+" "+config.Way](plan), nil
}

func wide(plan *plugin.Plan) process {
	a, b, d := plugin.Read[int32](plan, "a"), plugin.Read[float64](plan, "b"), plugin.Read[float64](plan, "d")
	c := plugin.Write[float64](plan, "c")
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		as, bs, ds := a.Of(batch), b.Of(batch), d.Of(batch)
		values := as.Values()
		out.Filter(func(row int) bool { return values[row] >= 9_000 && values[row] < 9_500 })
		b, d := bs.Values(), ds.Values()
		made := make([]float64, len(b))
		for row, b := range b {
			made[row] = b * (1 - d[row])
		}
		c.Set(out, plugin.FromSlice(made).NullsOf(bs, ds))
		return nil
	}
}

func fields(plan *plugin.Plan) process {
	text := plugin.Read[string](plan, "text")
	plan.DropAll()
	field := plugin.Write[string](plan, "field")
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		texts := text.Of(batch)
		builder := plugin.NewTextBuilder(batch.Rows(), len(texts.Array().Bytes())/2)
		for row, text := range texts.Values() {
			if found, ok := second(text); ok && !texts.IsNull(row) {
				builder.Append(found)
			} else {
				builder.AppendNull()
			}
		}
		field.Set(out, builder.Build())
		return nil
	}
}

// second is what stands between the first dot and the next one, or the end.
func second(text string) (string, bool) {
	_, rest, found := strings.Cut(text, ".")
	if end := strings.IndexByte(rest, '.'); end >= 0 {
		rest = rest[:end]
	}
	return rest, found
}

func records(plan *plugin.Plan) process {
	name, amount, email := plugin.Read[string](plan, "name"), plugin.Read[float64](plan, "amount"), plugin.Read[string](plan, "email")
	upper, gross := plugin.Write[string](plan, "name"), plugin.Write[float64](plan, "gross")
	return func(batch *plugin.Batch, out *plugin.Rows) error {
		names, amounts, emails := name.Of(batch), amount.Of(batch), email.Of(batch)
		addresses := emails.Values()
		made := make([]float64, batch.Rows())
		for row, amount := range amounts.Values() {
			made[row] = amount * 1.2
			if amounts.IsNull(row) || !(amount > 0) {
				out.Drop(row)
			} else if emails.IsNull(row) || !isAddress(addresses[row]) {
				out.RejectColumn(row, "email", "bad-email", "this is no e-mail address")
			}
		}
		gross.Set(out, plugin.FromSlice(made).NullsOf(amounts))
		capitals := plugin.NewTextBuilder(batch.Rows(), len(names.Array().Bytes()))
		for row, name := range names.Values() {
			if names.IsNull(row) {
				capitals.AppendNull()
			} else {
				capitals.AppendUpper(name)
			}
		}
		upper.Set(out, capitals.Build())
		return nil
	}
}

// isAddress says whether there is exactly one @, something before it, and a domain with a dot inside.
func isAddress(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	return found && local != "" && len(domain) > 2 && strings.IndexByte(domain, '@') < 0 &&
		strings.IndexByte(domain[1:len(domain)-1], '.') >= 0
}
