# SPDX-License-Identifier: BSD-3-Clause
"""Open vSwitch with DPDK, on both sides of a VF.

As a guest: a bridge whose port is DPDK's virtio driver on a socket of vdpa-ctl.
As a host: the driver as a plugin of the switch, which is how it is used where the
switch, not vdpa-ctl, owns the card.
"""
import re

import pytest

from conftest import wait_until
from host import ADDRESS, GUESTS, MACS, VFS, Host, Namespace, ping, stream
from ovs import Switch
from qemu_guest import Guest, require

# Objects of a device without a guest.
IDLE = '1 uar, 1 pd, 1 td, 1 tis, 1 var'


@pytest.fixture(name='inside')
def fixture_inside(runner):
    """A namespace for the switch, apart from the one that has the uplink."""
    net = Namespace(tap=False)
    yield net
    runner.clean()
    net.remove()


def test_virtio_user_port(runner, inside):
    """Bridge, virtio-user, VF: pings to the uplink, pings and a stream to a guest on another VF."""
    require()
    host = Host(runner, vfs=2)
    try:
        host.start()
        guest = Guest(runner, f'path={host.vhost_socket("b")}', GUESTS[1], MACS[1]).booted()
        switch = Switch(runner, inside).start()
        switch.ctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev')
        switch.ctl('add-port', 'br0', 'vf0', '--', 'set', 'Interface', 'vf0', 'type=dpdk',
                   f'options:dpdk-devargs="net_virtio_user0,path={host.vhost_socket()},queues=1,'
                   'queue_size=256"', 'options:n_rxq=1')
        inside.run('ip', 'addr', 'add', '10.9.0.2/24', 'dev', 'br0')
        inside.run('ip', 'link', 'set', 'br0', 'up')
        host.await_guest()
        host.ping()
        ping(inside, ADDRESS)
        uplink = host.net.run('cat', '/sys/class/net/up0/statistics/rx_bytes')
        ping(inside, GUESTS[1])
        stream(inside, GUESTS[1], 4)
        guest.ping(GUESTS[0])
        # From VF to VF, and not by way of the uplink.
        assert int(host.net.run('cat', '/sys/class/net/up0/statistics/rx_bytes')) < int(uplink) + 65536
        assert host.dev()['queues_active'] == 2
        # The switch stops and starts the port, some time after it has said so.
        for entries in (128, 256, 64):
            switch.ctl('set', 'Interface', 'vf0', f'options:n_rxq_desc={entries}')
            wait_until('the port to be changed', lambda n=entries:
                       f'configured_rxq_descriptors={n},' in switch.app('dpctl/show'))
            host.await_guest()
            host.ping(50)
            ping(inside, GUESTS[1], 50)
        switch.ctl('del-port', 'vf0')
        host.await_state('a', 'listening')
        guest.quit()
        host.stop()
    finally:
        runner.clean()
        host.net.remove()


def test_plugin(runner, inside):
    """The switch loads the driver, finds the device on the model, and lets go of it."""
    extra = f'-d {runner.plugin()} --vdev vdpa_mlx5x0,dev={VFS[0]}'
    switch = Switch(runner, inside).start(
        extra, lambda words: runner.under_model(words, options=['--trace', runner.path('trace')]))
    log = switch.process.log()
    assert 'vdpa_mlx5x0' in log, switch.process.tail(60)
    assert 'Cannot' not in log and 'failed' not in log.lower(), switch.process.tail(60)
    # The switch itself works on.
    switch.ctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev')
    assert 'br0' in switch.ctl('show')
    switch.app('exit', '--cleanup')
    assert switch.process.wait() == 0, switch.process.tail()
    # It ends without rte_eal_cleanup(): what an idle device holds is the kernel's to
    # take back, and must be no more than that.
    left = re.findall(r'objects left behind \((.*)\)', switch.process.log())
    assert left == [IDLE], switch.process.tail()
