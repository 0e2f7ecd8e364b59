# Compiles $NANOGRID_SOURCE with all C++ files beside it; the program goes to stdout.
set -e
directory=$(dirname "$NANOGRID_SOURCE")
for file in "$directory"/*.cpp "$directory"/*.cc "$directory"/*.cxx; do
  if [ -e "$file" ]; then set -- "$@" "$file"; fi
done
cd /tmp
g++ -std=c++20 -O2 -pthread -I/var/runtime/native/include -c "$@" >&2
# A static program starts faster and needs nothing from the root it runs in.
g++ -static -s -pthread ./*.o -o program 2> static.log >&2 || g++ -s -pthread ./*.o -o program >&2
cat program
