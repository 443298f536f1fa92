# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a guest with packed rings changes.

What test_mem_change.py shows for split rings, where the kind of ring matters: there is
no index in a packed ring, only positions with a wrap counter, and what suppresses kicks
lies elsewhere.  Numbers T are those of doc/index-rules.md.
"""
import re

import pytest

from conftest import RESTART
from test_mem_change import blackouts, sound
from two_vfs import TwoVfs, VIRTQ_RDY

PACKED = ('--ring', 'packed')


def virtq_types(trace):
    """Of each queue that was made: word 0 of virtio_q is at bit 0x200 of the object."""
    made = [c for c in trace if c.name == 'CREATE_GENERAL_OBJECT' and c.words[0][1] == 0x0d]
    return [c.words[0x50][0] >> 24 for c in made]


@pytest.mark.parametrize('resume', (1, 0))
def test_all_kinds(runner, resume):
    """T1, T2, T10, T11: every kind of change in random order, kicks at random points."""
    vfs = TwoVfs(runner, fw=(f'resume={resume}', 'hw_avail=garbage'))
    sound(vfs.talk(*PACKED, '--kick', 'random', '--kick-delay', 50, pairs=2, changes='all:5'))
    types = virtq_types(vfs.trace())
    # the parked queue of a device that cannot resume has no ring
    assert types.count(1) >= 4 and types.count(0) == (0 if resume else 1)
    vfs.end()


def test_kicks_by_page_alone(runner):
    """T4: doorbells in the gap are dropped, and nobody else looks at the ring."""
    vfs = TwoVfs(runner, fw=('strict_doorbell=1', 'reread_on_start=0'))
    sound(vfs.talk(*PACKED, '--kick', 'notifier', '--host-notifier', changes='add:6,swap:6'))
    vfs.end()


@pytest.mark.parametrize('start', (250, 509))
def test_positions_wrap(runner, start):
    """T8: from the first into the second round, and from that on, with changes on the way."""
    vfs = TwoVfs(runner)
    report = sound(vfs.talk(*PACKED, '--start', start, '--rate', 0, '--frames', 20000,
                            '--interval', 10, changes='add:10,swap:20,restart:5', patience=300), RESTART)
    assert report['sent'] >= 20000
    vfs.end()


def test_same_table_costs_nothing(runner):
    """T15, and T20: no command for the same memory, three for each queue else."""
    vfs = TwoVfs(runner)
    sound(vfs.talk(*PACKED, changes='same:20,reorder:20'))
    assert blackouts(vfs.trace(), 2) == []
    before = len(vfs.trace())
    report = sound(vfs.talk(*PACKED, changes='add:3'))
    spans = blackouts(vfs.trace()[before:], 2)
    assert len(spans) == report['changes_done'] + report['changes_extra']
    assert all(len(span) == 6 for span in spans)
    vfs.end()


def test_not_offered(runner):
    """Where the device has no packed queues, a guest that wants them is told so."""
    vfs = TwoVfs(runner, fw=('packed=0',))
    status, report = vfs.guest(0, *PACKED, '--seconds', 1).result()
    assert status != 0 and report['error'] == 'Protocol not supported', report['error']
    sound(vfs.talk(changes='add:1'))
    assert sum(c.virtq_state() == VIRTQ_RDY for c in vfs.trace()) >= 2
    assert not re.search('queue is down', vfs.host.log())
    vfs.end()
