// Package connection sends HTTP requests over connections that the pipeline file declares and grants to the plugin. The plugin
// names a connection and a path; the host adds the base URL and the credentials, which the plugin never sees.
//
//	shop := connection.Named("shop")
//	response, err := shop.Get("/orders?page=2").Header("accept", "application/json").Send()
//	if err == nil {
//		err = response.Successful()
//	}
//
// A plugin that imports this package, or package nethttp, imports the host's HTTP, and the operator has to grant it connections.
package connection

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wasmill.dev/plugin"
)

// Connection is one that the pipeline file declares.
type Connection struct{ name string }

// Named returns the connection of that name.
func Named(name string) Connection { return Connection{name} }

// Request is a request that is being made.
type Request struct {
	connection, method, path string
	headers                  []Header
	body                     []byte
}

// Header is a header of a request or a response.
type Header struct{ Name, Value string }

// Response is a response, whatever its status.
type Response struct {
	Status int
	// Headers have names in lower case. Those that carry credentials are left out.
	Headers []Header
	Body    []byte
}

// Request starts a request. The path is relative to the connection's base URL, such as "/orders?page=2".
func (c Connection) Request(method, path string) *Request {
	return &Request{connection: c.name, method: method, path: path}
}

// Get starts a GET request.
func (c Connection) Get(path string) *Request { return c.Request("GET", path) }

// Post starts a POST request with a body.
func (c Connection) Post(path string, body []byte) *Request {
	return c.Request("POST", path).Body(body)
}

// Put starts a PUT request with a body.
func (c Connection) Put(path string, body []byte) *Request { return c.Request("PUT", path).Body(body) }

// Delete starts a DELETE request.
func (c Connection) Delete(path string) *Request { return c.Request("DELETE", path) }

// Header adds a header.
func (r *Request) Header(name, value string) *Request {
	r.headers = append(r.headers, Header{name, value})
	return r
}

// Body sets the body.
func (r *Request) Body(body []byte) *Request {
	r.body = body
	return r
}

// Reasons why there is no response, for errors.Is.
var (
	ErrNotGranted     = errors.New("the connection is not granted")
	ErrInvalidRequest = errors.New("the request is invalid")
	ErrUnreachable    = errors.New("the server is unreachable")
	ErrTimedOut       = errors.New("the connection timed out")
	ErrTooLarge       = errors.New("the response is too large")
)

// Send sends the request and waits for the whole response, whatever its status. The error is retryable where the network is at
// fault (ErrUnreachable, ErrTimedOut).
func (r *Request) Send() (*Response, error) {
	response, failed := send(r)
	if failed == nil {
		return response, nil
	}
	switch failed.kind {
	case 0:
		return nil, fmt.Errorf("connection `%s`: %w", r.connection, ErrNotGranted)
	case 1:
		return nil, fmt.Errorf("connection `%s`: %w: %s", r.connection, ErrInvalidRequest, failed.message)
	case 2:
		return nil, plugin.Retryable(fmt.Errorf("connection `%s`: %w: %s", r.connection, ErrUnreachable, failed.message))
	case 3:
		return nil, plugin.Retryable(fmt.Errorf("connection `%s`: %w", r.connection, ErrTimedOut))
	}
	return nil, fmt.Errorf("connection `%s`: %w: more than %d bytes", r.connection, ErrTooLarge, failed.limit)
}

// failed is the contract's variant http.error.
type failed struct {
	kind    uint8
	message string
	limit   uint64
}

// Header returns the first header of that name, in any case; "" where there is none.
func (r *Response) Header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value
		}
	}
	return ""
}

// Successful returns nil where the status is 2xx, otherwise an error: a retryable one for 408, 429 and 5xx, after the seconds of
// retry-after where the response has it.
func (r *Response) Successful() error { return StatusError(r.Status, r.Header("retry-after")) }

// StatusError is what Successful says of a status and the header retry-after, for responses of another client.
func StatusError(status int, retryAfter string) error {
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("the server answered %d", status)
	if status != 408 && status != 429 && status < 500 {
		return err
	}
	seconds, _ := strconv.ParseUint(strings.TrimSpace(retryAfter), 10, 31)
	return plugin.Retryable(err).After(time.Duration(seconds) * time.Second)
}
