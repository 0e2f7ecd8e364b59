// Package nanogrid serves a function written in Go, for runtime native:
//
//	func hello(ctx nanogrid.Context, event json.RawMessage) (any, error) {
//		return map[string]any{"echo": event}, nil
//	}
//
//	func main() { nanogrid.Start(hello) }
//
// It speaks the frame protocol (docs/frame-protocol.md).
package nanogrid

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// Context is what a handler is told besides its event. As a context.Context it ends at the
// invocation's deadline, if there is one.
type Context struct {
	context.Context
	RequestID       string
	FunctionName    string
	FunctionVersion string
	MemoryLimitMB   int
	report          func(body []byte) error
}

// ReportProgress tells who watches the job how far it is: anything that is at most 4000 bytes of
// JSON. Not to be called after the handler has returned.
func (ctx Context) ReportProgress(value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(body) > maxProgress {
		return fmt.Errorf("progress of %d bytes, at most %d", len(body), maxProgress)
	}
	return ctx.report(body)
}

// Handler answers a value that encoding/json can encode, or an error.
type Handler func(ctx Context, event json.RawMessage) (any, error)

const (
	input      = 3
	output     = 4
	headerSize = 24
	result     = 2
	failure    = 3
	progress   = 5

	maxProgress = 4000 // with its header it goes into the pipe in one piece
)

type errorBody struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Stack   string `json:"stack"`
}

// Start calls handler for every event until the host wants no more, then exits.
func Start(handler Handler) {
	syscall.CloseOnExec(input)
	syscall.CloseOnExec(output)
	reader := bufio.NewReaderSize(os.NewFile(input, "input"), 64<<10)
	answers := os.NewFile(output, "output")
	memory, _ := strconv.Atoi(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	about := Context{
		FunctionName:    os.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
		FunctionVersion: os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		MemoryLimitMB:   memory,
		report: func(body []byte) error {
			_, err := answers.Write(encode(progress, body))
			return err
		},
	}
	for {
		requestID, event, deadline, err := receive(reader)
		if err == io.EOF {
			os.Exit(0)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "no pipe to NanoGrid: start this with nanogrid run:", err)
			os.Exit(2)
		}
		about.RequestID = requestID
		frame := callUntil(deadline, handler, about, event)
		if _, err := answers.Write(frame); err != nil {
			os.Exit(0)
		}
	}
}

func receive(reader *bufio.Reader) (requestID string, event []byte, deadlineMs int64, err error) {
	var header [headerSize]byte
	if _, err = io.ReadFull(reader, header[:]); err != nil {
		return
	}
	meta := binary.LittleEndian.Uint32(header[4:])
	body := binary.LittleEndian.Uint32(header[8:])
	deadlineMs = int64(binary.LittleEndian.Uint64(header[16:]))
	payload := make([]byte, uint64(meta)+uint64(body))
	_, err = io.ReadFull(reader, payload)
	return string(payload[:meta]), payload[meta:], deadlineMs, err
}

func callUntil(deadlineMs int64, handler Handler, ctx Context, event []byte) []byte {
	ctx.Context = context.Background()
	if deadlineMs != 0 {
		limited, cancel := context.WithDeadline(ctx.Context, time.UnixMilli(deadlineMs))
		defer cancel()
		ctx.Context = limited
	}
	return call(handler, ctx, event)
}

// call answers the frame to send.
func call(handler Handler, ctx Context, event []byte) (frame []byte) {
	defer func() {
		if thrown := recover(); thrown != nil {
			frame = encodeError("panic", fmt.Sprint(thrown), string(debug.Stack()))
		}
	}()
	value, err := handler(ctx, event)
	if err != nil {
		return encodeError(typeName(err), err.Error(), "")
	}
	body, err := json.Marshal(value)
	if err != nil {
		return encodeError("Runtime.MarshalError", "Unable to marshal response: "+err.Error(), "")
	}
	return encode(result, body)
}

func encodeError(kind, message, stack string) []byte {
	body, _ := json.Marshal(errorBody{kind, message, stack}) // strings always encode
	return encode(failure, body)
}

func encode(kind uint32, body []byte) []byte {
	frame := make([]byte, headerSize, headerSize+len(body))
	binary.LittleEndian.PutUint32(frame, kind)
	binary.LittleEndian.PutUint32(frame[8:], uint32(len(body)))
	return append(frame, body...)
}

// typeName is the name of an error's type, without package and pointer.
func typeName(err error) string {
	kind := reflect.TypeOf(err)
	if kind.Kind() == reflect.Ptr {
		kind = kind.Elem()
	}
	if kind.Name() == "" {
		return "error"
	}
	return kind.Name()
}
