# Certificates and kubeconfigs: one authority for each cluster, a certificate for each identity, elliptic curves since they are quick.
# It must not reuse anything of another cluster.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

pki_up() { # what the API server and the first kubectl need
  mkdir -p "$DIR/pki" "$DIR/kubeconfigs"
  pki_authority
  openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/pki/service-accounts.key"
  openssl ec -in "$DIR/pki/service-accounts.key" -pubout -out "$DIR/pki/service-accounts.pub" 2> /dev/null
  pki_certificate apiserver /CN=kube-apiserver "$(pki_apiserver_names)"
  pki_certificate apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  pki_identity admin /O=system:masters/CN=testbed-admin
  install -m 600 "$DIR/kubeconfigs/admin" "$KUBECONFIG_FILE"
}

pki_others() { # what is needed once the API server answers, made while it starts
  local node
  pki_identity controller-manager /CN=system:kube-controller-manager
  pki_identity scheduler /CN=system:kube-scheduler
  pki_identity kube-proxy /CN=system:kube-proxy
  # These have an identity of their own so that the audit log tells them apart; what they may do is not the testbed's subject.
  pki_identity kube-router /O=system:masters/CN=testbed-kube-router
  pki_identity coredns /O=system:masters/CN=testbed-coredns
  pki_identity storage /O=system:masters/CN=testbed-storage
  pki_identity prometheus /O=system:masters/CN=testbed-prometheus
  for node in $(node_names); do
    pki_identity "$node" "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$(node_ip "$node")"
  done
}

pki_authority() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/pki/ca.key"
  openssl req -x509 -new -key "$DIR/pki/ca.key" -days 3650 -subj "/CN=driftproof-testbed-$CLUSTER" -out "$DIR/pki/ca.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}

pki_apiserver_names() {
  local name
  for name in kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local localhost; do
    printf 'DNS:%s,' "$name"
  done
  printf 'IP:127.0.0.1,IP:%s,IP:%s' "$CONTROL_IP" "$API_SERVICE_IP"
}

pki_certificate() { # NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
  local base=$DIR/pki/$1 extensions
  extensions=$'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth,serverAuth\n'
  [[ -z ${3:-} ]] || extensions+="subjectAltName=$3"
  openssl ecparam -name prime256v1 -genkey -noout -out "$base.key"
  openssl req -new -key "$base.key" -subj "$2" |
    openssl x509 -req -CA "$DIR/pki/ca.crt" -CAkey "$DIR/pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 \
      -extfile <(echo "$extensions") -out "$base.crt" 2> /dev/null
}

pki_identity() { # NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]: a certificate, and a kubeconfig that holds everything itself
  pki_certificate "$@"
  cat > "$DIR/kubeconfigs/$1" << END
apiVersion: v1
kind: Config
clusters:
  - name: testbed-$CLUSTER
    cluster:
      server: https://$CONTROL_IP:6443
      certificate-authority-data: $(base64 -w0 "$DIR/pki/ca.crt")
users:
  - name: testbed-$CLUSTER
    user:
      client-certificate-data: $(base64 -w0 "$DIR/pki/$1.crt")
      client-key-data: $(base64 -w0 "$DIR/pki/$1.key")
contexts:
  - name: testbed-$CLUSTER
    context: { cluster: testbed-$CLUSTER, user: testbed-$CLUSTER }
current-context: testbed-$CLUSTER
END
  chmod 600 "$DIR/kubeconfigs/$1"
}
