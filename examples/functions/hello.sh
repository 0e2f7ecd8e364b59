#!/bin/sh
# Any executable is a function: the event on standard input, the result on standard output.
echo "this is the log" >&2
name=$(sed 's/.*"name": *"\([^"]*\)".*/\1/')
echo "Hello $name from a shell script"
