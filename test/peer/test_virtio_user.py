# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's virtio driver, in every way that it can use a ring, behind a VF of vdpa-ctl.

vfront sends and checks what comes back; testpmd swaps the addresses.  What each side
says that it moved must be the same number: testpmd's own, per queue, and the device's.
"""
import json
import re
import subprocess

import pytest

from conftest import FLOATING, PATIENCE_S, built, check_oracle, eal_args, wait_until
from model_ctl import ModelCtl

MACS = ('52:54:00:00:00:01', '52:54:00:00:00:02')
# Arguments of the virtio device, of EAL, and the burst functions that it then chooses.
PATHS = {
    'mergeable': ('mrg_rxbuf=1', [], ['mergeable buffer Rx path', 'standard Tx path']),
    'plain': ('mrg_rxbuf=0', [], ['standard Rx path', 'standard Tx path']),
    'vectorized': ('mrg_rxbuf=0,vectorized=1', ['--force-max-simd-bitwidth=512'],
                   ['vectorized Rx path', 'standard Tx path']),
    # A VF does not offer VIRTIO_F_IN_ORDER, so asking for it must change nothing.
    'in order': ('mrg_rxbuf=0,in_order=1', [], ['standard Rx path', 'standard Tx path']),
    'packed mergeable': ('mrg_rxbuf=1,packed_vq=1', [], [
        'packed ring mergeable buffer Rx path', 'packed ring standard Tx path']),
    'packed plain': ('mrg_rxbuf=0,packed_vq=1', [], [
        'packed ring standard Rx path', 'packed ring standard Tx path']),
    # Of packed rings the vectorized functions want VIRTIO_F_IN_ORDER, too.
    'packed in order': ('mrg_rxbuf=0,packed_vq=1,in_order=1,vectorized=1',
                        ['--force-max-simd-bitwidth=512'],
                        ['packed ring standard Rx path', 'packed ring standard Tx path']),
}


class Ports:
    """vdpa-ctl with two VFs of the model."""

    def __init__(self, runner, overheard='b'):
        self.runner = runner
        self.ctl_socket = runner.path('ctl')
        options = runner.model_options()
        self.daemon = runner.start('vdpa-ctl', [
            *runner.witnessed({runner.path(name): 'ab'.index(name) for name in overheard}), built('app/vdpa-ctl/vdpa-ctl'), 'run',
            '--model', '2', '--model-opt', options, '--ctl', self.ctl_socket,
            '--vf', f'0000:3b:00.2={runner.path("a")},name=a',
            '--vf', f'0000:3b:00.3={runner.path("b")},name=b'])
        self.daemon.await_text('vdpa-ctl: ready, 2 of 2')

    def ctl(self, *words):
        return json.loads(subprocess.run(
            [built('app/vdpa-ctl/vdpa-ctl'), '-j', '--ctl', self.ctl_socket, *words],
            stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True).stdout)

    def completed(self, port, queues):
        """Descriptors that the device has completed: those of each RX, of each TX queue."""
        rows = self.ctl('dev', 'vstats', 'show', port)['vstats'][port]['queues'][:queues]
        for row in rows:
            assert row['error_completions'] == row['bad_descriptors'] == 0, row
            assert row['invalid_buffers'] == row['exceeded_max_chain'] == 0, row
        return tuple([row['completed_desc'] for row in rows if row['queue_type'] == kind]
                     for kind in ('rx', 'tx'))


def start_guest(runner, socket, pairs, words, eal):
    guest = runner.start('testpmd', [
        'stdbuf', '-oL', 'dpdk-testpmd', *eal_args(256), '--lcores', FLOATING, *eal,
        '--log-level=pmd.net.virtio.init:info', '--vdev',
        f'net_virtio_user0,path={socket},queues={pairs},queue_size=256,mac={MACS[1]},{words}',
        '--', '-i', '--forward-mode=macswap', '--auto-start', '--disable-link-check',
        '--no-mlockall', '--total-num-mbufs=16384', f'--rxq={pairs}', f'--txq={pairs}',
        '--rxd=256', '--txd=256', '--port-topology=loop'])
    guest.await_text('testpmd>')
    return guest


def guest_counts(guest, pairs):
    """testpmd's frames of each RX, of each TX queue."""
    mark = len(guest.log())
    guest.type('show port xstats 0')
    guest.type('show port info 0')
    wait_until('xstats', lambda: 'Infos for port 0' in guest.log()[mark:])
    text = guest.log()[mark:]
    return tuple([int(re.search(rf'{kind}_q{i}_good_packets: (\d+)', text)[1])
                  for i in range(pairs)] for kind in ('rx', 'tx'))


