# Container images without a registry: root file systems in the cache, each turned into a one-layer OCI archive.
# It must not depend on the time or on the machine: the same files give the same digest.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

readonly IMAGES=$CACHE/images
readonly SEED=$CACHE/containerd-seed

image_pack() { # NAME:TAG ROOTFS CONFIG-JSON OUT.tar: the archive that containerd imports
  local name=$1 rootfs=$2 config=$3 out=$4 work layer layer_size config_digest config_size manifest
  work=$(mktemp -d "$CACHE/pack.XXXXXX")
  mkdir -p "$work/blobs/sha256"
  image_tar "$rootfs" "$work/layer"
  layer=$(image_blob "$work" "$work/layer")
  layer_size=$(stat -c %s "$work/blobs/sha256/$layer")
  printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[]}' \
    "$config" "$layer" > "$work/config"
  config_digest=$(image_blob "$work" "$work/config")
  config_size=$(stat -c %s "$work/blobs/sha256/$config_digest")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%d}]}' \
    "$config_digest" "$config_size" "$layer" "$layer_size" > "$work/manifest"
  manifest=$(image_blob "$work" "$work/manifest")
  image_index "$(image_full_name "$name")" "$manifest" "$(stat -c %s "$work/blobs/sha256/$manifest")" > "$work/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' > "$work/oci-layout"
  image_tar "$work" "$out.new" oci-layout index.json blobs
  mv "$out.new" "$out"
  rm -rf "$work"
}

image_tar() { # FOLDER OUT [ENTRY…]: a tar without times, owners or an order of its own
  local folder=$1 out=$2
  shift 2
  tar --create --file "$out" --directory "$folder" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu "${@:-.}"
}

image_blob() { # WORK FILE: moves the file to its place by content and prints its digest
  local digest
  digest=$(sha256sum < "$2" | cut -d' ' -f1)
  mv "$2" "$1/blobs/sha256/$digest"
  echo "$digest"
}

image_index() { # NAME MANIFEST-DIGEST SIZE: the manifest under its tag and under its digest, so that pods show a repository digest
  local reference entries=()
  for reference in "$1" "${1%:*}@sha256:$2"; do
    entries+=("$(printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,"annotations":{"io.containerd.image.name":"%s"},"platform":{"architecture":"amd64","os":"linux"}}' "$2" "$3" "$reference")")
  done
  printf '{"schemaVersion":2,"manifests":[%s,%s]}' "${entries[@]}"
}

image_full_name() { # kubelet looks for "busybox:test" under the name that a registry client would give it
  if [[ $1 == */* ]]; then echo "$1"; else echo "docker.io/library/$1"; fi
}

image_rootfs() { # FOLDER: the empty root file system that every image starts from
  local rootfs=$1
  rm -rf "$rootfs"
  mkdir -p "$rootfs"/{bin,etc,proc,sys,dev,tmp,var/tmp,run,usr}
  chmod 1777 "$rootfs/tmp" "$rootfs/var/tmp"
  printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' > "$rootfs/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' > "$rootfs/etc/group"
  printf 'hosts: files dns\n' > "$rootfs/etc/nsswitch.conf"
}

image_config() { # ENTRYPOINT-JSON [USER]
  printf '{"Env":["PATH=/bin:/usr/bin:/sbin:/usr/sbin"],"Entrypoint":%s,"User":"%s","WorkingDir":"/"}' "$1" "${2:-}"
}

image_make() { # FILE-NAME NAME:TAG FUNCTION INPUT…: calls FUNCTION ROOTFS, which prints the config, unless nothing has changed
  local file=$IMAGES/$1.tar name=$2 make=$3 key rootfs config
  shift 3
  key=$({ cat "$HERE/lib/images.sh" "$HERE/lib/image-recipes.sh"; sha256sum "$@"; } | sha256sum | cut -c1-32)
  if [[ -f $file && $(cat "$file.key" 2> /dev/null) == "$key" ]]; then return; fi
  rootfs=$CACHE/rootfs
  image_rootfs "$rootfs"
  config=$("$make" "$rootfs")
  image_pack "$name" "$rootfs" "$config" "$file"
  rm -rf "$rootfs"
  echo "$key" > "$file.key"
  step "image $name: $(($(stat -c %s "$file") / 1024)) KiB"
}

images_all() {
  mkdir -p "$IMAGES"
  exec 7> "$CACHE/images.lock"
  flock 7
  images_recipes
  images_seed
  exec 7>&-
}

# A node starts with a copy of this containerd root, so that `up` imports nothing and every node has the same images.
images_seed() {
  local key
  key=$(cat "$IMAGES"/*.tar.key "$HERE/lib/images.sh" | sha256sum | cut -c1-32)
  [[ $(cat "$SEED.key" 2> /dev/null) == "$key" ]] && return
  rm -rf "$SEED" "$SEED.key" "$SEED.run"
  mkdir -p "$SEED" "$SEED.run"
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child --mount-proc bash -euc '
    root=$1 run=$2 images=$3
    printf "version = 2\ndisabled_plugins = [\"io.containerd.internal.v1.opt\", \"io.containerd.grpc.v1.cri\"]\n" > "$run/config.toml"
    containerd --config "$run/config.toml" --root "$root" --state "$run/state" --address "$run/socket" > "$run/log" 2>&1 &
    until ctr --address "$run/socket" version > /dev/null 2>&1; do sleep 0.05; done
    for image in "$images"/*.tar; do
      ctr --address "$run/socket" --namespace k8s.io images import "$image" >> "$run/log" 2>&1
    done
    kill %1
    wait %1 || true
  ' seed "$SEED" "$SEED.run" "$IMAGES" || die "the images could not be imported: see $SEED.run/log"
  rm -rf "$SEED.run"
  echo "$key" > "$SEED.key"
  step "containerd's start with all images: $(du -sm "$SEED" | cut -f1) MiB"
}

images_seed_node() { # NODE-DIR: layers and blobs never change once written, so links do; the databases are copied
  local root=$1/var/lib/containerd file
  [[ -d $root ]] && return
  mkdir -p "$1/var/lib"
  cp -al "$SEED" "$root.new" 2> /dev/null || { rm -rf "$root.new"; cp -a "$SEED" "$root.new"; }
  while read -r file; do
    cp "$file" "$file.own"
    mv "$file.own" "$file"
  done < <(find "$root.new" -name '*.db')
  mv "$root.new" "$root"
}
