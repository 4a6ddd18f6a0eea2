// Posts events to a chat, as `POST /messages {"text": "..."}`.
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
	Connection string `json:"connection" doc:"The connection to the chat. The pipeline file says where it leads, and grants it."`
	Lowest     string `json:"lowest" doc:"Events that are less severe are not posted." enum:"info,warning,error" default:"info"`
}

type chat struct {
	server connection.Connection
	lowest plugin.Severity
}

func init() { plugin.Notifier(open) }

func main() {}

// Called to check a pipeline too: it must not notify anybody.
func open(config Config) (*chat, error) {
	if config.Connection == "" {
		// What a JSON Schema cannot say, this function says, with the place in the configuration.
		return nil, plugin.BadConfig("/connection", "is empty: name a connection of the pipeline")
	}
	severities := map[string]plugin.Severity{"info": plugin.Info, "warning": plugin.Warning, "error": plugin.Error}
	return &chat{connection.Named(config.Connection), severities[config.Lowest]}, nil
}

func (c *chat) Notify(event plugin.Event) error {
	if event.Severity < c.lowest {
		slog.Debug(event.Kind + " is not severe enough to be posted")
		return nil
	}
	text := fmt.Sprintf("[%s] %s", event.Severity, event.Summary)
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return err
	}
	request := c.server.Post("/messages", body).Header("content-type", "application/json")
	// An event may be delivered twice; the chat can tell by this key.
	response, err := request.Header("idempotency-key", event.DedupKey).Send()
	if err != nil {
		return err
	}
	// Makes errors of statuses: 429 and 5xx are tried again later.
	return response.Successful()
}
