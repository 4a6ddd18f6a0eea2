// The loader of the conformance suite: it puts rows to a server, which shows them once they are committed.
package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"wasmill.dev/plugin"
	"wasmill.dev/plugin/connection"
	_ "wasmill.dev/plugin/nethttp"
)

// Config says where the server is.
type Config struct {
	Connection string `json:"connection" doc:"The server." default:"server"`
	Way        string `json:"way" doc:"By columns or by rows." enum:"columns,rows" default:"columns"`
}

// record is a row.
type record struct {
	ID   *int64  `column:"id"`
	Name *string `column:"name"`
}

type stager struct {
	server  server
	way     string
	id      plugin.Input[int64]
	name    plugin.Input[string]
	records plugin.RowInput[record]
	folder  string
	batches int
	rows    uint64
}

func init() { plugin.Loader(open, openServer) }

func main() {}

func open(config Config, plan *plugin.ReadPlan) (*stager, error) {
	s := &stager{server: server{config.Connection}, way: config.Way}
	if config.Way == "rows" {
		s.records = plugin.ReadRows[record](plan)
	} else {
		s.id, s.name = plugin.Read[int64](plan, "id"), plugin.Read[string](plan, "name")
	}
	return s, nil
}

func (s *stager) Open(attempt plugin.Attempt) error {
	s.folder = "/staged/" + attempt.ID
	return nil
}

func (s *stager) Write(batch *plugin.Batch, rejected *plugin.Rejected) error {
	var body bytes.Buffer
	put := func(row int, id *int64, name *string) {
		switch {
		case id == nil:
			rejected.Reject(row, "null-id", "id", "an id is needed")
			return
		case name == nil:
			fmt.Fprintf(&body, "%d -\n", *id)
		default:
			fmt.Fprintf(&body, "%d %s\n", *id, *name)
		}
		s.rows++
	}
	if s.way == "rows" {
		for at, row := range s.records.All(batch) {
			put(at, row.ID, row.Name)
		}
	} else {
		ids, names := s.id.Of(batch), s.name.Of(batch)
		for row := range batch.Rows() {
			var id *int64
			var name *string
			if value, ok := ids.Get(row); ok {
				id = &value
			}
			if value, ok := names.Get(row); ok {
				name = &value
			}
			put(row, id, name)
		}
	}
	path := fmt.Sprintf("%s/%d", s.folder, s.batches)
	s.batches++
	return s.server.do("PUT", path, body.String())
}

func (s *stager) Finish() (plugin.Receipt, error) {
	return plugin.Receipt{Rows: s.rows, Reference: s.folder}, nil
}

// server is where rows are put.
type server struct{ connection string }

func openServer(config Config) (server, error) { return server{config.Connection}, nil }

func (s server) Commit(run string, receipts []plugin.Receipt) error {
	var body strings.Builder
	for _, receipt := range receipts {
		fmt.Fprintf(&body, "%s %d\n", receipt.Reference, receipt.Rows)
	}
	return s.do("PUT", "/committed/"+run, body.String())
}

func (s server) Abort(_ string, receipts []plugin.Receipt) error {
	for _, receipt := range receipts {
		if err := s.do("DELETE", receipt.Reference, ""); err != nil {
			return err
		}
	}
	return nil
}

func (s server) do(method, path, body string) error {
	request, err := http.NewRequest(method, "http://"+s.connection+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := connection.StatusError(response.StatusCode, response.Header.Get("retry-after")); err != nil {
		return plugin.Retryable(err)
	}
	return nil
}
