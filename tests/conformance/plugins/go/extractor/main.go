// The extractor of the conformance suite: it counts.
package main

import (
	"fmt"
	"strconv"

	"wasmill.dev/plugin"
)

// Config says how far.
type Config struct {
	Rows     int64  `json:"rows" doc:"Rows of each split." default:"10" minimum:"0"`
	Splits   int64  `json:"splits" doc:"How many splits there are." default:"2" minimum:"0"`
	BadEvery int64  `json:"bad_every" doc:"Instead of each id that this divides there is a bad record; 0 for none." default:"0" minimum:"0"`
	Way      string `json:"way" doc:"By columns or by rows." enum:"columns,rows" default:"columns"`
}

// record is a row, for the way by rows.
type record struct {
	ID   int64   `column:"id"`
	Name *string `column:"name"`
}

type counter struct {
	config         Config
	id             plugin.Output[int64]
	name           plugin.Output[string]
	rows           plugin.RowOutput[record]
	start, at, end int64
}

func init() { plugin.Extractor(open) }

func main() {}

func open(config Config, plan *plugin.WritePlan) (*counter, error) {
	c := &counter{config: config}
	if config.Way == "rows" {
		c.rows = plugin.WriteRows[record](plan)
		return c, nil
	}
	c.id = plugin.WriteAs[int64](plan, plugin.Field{Name: "id", Type: plugin.DataType{Kind: plugin.KindInt64}})
	c.name = plugin.Write[string](plan, "name")
	return c, nil
}

func (c *counter) Plan(cursors []plugin.CursorPosition) ([]plugin.Split, error) {
	var start int64
	for _, cursor := range cursors {
		if cursor.Split == "part-0" {
			var err error
			if start, err = strconv.ParseInt(cursor.Position, 10, 64); err != nil {
				return nil, err
			}
		}
	}
	rows := uint64(c.config.Rows)
	var splits []plugin.Split
	for i := range c.config.Splits {
		splits = append(splits, plugin.Split{
			ID: fmt.Sprintf("part-%d", i), Descriptor: fmt.Sprintf("%d %d", start, i), Rows: &rows,
		})
	}
	return splits, nil
}

func (c *counter) Open(split plugin.Split) error {
	var part int64
	if _, err := fmt.Sscanf(split.Descriptor, "%d %d", &c.start, &part); err != nil {
		return err
	}
	c.at = c.start + part*c.config.Rows
	c.end = c.at + c.config.Rows
	return nil
}

func (c *counter) Next(maxRows int, out *plugin.Extracted) (bool, error) {
	if c.at >= c.end {
		return false, nil
	}
	var ids []int64
	for ; c.at < c.end && len(ids) < maxRows; c.at++ {
		if c.config.BadEvery > 0 && c.at%c.config.BadEvery == 0 {
			raw := fmt.Appendf(nil, "bad %d", c.at)
			out.Reject(fmt.Sprintf("id %d", c.at), raw, "bad", fmt.Sprintf("%d is bad", c.at))
			continue
		}
		ids = append(ids, c.at)
	}
	if c.config.Way == "rows" {
		writer := c.rows.NewWriter(len(ids))
		for _, id := range ids {
			row := record{ID: id}
			if id%5 != 0 {
				name := nameOf(id)
				row.Name = &name
			}
			writer.Append(0, &row)
		}
		return true, writer.Set(out)
	}
	names := plugin.NewBuilder[string](len(ids))
	for _, id := range ids {
		names.AppendIf(nameOf(id), id%5 != 0)
	}
	c.id.Set(out, plugin.FromSlice(ids))
	c.name.Set(out, names.Build())
	return true, nil
}

func nameOf(id int64) string { return "row " + strconv.FormatInt(id, 10) }

func (c *counter) Cursor() (string, error) {
	return strconv.FormatInt(c.start+c.config.Splits*c.config.Rows, 10), nil
}
