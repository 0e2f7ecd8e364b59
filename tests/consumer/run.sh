#!/bin/bash
# Builds and runs a program that embeds NanoGrid the way strangers do.
# run.sh install|find_package|add_subdirectory|pkg_config SOURCE_DIR BUILD_DIR CXX
set -euo pipefail
kind=$1 source=$2 build=$3
export CXX=$4
work=$build/consumer/$kind
prefix=$build/consumer/prefix

expect() {  # expect WANTED PROGRAM
  local got
  got=$("$2")
  [[ $got == "$1" ]] || { echo "$2 printed '$got', wanted '$1'"; exit 1; }
}

rm -rf "$work"
mkdir -p "$work"
cd "$source/tests/consumer"
case $kind in
  install)
    # Installed in one place and moved to another: nothing may remember the first.
    rm -rf "$prefix"
    cmake --install "$build" --prefix "$work/first" > /dev/null
    mv "$work/first" "$prefix"
    if grep -rIl "$work" "$prefix"; then echo "these files remember where they were installed"; exit 1; fi
    "$prefix/bin/nanogrid" --version
    exit ;;
  find_package)
    cmake -S find_package -B "$work" -G Ninja -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_BUILD_TYPE=Debug
    cmake --build "$work"
    expect /var/lib/app "$work/core_only" ;;
  add_subdirectory)
    launcher=$(command -v ccache || true)
    cmake -S add_subdirectory -B "$work" -G Ninja -D NANOGRID_SOURCE="$source" \
      -D CMAKE_CXX_COMPILER_LAUNCHER="$launcher"
    cmake --build "$work" --target consumer ;;
  pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name nanogrid.pc)") make -C pkg_config OUT="$work" ;;
esac
expect 42 "$work/consumer"
echo "$kind: built and answered 42"
