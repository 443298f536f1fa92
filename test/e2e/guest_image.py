# SPDX-License-Identifier: BSD-3-Clause
"""The kernel and the initramfs that QEMU guests boot, made from Debian packages.

`ensure()` returns their paths, below the build folder, and makes them the first
time: the cloud kernel is fetched with `apt-get download` and unpacked, nothing is
installed.  The kernel is used as an ELF file (PVH boot), which starts in two
seconds without KVM.  Unavailable means: there is no guest here, and why.
"""
import glob
import os
import re
import shutil
import struct
import subprocess
import tempfile

from conftest import BUILD

META_PACKAGE = 'linux-image-cloud-amd64'
# In the order in which they load.
MODULES = ('virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev',
           'virtio_pci', 'failover', 'net_failover', 'virtio_net')
APPLETS = ('sh mount insmod rmmod cat echo ls ip ping sleep grep free cut tr nc head wc '
           'dd md5sum reboot poweroff seq arping dmesg stty sync').split()
DECODERS = {b'\x02\x21\x4c\x18': ['lz4', '-dc'], b'\xfd7zXZ\0': ['xz', '-dc', '--single-stream']}

INIT = r'''#!/bin/sh
export PATH=/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
for m in /lib/m/[0-9]*.ko; do insmod "$m" || echo "no module $m"; done
ip link set lo up
# net.start ADDRESS/BITS: also after the driver was loaded again
cat >/bin/net.start <<'END'
n=0; while [ ! -e /sys/class/net/eth0 ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
ip addr add $1 dev eth0; ip link set eth0 up
END
chmod +x /bin/net.start
for w in $(cat /proc/cmdline); do case $w in guest_ip=*) net.start "${w#guest_ip=}";; esac; done
(while :; do nc -l -p 7 -e cat; done) >/dev/null 2>&1 &
iperf3 -s -D >/dev/null 2>&1
stty -F /dev/ttyS0 -echo
echo GUEST-READY
# Not interactive: no prompt, no echo, only what commands say.
while read -r line; do eval "$line"; done </dev/ttyS0
poweroff -f
'''


class Unavailable(Exception):
    """A guest cannot be had on this machine."""


def run(argv, **options):
    try:
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=300, **options).stdout
    except FileNotFoundError:
        raise Unavailable(f'{argv[0]} is not installed') from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f'{argv[0]} did not end') from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(f'{" ".join(argv[:3])}: {error.stderr.decode()[-300:]}') from None


def fetch_kernel(folder):
    """Unpack the current cloud kernel's package into folder/k."""
    depends = run(['apt-cache', 'depends', META_PACKAGE]).decode()
    package = re.search(r'Depends: (linux-image-[0-9]\S*)', depends)
    if not package:
        raise Unavailable(f'{META_PACKAGE} is unknown to apt')
    run(['apt-get', '-o', 'APT::Sandbox::User=root', '-q', 'download', package[1]], cwd=folder)
    run(['dpkg', '-x', glob.glob(os.path.join(folder, '*.deb'))[0], os.path.join(folder, 'k')])


def extract_elf(bzimage):
    """The ELF kernel inside a bzImage, by its setup header (boot protocol 2.08)."""
    setup_sectors = bzimage[0x1f1] or 4
    offset, length = struct.unpack_from('<II', bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = bzimage[start:start + length - 4]  # behind it: the unpacked length
    for magic, decoder in DECODERS.items():
        if payload.startswith(magic):
            return run(decoder, input=payload)
    raise Unavailable('the kernel is packed in a way not known here')


def add_program(root, path):
    """A dynamic program with what it is linked against."""
    if not os.path.exists(path):
        raise Unavailable(f'{path} is not installed')
    shutil.copy(path, os.path.join(root, 'bin'))
    for library in re.findall(r'(/\S+) \(0x', run(['ldd', path]).decode()):
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, root + library)


def build_initramfs(folder):
    root = os.path.join(folder, 'root')
    for name in ('bin', 'dev', 'proc', 'sys', 'tmp', 'lib/m'):
        os.makedirs(os.path.join(root, name))
    if not os.path.exists('/usr/bin/busybox'):
        raise Unavailable('busybox-static is not installed')
    shutil.copy('/usr/bin/busybox', os.path.join(root, 'bin'))
    for applet in [*APPLETS, 'setsid']:
        os.symlink('busybox', os.path.join(root, 'bin', applet))
    for at, module in enumerate(MODULES):
        found = glob.glob(os.path.join(folder, 'k/lib/modules/**', module + '.ko'), recursive=True)
        if not found:
            raise Unavailable(f'the kernel has no module {module}')
        shutil.copy(found[0], os.path.join(root, f'lib/m/{at:02}-{module}.ko'))
    add_program(root, '/usr/bin/iperf3')
    with open(os.path.join(root, 'init'), 'w', encoding='ascii') as f:
        f.write(INIT)
    os.chmod(os.path.join(root, 'init'), 0o755)
    names = '\n'.join(os.path.relpath(os.path.join(at, name), root)
                      for at, folders, files in os.walk(root) for name in [*folders, *files])
    return run(['cpio', '-o', '-H', 'newc', '--quiet'], input=names.encode(), cwd=root)


def ensure():
    """(kernel, initramfs); made when they are missing or older than this file."""
    home = os.path.join(BUILD, 'e2e')
    paths = [os.path.join(home, name) for name in ('vmlinux', 'initramfs.cpio')]
    if all(os.path.exists(p) and os.path.getmtime(p) > os.path.getmtime(__file__) for p in paths):
        return paths
    os.makedirs(home, exist_ok=True)
    folder = tempfile.mkdtemp(dir=home)
    try:
        fetch_kernel(folder)
        with open(glob.glob(os.path.join(folder, 'k/boot/vmlinuz-*'))[0], 'rb') as f:
            images = [extract_elf(f.read()), build_initramfs(folder)]
        for path, image in zip(paths, images):
            with open(path + '.new', 'wb') as f:
                f.write(image)
            os.rename(path + '.new', path)
    finally:
        shutil.rmtree(folder)
    return paths
