// SPDX-License-Identifier: Apache-2.0

// The Go contenders: go-peer WORKLOAD CONTENDER NUMBER… warms up, measures once, prints the checksum and the metrics.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// A contender gets the numbers and returns the checksum and one value for each of the workload's metrics.
type contender func(numbers []int) (uint64, []float64)

var contenders = map[string]contender{
	"w1 channel":   noops(noopsOverChannel),
	"w1 handles":   noops(noopsWithHandles),
	"w1 goroutine": noops(noopsByGoroutine),
	"w1b chunks":   batch,
	"w2 channel":   roundTrips,
	"w4 goroutine": mixed,
	"w5 mutex":     updates,
	"leads group":  leads,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Printf("Go\t%s\n", runtime.Version())
		return
	}
	if len(os.Args) < 3 {
		fail("usage: go-peer WORKLOAD CONTENDER NUMBER…")
	}
	run, known := contenders[os.Args[1]+" "+os.Args[2]]
	if !known {
		fail("unknown contender: " + os.Args[1] + " " + os.Args[2])
	}
	var numbers []int
	for _, argument := range os.Args[3:] {
		number, err := strconv.Atoi(argument)
		if err != nil {
			fail("not a number: " + argument)
		}
		numbers = append(numbers, number)
	}
	checksum, values := run(numbers)
	fmt.Print(checksum)
	for _, value := range values {
		fmt.Print(" ", value)
	}
	fmt.Println()
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "error: "+message)
	os.Exit(2)
}

// Does the work twice and times the second: nanoseconds an item.
func timed(items int, work func() uint64) (uint64, []float64) {
	work()
	begin := time.Now()
	checksum := work()
	return checksum, []float64{float64(time.Since(begin).Nanoseconds()) / float64(items)}
}

// The same loop as in every other language: each multiplication waits for the one before it.
func churn(seed uint64, steps int) uint64 {
	x := seed
	for step := 0; step < steps; step++ {
		x = (x^(x>>29))*0xBF58476D1CE4E5B9 + 1
	}
	return x
}
