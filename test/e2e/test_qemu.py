# SPDX-License-Identifier: BSD-3-Clause
"""QEMU guests with a Linux kernel on VFs of the model, and what happens to them.

The far side is the kernel's own stack behind a TAP.  After ARP no ping may stay
unanswered: `-W 5` waits for a late one.
"""
import signal

import pytest

from conftest import BLACKOUT, wait_until
from host import ADDRESS, GUESTS, MACS, Host, end_stream
from qemu_guest import Guest, require


@pytest.fixture(name='make_host')
def fixture_make_host(runner):
    require()
    hosts = []

    def make(**options):
        hosts.append(Host(runner, **options))
        return hosts[-1].start()
    yield make
    runner.clean()
    for host in hosts:
        host.net.remove()


def boot(host, at=0, chardev='', **options):
    """A guest on port a or b; it has answered once."""
    port = 'ab'[at]
    guest = Guest(host.runner, f'path={host.vhost_socket(port)}{chardev}', GUESTS[at], MACS[at],
                  **options).booted()
    host.await_guest(GUESTS[at])
    return guest


def test_traffic(make_host):
    host = make_host()
    guest = boot(host)
    host.ping()
    guest.ping(ADDRESS)
    host.stream()
    for direction in ((), ('-R',)):
        host.iperf(*direction)
    guest.quit()
    host.await_state('a', 'listening')
    host.stop()


def test_two_guests(make_host):
    """What one guest sends arrives at the other, and nothing of it on the uplink."""
    host = make_host(vfs=2)
    guests = [boot(host, at) for at in (0, 1)]
    outside = host.net.run('cat', '/sys/class/net/up0/statistics/rx_bytes')
    guests[0].ping(GUESTS[1])
    # cat at the other end sends all of it back.
    guests[0].shell('dd if=/dev/urandom of=/tmp/noise bs=64k count=16 && '
                    f'nc {GUESTS[1]} 7 </tmp/noise | cmp - /tmp/noise')
    assert int(host.net.run('cat', '/sys/class/net/up0/statistics/rx_bytes')) < int(outside) + 65536
    guests[1].kill()
    host.await_state('b', 'listening')
    host.ping()
    guests[0].quit()
    host.await_state('a', 'listening')
    host.stop()


def test_doorbell_page(make_host):
    """With page-per-vq the guest rings the device itself: the relay has nothing to do."""
    host = make_host()
    guest = boot(host, device=',page-per-vq=on')
    relayed, frames = host.dev()['kicks_relayed'], host.frames()
    while host.frames() < frames + 100_000:
        host.iperf('-R')
    assert host.dev()['kicks_relayed'] == relayed
    host.ping()
    guest.quit()
    host.stop()


def cycle_dimms(host, guest, count):
    """Plug and unplug under pings: every one is answered that the card did not lose in a blackout.

    What arrives in the moment in which a queue is stopped is lost, here as on hardware;
    on a busy machine that moment can be long.
    """
    before = host.dropped()
    traffic, noise = host.pinger(), host.stream_forever()
    regions = host.dev()['regions']
    for i in range(count):
        guest.plug(f'dimm{i}')
    wait_until('the regions at the device', lambda: host.dev()['regions'] == regions + count)
    host.check_dma()
    for i in range(count):
        guest.unplug(f'dimm{i}')
    wait_until('the regions to be gone', lambda: host.dev()['regions'] == regions)
    pings, checked = traffic.finish(), end_stream(noise)
    lost = {where: count - before.get(where, 0) for where, count in host.dropped().items()
            if count > before.get(where, 0)}
    assert {reason for _, reason in lost} <= BLACKOUT, lost
    print(f'{count} dimms in and out: {len(pings["answered"])} of {pings["sent"]} pings, longest '
          f'{max(pings["answered"].values())} ms, {checked >> 20} MiB compared, lost {lost}')
    dev = host.dev()
    assert dev['queues_active'] == 2 and dev['queues_failed'] == 0 and dev['last_error'] == ''


@pytest.mark.parametrize('fw, count', [
    ([], 7), (['profile=legacy'], 2),
    # Memory of the guest, and seven more: all that a vhost-user frontend can have.
    pytest.param(['profile=legacy'], 7, marks=pytest.mark.nightly),
    pytest.param(['strict_doorbell=1'], 7, marks=pytest.mark.nightly),
])
def test_dimms(make_host, fw, count):
    host = make_host(fw=fw)
    guest = boot(host, device=',page-per-vq=on')
    for again in (False, True):
        if again:
            guest.shell('reboot -f >/dev/null 2>&1 & true')
            guest.booted()
            host.await_guest()
        stream = host.iperf_forever()
        cycle_dimms(host, guest, count)
        stream.end()
    host.ping()
    guest.quit()
    host.stop()


