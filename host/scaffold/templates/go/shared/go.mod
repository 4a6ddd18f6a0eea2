module example.com/@NAME@

go 1.24

require wasmill.dev/plugin v0.1.0

// For editors and `go test`; `wasmill build` puts the SDK there.
replace wasmill.dev/plugin => ./.wasmill-sdk/go
