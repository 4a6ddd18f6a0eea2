package plugin

import "time"

// Notifying is a notifier: it tells somebody what happened.
type Notifying interface {
	// Notify delivers one event. What is Retryable is tried again later, with back-off.
	Notify(event Event) error
}

// Severity is how bad an event is.
type Severity uint8

const (
	Info Severity = iota
	Warning
	Error
)

// String returns "info", "warning" or "error".
func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s%3] }

// Event is what happened.
type Event struct {
	// Kind is such as "run.succeeded", "run.failed", "gate.refused".
	Kind     string
	Severity Severity
	// Pipeline is its name.
	Pipeline, Run string
	// DedupKey is the same for each delivery of the same event: receivers drop repeats by it.
	DedupKey string
	// TimeMillis is when it happened, in milliseconds since 1970-01-01T00:00:00Z.
	TimeMillis uint64
	// Summary is one line for a person.
	Summary string
	// Details is a JSON object: counts per step, the error, the rule that refused.
	Details string
}

// Time returns when it happened.
func (e *Event) Time() time.Time { return time.UnixMilli(int64(e.TimeMillis)).UTC() }

// Notifier makes the program a notifier. To be called in an init function. The function must not notify anybody.
func Notifier[C any, N Notifying](open func(config C) (N, error)) {
	register(kindNotifier, &registration{
		configSchema: configSchema[C],
		notifier: func(config string) (Notifying, error) {
			parsed, err := parseConfig[C](config)
			if err != nil {
				return nil, err
			}
			return open(parsed)
		},
	})
}
