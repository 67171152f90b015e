# Cgroups: where the testbed's processes live, and the only way by which it finds them again.
# It must not signal a process outside the cgroups that the testbed made itself.
# shellcheck shell=bash

cgroup_make() { # PATH below every controller
  local controller path part
  for controller in "${CONTROLLERS[@]}"; do mkdir -p "$CGROUP_FS/$controller/$1"; done
  # A new cpuset is empty, and nothing can run in it.
  path=$CGROUP_FS/cpuset
  for part in ${1//\// }; do
    path=$path/$part
    cat "$CGROUP_FS/cpuset/cpuset.cpus" > "$path/cpuset.cpus"
    cat "$CGROUP_FS/cpuset/cpuset.mems" > "$path/cpuset.mems"
  done
}

cgroup_enter() { # PATH: moves the calling shell, so call it in a subshell that then becomes the program
  local controller
  for controller in "${CONTROLLERS[@]}"; do echo 0 > "$CGROUP_FS/$controller/$1/cgroup.procs"; done
}

cgroup_processes() { # PATH: the ids of every process in it and below
  [[ -d $CGROUP_FS/pids/$1 ]] || return 0
  find "$CGROUP_FS/pids/$1" -name cgroup.procs -exec cat {} + 2> /dev/null || true
}

cgroup_busy() { [[ -n $(cgroup_processes "$1") ]]; }

cgroup_freeze() { # PATH FROZEN|THAWED
  local file=$CGROUP_FS/freezer/$1/freezer.state
  [[ -f $file ]] || return 0
  echo "$2" > "$file"
}

cgroup_frozen() { grep -qE 'FROZEN|FREEZING' "$CGROUP_FS/freezer/$1/freezer.state" 2> /dev/null; }

cgroup_thaw_all() { # PATH: it and everything below, since a frozen process cannot die
  [[ -d $CGROUP_FS/freezer/$1 ]] || return 0
  local file
  while read -r file; do echo THAWED > "$file" 2> /dev/null || true; done < <(find "$CGROUP_FS/freezer/$1" -name freezer.state)
}

cgroup_kill() { # PATH: ends everything in it and below, at once; fails when something survives five seconds
  local tries processes
  for ((tries = 0; tries < 100; tries++)); do
    mapfile -t processes < <(cgroup_processes "$1")
    ((${#processes[@]} == 0)) && return
    kill -KILL "${processes[@]}" 2> /dev/null || true
    cgroup_thaw_all "$1"
    sleep 0.05
  done
  die "processes of the cgroup $1 do not end: ${processes[*]}"
}

cgroup_remove() { # PATH: the empty cgroup and everything below it, in every hierarchy
  local controller tries left
  for ((tries = 0; tries < 20; tries++)); do
    left=0
    for controller in "${CONTROLLERS[@]}" unified; do
      [[ -d $CGROUP_FS/$controller/$1 ]] || continue
      find "$CGROUP_FS/$controller/$1" -depth -type d -exec rmdir {} + 2> /dev/null || true
      [[ -d $CGROUP_FS/$controller/$1 ]] && left=1
    done
    ((left == 0)) && return
    sleep 0.05
  done
  note "the cgroup $1 could not be removed"
}

cgroup_remove_if_empty() { # PATH: only the directory itself, when nothing is in it
  local controller
  for controller in "${CONTROLLERS[@]}" unified; do rmdir "$CGROUP_FS/$controller/$1" 2> /dev/null || true; done
}
