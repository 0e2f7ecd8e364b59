#!/usr/bin/env bash
# Runs commands on a machine with unified cgroups (v2): a Debian kernel in QEMU, software-emulated,
# whose root is this machine's, read-only, with a throw-away layer on top.
#
#   tests/vm/run.sh GUEST_SCRIPT [ARGUMENT…]
#
# The script runs in the guest as root and its exit code is ours. Nothing on this machine is changed
# but build/vm, where kernel and initramfs are kept. Needs: qemu-system-x86 kmod cpio busybox-static.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/build/vm"
modules_wanted="virtio_pci 9pnet_virtio 9p overlay virtio_console"
memory_mib=${NANOGRID_VM_MEMORY:-3072}
time_limit=${NANOGRID_VM_TIMEOUT:-7200}  # an hour on two busy cores

die() { echo "tests/vm/run.sh: $*" >&2; exit 3; }
[ $# -ge 1 ] || die "usage: tests/vm/run.sh GUEST_SCRIPT [ARGUMENT…]"
for tool in qemu-system-x86_64 depmod cpio busybox; do
  PATH=$PATH:/sbin:/usr/sbin command -v "$tool" >/dev/null || die "$tool is missing (tests/run.sh --full installs it)"
done
export PATH=$PATH:/sbin:/usr/sbin

# The kernel that Debian's metapackage stands for; the cloud flavour has no 9p.
fetch_kernel() {
  mkdir -p "$work/download" "$work/kernel"
  local package
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
  [ -n "$package" ] || die "apt knows no linux-image-amd64: run apt-get update"
  echo "fetching $package" >&2
  (cd "$work/download" && apt-get download -q "$package" >/dev/null)
  dpkg -x "$work"/download/linux-image-*.deb "$work/kernel"
  rm -r "$work/download"
}

build_initramfs() {
  local tree="$work/initramfs" version
  version=$(ls "$work/kernel/lib/modules")
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,host,layer,root}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  depmod -b "$work/kernel" "$version"
  local order="" name
  for name in $modules_wanted; do
    order+=$(modprobe -d "$work/kernel" -S "$version" --show-depends "$name" | awk '$1=="insmod"{print $2}')$'\n'
  done
  awk 'NF && !seen[$0]++' <<<"$order" > "$work/modules.list"
  local index=100 module
  while read -r module; do
    cp "$module" "$tree/modules/$index-$(basename "$module")"
    index=$((index + 1))
  done < "$work/modules.list"
  cat > "$tree/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for m in /modules/*; do insmod "$m" || echo "insmod $m failed"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 hostroot /host || echo "9p failed"
mount -t tmpfs -o size=60% tmpfs /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
umount /proc /sys
exec switch_root /root /bin/sh BOOT_SCRIPT
INIT
  sed -i "s|BOOT_SCRIPT|$work/boot.sh|" "$tree/init"
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initramfs.gz"
}

write_boot_script() {
  {
    echo "mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev"
    printf 'mount --bind %q /mnt\n' "$root"
    echo "mkdir -p /dev/shm /dev/pts; mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp"
    # This project may lie below a directory that is empty now.
    printf 'mkdir -p %q; mount --bind /mnt %q\n' "$root" "$root"
    echo "ln -sf /proc/self/fd /dev/fd; ln -sf /proc/self/fd/1 /dev/stdout; ln -sf /proc/self/fd/2 /dev/stderr"
    echo "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    echo "busybox ip link set lo up"
    echo "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8"
    echo "cd $(printf %q "$root")"
    printf 'bash'
    printf ' %q' "$@"
    echo ' 2>&1; echo "guest exit code: $?"'
    # The root goes away with the machine: no program can be started to wait for that.
    echo "sync; echo o > /proc/sysrq-trigger; while :; do :; done"
  } > "$work/boot.sh"
}

[ -d "$work/kernel/boot" ] || fetch_kernel
build_initramfs
write_boot_script "$(realpath "$1")" "${@:2}"
log="$work/console.log"
timeout --foreground "$time_limit" qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp 2 -m "$memory_mib" \
  -nographic -no-reboot -nic none -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initramfs.gz" \
  -append "console=ttyS0 quiet loglevel=1 panic=-1 cgroup_no_v1=all" \
  -virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap \
  </dev/null | sed -u 's/\r//' | tee "$log"
code=$(sed -n 's/^guest exit code: \([0-9]*\)$/\1/p' "$log" | tail -1)
[ -n "$code" ] || die "the guest did not finish within ${time_limit} s (console in $log)"
exit "$code"
