package plugin

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// LogHandler writes records of log/slog to the host's log. It is the default: slog.Info and log.Println go there. Attributes stand
// behind the message as key=value.
type LogHandler struct {
	attributes string
	group      string
	level      slog.Leveler
}

// NewLogHandler returns a handler that lets records of the level and above through.
func NewLogHandler(level slog.Leveler) *LogHandler { return &LogHandler{level: level} }

// Enabled implements slog.Handler.
func (h *LogHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *LogHandler) Handle(_ context.Context, record slog.Record) error {
	var text strings.Builder
	text.WriteString(record.Message)
	text.WriteString(h.attributes)
	record.Attrs(func(attribute slog.Attr) bool {
		writeAttribute(&text, h.group, attribute)
		return true
	})
	sendLog(logLevel(record.Level), text.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *LogHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	var text strings.Builder
	text.WriteString(h.attributes)
	for _, attribute := range attributes {
		writeAttribute(&text, h.group, attribute)
	}
	return &LogHandler{text.String(), h.group, h.level}
}

// WithGroup implements slog.Handler.
func (h *LogHandler) WithGroup(name string) slog.Handler {
	return &LogHandler{h.attributes, h.group + name + ".", h.level}
}

func writeAttribute(text *strings.Builder, group string, attribute slog.Attr) {
	value := attribute.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attribute.Key != "" {
			group += attribute.Key + "."
		}
		for _, member := range value.Group() {
			writeAttribute(text, group, member)
		}
		return
	}
	text.WriteByte(' ')
	text.WriteString(group)
	text.WriteString(attribute.Key)
	text.WriteByte('=')
	shown := value.String()
	if shown == "" || strings.ContainsAny(shown, " \"=") {
		shown = strconv.Quote(shown)
	}
	text.WriteString(shown)
}

// logLevel is the level of wasi:logging: trace 0, debug 1, info 2, warn 3, error 4, critical 5.
func logLevel(level slog.Level) uint32 {
	switch {
	case level < slog.LevelDebug:
		return 0
	case level < slog.LevelInfo:
		return 1
	case level < slog.LevelWarn:
		return 2
	case level < slog.LevelError:
		return 3
	case level < slog.LevelError+4:
		return 4
	}
	return 5
}