@pytest.mark.parametrize('path, pairs', [
    ('mergeable', 1), ('mergeable', 8), ('plain', 1), ('plain', 8), ('vectorized', 1),
    ('vectorized', 8), ('in order', 8), ('packed mergeable', 1), ('packed mergeable', 8),
    ('packed plain', 8), ('packed in order', 8)])
def test_path(runner, path, pairs):
    words, eal, functions = PATHS[path]
    ports = Ports(runner)
    guest = start_guest(runner, runner.path('b'), pairs, words, eal)
    for function in functions:
        assert f'virtio: using {function} on port 0' in guest.log(), guest.tail(40)
    status, report = runner.vfront(
        runner.path('a'), '--pairs', str(pairs), '--mac', MACS[0], '--peer-mac', MACS[1],
        '--ring', 'packed' if 'packed' in path else 'split', '--seconds', '1',
        *runner.oracle(0)).result()
    assert status == 0, (report['error'], report['violations'][:3])
    # So little is in flight that no queue is full: nothing may be lost.
    assert report['lost'] == report['corrupted'] == report['duplicated'] == report['reordered'] == 0
    assert report['active_queues'] == 2 * pairs
    rx, tx = guest_counts(guest, pairs)
    assert all(rx) and all(tx)
    assert (rx, tx) == ports.completed('b', 2 * pairs)
    guest.type('quit')
    assert guest.wait() == 0, guest.tail()
    assert ports.daemon.stop() == 0, ports.daemon.tail()
    assert ports.daemon.log().count('context closed, 0 objects left') == 2
    check_oracle(ports.daemon, 2)


@pytest.fixture(name='hugepages')
def fixture_hugepages(runner):
    """Allowed for a while: DPDK's heap cannot change its size without them.

    None are set apart, so no other program finds any: the kernel makes them when asked.
    """
    path = '/proc/sys/vm/nr_overcommit_hugepages'
    needed = 96  # of 2 MiB
    try:
        with open(path, encoding='ascii') as f:
            before = int(f.read())
        with open(path, 'w', encoding='ascii') as f:
            f.write(str(before + needed))
    except OSError as error:
        pytest.skip(f'hugepages: {error}')
    yield
    runner.clean()
    with open(path, 'w', encoding='ascii') as f:
        f.write(str(before))


@pytest.mark.parametrize('seconds', [10, pytest.param(60, marks=pytest.mark.nightly)])
@pytest.mark.usefixtures('hugepages')
def test_stress(runner, seconds):
    """A heap that grows and shrinks: some 70 tables a second, each with its rings disabled before."""
    ports = Ports(runner, 'ab')
    runner.virtio_testpmd(runner.path('b'), mac=MACS[1])
    guest = runner.start('virtio-stress', [
        built('test/peer/virtio-stress'), '--no-pci', '--in-memory', '--single-file-segments',
        '--no-telemetry', '--iova-mode=va', '--lcores', FLOATING, '--vdev',
        f'net_virtio_user0,path={runner.path("a")},queues=1,queue_size=256,mac={MACS[0]}',
        '--', str(seconds), MACS[1]])
    assert guest.wait(seconds + 2 * PATIENCE_S) == 0, guest.tail()
    report = json.loads(re.search(r'(?m)^\{.*\}$', guest.log())[0])
    with ModelCtl(runner.model_ctl) as card:
        stats = card.ask(cmd='stats')['vfs']
    tables = stats[0]['oracle']['tables'] // 2
    dropped = [vf['port']['dropped'] for vf in stats]
    print(f'{tables} tables in {seconds} s, {report}, dropped {dropped}')
    assert report['corrupted'] == report['misplaced'] == 0 < report['returned']
    assert report['lost'] == sum(sum(reasons.values()) for reasons in dropped), dropped
    assert tables > report['changes'] // 2
    assert ports.daemon.stop() == 0, ports.daemon.tail()
    assert ports.daemon.log().count('context closed, 0 objects left') == 2
    check_oracle(ports.daemon, 2)
