// Package nethttp makes net/http work in the sandbox: it replaces http.DefaultTransport, so http.Get, http.Post and http.DefaultClient
// send over connections. The URL is http://CONNECTION/path?query (or https), CONNECTION being the name of a granted connection:
//
//	import _ "wasmill.dev/plugin/nethttp"
//
//	response, err := http.Get("http://shop/orders?page=2")
//
// net/http makes a component several megabytes larger. Package connection does the same without it.
package nethttp

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"wasmill.dev/plugin/connection"
)

// Transport is an http.RoundTripper that sends over the connection that the URL's host names. The response is whole when it
// comes. Redirects are followed by the client, where they lead to a connection.
type Transport struct{}

func init() { http.DefaultTransport = Transport{} }

// RoundTrip implements http.RoundTripper. Errors are those of connection.Request.Send.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		defer request.Body.Close()
	}
	asked := connection.Named(request.URL.Hostname()).Request(request.Method, request.URL.RequestURI())
	for name, values := range request.Header {
		for _, value := range values {
			asked.Header(name, value)
		}
	}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		asked.Body(body)
	}
	answer, err := asked.Send()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, h := range answer.Headers {
		header.Add(h.Name, h.Value)
	}
	return &http.Response{
		Status: strconv.Itoa(answer.Status) + " " + http.StatusText(answer.Status), StatusCode: answer.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: request,
	}, nil
}
