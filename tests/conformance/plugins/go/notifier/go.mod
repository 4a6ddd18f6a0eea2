module wasmill.dev/conformance/notifier

go 1.24

require wasmill.dev/plugin v0.1.0
