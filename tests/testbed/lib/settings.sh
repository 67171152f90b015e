# Where everything lives and what a cluster is called: paths, versions, addresses, names.
# It must not change anything on the machine: it only computes and reads.
# shellcheck shell=bash disable=SC2034

readonly CACHE=${DRIFTPROOF_TESTBED_CACHE:-/var/cache/driftproof-testbed}
readonly STATE=${DRIFTPROOF_TESTBED_STATE:-/var/lib/driftproof-testbed}
readonly BIN=$CACHE/bin

# One prefix for everything with a name on the machine: network namespaces, links, cgroups.
readonly PREFIX=dpt
readonly CGROUP_TOP=driftproof-testbed
readonly CGROUP_FS=/sys/fs/cgroup
readonly CONTROLLERS=(cpu cpuacct cpuset memory devices freezer blkio pids systemd)

# Sixteen clusters fit beside each other, each in a slot of its own; see cluster_addresses.
readonly SLOTS=16
readonly MAX_NODES=20

# What `up` was told and what the other commands read back: written to $DIR/settings.
NODES=3
ZONES=
TIMINGS=default
POLICIES=on
SLOT=
# A static binary of the project to make an image of, when the caller has one.
DRIFTPROOF=

version_of() { # MODULE-FOLDER MODULE: the version that the folder's go.mod pins
  awk -v module="$2" '$1 == module { print $2; exit } $1 == "require" && $2 == module { print $3; exit }' "$HERE/$1/go.mod"
}

cluster_names() { # sets every name that depends on the cluster's name
  CLUSTER=${CLUSTER:-a}
  [[ $CLUSTER =~ ^[a-z][a-z0-9]{0,5}$ ]] || die "a cluster's name is one to six lower-case letters and digits, not '$CLUSTER'"
  DIR=$STATE/$CLUSTER
  BRIDGE=$PREFIX-$CLUSTER
  CGROUP=$CGROUP_TOP/$CLUSTER
  KUBECONFIG_FILE=$DIR/kubeconfig
  AUDIT_LOG=$DIR/logs/audit.log
}

cluster_addresses() { # sets every address that depends on the cluster's slot
  HOST_IP=10.89.$SLOT.1
  CONTROL_IP=10.89.$SLOT.10
  SERVICE_CIDR=10.$((96 + SLOT)).0.0/16
  API_SERVICE_IP=10.$((96 + SLOT)).0.1
  DNS_IP=10.$((96 + SLOT)).0.10
  POD_CIDR=10.$((112 + SLOT)).0.0/16
}

load_cluster() { # reads what `up` wrote; fails when there is no such cluster
  cluster_names
  [[ -f $DIR/settings ]] || die "there is no cluster '$CLUSTER' (start one: testbed up --cluster $CLUSTER)"
  # shellcheck disable=SC1091
  source "$DIR/settings"
  cluster_addresses
}

save_cluster() {
  printf '%s=%q\n' NODES "$NODES" ZONES "$ZONES" TIMINGS "$TIMINGS" POLICIES "$POLICIES" SLOT "$SLOT" > "$DIR/settings"
}

node_names() { local i; for ((i = 1; i <= NODES; i++)); do echo "worker-$i"; done; }
node_number() { echo "${1#worker-}"; }
node_ip() { echo "10.89.$SLOT.$((20 + ${1#worker-}))"; }
node_pod_cidr() { echo "10.$((112 + SLOT)).${1#worker-}.0/24"; }
node_netns() { echo "$PREFIX-$CLUSTER-${1/worker-/w}"; }
node_dir() { echo "$DIR/nodes/$1"; }

node_zone() { # the zone of a node: the list given to `up`, round robin, or one zone for each node
  local number=${1#worker-} list
  if [[ -z $ZONES ]]; then
    echo "zone-$number"
  else
    IFS=, read -ra list <<< "$ZONES"
    echo "${list[$(((number - 1) % ${#list[@]}))]}"
  fi
}

require_node() { # NODE: is it one of this cluster's nodes?
  if [[ ! $1 =~ ^worker-[1-9][0-9]*$ ]] || ((${1#worker-} > NODES)); then
    die "cluster '$CLUSTER' has no node '$1' (it has: $(node_names | xargs))"
  fi
}
