# SPDX-License-Identifier: BSD-3-Clause
"""Two guests on two VFs of the model, through the mlx5x plugin.

The host program knows nothing of mlx5x: the driver is loaded with -d, and its
own hook handles the memory tables.  Guest A (vfront) changes its memory under
traffic, guest B is DPDK's virtio driver.
"""
import re

import pytest

from conftest import BLACKOUT, RESTART, built, check_losses, check_oracle


def check(status, report, host, queues, reasons=frozenset(BLACKOUT)):
    assert status == 0, (report['error'], report['violations'][:3])
    assert report['corrupted'] == report['duplicated'] == report['reordered'] == 0
    assert report['active_queues'] == queues
    assert report['changes_done'] == report['changes_asked']
    check_losses(report, reasons)
    assert host.stop() == 0, host.tail()
    left = re.findall(r'context closed, (\d+) objects? left', host.log())
    assert left == ['0', '0'], host.tail()
    check_oracle(host, 2)


@pytest.mark.parametrize('pairs,fw,words', [
    (1, [], []),
    (2, [], ['--irq', 'poll', '--kick-delay', '200']),
    (4, [], ['--indirect', '--size', '128']),
    # Firmware that must destroy and create, firmware that tells a wrong index.
    (2, ['resume=0'], ['--kick-delay', '200']),
    (2, ['hw_avail=garbage'], []),
    (1, ['init_two_step=1'], []),
    # Nothing is looked at without a doorbell, not even at the start.
    (2, ['strict_doorbell=1', 'reread_on_start=0'], ['--kick-delay', '500']),
])
def test_every_change(runner, pairs, fw, words):
    status, report, host = runner.two_guests(
        'mlx5x', pairs, '--change', 'all:5', '--interval', '20', '--seconds', '1', *words, fw=fw)
    # Strict firmware does not know of buffers that the guest is slow to ring for.
    reasons = {*BLACKOUT, 'rx_no_buffer'} if 'strict_doorbell=1' in fw else BLACKOUT
    check(status, report, host, 2 * pairs, reasons=reasons)


def test_restart(runner):
    """Rings stop and start where they were, tables change in between."""
    status, report, host = runner.two_guests(
        'mlx5x', 2, '--change', 'restart:4,add:3,remove:3', '--interval', '20')
    check(status, report, host, 4, reasons=RESTART)


def start_daemon(runner, fw):
    options = runner.model_options(fw)
    daemon = runner.start('vdpa-ctl', [
        *runner.witnessed({runner.path('b'): 1}), built('app/vdpa-ctl/vdpa-ctl'), 'run',
        '--model', '2', '--model-opt', options, '--ctl', runner.path('ctl'),
        '--vf', f'0000:3b:00.2={runner.path("a")}', '--vf', f'0000:3b:00.3={runner.path("b")}'])
    daemon.await_text('vdpa-ctl: ready')
    return daemon


@pytest.mark.parametrize('fw', [[], ['strict_doorbell=1', 'reread_on_start=0']])
def test_doorbell_pages(runner, fw):
    """The guest kicks through the VF's page; a change must not lose a kick.

    Under vdpa-ctl, whose hook sees the frontend's channel from the start.
    Strict firmware looks at a ring after its doorbell only.
    """
    daemon = start_daemon(runner, fw)
    runner.virtio_testpmd(runner.path('b'), 2)
    status, report = runner.vfront(
        runner.path('a'), '--pairs', '2', '--host-notifier', '--kick', 'notifier',
        '--change', 'all:5', '--interval', '20', *runner.oracle(0)).result()
    check(status, report, daemon, 4)
    assert report['notifiers'] >= 4
    assert report['page_kicks'] > report['kicks']


def test_both_guests_change(runner):
    """Two of our guests on two VFs of one process, both changing memory at once."""
    host = runner.vdpa_host('mlx5x', 2)
    macs = ['52:54:00:00:00:01', '52:54:00:00:00:02']
    common = ['--pairs', '2', '--change', 'all:4', '--interval', '15', '--kick-delay', '100']
    echo = runner.vfront(runner.path('b'), '--role', 'echo', '--mac', macs[1], '--seed', '2',
                         '--seconds', '3600', *runner.oracle(1), *common)
    status, report = runner.vfront(runner.path('a'), '--mac', macs[0], '--peer-mac', macs[1],
                                   '--seconds', '3', *runner.oracle(0), *common).result()
    assert status == 0, (report['error'], report['violations'][:3])
    assert report['active_queues'] == 4
    # the card of each lost what came in a blackout of its own
    assert report['lost_tx'] == sum(report['dropped_elsewhere'].values()), report
    assert report['lost_rx'] == sum(report['dropped'].values()), report
    assert {*report['dropped'], *report['dropped_elsewhere']} <= BLACKOUT, report
    echo.child.terminate()
    status, report = echo.result()
    assert status == 0, (report['error'], report['violations'][:3])
    assert report['echoed'] > 0 and report['corrupted'] == 0
    assert report['changes_done'] == report['changes_asked']
    assert host.stop() == 0, host.tail()
    assert re.findall(r'context closed, (\d+) objects? left', host.log()) == ['0', '0']
    check_oracle(host, 2)


def test_lost_kick(runner):
    """One frame in flight, page kicks, many blackouts: one lost kick and all is still."""
    daemon = start_daemon(runner, ['strict_doorbell=1', 'reread_on_start=0'])
    runner.virtio_testpmd(runner.path('b'))
    status, report = runner.vfront(
        runner.path('a'), '--window', '1', '--host-notifier', '--kick', 'notifier',
        # Small rings: what leaves is home after that many frames, one at a time.
        '--size', '64', '--timeout', '60000',
        # Each frame that a blackout takes is the whole window.
        '--write-off', '20000',
        '--change', 'swap:150', '--interval', '1', '--max-lost', '150',
        *runner.oracle(0)).result()
    check(status, report, daemon, 2)
