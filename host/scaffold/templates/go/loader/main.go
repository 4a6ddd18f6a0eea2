// Stores orders in an API that keeps batches aside until they are committed:
//
//	POST /staged    [{"id": 1, "amount": 9.5}, ...]    201 {"id": 7}
//	POST /commits   {"staged": [7, 8]}                 once for each idempotency key
//	DELETE /staged/7
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"wasmill.dev/plugin"
	"wasmill.dev/plugin/connection"
)

// Config is what a pipeline may say.
type Config struct {
	Connection string `json:"connection" doc:"The connection to the API. The pipeline file says where it leads, and grants it."`
}

type order struct {
	ID     *int64   `json:"id" column:"id"`
	Amount *float64 `json:"amount" column:"amount"`
}

// store stages the batches of one attempt at one split.
type store struct {
	api    api
	orders plugin.RowInput[order]
	staged []uint64
	rows   uint64
}

func init() { plugin.Loader(open, openAPI) }

func main() {}

func open(config Config, plan *plugin.ReadPlan) (*store, error) {
	// Rows, not columns: slower, and shorter where each row becomes JSON anyway.
	return &store{api: api{connection.Named(config.Connection)}, orders: plugin.ReadRows[order](plan), staged: []uint64{}}, nil
}

func (s *store) Open(attempt plugin.Attempt) error {
	slog.Debug(fmt.Sprintf("attempt %s at split %s", attempt.ID, attempt.Split))
	return nil
}

// Write stages a batch. It must stay invisible until Commit: this attempt may yet fail, and another one be made.
func (s *store) Write(batch *plugin.Batch, rejected *plugin.Rejected) error {
	var orders []order
	for row, order := range s.orders.All(batch) {
		if order.ID == nil {
			rejected.Reject(row, "no-id", "id", "the API needs an id")
			continue
		}
		orders = append(orders, *order)
	}
	if len(orders) == 0 {
		return nil
	}
	body, err := s.api.post("/staged", orders, "")
	if err != nil {
		return err
	}
	var answer struct {
		ID uint64 `json:"id"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	s.staged = append(s.staged, answer.ID)
	s.rows += uint64(len(orders))
	return nil
}

// Finish makes the receipt, which is all that Commit will know of this attempt.
func (s *store) Finish() (plugin.Receipt, error) {
	reference, err := json.Marshal(s.staged)
	return plugin.Receipt{Rows: s.rows, Reference: string(reference)}, err
}

// api is where orders are stored.
type api struct{ connection connection.Connection }

func openAPI(config Config) (api, error) { return api{connection.Named(config.Connection)}, nil }

// Commit is called on a fresh instance, and perhaps twice after a crash: the key makes sure that the second time changes nothing.
func (a api) Commit(run string, receipts []plugin.Receipt) error {
	staged, err := stagedOf(receipts)
	if err != nil {
		return err
	}
	_, err = a.post("/commits", map[string]any{"staged": staged}, run)
	return err
}

// Abort is called after a run that failed. What is not there any more is no error.
func (a api) Abort(_ string, receipts []plugin.Receipt) error {
	staged, err := stagedOf(receipts)
	if err != nil {
		return err
	}
	for _, id := range staged {
		response, err := a.connection.Delete(fmt.Sprintf("/staged/%d", id)).Send()
		if err != nil {
			return err
		}
		if response.Status == 404 {
			continue
		}
		if err := response.Successful(); err != nil {
			return err
		}
	}
	return nil
}

// post sends JSON; key makes sure that a repeated request changes nothing.
func (a api) post(path string, content any, key string) ([]byte, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	request := a.connection.Post(path, body).Header("content-type", "application/json")
	if key != "" {
		request.Header("idempotency-key", key)
	}
	response, err := request.Send()
	if err != nil {
		return nil, err
	}
	return response.Body, response.Successful()
}

// stagedOf returns the batches that receipts speak of.
func stagedOf(receipts []plugin.Receipt) ([]uint64, error) {
	all := []uint64{}
	for _, receipt := range receipts {
		var staged []uint64
		if err := json.Unmarshal([]byte(receipt.Reference), &staged); err != nil {
			return nil, err
		}
		all = append(all, staged...)
	}
	return all, nil
}
