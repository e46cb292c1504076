"""What ``docker run`` knows (Docker CLI 29): which options stand alone and which take a value, and their short forms.

Needed to tell an option's value from the image when a command is read back, also for options that a ContainerSpec does
not hold. Source: docs.docker.com/reference/cli/docker/container/run.
"""

from __future__ import annotations

import re

_ALONE_TEXT = """
--detach --disable-content-trust --help --init --interactive --no-healthcheck --oom-kill-disable --privileged
--publish-all --quiet --read-only --rm --sig-proxy --tty --use-api-socket
"""
_WITH_VALUE_TEXT = """
--add-host --annotation --attach --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns
--cidfile --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpu-shares --cpus
--cpuset-cpus --cpuset-mems --detach-keys --device --device-cgroup-rule --device-read-bps --device-read-iops
--device-write-bps --device-write-iops --dns --dns-opt --dns-option --dns-search --domainname --entrypoint --env
--env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval
--health-start-period --health-timeout --hostname --io-maxbandwidth --io-maxiops --ip --ip6 --ipc --isolation
--kernel-memory --label --label-file --link --link-local-ip --log-driver --log-opt --mac-address --memory
--memory-reservation --memory-swap --memory-swappiness --mount --name --net --net-alias --network --network-alias
--oom-score-adj --pid --pids-limit --platform --publish --pull --restart --runtime --security-opt --shm-size
--stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --ulimit --user --userns --uts --volume --volume-driver
--volumes-from --workdir
"""
ALONE = frozenset(_ALONE_TEXT.split())
WITH_VALUE = frozenset(_WITH_VALUE_TEXT.split())
SHORT = {
    "-a": "--attach",
    "-c": "--cpu-shares",
    "-d": "--detach",
    "-e": "--env",
    "-h": "--hostname",
    "-i": "--interactive",
    "-l": "--label",
    "-m": "--memory",
    "-p": "--publish",
    "-P": "--publish-all",
    "-q": "--quiet",
    "-t": "--tty",
    "-u": "--user",
    "-v": "--volume",
    "-w": "--workdir",
}

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([bkmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def size_bytes(text: str) -> int | None:
    """``256g`` as bytes: docker counts in powers of 1024. None where it is no size."""
    found = _SIZE.fullmatch(text.strip())
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else None
