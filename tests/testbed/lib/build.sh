# The programs that are built from Go modules: one folder with go.mod and go.sum for each origin.
# It must not write into the source tree, and it must not build what is already there with the same inputs.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

# Folder, then the packages whose commands it yields.
readonly MODULES=(kubernetes etcd kube-router coredns storage shop)

module_packages() { # FOLDER
  case $1 in
    kubernetes) echo k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl} ;;
    etcd) echo go.etcd.io/etcd/server/v3 go.etcd.io/etcd/etcdctl/v3 ;;
    kube-router) echo github.com/cloudnativelabs/kube-router/v2/cmd/kube-router ;;
    coredns | shop) echo . ;;
    storage) echo . github.com/kubernetes-csi/external-attacher/v4/cmd/csi-attacher github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner ;;
  esac
}

module_commands() { # FOLDER: the files in $BIN that it yields
  case $1 in
    kubernetes) echo kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl pause ;;
    etcd) echo etcd etcdctl ;;
    storage) echo storage csi-attacher csi-provisioner ;;
    *) echo "$1" ;;
  esac
}

module_linker_flags() { # FOLDER
  local flags="-s -w" version
  if [[ $1 == kubernetes ]]; then
    version=$(version_of kubernetes k8s.io/kubernetes)
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<< "$version") -X $package.gitTreeState=clean"
    done
  fi
  echo "$flags"
}

module_key() { # FOLDER: what the result depends on
  { cat "$HERE/$1"/go.mod "$HERE/$1"/go.sum "$HERE/$1"/*.go; module_packages "$1"; module_linker_flags "$1"; GOTOOLCHAIN=local go env GOVERSION GOARCH; } |
    sha256sum | cut -c1-32
}

module_built() { # FOLDER KEY
  local command
  [[ $(cat "$BIN/.$1.key" 2> /dev/null) == "$2" ]] || return 1
  for command in $(module_commands "$1"); do [[ -x $BIN/$command ]] || return 1; done
}

build_module() { # FOLDER
  local folder=$1 key work command
  key=$(module_key "$folder")
  if module_built "$folder" "$key"; then
    step "$folder: already built"
    return
  fi
  note "building $folder (the first time: minutes)"
  work=$CACHE/building-$folder
  rm -rf "$work" "$BIN/.$folder.key"
  mkdir -p "$work" "$BIN"
  local packages
  read -ra packages <<< "$(module_packages "$folder")"
  (
    cd "$HERE/$folder" || exit
    GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 \
      go build -trimpath -buildvcs=false -ldflags "$(module_linker_flags "$folder")" -o "$work/" "${packages[@]}"
  )
  build_renamed "$folder" "$work"
  for command in $(module_commands "$folder"); do mv -f "$work/$command" "$BIN/$command"; done
  rm -rf "$work"
  echo "$key" > "$BIN/.$folder.key"
  step "$folder: built"
}

build_renamed() { # FOLDER WORK: what Go names after a version folder, and the one program that is not Go
  case $1 in
    etcd)
      mv "$2/server" "$2/etcd"
      ;;
    kubernetes)
      local source
      source=$(cd "$HERE/kubernetes" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local go list -m -f '{{.Dir}}' k8s.io/kubernetes)
      gcc -Os -static -s -o "$2/pause" "$source/build/pause/linux/pause.c"
      ;;
  esac
}

build_all() {
  require_go
  require_commands "run: testbed install" gcc sha256sum flock
  mkdir -p "$CACHE"
  local folder
  exec 8> "$CACHE/build.lock"
  flock 8
  for folder in "${MODULES[@]}"; do build_module "$folder"; done
  exec 8>&-
}

require_built() { # the fast check of `up`: builds whatever is missing
  local folder
  for folder in "${MODULES[@]}"; do
    # Without Go on the machine, binaries that someone built before are good enough.
    if [[ -f $BIN/.$folder.key ]] && ! command -v go > /dev/null; then continue; fi
    module_built "$folder" "$(module_key "$folder")" || { build_all; return; }
  done
}
