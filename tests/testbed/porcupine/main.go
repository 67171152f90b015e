// Command porcupine checks histories with Porcupine and prints one JSON object a line: the file, the verdict, and the least
// time of several runs in nanoseconds. Reading the file is not part of the time.
//
//	go run . FILE...     *.log: a compare-and-set register of etcd; *.txt: get, put and append by key
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	runsMax = 50
	timeMax = 500 * time.Millisecond
)

type access struct{ function, first, second int }

type answer struct {
	value       int
	ok, unknown bool
}

type request struct {
	function   int
	key, value string
}

type response struct {
	value   string
	unknown bool
}

// Functions of both models.
const (
	reads = iota
	writes
	changes
)

var functions = map[string]int{"read": reads, "write": writes, "cas": changes, "get": reads, "put": writes, "append": changes}

// absent is the state of a register that nobody wrote.
const absent = -1

var register = porcupine.Model{
	Init: func() interface{} { return absent },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		now, asked, got := state.(int), in.(access), out.(answer)
		switch asked.function {
		case reads:
			return got.unknown || got.value == now, state
		case writes:
			return true, asked.first
		default:
			after := now
			if asked.first == now {
				after = asked.second
			}
			return got.unknown || got.ok == (asked.first == now), after
		}
	},
}

var text = porcupine.Model{
	PartitionEvent: func(history []porcupine.Event) [][]porcupine.Event {
		keys, place := map[int]string{}, map[string]int{}
		var parts [][]porcupine.Event
		for _, event := range history {
			if event.Kind == porcupine.CallEvent {
				keys[event.Id] = event.Value.(request).key
			}
			key := keys[event.Id]
			if _, known := place[key]; !known {
				place[key] = len(parts)
				parts = append(parts, nil)
			}
			parts[place[key]] = append(parts[place[key]], event)
		}
		return parts
	},
	Init: func() interface{} { return "" },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		now, asked, got := state.(string), in.(request), out.(response)
		switch asked.function {
		case reads:
			return got.unknown || got.value == now, state
		case writes:
			return true, asked.value
		default:
			return true, now + asked.value
		}
	},
}

var (
	logLine = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(\w+)\s+:(\w+)\s+(.*)$`)
	kvLine  = regexp.MustCompile(`^\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (.*)\}$`)
)

// parsed is one line of either format.
type parsed struct{ process, kind, function, key, value string }

func parse(line string, isLog bool) (parsed, bool) {
	if isLog {
		m := logLine.FindStringSubmatch(line)
		if m == nil {
			return parsed{}, false
		}
		return parsed{m[1], m[2], m[3], "", m[4]}, true
	}
	m := kvLine.FindStringSubmatch(line)
	if m == nil {
		return parsed{}, false
	}
	return parsed{m[1], m[2], m[3], m[4], strings.Trim(m[5], `"`)}, true
}

// numbers of a value like `3`, `nil` or `[1 2]`.
func (line parsed) numbers() (first, second int) {
	numbers := [2]int{absent, absent}
	for place, word := range strings.Fields(strings.Trim(line.value, "[]")) {
		if number, err := strconv.Atoi(word); err == nil && place < 2 {
			numbers[place] = number
		}
	}
	return numbers[0], numbers[1]
}

func (line parsed) asked(isLog bool) interface{} {
	if !isLog {
		return request{functions[line.function], line.key, line.value}
	}
	first, second := line.numbers()
	return access{functions[line.function], first, second}
}

func (line parsed) got(isLog bool) interface{} {
	if !isLog {
		return response{value: line.value}
	}
	value, _ := line.numbers()
	return answer{value, line.kind == "ok", line.value == ":timed-out"}
}

// read turns a file into events. What has no definite end returns at the end of all, with an unknown outcome.
func read(name string) ([]porcupine.Event, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	isLog := strings.HasSuffix(name, ".log")
	var events []porcupine.Event
	running := map[string]int{}
	next := 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		line, ok := parse(scanner.Text(), isLog)
		if !ok {
			continue
		}
		if line.kind == "invoke" {
			running[line.process] = next
			events = append(events, porcupine.Event{Kind: porcupine.CallEvent, Value: line.asked(isLog), Id: next})
			next++
			continue
		}
		if line.kind == "info" {
			continue
		}
		id := running[line.process]
		events = append(events, porcupine.Event{Kind: porcupine.ReturnEvent, Value: line.got(isLog), Id: id})
		delete(running, line.process)
	}
	for _, id := range running {
		var got interface{} = response{unknown: true}
		if isLog {
			got = answer{unknown: true}
		}
		events = append(events, porcupine.Event{Kind: porcupine.ReturnEvent, Value: got, Id: id})
	}
	return events, scanner.Err()
}

func main() {
	for _, name := range os.Args[1:] {
		events, err := read(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		model := text
		if strings.HasSuffix(name, ".log") {
			model = register
		}
		least, verdict := time.Duration(1<<62), false
		began := time.Now()
		for run := 0; run < runsMax && (run == 0 || time.Since(began) < timeMax); run++ {
			start := time.Now()
			verdict = porcupine.CheckEvents(model, events)
			least = min(least, time.Since(start))
		}
		line, _ := json.Marshal(map[string]interface{}{"file": name, "ok": verdict, "ns": least.Nanoseconds()})
		fmt.Println(string(line))
	}
}
