# SPDX-License-Identifier: BSD-3-Clause
"""A Linux guest with packed rings: memory changes, and a backend that dies.

QEMU cannot read the position of a packed ring out of guest memory as it does for a split
one.  When its backend is gone it sends the base of the last start again (T9).
"""
import re
import signal

from conftest import wait_until
from host import ADDRESS, GUESTS
from test_qemu import boot, cycle_dimms, fixture_make_host as _make_host  # noqa: F401


STATES = ('running', 'degraded', 'failed')  # by how many of two queues are down


def boot_packed(host, **options):
    guest = boot(host, device=',packed=on,page-per-vq=on', **options)
    # Character n is feature n; RING_PACKED is 34.
    assert guest.shell('cut -c35 /sys/bus/virtio/devices/virtio*/features').strip().endswith('1')
    return guest


def test_packed_dimms(make_host):
    """Memory in and out under a stream that is compared, link down and up, TCP at full speed."""
    host = make_host()
    guest = boot_packed(host)
    guest.ping(ADDRESS)
    cycle_dimms(host, guest, 3)
    guest.ask('set_link', name='n0', up=False)
    wait_until('no carrier', lambda: guest.shell('cat /sys/class/net/eth0/carrier').strip() == '0')
    guest.ask('set_link', name='n0', up=True)
    host.await_guest()
    host.iperf()
    assert host.dev()['queues_failed'] == 0
    guest.quit()
    host.stop()


def test_packed_daemon_dies(make_host):
    """T9: what the descriptors say for certain is taken; a queue of which they do not is down.

    Then it says so, and the guest's reset brings it back: nothing is lost in silence.  A ring
    contradicts itself if the card died between the last and the first of what it gave back.
    """
    host = make_host()
    guest = boot_packed(host, chardev=',reconnect=1')
    for _ in range(2):
        host.iperf()
        host.daemon.stop(signal.SIGKILL)
        wait_until('no carrier', lambda: guest.shell('cat /sys/class/net/eth0/carrier').strip() == '0')
        host.start()
        wait_until('the guest to be served', lambda: host.dev()['state'] in STATES)
        dev = host.dev()
        corrected = re.findall('queue (.): frontend sent base', host.daemon.log())
        down = re.findall('queue (.): the descriptors were not', host.daemon.log())
        print(f'corrected {corrected}, down {down}: {dev["state"]}, {dev["last_error"]}')
        assert len(corrected) + len(down) == 2, host.daemon.tail()
        assert (dev['queues_failed'], dev['state']) == (len(down), STATES[len(down)])
        if down:
            assert dev['last_error']
            guest.shell('ip link set eth0 down; rmmod virtio_net')
            guest.shell(f'insmod /lib/m/*-virtio_net.ko; sh /bin/net.start {GUESTS[0]}/24')
        host.await_guest()
        host.ping()
        host.stream(1)
    guest.quit()
    host.stop()
