#!/usr/bin/env bash
# Looks at what a host should have for a node of CEPtra, and says what to change.
#
#   deploy/host/tune.sh [DATA_DIR]            report; changes nothing
#   deploy/host/tune.sh --apply [DATA_DIR]    change what can be changed until the next boot; needs root
#
# Exit code: 0 if everything is as it should be (or was made so), 1 if not.
set -u

apply=no
[ "${1:-}" = "--apply" ] && { apply=yes; shift; }
data=${1:-.}
bad=0

say() { printf '%-4s %-22s %s\n' "$1" "$2" "$3"; }
good() { say ok "$1" "$2"; }
# wrong NAME FOUND WHAT-TO-DO
wrong() { say "!!" "$1" "$2; $3"; bad=1; }
# set_value NAME FILE VALUE
set_value() {
    if [ "$apply" = yes ] && { echo "$3" >"$2"; } 2>/dev/null; then
        good "$1" "set to $3"
        return 0
    fi
    return 1
}

# Kernel and io_uring.
release=$(uname -r)
major=${release%%.*}
minor=${release#*.}; minor=${minor%%.*}
if [ "$major" -gt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -ge 8 ]; }; then
    good kernel "$release"
else
    wrong kernel "$release" "install 5.8 or newer"
fi
disabled=/proc/sys/kernel/io_uring_disabled
if [ -r "$disabled" ]; then
    value=$(cat "$disabled")
    if [ "$value" = 0 ]; then
        good io_uring allowed
    else
        set_value io_uring "$disabled" 0 || wrong io_uring "disabled ($value)" "sysctl kernel.io_uring_disabled=0"
    fi
fi

# Memory that may be locked: rings and registered buffers.
locked=$(ulimit -l)
if [ "$locked" = unlimited ] || [ "$locked" -ge 65536 ]; then
    good memlock "$locked KiB"
else
    wrong memlock "$locked KiB" "LimitMEMLOCK=infinity in the unit, or raise it in /etc/security/limits.d"
fi
files=$(ulimit -n)
if [ "$files" = unlimited ] || [ "$files" -ge 65536 ]; then
    good "open files" "$files"
else
    wrong "open files" "$files" "LimitNOFILE=1048576 in the unit"
fi

# Cores: no governor that slows them down.
for governor in /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
    [ -e "$governor" ] || continue
    core=${governor#/sys/devices/system/cpu/}; core=${core%%/*}
    value=$(cat "$governor")
    if [ "$value" = performance ]; then
        good "governor $core" "$value"
    else
        set_value "governor $core" "$governor" performance ||
            wrong "governor $core" "$value" "echo performance > $governor"
    fi
done
if command -v systemctl >/dev/null && systemctl is-active --quiet irqbalance 2>/dev/null; then
    wrong irqbalance active "keep interrupts off the shards' cores: IRQBALANCE_BANNED_CPULIST, or stop it"
else
    good irqbalance "not active"
fi
swap=$(awk '/^SwapTotal:/ { print $2 }' /proc/meminfo)
if [ "$swap" = 0 ]; then
    good swap none
else
    wrong swap "$swap KiB" "swapoff -a: a page fault stalls a shard"
fi

# The disk under the data.
mkdir -p "$data" 2>/dev/null
device=$(df --output=source "$data" 2>/dev/null | tail -1)
kind=$(df --output=fstype "$data" 2>/dev/null | tail -1)
case $kind in
ext4 | xfs) good filesystem "$kind on $device" ;;
*) wrong filesystem "$kind on $device" "use ext4 or xfs: they have O_DIRECT" ;;
esac
block=$(lsblk -ndo pkname "$device" 2>/dev/null)
[ -n "$block" ] || block=${device#/dev/}
queue=/sys/block/$block/queue
if [ -e "$queue/scheduler" ]; then
    value=$(sed -n 's/.*\[\(.*\)\].*/\1/p' "$queue/scheduler")
    if [ "$value" = none ]; then
        good "scheduler $block" "$value"
    else
        set_value "scheduler $block" "$queue/scheduler" none ||
            wrong "scheduler $block" "$value" "echo none > $queue/scheduler"
    fi
    cache=$(cat "$queue/write_cache" 2>/dev/null)
    [ -z "$cache" ] || good "write cache $block" "$cache"
fi

exit "$bad"
