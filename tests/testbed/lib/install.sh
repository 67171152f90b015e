# Debian's packages that the testbed stands on.
# It must not let a package start a service, and it must not leave the policy that prevents this behind.
# shellcheck shell=bash

readonly PACKAGES=(
  containerd runc containernetworking-plugins    # what runs the containers
  nftables iptables ipset conntrack iproute2     # what routes and filters their traffic
  busybox-static                                 # the smallest image
  openssl util-linux procps                      # certificates, namespaces, looking at processes
  gcc libc6-dev                                  # Kubernetes' own pause program is C
)

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || echo "$package"
  done
}

# invoke-rc.d asks /usr/sbin/policy-rc.d whether a service may start; 101 means no. Whatever was there comes back.
readonly SERVICE_POLICY=/usr/sbin/policy-rc.d
KEPT_POLICY=

forbid_services() {
  if [[ -e $SERVICE_POLICY ]]; then
    KEPT_POLICY=$(mktemp)
    cp -a "$SERVICE_POLICY" "$KEPT_POLICY"
  fi
  trap restore_services EXIT
  printf '#!/bin/sh\nexit 101\n' > "$SERVICE_POLICY"
  chmod 755 "$SERVICE_POLICY"
}

restore_services() {
  if [[ -n $KEPT_POLICY ]]; then
    cp -a "$KEPT_POLICY" "$SERVICE_POLICY"
    rm -f "$KEPT_POLICY"
  else
    rm -f "$SERVICE_POLICY"
  fi
  trap - EXIT
}

install_packages() {
  require_root
  require_commands "this is written for Debian" apt-get dpkg-query
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then
    step "all packages are there"
    return
  fi
  note "installing: ${missing[*]}"
  forbid_services
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
  restore_services
  step "installed: ${missing[*]}"
}
