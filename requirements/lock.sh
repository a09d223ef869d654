#!/bin/sh
# Resolves requirements/*.in into locks that hold names, versions and hashes only.
# Usage: lock.sh path/to/uv [extra uv arguments, such as --upgrade]
set -eu
uv=$1; shift
cd "$(dirname "$0")"
constraint=
for name in server openvino models dev train; do
  # shellcheck disable=SC2086 # the constraint is two words or none
  "$uv" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
    $constraint "$@" "$name.in" -o "$name.lock"
  constraint="-c $name.lock"
done
