// Reads orders that are newer than those of the last run, from an API with pages:
//
//	GET /orders/last                        {"id": 3}
//	GET /orders?after=0&until=3&limit=100   [{"id": 1, "amount": 9.5}, ...] by id
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"wasmill.dev/plugin"
	"wasmill.dev/plugin/connection"
)

// Config is what a pipeline may say.
type Config struct {
	Connection string `json:"connection" doc:"The connection to the API. The pipeline file says where it leads, and grants it."`
	PageRows   int    `json:"page_rows" doc:"How many orders a page has at most." default:"100" minimum:"1"`
}

type order struct {
	ID     *int64   `json:"id"`
	Amount *float64 `json:"amount"`
}

type orders struct {
	api      connection.Connection
	pageRows int
	id       plugin.Output[int64]
	amount   plugin.Output[float64]
	// The split in hand: orders behind the one, up to the other.
	after, until int64
}

func init() { plugin.Extractor(open) }

func main() {}

func open(config Config, plan *plugin.WritePlan) (*orders, error) {
	return &orders{
		api:      connection.Named(config.Connection),
		pageRows: config.PageRows,
		id:       plugin.WriteAs[int64](plan, plugin.Field{Name: "id", Type: plugin.DataType{Kind: plugin.KindInt64}}),
		amount:   plugin.Write[float64](plan, "amount"),
	}, nil
}

// Plan is called once in a run. A split may be read again after a failure, and must then have the same rows: so it says where it ends.
func (o *orders) Plan(cursors []plugin.CursorPosition) ([]plugin.Split, error) {
	after := "0"
	if len(cursors) > 0 {
		after = cursors[0].Position
	}
	var last struct {
		ID int64 `json:"id"`
	}
	if err := o.get("/orders/last", &last); err != nil {
		return nil, err
	}
	slog.Info(fmt.Sprintf("reading orders from %s to %d", after, last.ID))
	return []plugin.Split{{ID: "orders", Descriptor: fmt.Sprintf("%s %d", after, last.ID)}}, nil
}

func (o *orders) Open(split plugin.Split) error {
	_, err := fmt.Sscanf(split.Descriptor, "%d %d", &o.after, &o.until)
	return err
}

func (o *orders) Next(maxRows int, out *plugin.Extracted) (bool, error) {
	if o.after >= o.until {
		return false, nil
	}
	path := fmt.Sprintf("/orders?after=%d&until=%d&limit=%d", o.after, o.until, min(maxRows, o.pageRows))
	var page []json.RawMessage
	if err := o.get(path, &page); err != nil || len(page) == 0 {
		return false, err
	}
	ids, amounts := plugin.NewBuilder[int64](len(page)), plugin.NewBuilder[float64](len(page))
	for at, record := range page {
		var order order
		err := json.Unmarshal(record, &order)
		switch {
		case order.ID != nil:
			o.after = *order.ID
		case at == len(page)-1:
			// Where a page ends is in its last record, so that one must at least have an id.
			return false, errors.New("the page's last order has no id")
		case err == nil:
			err = errors.New("there is no id")
		}
		if err != nil {
			// A record that is no row goes to the quarantine as it came, with the place where it was found.
			out.Reject(path, record, "no-order", err.Error())
			continue
		}
		ids.Append(*order.ID)
		if order.Amount == nil {
			amounts.AppendNull()
		} else {
			amounts.Append(*order.Amount)
		}
	}
	o.id.Set(out, ids.Build())
	o.amount.Set(out, amounts.Build())
	return true, nil
}

// Cursor is stored once the run has succeeded, and given to the next one.
func (o *orders) Cursor() (string, error) { return strconv.FormatInt(o.until, 10), nil }

func (o *orders) get(path string, answer any) error {
	response, err := o.api.Get(path).Send()
	if err != nil {
		return err
	}
	// Makes errors of statuses: 429 and 5xx are tried again, as the pipeline's retry policy says.
	if err := response.Successful(); err != nil {
		return err
	}
	return json.Unmarshal(response.Body, answer)
}
