# What clusters usually have besides Kubernetes: network volumes and Prometheus.
# It must not be needed by anything else: a cluster without it is complete.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

readonly VOLUME_DRIVER=network-volume.testbed

storage_start() { # the driver's controller, and Kubernetes' own attacher and provisioner beside it
  local socket=$DIR/csi/controller.sock kubeconfig=$DIR/kubeconfigs/storage
  mkdir -p "$DIR/csi" "$DIR/volumes"
  control_start storage "$BIN/storage" --socket="$socket" --volumes="$DIR/volumes"
  control_start csi-attacher "$BIN/csi-attacher" --csi-address="$socket" --kubeconfig="$kubeconfig" --timeout=15s
  control_start csi-provisioner "$BIN/csi-provisioner" --csi-address="$socket" --kubeconfig="$kubeconfig" --timeout=15s
  storage_objects | kubectl_admin apply -f - > /dev/null
}

storage_objects() {
  cat << END
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: { name: $VOLUME_DRIVER }
spec: { attachRequired: true, podInfoOnMount: false, fsGroupPolicy: None, volumeLifecycleModes: [Persistent] }
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: network, annotations: { storageclass.kubernetes.io/is-default-class: "true" } }
provisioner: $VOLUME_DRIVER
reclaimPolicy: Delete
volumeBindingMode: Immediate
---
# The key-value store of the fixtures labels its own pods with their role.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: testbed-role-labels }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get, patch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: testbed-role-labels }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: testbed-role-labels }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts:shop" }]
END
}

prometheus_config() { # the API server, every kubelet, and what kubelets know about containers
  local node targets=
  for node in $(node_names); do targets+="\"$(node_ip "$node"):10250\", "; done
  local access="scheme: https
    tls_config: { ca_file: $DIR/pki/ca.crt, cert_file: $DIR/pki/prometheus.crt, key_file: $DIR/pki/prometheus.key }"
  cat << END
global: { scrape_interval: 2s, scrape_timeout: 2s }
scrape_configs:
  - job_name: apiserver
    $access
    static_configs: [{ targets: ["$CONTROL_IP:6443"] }]
  - job_name: kubelet
    $access
    static_configs: [{ targets: [$targets] }]
  - job_name: cadvisor
    metrics_path: /metrics/cadvisor
    $access
    static_configs: [{ targets: [$targets] }]
  - job_name: coredns
    static_configs: [{ targets: ["$CONTROL_IP:9153"] }]
END
}

prometheus_start() {
  local url=http://$CONTROL_IP:9090
  debian_tree
  prometheus_config > "$DIR/prometheus.yaml"
  control_start prometheus "$DEBIAN/tree/usr/bin/prometheus" --config.file="$DIR/prometheus.yaml" \
    --storage.tsdb.path="$DIR/prometheus" --web.listen-address="$CONTROL_IP:9090" --log.level=warn
  wait_until 30 prometheus_ready "$CONTROL_IP" 9090 || die "Prometheus is not ready after 30 s: see $DIR/logs/prometheus.log"
  echo "$url"
}

prometheus_ready() ( # HOST PORT: without a program for HTTP; in a shell of its own, since a refused connection ends it
  exec 6<> "/dev/tcp/$1/$2"
  printf 'GET /-/ready HTTP/1.0\r\n\r\n' >&6
  read -r line <&6
  [[ $line == *" 200 "* ]]
)
