package connection

import (
	"strings"
	"unsafe"

	"wasmill.dev/plugin/internal/abi"
)

//go:wasmimport wasmill:plugin/http@0.1.0 send
func hostSend(connection, method, path string, headers, headerCount uint32, body unsafe.Pointer, bodyLength uint32,
	result unsafe.Pointer)

// send lowers the request and lifts the response, with the offsets of wit/http.wit.
func send(r *Request) (*Response, *failed) {
	mark := abi.Set()
	defer mark.Reset()
	headers := abi.New(8)
	items := headers.PutList(len(r.headers), 16)
	for i, header := range r.headers {
		items.Field(16 * i).PutString(header.Name)
		items.Field(16*i + 8).PutString(header.Value)
	}
	result := abi.New(32)
	hostSend(r.connection, r.method, r.path, headers.U32(), headers.Field(4).U32(), unsafe.Pointer(unsafe.SliceData(r.body)), uint32(len(r.body)),
		result.Pointer())
	payload := result.Field(8)
	if result.U8() == 1 {
		f := &failed{kind: payload.U8()}
		switch f.kind {
		case 1, 2:
			f.message = strings.Clone(payload.Field(8).String())
		case 4:
			f.limit = payload.Field(8).U64()
		}
		return nil, f
	}
	response := &Response{Status: int(payload.U16())}
	items, count := payload.Field(4).List()
	for i := range count {
		item := items.Field(16 * i)
		response.Headers = append(response.Headers, Header{item.String(), item.Field(8).String()})
	}
	// The host wrote it into memory of the collector: it lives for as long as the plugin needs it.
	response.Body = payload.Field(12).Bytes()
	return response, nil
}
