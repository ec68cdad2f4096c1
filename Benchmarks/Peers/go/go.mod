module tokengate.dev/benchmarks/go-peer

go 1.19
