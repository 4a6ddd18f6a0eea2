module wasmill.dev/bench/speed

go 1.24

require wasmill.dev/plugin v0.1.0
