package plugin

import (
	"errors"
	"fmt"
	"time"
)

// A bad row is no error: report it with Reject. An error is about the whole call. Those below say what the host should do;
// any other error is fatal: the same call would fail the same way again. They are found with errors.As through wrapping, so
// fmt.Errorf("reading orders: %w", err) keeps what err says, and its own text is the message.

// RetryableError says that the same call may succeed later.
type RetryableError struct {
	Err error
	// Wait is how long to wait before trying again, where it is known; 0 leaves it to the host.
	Wait time.Duration
}

// Retryable says that the same call may succeed later: an upstream is busy, a lock is held.
func Retryable(err error) *RetryableError {
	return &RetryableError{Err: err}
}

// After returns the error with the time to wait, in whole milliseconds.
func (e *RetryableError) After(wait time.Duration) *RetryableError {
	return &RetryableError{Err: e.Err, Wait: wait}
}

func (e *RetryableError) Error() string {
	if e.Err == nil {
		return "try again later"
	}
	return e.Err.Error()
}

func (e *RetryableError) Unwrap() error { return e.Err }

// ConfigError says that the configuration cannot work.
type ConfigError struct {
	// Pointer is a JSON pointer (RFC 6901) into it, such as "/columns/0"; empty for the whole.
	Pointer string
	Message string
}

// BadConfig says that the configuration cannot work, and where in it: "/columns/0", or "" for the whole.
func BadConfig(pointer, message string) error {
	return &ConfigError{Pointer: pointer, Message: message}
}

func (e *ConfigError) Error() string { return e.Message }

// SchemaError says that the input columns cannot work.
type SchemaError struct {
	// Column is the one at fault, where one is.
	Column  string
	Message string
}

// BadColumn says that the input lacks what the plugin needs of this column.
func BadColumn(column, message string) error {
	return &SchemaError{Column: column, Message: message}
}

// BadSchema says that the input columns cannot work, without naming one.
func BadSchema(message string) error {
	return &SchemaError{Message: message}
}

func (e *SchemaError) Error() string { return e.Message }

// failureKind is the case of the contract's variant failure.
type failureKind uint8

const (
	failureRetryable failureKind = iota
	failureBadConfig
	failureBadSchema
	failureFatal
)

// failure is an error as it crosses the boundary.
type failure struct {
	kind    failureKind
	message string
	// where is the JSON pointer or the column.
	where string
	// after is the milliseconds to wait; below 0 where it is not known.
	after int64
}

func failureOf(err error) failure {
	var retryable *RetryableError
	var config *ConfigError
	var schema *SchemaError
	switch {
	case errors.As(err, &config):
		return failure{kind: failureBadConfig, message: err.Error(), where: config.Pointer, after: -1}
	case errors.As(err, &schema):
		return failure{kind: failureBadSchema, message: err.Error(), where: schema.Column, after: -1}
	case errors.As(err, &retryable):
		after := int64(-1)
		if retryable.Wait > 0 {
			after = retryable.Wait.Milliseconds()
		}
		return failure{kind: failureRetryable, message: err.Error(), after: after}
	}
	return failure{kind: failureFatal, message: err.Error(), after: -1}
}

// fatalf is an error of the SDK about how it is used.
func fatalf(format string, arguments ...any) error {
	return fmt.Errorf(format, arguments...)
}
