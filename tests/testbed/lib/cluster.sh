# A whole cluster: up, down, status.
# It must leave nothing of a cluster behind when it goes down, even when coming up was cut off half way.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

cluster_lock() { # one `up` or `down` at a time on this machine
  mkdir -p "$STATE"
  exec 9> "$STATE/lock"
  flock --timeout 120 9 || die "another 'testbed up' or 'down' has been at work for two minutes"
}

cluster_up() {
  require_root
  require_cgroups
  require_overlay
  require_packages
  cluster_names
  ((NODES >= 1 && NODES <= MAX_NODES)) || die "--nodes takes 1 to $MAX_NODES"
  require_built
  images_all
  cluster_lock
  if cluster_is_up; then
    cluster_same_as_asked
    step "cluster '$CLUSTER' is up already"
    return
  fi
  cluster_remove
  cluster_new
  step "network and the API server's certificates"
  etcd_start
  apiserver_start
  pki_others
  cluster_nodes_start
  apiserver_wait
  step "the API server is ready"
  controllers_start
  scheduler_start
  cluster_nodes_register
  control_proxy_start
  dns_start
  storage_start
  cluster_wait
  exec 9>&-
  step "cluster '$CLUSTER' is up: $NODES nodes, timings $TIMINGS, policies $POLICIES"
  echo "export KUBECONFIG=$KUBECONFIG_FILE"
}

cluster_is_up() { [[ -f $DIR/settings && -f $DIR/complete ]] && control_running apiserver; }

cluster_same_as_asked() { # a cluster that runs with other settings is not what the caller wants to see
  local asked="$NODES $ZONES $TIMINGS $POLICIES"
  # shellcheck disable=SC1091
  source "$DIR/settings"
  cluster_addresses
  [[ $asked == "$NODES $ZONES $TIMINGS $POLICIES" ]] ||
    die "cluster '$CLUSTER' runs with nodes=$NODES zones=${ZONES:-one each} timings=$TIMINGS policies=$POLICIES; take it down first (testbed down --cluster $CLUSTER)"
}

# Each kubelet, containerd and kube-proxy holds some, and the usual 128 are soon used up: kubelets die of "too many open files".
readonly INOTIFY=/proc/sys/fs/inotify/max_user_instances

inotify_raise() {
  [[ ! -e $STATE/inotify && $(cat $INOTIFY) -lt 8192 ]] || return 0
  cat $INOTIFY > "$STATE/inotify"
  echo 8192 > $INOTIFY
}

inotify_restore() { # with the last cluster
  [[ ! -s $STATE/inotify ]] || cat "$STATE/inotify" > $INOTIFY
}

cluster_new() {
  inotify_raise
  SLOT=$(network_free_slot)
  cluster_addresses
  mkdir -p "$DIR/logs" "$DIR/nodes"
  save_cluster
  pki_up
  network_up
}

cluster_nodes_start() { # they come up while the API server does
  local node
  for node in $(node_names); do node_start "$node"; done
}

cluster_nodes_register() { # and their kubelets begin once their Node objects are there
  local node
  for node in $(node_names); do node_object "$node"; done | kubectl_admin create -f - > /dev/null
  touch "$DIR/registered"
}

cluster_ready() { [[ $(kubectl_admin get nodes --no-headers | awk '$2 == "Ready"' | wc -l) -eq $NODES ]]; }
cluster_accounts() { kubectl_admin get serviceaccount default; }

cluster_wait() {
  wait_until 120 cluster_ready || die "not all nodes are ready after 120 s: see $DIR/logs"
  step "all nodes are ready"
  # A pod that comes before its namespace's service account is refused.
  wait_until 60 cluster_accounts || die "there is no default service account after 60 s: see $DIR/logs/controller-manager.log"
  touch "$DIR/complete"
}

cluster_down() { # of $CLUSTER
  cluster_names
  if [[ ! -e $DIR ]] && ! cgroup_busy "$CGROUP" && [[ ! -e /sys/class/net/$BRIDGE ]]; then
    step "there is no cluster '$CLUSTER'"
    return
  fi
  cluster_remove
  step "cluster '$CLUSTER' is gone"
}

cluster_remove() { # whatever there is of it; mounts and process namespaces end with the processes
  cgroup_kill "$CGROUP"
  cgroup_remove "$CGROUP"
  cgroup_remove_if_empty "$CGROUP_TOP"
  network_down
  rm -rf "$DIR"
}

cluster_list() { # every cluster of which anything is left
  {
    [[ ! -d $STATE ]] || find "$STATE" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
    [[ ! -d $CGROUP_FS/pids/$CGROUP_TOP ]] || find "$CGROUP_FS/pids/$CGROUP_TOP" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
    ip -o link show type bridge | sed -nE "s/^[0-9]+: $PREFIX-([a-z0-9]+):.*/\1/p"
  } | sort -u
}

cluster_down_command() { # --all or the one
  require_root
  cluster_lock
  if [[ $ALL == yes ]]; then
    for CLUSTER in $(cluster_list); do cluster_down; done
  else
    cluster_down
  fi
  exec 9>&-
  if [[ -z $(cluster_list) ]]; then
    network_forget
    inotify_restore
    rm -rf "$STATE"
  fi
}

cluster_status() {
  load_cluster
  local component node ready
  echo "cluster $CLUSTER: $NODES nodes, timings $TIMINGS, policies $POLICIES, API server https://$CONTROL_IP:6443"
  for component in etcd apiserver controller-manager scheduler kube-proxy coredns storage csi-attacher csi-provisioner; do
    printf '  %-20s %s\n' "$component" "$(control_running "$component" && echo running || echo dead)"
  done
  for node in $(node_names); do
    ready=$(kubectl_admin --request-timeout=2s get node "$node" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2> /dev/null) || ready='?'
    printf '  %-20s %s, Ready=%s, %s, %s\n' "$node" "$(node_state "$node")" "${ready:-?}" "$(node_zone "$node")" "$(node_ip "$node")"
  done
}

cluster_logs() { # [NAME [ARGUMENT-OF-TAIL…]]
  load_cluster
  if [[ -z ${1:-} ]]; then
    find "$DIR/logs" -name '*.log' -printf '%f\n' | sed 's/\.log$//' | sort
    return
  fi
  local file=$DIR/logs/$1.log
  [[ -f $file ]] || die "there is no log '$1' (it has: $(find "$DIR/logs" -name '*.log' -printf '%f\n' | sed 's/\.log$//' | sort | xargs))"
  shift
  tail "${@:--n50}" "$file"
}
