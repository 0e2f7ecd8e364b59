// Does what its event says; see contract_test.cc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"nanogrid"
)

type Oops struct{ message string }

func (oops *Oops) Error() string { return oops.message }

func handle(ctx nanogrid.Context, event json.RawMessage) (any, error) {
	switch string(event) {
	case `"context"`:
		deadline, limited := ctx.Deadline()
		return map[string]any{
			"request_id": ctx.RequestID,
			"name":       ctx.FunctionName,
			"version":    ctx.FunctionVersion,
			"memory":     ctx.MemoryLimitMB,
			"limited":    limited,
			"hurry":      limited && time.Until(deadline) < 2000000*time.Second,
			"late":       ctx.Err() != nil,
		}, nil
	case `"print"`:
		fmt.Println("first")
		fmt.Fprintln(os.Stderr, "second")
		fmt.Print("no newline")
		return nil, nil
	case `"print much"`:
		for i := 0; i < 5000; i++ {
			fmt.Println(strings.Repeat("x", 99))
		}
		return nil, nil
	case `"throw"`:
		return nil, &Oops{"no \"good\" ünd\n"}
	case `"panic"`:
		panic("deep trouble")
	case `"child"`:
		child := exec.Command("sh", "-c", "test -e /proc/self/fd/3 && echo open || echo closed")
		child.Stdout = os.Stdout
		return nil, child.Run()
	case `"progress"`:
		if err := ctx.ReportProgress(map[string]any{"done": 0.5}); err != nil {
			return nil, err
		}
		if err := ctx.ReportProgress("nearly"); err != nil {
			return nil, err
		}
		if ctx.ReportProgress(strings.Repeat("x", 4000)) == nil {
			return "too long", nil
		}
		return nil, nil
	case `"exit"`:
		os.Exit(7)
	}
	return event, nil
}

func main() { nanogrid.Start(handle) }
