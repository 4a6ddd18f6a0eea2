// The notifier of the conformance suite: it posts events to a server.
package main

import (
	"encoding/json"

	"wasmill.dev/plugin"
	"wasmill.dev/plugin/connection"
)

// Config says where, and of what.
type Config struct {
	Connection string `json:"connection" doc:"The server." default:"server"`
	Lowest     string `json:"lowest" doc:"The least severe events to tell of." enum:"info,warning,error" default:"info"`
}

type poster struct {
	server connection.Connection
	lowest plugin.Severity
}

func init() { plugin.Notifier(open) }

func main() {}

func open(config Config) (*poster, error) {
	if config.Connection == "" {
		return nil, plugin.BadConfig("/connection", "is empty")
	}
	severities := map[string]plugin.Severity{"info": plugin.Info, "warning": plugin.Warning, "error": plugin.Error}
	return &poster{connection.Named(config.Connection), severities[config.Lowest]}, nil
}

func (p *poster) Notify(event plugin.Event) error {
	if event.Severity < p.lowest {
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"kind": event.Kind, "severity": event.Severity.String(), "pipeline": event.Pipeline, "run": event.Run,
		"time_ms": event.TimeMillis, "summary": event.Summary, "details": json.RawMessage(event.Details),
	})
	if err != nil {
		return err
	}
	response, err := p.server.Post("/events", body).Header("idempotency-key", event.DedupKey).Send()
	if err != nil {
		return err
	}
	return response.Successful()
}
