# What comes from Debian: packages that are installed, and programs that are only unpacked in the cache.
# It must not let a package start a service or run its scripts for the second kind, nor leave the policy that prevents it.
# shellcheck shell=bash disable=SC2154

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

readonly DEBIAN=$CACHE/debian
readonly DEBIAN_PACKAGES=(nginx redis-server redis-tools postgresql-15 postgresql-client-15 tzdata prometheus)
# What the packages depend on for their scripts or for options that are not used here, and what is large.
readonly DEBIAN_WITHOUT='^(debconf.*|cdebconf|perl.*|lib.*-perl|python.*|libpython.*|locales.*|libllvm.*|postgresql-common|postgresql-client-common|ssl-cert|openssl|adduser|passwd|iproute2|ucf|lsb-base|init-system-helpers|systemd.*|sysvinit.*|dpkg|tar|coreutils|libjs-.*|fonts-.*|node-.*|javascript-common|gcc-.*-base|sensible-utils)$'

debian_tree() { # unpacks the packages and the libraries they depend on into $DEBIAN/tree
  local key list
  key=$(printf '%s\n' "${DEBIAN_PACKAGES[@]}" "$DEBIAN_WITHOUT" | sha256sum | cut -c1-32)
  [[ $(cat "$DEBIAN/key" 2> /dev/null) == "$key" ]] && return
  require_commands "this is written for Debian" apt-get apt-cache dpkg
  rm -rf "$DEBIAN"
  mkdir -p "$DEBIAN/packages" "$DEBIAN/tree"
  mapfile -t list < <(debian_closure)
  note "downloading ${#list[@]} packages of Debian into the cache"
  (
    cd "$DEBIAN/packages" || exit
    apt-get download -qq -o APT::Sandbox::User=root "${list[@]}"
  ) || die "Debian's packages could not be downloaded (apt-get update, and try again)"
  find "$DEBIAN/packages" -name '*.deb' -exec dpkg -x {} "$DEBIAN/tree" \;
  rm -rf "$DEBIAN/packages"
  echo "$key" > "$DEBIAN/key"
  step "Debian's packages: $(du -sm "$DEBIAN/tree" | cut -f1) MiB unpacked"
}

debian_closure() { # the packages and everything they depend on, by name
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
    "${DEBIAN_PACKAGES[@]}" | grep -E '^[a-z0-9]' | grep -v : | grep -vE "$DEBIAN_WITHOUT" | sort -u |
    # A name that only others provide has nothing to show, and cannot be downloaded.
    xargs apt-cache show --no-all-versions 2> /dev/null | sed -n 's/^Package: //p' | sort -u
}

debian_libraries() { # PROGRAM: the paths in the tree of every library it loads, by the tree's own loader
  local tree=$DEBIAN/tree
  "$tree/lib64/ld-linux-x86-64.so.2" --library-path \
    "$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu" --list "$1" |
    awk '/not found/ { print "missing: " $1 > "/dev/stderr"; exit 1 } $2 == "=>" { print $3 }'
}

debian_copy() { # ROOTFS PATH…: programs of the tree to the same place, with the libraries that they load
  local rootfs=$1 path library
  shift
  mkdir -p "$rootfs/lib64" "$rootfs/usr/lib/x86_64-linux-gnu"
  cp -L "$DEBIAN/tree/lib64/ld-linux-x86-64.so.2" "$rootfs/lib64/"
  for path in "$@"; do
    mkdir -p "$rootfs$(dirname "$path")"
    cp -L "$DEBIAN/tree$path" "$rootfs$path"
    while read -r library; do
      cp -nL "$library" "$rootfs/usr/lib/x86_64-linux-gnu/"
    done < <(debian_libraries "$DEBIAN/tree$path")
  done
}
