# SPDX-License-Identifier: BSD-3-Clause
"""vfront against a backend that is not ours: DPDK's vhost PMD, in software.

What is proved here is the frontend: if it saw a fault in librte_vhost's
datapath, the fault would be its own.
"""
import subprocess

import pytest

from conftest import built

# librte_vhost 22.11 tells tables apart by their numbers, not by the file behind
# them, so `swap` (same numbers, another file) has a test of its own.
CHANGES = 'add:4,remove:4,reorder:4,grow:4,move:4,same:4'

# librte_vhost 22.11 takes each descriptor of a packed receive chain for a buffer of its
# own when four frames are there at once (virtio_dev_rx_sync_batch_check).
PACKED = ['--ring', 'packed', '--rx-segs', '1']


def check(status, report, queues, max_lost=0):
    assert status == 0, report
    assert report['ok'] and report['violations'] == []
    assert report['corrupted'] == report['duplicated'] == 0
    assert report['lost'] <= max_lost
    assert report['sent'] - max_lost <= report['returned'] <= report['sent']
    assert report['returned'] > 0
    assert report['active_queues'] == queues
    assert report['changes_done'] == report['changes_asked']


@pytest.mark.parametrize('pairs,options', [
    (1, ['--irq', 'call']),
    (2, ['--irq', 'poll', '--kick-delay', '300']),
    (2, ['--indirect', '--no-mrg', '--size', '64']),
    (1, [*PACKED, '--start', '250']),
    (2, [*PACKED, '--irq', 'poll', '--kick-delay', '300', '--start', '511']),
    (2, ['--ring', 'packed', '--indirect', '--no-mrg', '--size', '64']),
])
def test_changes_under_traffic(runner, pairs, options):
    """Every kind of change with frames in flight: all come back, unharmed."""
    socket = runner.path('s')
    runner.vhost_testpmd(socket, pairs)
    status, report = runner.vfront(
        socket, '--pairs', str(pairs), '--change', CHANGES, '--interval', '10', '--seconds', '1',
        '--max-lost', '0', *options).result()
    check(status, report, 2 * pairs)
    assert sum(kind['count'] for kind in report['changes'].values()) == 24


@pytest.mark.parametrize('ring', [[], PACKED])
def test_restart(runner, ring):
    """Stop and start keep the ring positions, changes in between.

    testpmd frees what it has taken and cannot send because the ring stopped: at
    most what is in flight, once per stop.
    """
    socket = runner.path('s')
    runner.vhost_testpmd(socket)
    status, report = runner.vfront(socket, '--change', 'restart:5,add:2,remove:2',
                                   '--interval', '10', '--window', '64', *ring,
                                   '--start', '65400').result()
    check(status, report, 2, max_lost=5 * 64)


def test_server_role(runner):
    """The backend connects to us, as with a QEMU chardev in server mode."""
    socket = runner.path('s')
    guest = runner.vfront(socket, '--server', '--timeout', '40000', '--change', 'add:2',
                          '--max-lost', '0')
    runner.vhost_testpmd(socket, client=True)
    check(*guest.result(), 2)


def test_sees_a_stale_mapping(runner):
    """librte_vhost keeps the old file when only the file changed: we notice."""
    socket = runner.path('s')
    runner.vhost_testpmd(socket)
    status, report = runner.vfront(socket, '--change', 'swap:1', '--seconds', '1').result()
    assert status != 0 and not report['ok']
    assert {'payload', 'removed-memory'} & {v['rule'] for v in report['violations']}


@pytest.mark.parametrize('words', [
    [], ['--socket'], ['--socket', 's', '--pairs', '0'], ['--socket', 's', '--size', '100'],
    ['--socket', 's', '--change', 'shrink:1'], ['--socket', 's', '--change', 'add:-1'],
    ['--socket', 's', '--mac', '01:00:00:00:00:01'], ['--socket', 's', 'more'],
])
def test_wrong_options(words):
    """Refused before anything is created."""
    run = subprocess.run([built('test/lib/vfront/vfront'), *words], capture_output=True, text=True,
                         timeout=20, check=False)
    assert run.returncode != 0
    assert 'vfront' in run.stderr + run.stdout
