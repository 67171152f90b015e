# What is inside each image.
# It must not install anything on the machine, nor fetch what the cache has.
# shellcheck shell=bash

images_recipes() {
  image_make pause testbed.local/pause:1 recipe_pause "$BIN/pause"
  image_make busybox busybox:test recipe_busybox /bin/busybox
}

recipe_pause() {
  cp "$BIN/pause" "$1/pause"
  image_config '["/pause"]' 65534
}

recipe_busybox() { # with a link for each of its commands
  local command
  cp "$(command -v busybox)" "$1/bin/busybox"
  for command in $(busybox --list); do
    [[ $command == busybox ]] || ln -s busybox "$1/bin/$command"
  done
  mkdir -p "$1/www"
  image_config '["/bin/sh"]'
}
