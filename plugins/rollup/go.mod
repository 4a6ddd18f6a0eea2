module wasmill.dev/plugins/rollup

go 1.24

require wasmill.dev/plugin v0.1.0

// For editors and `go test`; the builder brings the SDK itself.
replace wasmill.dev/plugin => ../../plugin-sdk/go
