# A node: its settings, its start, and what can be done to it.
# It must not reach into another node, and every verb may be given twice.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

node_cgroup() { echo "$CGROUP/$1"; }
node_running() { cgroup_busy "$(node_cgroup "$1")"; }

node_config() { # NODE: what containerd, CNI, kubelet and kube-proxy read
  local dir
  dir=$(node_dir "$1")
  mkdir -p "$dir/cni"
  node_config_containerd "$dir" > "$dir/containerd.toml"
  node_config_network "$1" > "$dir/cni/10-testbed.conflist"
  node_config_kubelet "$1" "$dir" > "$dir/kubelet.yaml"
  proxy_config "$1" > "$dir/kube-proxy.yaml"
  printf 'nameserver %s\n' "$DNS_IP" > "$dir/resolv.conf"
}

node_config_containerd() { # DIR
  cat << END
version = 2
# It makes /opt/containerd, which is the machine's.
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "testbed.local/pause:1"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$1/cni"
END
}

node_config_network() { # NODE: routed pods, so that policies see also the traffic between two pods of one node
  cat << END
{ "cniVersion": "0.4.0", "name": "testbed", "plugins": [
  { "type": "ptp", "ipMasq": false,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "$(node_pod_cidr "$1")" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "portmap", "capabilities": { "portMappings": true } }
] }
END
}

node_config_kubelet() { # NODE DIR
  cat << END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: { enabled: false }
  webhook: { enabled: true }
  x509: { clientCAFile: $DIR/pki/ca.crt }
authorization: { mode: Webhook }
tlsCertFile: $DIR/pki/$1.crt
tlsPrivateKeyFile: $DIR/pki/$1.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$(node_cgroup "$1")
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $2/resolv.conf
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: { memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1% }
END
  [[ $TIMINGS != short ]] || printf 'nodeStatusUpdateFrequency: 2s\nnodeLeaseDurationSeconds: 8\n'
}

node_register() { # NODE: makes the Node object unless it is there: kube-router wants the pod CIDR, which only it can carry
  kubectl_admin get node "$1" > /dev/null 2>&1 && return
  node_object "$1" | kubectl_admin create -f - > /dev/null
}

node_object() { # NODE
  cat << END
---
apiVersion: v1
kind: Node
metadata:
  name: $1
  labels: { kubernetes.io/hostname: $1, topology.kubernetes.io/zone: $(node_zone "$1") }
spec:
  podCIDR: $(node_pod_cidr "$1")
  podCIDRs: [$(node_pod_cidr "$1")]
END
}

node_start() { # NODE: network, cgroup, namespaces, first process
  local node=$1 dir
  dir=$(node_dir "$node")
  mkdir -p "$dir"
  images_seed_node "$dir"
  node_config "$node"
  network_node_up "$node"
  cgroup_make "$(node_cgroup "$node")/init"
  (
    cgroup_enter "$(node_cgroup "$node")/init"
    export NODE_DIR=$dir CLUSTER_DIR=$DIR CACHE_DIR=$CACHE NODE=$node POLICIES SERVICE_CIDR
    CGROUP=$(node_cgroup "$node") NODE_IP=$(node_ip "$node") ZONE=$(node_zone "$node")
    export CGROUP NODE_IP ZONE
    exec setsid nsenter --net="/run/netns/$(node_netns "$node")" \
      unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc "$HERE/lib/node-init"
  ) >> "$DIR/logs/$node-init.log" 2>&1 < /dev/null 7>&- 8>&- 9>&- &
}

node_stop() { # NODE: as when the power goes: nothing says good-bye, and what the kernel held is gone
  cgroup_kill "$(node_cgroup "$1")"
  cgroup_remove "$(node_cgroup "$1")"
}

node_power_off() {
  [[ ! -e /sys/class/net/$(node_netns "$1") ]] || network_cut "$1"
  node_stop "$1"
}

node_boot() {
  node_running "$1" && return
  node_register "$1"
  node_start "$1"
}

node_kill() { # NODE SERVICE: ends its process and keeps the node from starting it again
  touch "$(node_dir "$1")/hold-$2"
  local process
  for process in $(cgroup_processes "$(node_cgroup "$1")/$2"); do
    # containerd's shims share its cgroup and outlive it, and so do the containers.
    [[ $(basename "$(readlink "/proc/$process/exe")") != "$2" ]] || kill -KILL "$process"
  done
}

node_release() { rm -f "$(node_dir "$1")/hold-$2"; } # NODE SERVICE

node_ready_is() { # NODE True|NotTrue
  local status
  status=$(kubectl_admin get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
  if [[ $2 == True ]]; then [[ $status == True ]]; else [[ -n $status && $status != True ]]; fi
}

node_verb() { # VERB NODE [--wait]
  local verb=${1:-} node=${2:-} expected
  [[ -n $verb && -n $node ]] || die "node takes a verb and a node (testbed --help)"
  require_node "$node"
  case $verb in
    power-off | boot) ;;
    *) node_running "$node" || die "$node is powered off (testbed node boot $node)" ;;
  esac
  case $verb in
    power-off) node_power_off "$node" ;;
    boot) node_boot "$node" ;;
    cut) network_cut "$node" ;;
    heal) network_heal "$node" ;;
    freeze) cgroup_freeze "$(node_cgroup "$node")" FROZEN ;;
    thaw) cgroup_freeze "$(node_cgroup "$node")" THAWED ;;
    kill-kubelet) node_kill "$node" kubelet ;;
    start-kubelet) node_release "$node" kubelet ;;
    kill-runtime) node_kill "$node" containerd ;;
    start-runtime) node_release "$node" containerd ;;
    *) die "no such verb: $verb (testbed --help)" ;;
  esac
  [[ ${3:-} == --wait ]] || return 0
  case $verb in power-off | cut | freeze | kill-*) expected=NotTrue ;; *) expected=True ;; esac
  wait_until 120 node_ready_is "$node" "$expected" || die "$node: the cluster has not noticed '$verb' after 120 s"
  step "$node: $verb is seen by the cluster"
}

node_state() { # NODE: one line of words for `status`
  local words=()
  if ! node_running "$1"; then
    echo "off"
    return
  fi
  network_is_cut "$1" && words+=(cut)
  cgroup_frozen "$(node_cgroup "$1")" && words+=(frozen)
  [[ -e $(node_dir "$1")/hold-kubelet ]] && words+=("kubelet killed")
  [[ -e $(node_dir "$1")/hold-containerd ]] && words+=("runtime killed")
  ((${#words[@]})) || words=(running)
  local IFS=,
  echo "${words[*]}"
}
