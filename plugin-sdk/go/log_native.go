//go:build !wasip1

package plugin

import (
	"fmt"
	"os"
)

// Outside of the sandbox, as in tests, the log is standard error.
func sendLog(level uint32, message string) {
	fmt.Fprintln(os.Stderr, [...]string{"trace", "debug", "info", "warn", "error", "critical"}[level], message)
}
