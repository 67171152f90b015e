# Programs from Debian's packages without installing them: downloaded, unpacked in the cache, copied with their libraries.
# It must not run a package's scripts, and it must not download again what the cache has.
# shellcheck shell=bash disable=SC2154

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
