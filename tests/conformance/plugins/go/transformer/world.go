package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"net/http"
	"time"

	"wasmill.dev/plugin"
	_ "wasmill.dev/plugin/nethttp"
)

// constant is a new column with the same value in each row.
func constant[T plugin.Value](batch *plugin.Batch, value T) *plugin.Values[T] {
	values := make([]T, batch.Rows())
	for row := range values {
		values[row] = value
	}
	return plugin.FromSlice(values)
}

func newDefaults(plan *plugin.Plan, config Config) (plugin.Processor, error) {
	options := plugin.Write[string](plan, "options")
	text, err := json.Marshal(config.Options)
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		options.Set(out, constant(batch, string(text)))
		return nil
	}), err
}

func newLog(*plugin.Plan, Config) (plugin.Processor, error) {
	return process(func(*plugin.Batch, *plugin.Rows) error {
		slog.Debug("said at debug")
		slog.Info("said at info")
		slog.Warn("said at warn")
		slog.Error("said at error")
		fmt.Println("printed")
		return nil
	}), nil
}

func newTime(plan *plugin.Plan, _ Config) (plugin.Processor, error) {
	now, random := plugin.Write[int64](plan, "now"), plugin.Write[int64](plan, "random")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		now.Set(out, constant(batch, time.Now().UnixMilli()))
		random.Set(out, constant(batch, rand.Int63n(1<<31)))
		return nil
	}), nil
}

func newHTTP(plan *plugin.Plan, config Config) (plugin.Processor, error) {
	status, body := plugin.Write[int64](plan, "status"), plugin.Write[string](plan, "body")
	return process(func(batch *plugin.Batch, out *plugin.Rows) error {
		request, err := http.NewRequest("GET", "http://"+config.Connection+"/conformance?q=1", nil)
		if err != nil {
			return err
		}
		request.Header.Set("x-asked", "yes")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		status.Set(out, constant(batch, int64(response.StatusCode)))
		body.Set(out, constant(batch, string(text)))
		return nil
	}), nil
}

// failing fails where it is told to.
type failing struct{ at, kind string }

func newFail(_ *plugin.Plan, config Config) (plugin.Processor, error) {
	f := &failing{config.At, config.Kind}
	return f, f.fail("bind")
}

func (f *failing) fail(at string) error {
	if at != f.at {
		return nil
	}
	switch f.kind {
	case "retryable":
		return plugin.Retryable(errors.New("try later"))
	case "retryable-after":
		return plugin.Retryable(errors.New("try later")).After(1500 * time.Millisecond)
	case "bad-config":
		return plugin.BadConfig("/kind", "not this one")
	case "bad-schema":
		return plugin.BadColumn("id", "not this one")
	case "exception":
		panic("unexpected")
	}
	return errors.New("no way")
}

func (f *failing) Open() error { return f.fail("open") }

func (f *failing) Process(*plugin.Batch, *plugin.Rows) error { return f.fail("process") }

func (f *failing) Finish(*plugin.DetachedRows) error { return f.fail("finish") }

func newExhaust(_ *plugin.Plan, config Config) (plugin.Processor, error) {
	return process(func(*plugin.Batch, *plugin.Rows) error {
		switch config.What {
		case "memory":
			var taken [][]byte
			for {
				taken = append(taken, make([]byte, 1<<20))
				taken[len(taken)-1][0] = 1
			}
		case "stack":
			slog.Info("deep", "depth", deeper(1))
		}
		for {
		}
	}), nil
}

func deeper(depth int) int {
	if depth < 0 {
		return 0
	}
	return deeper(depth+1) + depth
}
