// A worker and its caller, as anybody would write them with the Go SDK: nothing here knows of certificates.
//
// The environment says where Temporal is, the first argument names the task queue. Orders are placed at a steady rate until
// stdin is closed; then those in hand are waited for. Two lines of JSON tell what happened: one when the first order is
// complete, one at the end.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The time between two orders.
const period = 2 * time.Second

var states = []string{"reserving", "waiting for payment", "packing", "shipping", "shipped"}

func Reserve(_ context.Context, order string) (string, error) { return "reserved " + order, nil }

func Ship(_ context.Context, order string) (string, error) { return "shipped " + order, nil }

func Order(ctx workflow.Context, order string) (string, error) {
	state := "reserving"
	if err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return state, nil }); err != nil {
		return "", err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Second})
	var reserved, shipped string
	if err := workflow.ExecuteActivity(ctx, Reserve, order).Get(ctx, &reserved); err != nil {
		return "", err
	}
	state = "waiting for payment"
	var paid int
	workflow.GetSignalChannel(ctx, "pay").Receive(ctx, &paid)
	state = "packing"
	if err := workflow.Sleep(ctx, 2*time.Second); err != nil {
		return "", err
	}
	state = "shipping"
	if err := workflow.ExecuteActivity(ctx, Ship, order).Get(ctx, &shipped); err != nil {
		return "", err
	}
	state = "shipped"
	return fmt.Sprintf("%s, paid %d, %s", reserved, paid, shipped), nil
}

// What has happened so far.
type told struct {
	Started   int            `json:"started"`
	Completed int            `json:"completed"`
	Failed    []string       `json:"failed"`
	Slowest   float64        `json:"slowest"`
	Metrics   map[string]int `json:"metrics"`
}

type caller struct {
	client    client.Client
	taskQueue string
	metrics   *metrics

	mutex sync.Mutex
	told  told
}

func (c *caller) order(number int) {
	begun := time.Now()
	err := c.place(fmt.Sprintf("%s-%d", c.taskQueue, number), number)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.told.Started++
	if err != nil {
		c.told.Failed = append(c.told.Failed, fmt.Sprintf("%s-%d: %.250s", c.taskQueue, number, err))
		return
	}
	c.told.Completed++
	c.told.Slowest = max(c.told.Slowest, time.Since(begun).Seconds())
}

func (c *caller) place(name string, number int) error {
	ctx := context.Background()
	options := client.StartWorkflowOptions{ID: name, TaskQueue: c.taskQueue}
	run, err := c.client.ExecuteWorkflow(ctx, options, Order, name)
	if err != nil {
		return err
	}
	if err := c.ask(ctx, run); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	if err := c.client.SignalWorkflow(ctx, run.GetID(), run.GetRunID(), "pay", number); err != nil {
		return err
	}
	if err := c.ask(ctx, run); err != nil {
		return err
	}
	var result string
	if err := run.Get(ctx, &result); err != nil {
		return err
	}
	if expected := fmt.Sprintf("reserved %s, paid %d, shipped %s", name, number, name); result != expected {
		return fmt.Errorf("expected %q, found %q", expected, result)
	}
	return nil
}

func (c *caller) ask(ctx context.Context, run client.WorkflowRun) error {
	answer, err := c.client.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), "state")
	if err != nil {
		return err
	}
	var state string
	if err := answer.Get(&state); err != nil {
		return err
	}
	if !slices.Contains(states, state) {
		return fmt.Errorf("found the state %q", state)
	}
	return nil
}

func (c *caller) tell() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.told.Metrics = c.metrics.read()
	if err := json.NewEncoder(os.Stdout).Encode(c.told); err != nil {
		log.Fatal(err)
	}
}

func main() {
	taskQueue := os.Args[1]
	metrics := &metrics{counts: map[string]int{}}
	options := envconfig.MustLoadDefaultClientOptions()
	options.MetricsHandler = handler{metrics: metrics}
	level := &slog.HandlerOptions{Level: slog.LevelWarn}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, level)))
	client, err := client.Dial(options)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	worker := worker.New(client, taskQueue, worker.Options{})
	worker.RegisterWorkflow(Order)
	worker.RegisterActivity(Reserve)
	worker.RegisterActivity(Ship)
	if err := worker.Start(); err != nil {
		log.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(closed)
	}()

	caller := &caller{client: client, taskQueue: taskQueue, metrics: metrics, told: told{Failed: []string{}}}
	caller.order(0)
	caller.tell()
	var orders sync.WaitGroup
	ticks := time.NewTicker(period)
	for number, open := 1, true; open; number++ {
		orders.Go(func() { caller.order(number) })
		select {
		case <-ticks.C:
		case <-closed:
			open = false
		}
	}
	orders.Wait()
	worker.Stop()
	caller.tell()
}

// What shows a call that the SDK made again, or a workflow that it had to replay.
var watched = []string{"request_failure", "long_request_failure", "sticky_cache_miss", "workflow_task_execution_failed"}

// Counts of the SDK's metrics by name, operation and status.
type metrics struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (m *metrics) read() map[string]int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	counts := map[string]int{}
	for name, count := range m.counts {
		counts[name] = count
	}
	return counts
}

// What the SDK tells its counters to.
type handler struct {
	metrics *metrics
	tags    []string
}

func (h handler) WithTags(tags map[string]string) client.MetricsHandler {
	known := slices.Clone(h.tags)
	for _, name := range []string{"operation", "status_code", "failure_reason"} {
		if value, has := tags[name]; has {
			known = append(known, value)
		}
	}
	return handler{h.metrics, known}
}

func (h handler) Counter(name string) client.MetricsCounter {
	name = strings.TrimPrefix(name, "temporal_")
	if !slices.Contains(watched, name) {
		return client.MetricsNopHandler.Counter(name)
	}
	return counter{h.metrics, strings.Join(append([]string{name}, h.tags...), " ")}
}

func (handler) Gauge(name string) client.MetricsGauge { return client.MetricsNopHandler.Gauge(name) }

func (handler) Timer(name string) client.MetricsTimer { return client.MetricsNopHandler.Timer(name) }

type counter struct {
	metrics *metrics
	name    string
}

func (c counter) Inc(delta int64) {
	c.metrics.mutex.Lock()
	defer c.metrics.mutex.Unlock()
	c.metrics.counts[c.name] += int(delta)
}
