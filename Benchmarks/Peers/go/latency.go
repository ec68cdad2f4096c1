// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// A percentile in microseconds.
func percentile(sorted []int64, share float64) float64 {
	index := int(share*float64(len(sorted))+0.999999) - 1
	if index < 0 {
		index = 0
	}
	return float64(sorted[index]) / 1000
}

func sortLatencies(latencies []int64) {
	sort.Slice(latencies, func(a, b int) bool { return latencies[a] < latencies[b] })
}

// W2: one worker a CPU on one channel; the caller waits on a channel for each result.
func roundTrips(numbers []int) (uint64, []float64) {
	count, pause := numbers[0], time.Duration(numbers[1])
	tasks := make(chan func())
	for worker := 0; worker < runtime.GOMAXPROCS(0); worker++ {
		go func() {
			for each := range tasks {
				each()
			}
		}()
	}
	done := make(chan uint64, 1)
	trip := func(index int) uint64 {
		tasks <- func() { done <- uint64(index) + 1 }
		return <-done
	}
	for index := 0; index < count/10+1; index++ {
		if pause == 0 {
			trip(index)
		}
	}
	latencies := make([]int64, count)
	var total uint64
	for index := range latencies {
		if pause > 0 {
			time.Sleep(pause)
		}
		begin := time.Now()
		total += trip(index)
		latencies[index] = time.Since(begin).Nanoseconds()
	}
	close(tasks)
	sortLatencies(latencies)
	return total, []float64{percentile(latencies, 0.5), percentile(latencies, 0.99)}
}

// W4: goroutines have no priorities; the runtime preempts.
func mixed(numbers []int) (uint64, []float64) {
	lights, period, outstanding, steps := numbers[0], time.Duration(numbers[1]), numbers[2], numbers[3]
	expected := churn(1, steps)
	var stopping, wrong int32
	var finished int64
	var heavies sync.WaitGroup
	for index := 0; index < outstanding; index++ {
		heavies.Add(1)
		var next func()
		next = func() {
			if churn(1, steps) != expected {
				atomic.StoreInt32(&wrong, 1)
			}
			if atomic.LoadInt32(&stopping) != 0 {
				heavies.Done()
				return
			}
			atomic.AddInt64(&finished, 1)
			go next()
		}
		go next()
	}
	time.Sleep(100 * time.Millisecond)
	latencies := make([]int64, lights)
	var total uint64
	var all sync.WaitGroup
	begin, before := time.Now(), atomic.LoadInt64(&finished)
	for index := 0; index < lights; index++ {
		index := index
		time.Sleep(time.Until(begin.Add(time.Duration(index) * period)))
		all.Add(1)
		submitted := time.Now()
		go func() {
			latencies[index] = time.Since(submitted).Nanoseconds()
			atomic.AddUint64(&total, uint64(index)+1)
			all.Done()
		}()
	}
	rate := float64(atomic.LoadInt64(&finished)-before) / time.Since(begin).Seconds()
	atomic.StoreInt32(&stopping, 1)
	all.Wait()
	heavies.Wait()
	if wrong != 0 {
		total = 0
	}
	sortLatencies(latencies)
	return total, []float64{
		percentile(latencies, 0.5), percentile(latencies, 0.99), float64(latencies[lights-1]) / 1000, rate,
	}
}
