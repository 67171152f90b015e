# What is inside each image.
# It must not install anything on the machine, nor fetch what the cache has.
# shellcheck shell=bash disable=SC2154

images_recipes() {
  image_make pause testbed.local/pause:1 recipe_pause "$BIN/pause"
  image_make busybox busybox:test recipe_busybox /bin/busybox
  image_make etcd etcd:test recipe_etcd "$BIN/etcd" "$BIN/etcdctl"
  # The applications of the shipped scenarios' fixtures, under the names that the fixtures use.
  local application
  for application in web:1.4.2 files:1.0.0 model:7; do
    image_make "shop-${application%:*}" "registry.example/shop/$application" recipe_shop_web "$BIN/shop"
  done
  image_make shop-client registry.example/shop/client:2.0.0 recipe_shop_client "$BIN/shop"
  image_make shop-kv registry.example/shop/kv:3.1.0 recipe_shop_kv "$BIN/shop"
  debian_tree
  image_make nginx nginx:test recipe_nginx "$DEBIAN/key"
  image_make redis redis:test recipe_redis "$DEBIAN/key"
  image_make postgres postgres:test recipe_postgres "$DEBIAN/key"
  image_driftproof
}

recipe_pause() {
  cp "$BIN/pause" "$1/pause"
  image_config '["/pause"]' 65534
}

with_busybox() { # ROOTFS: a shell and the usual commands, for probes by command, `kubectl exec` and checks of volumes
  local command
  cp "$(command -v busybox)" "$1/bin/busybox"
  for command in $(busybox --list); do
    [[ $command == busybox || -e $1/bin/$command ]] || ln -s busybox "$1/bin/$command"
  done
}

recipe_busybox() {
  with_busybox "$1"
  mkdir -p "$1/www"
  image_config '["/bin/sh"]'
}

recipe_etcd() {
  with_busybox "$1"
  cp "$BIN/etcd" "$BIN/etcdctl" "$1/bin/"
  image_config '["/bin/etcd"]'
}

recipe_shop() { # ROOTFS APPLICATION ADDRESS
  with_busybox "$1"
  cp "$BIN/shop" "$1/shop"
  image_config "[\"/shop\",\"$2\",\"$3\"]"
}
recipe_shop_web() { recipe_shop "$1" web :8080; }
recipe_shop_client() { recipe_shop "$1" web :9000; }
recipe_shop_kv() { recipe_shop "$1" kv :7000; }

recipe_nginx() { # on ports 80 and 8080; says the pod's name, and 200 to /healthz and /readyz
  with_busybox "$1"
  debian_copy "$1" /usr/sbin/nginx
  mkdir -p "$1/etc/nginx" "$1/var/log/nginx" "$1/var/lib/nginx"
  cat > "$1/etc/nginx/nginx.conf" << 'END'
daemon off;
user nobody nogroup;
worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  server {
    listen 80;
    listen 8080;
    location / { return 200 "$hostname\n"; }
    location = /healthz { return 200 "ok\n"; }
    location = /readyz { return 200 "ok\n"; }
  }
}
END
  image_config '["/usr/sbin/nginx"]'
}

recipe_redis() {
  with_busybox "$1"
  debian_copy "$1" /usr/bin/redis-server /usr/bin/redis-cli
  image_config '["/usr/bin/redis-server","--bind","0.0.0.0","--protected-mode","no"]'
}

recipe_postgres() { # data in /data/pgdata, user postgres without a password, from everywhere
  local base=/usr/lib/postgresql/15
  with_busybox "$1"
  debian_copy "$1" $base/bin/{postgres,initdb,psql,pg_isready,pg_basebackup,pg_ctl}
  mkdir -p "$1$base/lib" "$1/usr/share/zoneinfo/Etc" "$1/usr/share/postgresql" "$1/data"
  chmod 1777 "$1/data"
  cp "$DEBIAN/tree$base"/lib/{dict_snowball,plpgsql,libpqwalreceiver,utf8_and_*,pgoutput}.so "$1$base/lib/" 2> /dev/null || true
  cp -r "$DEBIAN/tree/usr/share/postgresql/15" "$1/usr/share/postgresql/"
  cp -L "$DEBIAN/tree/usr/share/zoneinfo/Etc/UTC" "$1/usr/share/zoneinfo/Etc/UTC"
  cp -L "$DEBIAN/tree/usr/share/zoneinfo/Etc/UTC" "$1/usr/share/zoneinfo/UTC"
  echo 'postgres:x:999:999::/data:/bin/sh' >> "$1/etc/passwd"
  echo 'postgres:x:999:' >> "$1/etc/group"
  cat > "$1/bin/start-postgres" << END
#!/bin/sh
set -e
if [ ! -s /data/pgdata/PG_VERSION ]; then
  $base/bin/initdb -D /data/pgdata -U postgres --no-locale -E UTF8 -A trust
  echo 'host all all all trust' >> /data/pgdata/pg_hba.conf
fi
exec $base/bin/postgres -D /data/pgdata -c listen_addresses='*' -c unix_socket_directories=/tmp
END
  chmod 755 "$1/bin/start-postgres"
  image_config '["/bin/start-postgres"]' 999
}

# The project's own program. Nobody waits for its build here: `testbed images --driftproof FILE` takes one that is built.
image_driftproof() {
  [[ -z $DRIFTPROOF ]] || install -D -m 755 "$DRIFTPROOF" "$CACHE/driftproof/driftproof"
  [[ -x $CACHE/driftproof/driftproof ]] || return 0
  image_make driftproof driftproof:test recipe_driftproof "$CACHE/driftproof/driftproof"
}

recipe_driftproof() { # a program that is not static brings this machine's libraries, each in its own place
  local library
  cp "$CACHE/driftproof/driftproof" "$1/driftproof"
  while read -r library; do
    mkdir -p "$1$(dirname "$library")"
    cp -L "$library" "$1$library"
  done < <(ldd "$CACHE/driftproof/driftproof" 2> /dev/null | grep -oE '/[^ ]+' || true)
  image_config '["/driftproof"]'
}
