#!/usr/bin/env bash
# Has Debian's chromium at hand for the tests of the playground: takes the one that is there, or
# installs it where it may, or says what to do.
set -euo pipefail

if command -v chromium >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "make e2e needs chromium on the PATH, and there is no apt-get here to install it with." >&2
  exit 1
fi
if [[ $(id -u) -ne 0 ]]; then
  echo "make e2e needs chromium, and only root may install it: sudo apt-get install chromium" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
