#!/bin/sh
# Resolves requirements/*.in into locks that hold names, versions and hashes only.
# Usage: lock.sh path/to/uv [extra uv arguments, such as --upgrade]
set -eu
uv=$1; shift
cd "$(dirname "$0")"

compile() { # NAME [extra uv arguments]
  name=$1; shift
  "$uv" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
    "$@" "$name.in" -o "$name.lock"
}

constraint=
for name in models server openvino nudenet dev train; do
  # shellcheck disable=SC2086 # the constraints are pairs of words, or none
  compile "$name" $constraint "$@"
  constraint="$constraint -c $name.lock"
done

compile e2e -c dev.lock "$@"
compile manifests "$@"

# The servers that make bench compares with, each in an environment of its own, on our engine.
engine=$(mktemp)
trap 'rm -f "$engine"' EXIT
grep -oE '^(onnxruntime|tokenizers)==[^ ]+' server.lock > "$engine"
for peer in litserve mlserver bentoml; do
  compile "bench-$peer" -c "$engine" "$@"
done