def test_two_queue_pairs(make_host):
    """A guest with two processors uses four queues, before and after its memory changes."""
    host = make_host()
    guest = boot(host, device=',mq=on', queues=2)
    for step in (lambda: None, lambda: guest.plug('dimm0'), lambda: guest.unplug('dimm0')):
        step()
        before = host.completed(4)
        # Which queue a stream takes is drawn by its port numbers.
        wait_until('every queue to move', lambda start=before: host.iperf(
            '-P', '8', '--bidir', seconds=1) or all(
                now > then for now, then in zip(host.completed(4), start)))
        assert host.dev()['queues_active'] == 4
        host.ping()
    guest.quit()
    host.await_state('a', 'listening')
    host.stop()


def test_private_dimm(make_host):
    """T22: memory that QEMU cannot share, and so does not announce.

    What the guest places there the card cannot reach: the queue says so, a neighbour
    runs on, and the port is whole again for the next guest.
    """
    host = make_host(vfs=2)
    guest = boot(host, hotplug='online')
    neighbour = host.runner.vfront(host.vhost_socket('b'), '--role', 'echo', '--mac', MACS[1],
                                   '--seconds', '600')
    host.await_state('b', 'running')
    said = host.tables()
    guest.plug_private('dimm0', 512)
    assert host.dev()['regions'] == 1 and host.tables() == said, 'QEMU has sent a table'
    # Until the guest has used the new memory for a frame.
    guest.send_in_background(ADDRESS)
    dev = host.await_state('a', 'degraded')
    assert dev['queues_failed'] == 1 and dev['reason'].startswith('queue ')
    assert dev['last_error'] == dev['reason']
    # The guest's other queue runs on, whichever of the two met the new memory first.
    assert dev['queues_active'] == 1
    moved = host.frames()
    wait_until('the other queue to move', lambda: host.poke() and host.frames() > moved)
    assert host.dev()['queues_failed'] == 1
    other = host.dev('b')
    assert other['state'] == 'running' and other['queues_failed'] == other['recoveries'] == 0
    guest.kill()
    assert host.await_state('a', 'listening')['reason'] == ''
    guest = boot(host)
    host.ping()
    guest.quit()
    neighbour.stop()
    host.await_state('b', 'listening')
    host.stop()


def test_stops_and_starts(make_host):
    """Driver reload, link off and on, pause, reset: the queues go on where they were."""
    host = make_host()
    guest = boot(host)
    guest.shell('ip link set eth0 down; rmmod virtio_net')
    guest.shell(f'insmod /lib/m/*-virtio_net.ko; sh /bin/net.start {GUESTS[0]}/24')
    host.await_guest()
    host.ping()
    for _ in range(3):
        guest.ask('set_link', name='n0', up=False)
        wait_until('no carrier', lambda: guest.shell('cat /sys/class/net/eth0/carrier').strip() == '0')
        guest.ask('set_link', name='n0', up=True)
        host.await_guest()
        host.ping()
    for _ in range(3):
        guest.ask('stop')
        guest.ask('cont')
        host.ping()
    guest.ask('system_reset')
    guest.booted()
    host.await_guest()
    host.ping()
    host.stream(1)
    guest.quit()
    host.await_state('a', 'listening')
    host.stop()


def test_guest_dies(make_host):
    """QEMU killed in full traffic; the next one finds the port as the first did."""
    host = make_host()
    for end in ('kill', 'quit', 'kill'):
        guest = boot(host, device=',page-per-vq=on')
        traffic = host.pinger()
        host.stream(1)
        getattr(guest, end)()
        traffic.process.end()
        dev = host.await_state('a', 'listening')
        assert not dev['connected'] and dev['reason'] == ''
    host.stop()


@pytest.mark.parametrize('mode', ['server', 'client'])
def test_daemon_dies(make_host, mode):
    """vdpa-ctl killed and started again; the guest runs on, in both socket roles."""
    host = make_host(mode=mode)
    guest = boot(host, chardev=',reconnect=1' if mode == 'server' else ',server=on,wait=off')
    host.ping()
    for sig in (signal.SIGKILL, signal.SIGTERM):
        host.daemon.stop(sig)
        wait_until('no carrier', lambda: guest.shell('cat /sys/class/net/eth0/carrier').strip() == '0')
        host.start()
        host.await_guest()
        host.ping()
        host.stream(1)
    guest.quit()
    host.stop()
