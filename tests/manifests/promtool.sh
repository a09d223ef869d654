#!/usr/bin/env bash
# Puts a promtool into a folder: the one that is on the PATH, or the program alone out of Debian's
# package `prometheus`, which is not installed, so that no service is set up or started.
# Usage: promtool.sh FOLDER
set -euo pipefail

folder=$1
if [[ -x $folder/promtool ]]; then exit 0; fi
mkdir -p "$folder"
folder=$(realpath "$folder")
if found=$(command -v promtool); then
  ln -sf "$found" "$folder/promtool"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "make manifests needs promtool on the PATH, which comes with Prometheus; there is no apt-get here to get it with." >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
cd "$scratch"
download() { apt-get download -qq -o APT::Sandbox::User=root prometheus >/dev/null; }
if ! download 2>/dev/null; then
  if [[ $(id -u) -ne 0 ]]; then
    echo "make manifests needs promtool, and Debian's lists of packages are missing or old: sudo apt-get update, or put promtool on the PATH." >&2
    exit 1
  fi
  apt-get update -qq
  download
fi
dpkg-deb --extract prometheus_*.deb package
cp --remove-destination package/usr/bin/promtool "$folder/promtool"
