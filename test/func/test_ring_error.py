# SPDX-License-Identifier: BSD-3-Clause
"""Rings that firmware calls broken: one error of the driver for each cause, seen from outside.

A bare frontend writes what no driver would into its transmit ring, queue 1.
"""
import os
import re

import pytest

from conftest import built, eal_args
from fault_sweep import GPA, Guest
from model_ctl import ModelCtl
from vdpa_ctl_daemon import Daemon, wait_for

VF = '0000:3b:00.2'
AVAIL_IDX, AVAIL_RING = 0x1002, 0x1004
TOO_OFTEN = 'queue 1: firmware reported an error once too often, it stays down'
IMPOSSIBLE = ('queue 1: available index is ahead of the used one by more than the ring has; '
              'queue is down')
NEXT = 1  # VIRTQ_DESC_F_NEXT


def offer(guest, head, idx=1):
    guest.write(1, AVAIL_RING, '<H', head)
    guest.write(1, AVAIL_IDX, '<H', idx)


def outside(guest):
    guest.write(1, 0, '<QIHH', 1 << 40, 64, 0, 0)
    offer(guest, 0)


def loop(guest):
    guest.write(1, 0, '<QIHHQIHH', GPA, 64, NEXT, 1, GPA, 64, NEXT, 0)
    offer(guest, 0)


def no_such_descriptor(guest):
    offer(guest, 9999)


def too_far(guest):
    offer(guest, 0, 30000)


@pytest.fixture(name='daemon')
def make_daemon(runner):
    daemon = Daemon(built('app/vdpa-ctl/vdpa-ctl'))
    eal = eal_args()
    eal.remove('--no-pci')
    daemon.start('--model', '1', '--model-opt', runner.model_options(), *daemon.vf(VF, 'a'),
                 '--', *eal, '--log-level', 'pmd.vdpa.mlx5x:err')
    yield daemon
    assert daemon.stop() == 0, daemon.log()
    assert 'context closed, 0 objects left behind' in daemon.log()
    daemon.close()


@pytest.mark.parametrize('harm, recoveries, error', [
    (outside, 3, TOO_OFTEN), (loop, 3, TOO_OFTEN), (no_such_descriptor, 3, TOO_OFTEN),
    (too_far, 0, IMPOSSIBLE)])
def test_broken_ring_is_seen(daemon, harm, recoveries, error):
    """Three recoveries where one may help, then the queue is down: in the log, state and counters."""
    guest = Guest(daemon.path('a.sock'))
    guest.start()
    guest.settle()
    assert daemon.dev('a')['state'] == 'running'
    harm(guest)
    dev = daemon.wait_state('a', 'degraded')
    assert dev['queues_failed'] == 1 and dev['queues_active'] == 1
    assert dev['recoveries'] == recoveries
    if recoveries:
        assert dev['reason'] == dev['last_error'] == error
    queue = daemon.rpc('dev.vstats', name='a', qidx=1)['result']['vstats']['a']
    assert queue['recoveries'] == recoveries
    assert daemon.rpc('dev.vstats', name='a', qidx=0)['result']['vstats']['a']['recoveries'] == 0
    assert re.findall(r'(?m)^mlx5x vdpa_mlx5x0: (.*)$', daemon.log()) == [error]
    # A guest that resets its device has its queue back.
    guest.stop()
    guest.mem[:] = bytes(guest.SIZE)
    guest.rings(0)
    dev = daemon.wait_state('a', 'running')
    assert dev['queues_active'] == 2 and dev['queues_failed'] == 0
    guest.close()
    daemon.wait_state('a', 'listening')


def test_event_of_an_object_that_is_gone(daemon, runner):
    """T19: a queue breaks in a change and is made anew there; the event comes too late to harm."""
    guest = Guest(daemon.path('a.sock'))
    guest.start()
    guest.settle()
    with ModelCtl(runner.model_ctl) as ctl:
        # Both queues are on their way into the change, and not yet suspended.
        for nth in (1, 2):
            ctl.ask(cmd='fault', set=f'stall=SUSPEND_VIRTQ:{nth}:1000000')
        guest.send_more_memory()
        wait_for('both to be in it', lambda: ctl.ask(cmd='stats')['faults_pending'] == 0)
        before = {q['index']: q['id'] for q in ctl.vf(0)['virtqs']}
        ctl.ask(cmd='fault', vf=0, virtq=before[1])
        guest.settle()
        after = {q['index']: (q['id'], q['state']) for q in ctl.vf(0)['virtqs']}
        assert after[0] == (before[0], 'RDY')
        assert after[1][0] != before[1] and after[1][1] == 'RDY', 'it was not made anew'
        # A kick comes to the thread that reads events after this one: it has been ignored.
        os.eventfd_write(guest.kicks[0], 1)
        wait_for('a kick to be relayed', lambda: daemon.dev('a')['kicks_relayed'] > 0)
        assert guest.add_memory()
        again = {q['index']: (q['id'], q['state']) for q in ctl.vf(0)['virtqs']}
    dev = daemon.dev('a')
    assert dev['state'] == 'running' and dev['recoveries'] == 1 and dev['last_error'] == ''
    assert again == after
    guest.close()
    daemon.wait_state('a', 'listening')
