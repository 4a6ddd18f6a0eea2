package plugin

import "log/slog"

//go:wasmimport wasi:logging/logging@0.1.0-draft log
func hostLog(level uint32, context, message string)

func sendLog(level uint32, message string) { hostLog(level, "plugin", message) }

func init() {
	slog.SetDefault(slog.New(NewLogHandler(slog.LevelDebug)))
}
