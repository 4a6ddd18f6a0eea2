//go:build !wasip1

package connection

// Fake answers requests outside of the sandbox, in tests of plugins.
var Fake func(connection, method, path string, headers []Header, body []byte) (*Response, error)

func send(r *Request) (*Response, *failed) {
	if Fake == nil {
		return nil, &failed{kind: 2, message: "there is no host here, and connection.Fake is not set"}
	}
	response, err := Fake(r.connection, r.method, r.path, r.headers, r.body)
	if err != nil {
		return nil, &failed{kind: 2, message: err.Error()}
	}
	return response, nil
}
