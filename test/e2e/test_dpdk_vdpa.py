# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's example program for vDPA devices, one process per VF, with mlx5x and with the stock driver.

Each process has a card of its own (model.md), so the two are joined outside: the
uplinks are TAPs on a bridge in a namespace.
"""
import re

import pytest

from conftest import built, check_oracle, eal_args
from host import MACS, VFS, Namespace

PAIRS = 2


@pytest.fixture(name='net')
def fixture_net(runner):
    net = Namespace(tap=False)
    try:
        net.run('ip', 'link', 'add', 'name', 'joint', 'type', 'bridge')
        net.run('ip', 'link', 'set', 'joint', 'up')
        for tap in ('up0', 'up1'):
            net.add_tap(tap)
            net.run('ip', 'link', 'set', tap, 'master', 'joint')
        yield net
    finally:
        runner.clean()
        net.remove()


def start(runner, net, driver, port):
    """The program on one VF of a card; its socket is what we say with a 0 behind."""
    eal = eal_args()
    if driver == 'mlx5x':
        eal += ['-d', runner.plugin(), '--vdev', f'vdpa_mlx5x0,dev={VFS[0]}']
    else:
        eal.remove('--no-pci')
        eal += ['-a', f'{VFS[0]},class=vdpa,event_mode=2,queues={PAIRS}']
    words = runner.under_model(
        ['stdbuf', '-oL', built('test/peer/dpdk-vdpa'), *eal, '--',
         '--iface', runner.path(f'port{port}-')], options=['--uplink', f'tap:up{port}'])
    socket = runner.path(f'port{port}-0')
    program = runner.start(f'dpdk-vdpa{port}', net.words(*runner.witnessed({socket: 0}), *words))
    program.await_text("enter 'q' to quit")
    return program, socket


@pytest.mark.parametrize('driver, words', [
    ('mlx5x', []), ('mlx5x', ['--change', 'all:2']), ('stock', [])])
def test_process_per_vf(runner, net, driver, words):
    (first, socket_a), (second, socket_b) = (start(runner, net, driver, port) for port in (0, 1))
    guest = runner.virtio_testpmd(socket_b, PAIRS, mac=MACS[1])
    status, report = runner.vfront(socket_a, '--pairs', str(PAIRS), '--mac', MACS[0],
                                   '--peer-mac', MACS[1], *words).result()
    assert status == 0, (report['error'], report['violations'][:3])
    assert report['corrupted'] == report['duplicated'] == 0 < report['returned']
    assert report['lost'] == 0 or words
    assert report['active_queues'] == 2 * PAIRS
    guest.type('quit')
    assert guest.wait() == 0
    for program in (first, second):
        program.type('q')
        assert program.wait() == 0, program.tail()
        assert re.findall(r'context closed, (\d+) objects? left', program.log()) == ['0'], \
            program.tail()
        check_oracle(program, 1)


def test_interactive(runner):
    """List, create, statistics; and it ends, device detached first, while a guest is there."""
    program = runner.start('dpdk-vdpa', runner.under_model([
        'stdbuf', '-oL', built('test/peer/dpdk-vdpa'), *eal_args(), '-d', runner.plugin(),
        '--vdev', f'vdpa_mlx5x0,dev={VFS[0]}', '--', '-i']))
    program.await_text('vdpa> ')
    program.type('list')
    program.await_text(r'vdpa_mlx5x0\s+\d+\s+0x[0-9a-f]+')
    program.type(f'create {runner.path("a")} vdpa_mlx5x0')
    runner.virtio_testpmd(runner.path('a'))
    program.await_text('new port')
    program.type('stats vdpa_mlx5x0 0')
    program.await_text(r'Virtq 0:\s+received_desc')
    program.type('quit')
    assert program.wait() == 0, program.tail()
    assert ', 0 objects left behind' in program.log(), program.tail()
