#!/usr/bin/env bash
# Runs the example on an image made here, and removes what it leaves: instances outlive the program that made them.
set -euo pipefail
program=$1
rik=$(dirname "$program")/../apps/rik/rik
work=$(mktemp -d)
clean() {
    "$rik" reset --state-dir "$work/state" || true
    rm -rf "$work"
}
trap clean EXIT
mkdir -p "$work/rootfs/bin"
cp /bin/busybox "$work/rootfs/bin/sleep"
umoci init --layout "$work/image"
umoci new --image "$work/image:1"
umoci insert --image "$work/image:1" "$work/rootfs" /
# Below the ranges of scripts/lib/lab.sh, and another one for a run beside this.
"$program" "$work/state" "oci:$work/image:1" "10.$((30 + $$ % 60)).0.0/16"
