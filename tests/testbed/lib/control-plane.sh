# The control plane: etcd, the API server, the controllers, the scheduler, and what every cluster needs beside them.
# Each is a process in the control plane's network namespace and in a cgroup of its own. It must not know about nodes.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

control_cgroup() { echo "$CGROUP/control-plane/$1"; }

control_start() { # COMPONENT COMMAND…: does nothing when it runs already
  local name=$1 cgroup
  shift
  cgroup=$(control_cgroup "$name")
  cgroup_busy "$cgroup" && return
  cgroup_make "$cgroup"
  (
    cgroup_enter "$cgroup"
    exec setsid nsenter --net="/run/netns/$(CONTROL_NETNS)" "$@"
  ) >> "$DIR/logs/$name.log" 2>&1 < /dev/null 7>&- 8>&- 9>&- &
}

control_stop() { cgroup_kill "$(control_cgroup "$1")"; }
control_running() { cgroup_busy "$(control_cgroup "$1")"; }

kubectl_admin() { "$BIN/kubectl" --kubeconfig "$KUBECONFIG_FILE" "$@"; }

etcd_start() { # what is lost when the machine dies is lost with the whole cluster, so nothing is synced to disk
  control_start etcd "$BIN/etcd" --data-dir "$DIR/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
}

audit_policy() { # every request once, when it has been answered; with the objects from which states of a drift are read
  cat << 'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    verbs: [update, patch]
    resources:
      - { group: "", resources: [pods/status, nodes/status] }
      - { group: discovery.k8s.io, resources: [endpointslices] }
  - level: Metadata
END
}

apiserver_start() {
  local flags=() pki=$DIR/pki
  if [[ $TIMINGS == short ]]; then
    flags+=(--default-not-ready-toleration-seconds=5 --default-unreachable-toleration-seconds=5)
  fi
  audit_policy > "$DIR/audit-policy.yaml"
  control_start apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --advertise-address="$CONTROL_IP" --bind-address=0.0.0.0 --secure-port=6443 --cert-dir="$DIR/apiserver" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/apiserver-kubelet-client.crt" --kubelet-client-key="$pki/apiserver-kubelet-client.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-key-file="$pki/service-accounts.pub" --service-account-signing-key-file="$pki/service-accounts.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-cluster-ip-range="$SERVICE_CIDR" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --audit-policy-file="$DIR/audit-policy.yaml" --audit-log-path="$AUDIT_LOG" --audit-log-format=json "${flags[@]}"
}

apiserver_ready() { kubectl_admin get --raw /readyz; }

apiserver_wait() {
  wait_until 60 apiserver_ready && return
  tail -n 5 "$DIR/logs/apiserver.log" >&2
  die "the API server is not ready after 60 s: see $DIR/logs/apiserver.log and etcd.log"
}

controllers_start() {
  local flags=()
  if [[ $TIMINGS == short ]]; then
    flags+=(--node-monitor-grace-period=8s --node-monitor-period=1s)
  fi
  local kubeconfig=$DIR/kubeconfigs/controller-manager
  control_start controller-manager "$BIN/kube-controller-manager" --kubeconfig="$kubeconfig" \
    --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" --leader-elect=false \
    --use-service-account-credentials=true --root-ca-file="$DIR/pki/ca.crt" \
    --service-account-private-key-file="$DIR/pki/service-accounts.key" \
    --cluster-signing-cert-file="$DIR/pki/ca.crt" --cluster-signing-key-file="$DIR/pki/ca.key" \
    --cluster-cidr="$POD_CIDR" --allocate-node-cidrs=false "${flags[@]}"
}

scheduler_start() {
  local kubeconfig=$DIR/kubeconfigs/scheduler
  control_start scheduler "$BIN/kube-scheduler" --kubeconfig="$kubeconfig" --authentication-kubeconfig="$kubeconfig" \
    --authorization-kubeconfig="$kubeconfig" --leader-elect=false
}

proxy_config() { # NAME: masquerades what comes from outside the pods, so that answers find their way back
  cat << END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: { kubeconfig: $DIR/kubeconfigs/kube-proxy }
clusterCIDR: $POD_CIDR
hostnameOverride: $1
conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
END
}

control_proxy_start() { # for the API server, and for the machine on which the testbed runs
  proxy_config control-plane > "$DIR/kube-proxy.yaml"
  control_start kube-proxy "$BIN/kube-proxy" --config="$DIR/kube-proxy.yaml" --v=1
}

dns_start() { # CoreDNS beside the API server: no node's death takes the cluster's names away
  cat > "$DIR/Corefile" << END
.:53 {
  bind $CONTROL_IP
  errors
  health $CONTROL_IP:8080
  ready $CONTROL_IP:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig $DIR/kubeconfigs/coredns
    pods insecure
    ttl 5
  }
  prometheus $CONTROL_IP:9153
  cache 5
  loadbalance
}
END
  control_start coredns "$BIN/coredns" -conf "$DIR/Corefile"
  dns_service | kubectl_admin apply -f - > /dev/null
}

dns_service() { # a Service without a selector, since its one endpoint is no pod
  cat << END
apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system, labels: { k8s-app: kube-dns } }
spec:
  clusterIP: $DNS_IP
  ports:
    - { name: dns, port: 53, protocol: UDP }
    - { name: dns-tcp, port: 53, protocol: TCP }
    - { name: metrics, port: 9153, protocol: TCP }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: kube-dns-control-plane, namespace: kube-system, labels: { kubernetes.io/service-name: kube-dns } }
addressType: IPv4
endpoints: [{ addresses: ["$CONTROL_IP"], conditions: { ready: true } }]
ports:
  - { name: dns, port: 53, protocol: UDP }
  - { name: dns-tcp, port: 53, protocol: TCP }
  - { name: metrics, port: 9153, protocol: TCP }
END
}

apiserver_verb() { # kill|start
  case ${1:-} in
    kill) control_stop apiserver ;;
    start) apiserver_start; apiserver_wait ;;
    *) die "apiserver takes kill or start (testbed --help)" ;;
  esac
}
