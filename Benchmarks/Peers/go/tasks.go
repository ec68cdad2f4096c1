// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

func noops(work func(count int) uint64) contender {
	return func(numbers []int) (uint64, []float64) {
		return timed(numbers[0], func() uint64 { return work(numbers[0]) })
	}
}

// One task: where its result goes, and what it is made of.
type task struct {
	slot *uint64
	run  func(uint64) uint64
	seed uint64
}

// One worker a CPU, all fed by one buffered channel.
func noopsOverChannel(count int) uint64 {
	results := make([]uint64, count)
	tasks := make(chan task, 1024)
	var workers sync.WaitGroup
	for worker := 0; worker < runtime.GOMAXPROCS(0); worker++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for each := range tasks {
				*each.slot = each.run(each.seed)
			}
		}()
	}
	for index := range results {
		tasks <- task{&results[index], func(seed uint64) uint64 { return seed + 1 }, uint64(index)}
	}
	close(tasks)
	workers.Wait()
	return sum(results)
}

// A task that can be awaited by itself.
type handle struct {
	run    func(uint64) uint64
	seed   uint64
	result uint64
	done   sync.WaitGroup
}

// The same workers, but each task is a handle of its own, awaited by itself.
func noopsWithHandles(count int) uint64 {
	tasks := make(chan *handle, 1024)
	for worker := 0; worker < runtime.GOMAXPROCS(0); worker++ {
		go func() {
			for each := range tasks {
				each.result = each.run(each.seed)
				each.done.Done()
			}
		}()
	}
	handles := make([]*handle, count)
	for index := range handles {
		each := &handle{run: func(seed uint64) uint64 { return seed + 1 }, seed: uint64(index)}
		each.done.Add(1)
		handles[index] = each
		tasks <- each
	}
	close(tasks)
	var total uint64
	for _, each := range handles {
		each.done.Wait()
		total += each.result
	}
	return total
}

// One goroutine a task.
func noopsByGoroutine(count int) uint64 {
	results := make([]uint64, count)
	var all sync.WaitGroup
	all.Add(count)
	for index := range results {
		index := index
		go func() {
			results[index] = uint64(index) + 1
			all.Done()
		}()
	}
	all.Wait()
	return sum(results)
}

// W1b: workers that take chunks of indices from one counter.
func batch(numbers []int) (uint64, []float64) {
	count, steps := numbers[0], numbers[1]
	return timed(count, func() uint64 {
		results := make([]uint64, count)
		workers := runtime.GOMAXPROCS(0)
		chunk := count/(workers*8) + 1
		var next int64
		var all sync.WaitGroup
		for worker := 0; worker < workers; worker++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for {
					begin := int(atomic.AddInt64(&next, int64(chunk))) - chunk
					if begin >= count {
						return
					}
					end := begin + chunk
					if end > count {
						end = count
					}
					for index := begin; index < end; index++ {
						results[index] = churn(uint64(index), steps)
					}
				}
			}()
		}
		all.Wait()
		return weightedSum(results)
	})
}

func sum(values []uint64) uint64 {
	var total uint64
	for _, value := range values {
		total += value
	}
	return total
}

// Each value times its position, counted from 1, added up: two that change places change it.
func weightedSum(values []uint64) uint64 {
	var total uint64
	for index, value := range values {
		total += value * (uint64(index) + 1)
	}
	return total
}
