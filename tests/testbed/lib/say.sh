# What people read: messages, timings, and what is missing on this machine.
# It must not install or start anything.
# shellcheck shell=bash

die() { echo "testbed: $*" >&2; exit 1; }
note() { echo "testbed: $*" >&2; }

STEP_START=$EPOCHREALTIME
step() { # prints the seconds since the command began and what is done by now
  local now=$EPOCHREALTIME
  printf '%7.2f s  %s\n' "$(bc_less "$now" "$STEP_START")" "$*" >&2
}

bc_less() { # A B: A - B in seconds, for numbers like 1700000000.123456, without any other program
  local a=${1/[.,]/} b=${2/[.,]/} micros
  micros=$((a - b))
  printf '%d.%06d' $((micros / 1000000)) $((micros % 1000000))
}

wait_until() { # SECONDS COMMAND…: polls every 50 ms; fails when the time is over
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

require_root() { [[ $EUID -eq 0 ]] || die "this needs root (network namespaces, cgroups, mounts): run it with sudo"; }

require_cgroups() {
  local controller missing=()
  for controller in "${CONTROLLERS[@]}"; do
    [[ -f $CGROUP_FS/$controller/cgroup.procs ]] || missing+=("$controller")
  done
  ((${#missing[@]} == 0)) && return
  if [[ -f $CGROUP_FS/cgroup.controllers ]]; then
    die "this machine has cgroup v2 only; the testbed needs the v1 controllers under $CGROUP_FS (boot with systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller)"
  fi
  die "these cgroup v1 controllers are not mounted under $CGROUP_FS: ${missing[*]}"
}

require_commands() { # PACKAGE-HINT COMMAND…
  local hint=$1 command missing=()
  shift
  for command in "$@"; do command -v "$command" > /dev/null || missing+=("$command"); done
  ((${#missing[@]} == 0)) || die "missing on this machine: ${missing[*]} ($hint)"
}

require_packages() {
  require_commands "run: testbed install" containerd ctr runc nft iptables ipset conntrack ip bridge nsenter unshare openssl busybox
  [[ -x /usr/lib/cni/ptp && -x /usr/lib/cni/host-local && -x /usr/lib/cni/portmap ]] ||
    die "missing on this machine: the CNI plugins of Debian's containernetworking-plugins (run: testbed install)"
}

require_overlay() { grep -qw overlay /proc/filesystems || die "this kernel has no overlayfs, which containerd needs here"; }

require_go() {
  command -v go > /dev/null || die "no Go here: Kubernetes, etcd, kube-router and CoreDNS are built from their modules with Go 1.26 or newer"
  local version minor
  version=$(GOTOOLCHAIN=local go env GOVERSION)
  minor=${version#go1.}
  minor=${minor%%[!0-9]*}
  [[ $version == go1.* && ${minor:-0} -ge 26 ]] || [[ $version == go[2-9]* ]] || die "Go 1.26 or newer is needed, and this is $version"
}
