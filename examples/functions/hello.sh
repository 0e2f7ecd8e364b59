#!/bin/sh
# Any executable is a function: the event on standard input, the result on standard output.
echo "this is the log" >&2
exec sed 's/.*"name": *"\([^"]*\)".*/Hello \1 from a shell script/'
