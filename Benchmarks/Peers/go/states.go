// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Adds value to the first word of every cache line.
func update(state []uint64, value uint64) {
	for word := 0; word < len(state); word += 8 {
		state[word] += value
	}
}

func reset(memory []uint64) {
	for index := range memory {
		memory[index] = 0
	}
}

func sumOfLines(state []uint64) uint64 {
	var total uint64
	for word := 0; word < len(state); word += 8 {
		total += state[word]
	}
	return total
}

// W5: one worker a CPU on one channel, a mutex a state.
func updates(numbers []int) (uint64, []float64) {
	states, words, count := numbers[0], numbers[1], numbers[2]
	memory := make([]uint64, states*words)
	locks := make([]struct {
		sync.Mutex
		_ [56]byte
	}, states)
	work := func(count int) {
		tasks := make(chan func(), 1024)
		var workers sync.WaitGroup
		for worker := 0; worker < runtime.GOMAXPROCS(0); worker++ {
			workers.Add(1)
			go func() {
				defer workers.Done()
				for each := range tasks {
					each()
				}
			}()
		}
		for index := 0; index < count; index++ {
			index, state := index, index%states
			tasks <- func() {
				locks[state].Lock()
				update(memory[state*words:(state+1)*words], uint64(index)+1)
				locks[state].Unlock()
			}
		}
		close(tasks)
		workers.Wait()
	}
	work(count / 4)
	reset(memory)
	begin := time.Now()
	work(count)
	return sumOfLines(memory), []float64{float64(count) / time.Since(begin).Seconds()}
}

// Leads: a goroutine a lead, a goroutine a child.
func leads(numbers []int) (uint64, []float64) {
	sets, words, rounds, children := numbers[0], numbers[1], numbers[2], numbers[3]
	memory := make([]uint64, sets*words)
	work := func(rounds int) uint64 {
		var total uint64
		for round := 0; round < rounds; round++ {
			var all sync.WaitGroup
			for set := 0; set < sets; set++ {
				all.Add(1)
				working := memory[set*words : (set+1)*words]
				go func(round int) {
					defer all.Done()
					update(working, uint64(round)+1)
					var group sync.WaitGroup
					for child := 0; child < children; child++ {
						group.Add(1)
						go func(child int) {
							defer group.Done()
							atomic.AddUint64(&total, sumOfLines(working)+uint64(child))
						}(child)
					}
					group.Wait()
				}(round)
			}
			all.Wait()
		}
		return total
	}
	work(rounds/4 + 1)
	reset(memory)
	begin := time.Now()
	checksum := work(rounds)
	return checksum, []float64{float64(sets*rounds) / time.Since(begin).Seconds()}
}
