#!/bin/sh
# Runtime exec: the event is standard input, the result standard output.
name=$(sed -n 's/.*"name" *: *"\([^"\\]*\)".*/\1/p')
echo "{\"greeting\": \"Hello, ${name:-world}!\"}"
