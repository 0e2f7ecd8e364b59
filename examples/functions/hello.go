// Compiled when it is registered, inside a sandbox.
package main

import (
	"encoding/json"

	"nanogrid"
)

func hello(ctx nanogrid.Context, event json.RawMessage) (any, error) {
	var input struct{ Name string }
	if err := json.Unmarshal(event, &input); err != nil {
		return nil, err
	}
	return map[string]string{"greeting": "Hello " + input.Name + " from Go"}, nil
}

func main() { nanogrid.Start(hello) }
