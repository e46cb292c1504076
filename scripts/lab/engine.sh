#!/usr/bin/env bash
# A Docker engine for the tests: engine.sh [start|stop]
# start: uses the engine that answers already, else starts one with its state in the laboratory, without the containers
# that earlier tests left in it. stop: ends only our own. DOCKER_HOST (unix://...) is respected.
. "$(dirname "$0")/common.sh"

pid_file=$LAB/dockerd.pid
log=$LAB/dockerd.log

engine_answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

# Some machines withhold CAP_SYS_RESOURCE (bit 24) from root. A privileged container asks for every capability and runc
# then fails; a small runtime in front of runc takes that one out of the request.
lacks_sys_resource() {
  local bits
  bits=$(awk '/^CapEff:/ {print $2}' /proc/self/status)
  ! (((16#$bits >> 24) & 1))
}

remove_leftovers() { docker ps -aq --filter label=seatrial.deployment | xargs -r docker rm -f >/dev/null; }

start() {
  if version=$(engine_answers) && [ -n "$version" ]; then say "engine $version answers already"; return; fi
  need dockerd docker.io iptables
  need docker docker.io
  need iptables iptables
  [ "$(id -u)" = 0 ] || die "no engine answers, and only root can start one"
  local options=(--data-root "$LAB/engine" --exec-root "$LAB/run" --pidfile "$pid_file")
  [ -z "${DOCKER_HOST:-}" ] || options+=(--host "$DOCKER_HOST")
  if lacks_sys_resource; then
    install -m 755 "$LAB_SCRIPTS/oci_runtime.py" "$LAB/oci-runtime"
    options+=(--add-runtime "seatrial=$LAB/oci-runtime" --default-runtime seatrial)
  fi
  setsid nohup dockerd "${options[@]}" >"$log" 2>&1 </dev/null &
  local daemon=$!
  for _ in $(seq 240); do
    if version=$(engine_answers) && [ -n "$version" ]; then
      remove_leftovers
      say "engine $version started"
      return
    fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.25
  done
  tail -n 20 "$log" >&2
  die "the engine did not start; its log is $log"
}

stop() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) || { say "no engine of the laboratory runs"; return; }
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || { rm -f "$pid_file"; say "no engine of the laboratory runs"; return; }
  remove_leftovers || true
  kill "$pid"
  for _ in $(seq 120); do [ -d "/proc/$pid" ] || break; sleep 0.25; done
  [ ! -d "/proc/$pid" ] || die "the engine (pid $pid) does not end"
  say "engine stopped"
}

case ${1:-start} in
  start) start ;;
  stop) stop ;;
  *) die "usage: engine.sh [start|stop]" ;;
esac
