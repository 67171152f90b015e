# The wires: one bridge for each cluster, one network namespace for each node and for the control plane, static routes.
# It must not touch a link, a route or a namespace whose name does not carry the testbed's prefix.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

CONTROL_NETNS() { echo "$PREFIX-$CLUSTER-cp"; }

network_free_slot() { # the first slot whose machine subnet is neither another cluster's nor known to this machine
  local slot taken
  taken=$(cat "$STATE"/*/settings 2> /dev/null | sed -n 's/^SLOT=//p')
  for ((slot = 0; slot < SLOTS; slot++)); do
    grep -qx "$slot" <<< "$taken" && continue
    ip -4 route show | grep -q "^10\.89\.$slot\." && continue
    echo "$slot"
    return
  done
  die "all $SLOTS slots for clusters are taken (testbed down --all)"
}

network_up() {
  # `ip netns add` mounts this folder over itself for good when it is the first: remember to undo it.
  mountpoint -q /run/netns || touch "$STATE/mounted-netns"
  ip link add "$BRIDGE" type bridge stp_state 0 forward_delay 0
  ip addr add "$HOST_IP/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  network_machine_up "$(CONTROL_NETNS)" "$CONTROL_IP" 10
  local node
  for node in $(node_names); do
    ip -n "$(CONTROL_NETNS)" route replace "$(node_pod_cidr "$node")" via "$(node_ip "$node")"
    # The machine itself reaches pods through their node, and Services through the control plane's kube-proxy.
    ip route replace "$(node_pod_cidr "$node")" via "$(node_ip "$node")" dev "$BRIDGE"
  done
  ip route replace "$SERVICE_CIDR" via "$CONTROL_IP" dev "$BRIDGE"
}

network_machine_up() { # NETNS IP NUMBER: a namespace with one wire to the bridge; the same MAC at every boot
  local netns=$1 ip=$2 mac
  mac=$(printf '02:d9:%02x:00:00:%02x' "$SLOT" "$3")
  ip netns add "$netns"
  ip link add "$netns" type veth peer name eth0 address "$mac" netns "$netns"
  ip link set "$netns" master "$BRIDGE" up
  ip -n "$netns" link set lo up
  ip -n "$netns" addr add "$ip/24" dev eth0
  ip -n "$netns" link set eth0 up
  # Without a default route a machine cannot even send to a ClusterIP.
  ip -n "$netns" route add default via "$HOST_IP"
  nsenter --net="/run/netns/$netns" sysctl -qw net.ipv4.ip_forward=1
}

network_node_up() { # NODE: as after a reboot, so a namespace that is still there goes first
  local node=$1 netns other
  netns=$(node_netns "$node")
  network_machine_down "$netns"
  network_machine_up "$netns" "$(node_ip "$node")" "$((20 + $(node_number "$node")))"
  for other in $(node_names); do
    [[ $other == "$node" ]] || ip -n "$netns" route replace "$(node_pod_cidr "$other")" via "$(node_ip "$other")"
  done
}

network_machine_down() { # NETNS
  ip link del "$1" 2> /dev/null || true
  [[ ! -e /run/netns/$1 ]] || ip netns del "$1"
}

# A cut wire swallows every frame in both directions while both ends still have carrier, as when a switch dies:
# nobody gets an error, everybody waits.
network_cut() { bridge link set dev "$(node_netns "$1")" state 0; }
network_heal() { bridge link set dev "$(node_netns "$1")" state 3; }
network_is_cut() { ! bridge -d link show dev "$(node_netns "$1")" 2> /dev/null | grep -q 'state forwarding'; }

network_forget() { # after the last cluster: the mount over /run/netns, when it was ours and nobody else uses it
  [[ -f $STATE/mounted-netns && -z $(ls /run/netns) ]] || return 0
  umount /run/netns && rmdir /run/netns
}

network_down() { # everything that carries this cluster's name; links take their routes with them
  local netns
  for netns in $(ip netns list | awk '{ print $1 }' | grep -E "^$PREFIX-$CLUSTER-(cp|w[0-9]+)$" || true); do
    network_machine_down "$netns"
  done
  ip link del "$BRIDGE" 2> /dev/null || true
}
