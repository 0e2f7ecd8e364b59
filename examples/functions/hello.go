package main

import (
	"encoding/json"

	"nanogrid"
)

func hello(ctx nanogrid.Context, event json.RawMessage) (any, error) {
	in := struct{ Name string }{"world"}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	return map[string]string{"greeting": "Hello, " + in.Name + "!"}, nil
}

func main() { nanogrid.Start(hello) }
