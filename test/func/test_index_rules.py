# SPDX-License-Identifier: BSD-3-Clause
"""The index, kick and interrupt rules, one at a time, by a guest that helps nobody.

Two bare guests behind two VFs of a daemon. Firmware is strict: a queue is looked at only
after its own doorbell, not even once by itself at the start. Numbers T are those of
doc/index-rules.md, section 7.
"""
import json
import os
import re

import pytest

from bare_guest import BareGuest, NO_NOTIFY, Region
from model_ctl import ModelCtl
from vdpa_ctl_daemon import BUILD, Daemon, wait_for

VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = (b'\x52\x54\0\0\0\x0a', b'\x52\x54\0\0\0\x0b')
MIB = 1 << 20
DIMM = 1 << 32  # guest address of further memory
STRICT = ('strict_doorbell=1', 'reread_on_start=0')
BOTH = pytest.mark.parametrize('resume', (1, 0))


class Pair:
    """A daemon, its model, and a guest behind each of two VFs."""

    def __init__(self, fw=()):
        self.daemon = Daemon(os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl'))
        self.guests = []
        ctl = self.daemon.path('model.ctl')
        self.daemon.start('--model', '2', '--model-opt',
                          ' '.join([f'--ctl {ctl}', *(f'--fw {w}' for w in (*STRICT, *fw))]),
                          *self.daemon.vf(VFS[0], 'a'), *self.daemon.vf(VFS[1], 'b'))
        self.card = ModelCtl(ctl)

    def guest(self, vf):
        self.guests.append(BareGuest(self.daemon.path('ab'[vf] + '.sock'), MACS[vf], MACS[1 - vf],
                                     (self.card, vf)))
        return self.guests[-1]

    def both(self, pairs=1, size=64):
        """Both guests, started, with full receive rings of which the device knows."""
        for vf in (0, 1):
            guest = self.guest(vf).start(pairs, size)
            self.running(vf, 2 * pairs)
            for ring in guest.rings[::2]:
                ring.fill()
                ring.kick()
        # the switch learns where they are: who sends first is known to all
        for vf in (1, 0):
            self.pass_frames(self.guests[vf], 0, [0])
        return self.guests[0], self.guests[1]

    def running(self, vf, queues):
        wait_for(f'{queues} queues', lambda: [q['state'] for q in self.card.vf(vf)['virtqs']]
                 .count('RDY') >= queues)

    def pass_frames(self, guest, pair, flows):
        """Frames by one pair, told of by a kick: all used, all received by the other."""
        peer = self.guests[1 - self.guests.index(guest)]
        before = sum(r.used_idx() for r in peer.rings[::2])
        ring = guest.rings[2 * pair + 1]
        for flow in flows:
            ring.send(guest.frame(flow))
        ring.kick()
        wait_for('frames to be used', lambda: ring.used_idx() == ring.next & 0xffff)
        wait_for('frames to arrive', lambda: sum(r.used_idx() for r in peer.rings[::2])
                 == before + len(flows))

    def commands(self, vf=0):
        return self.card.vf(vf)['commands']

    def last_change(self):
        return json.loads(self.daemon.ctl('-j', 'dev', 'hist', 'show', 'a'))['hist']['a'][-1]

    def change(self, guest, regions):
        """A table that is accepted; nothing but this moves meanwhile."""
        assert guest.set_table(regions) == 0
        return self.last_change()

    def end(self):
        for guest in self.guests:
            guest.close()
        self.card.__exit__()
        try:
            assert self.daemon.stop() == 0, self.daemon.log()
            left = re.findall(r'context closed, (\d+) objects? left', self.daemon.log())
            assert len(left) >= 2 and set(left) == {'0'}, self.daemon.log()[-3000:]
        finally:
            self.daemon.close()


@pytest.fixture(name='make')
def make_pair():
    pairs = []

    def make(*fw):
        pairs.append(Pair(fw))
        return pairs[-1]
    yield make
    for pair in pairs:
        pair.end()


@pytest.fixture(name='dimms')
def make_dimms():
    regions = [Region(DIMM + i * 64 * MIB, (2 + i % 3) * MIB) for i in range(7)]
    yield regions
    for region in regions:
        region.close()


@BOTH
def test_t4_every_doorbell(make, dimms, resume):
    """T4: what was offered without a kick is found after a change, in each queue."""
    pair = make(f'resume={resume}')
    a, b = pair.both(pairs=4)
    for ring in a.rings[1::2]:
        for flow in range(8):
            ring.send(a.frame(flow))
    for ring in a.rings[::2]:
        assert ring.used_idx() + 40 < ring.size
    assert pair.change(a, [a.boot, dimms[0]])['error'] == 0
    for ring in a.rings[1::2]:
        wait_for(f'queue {ring.index}', lambda r=ring: r.used_idx() == r.next)
    # And those that receive: without a doorbell of its own one would drop what comes.
    before = [r.used_idx() for r in a.rings[::2]]
    dropped = pair.card.vf(0)['port']['dropped']
    pair.pass_frames(b, 0, range(32))
    assert all(r.used_idx() > n for r, n in zip(a.rings[::2], before))
    assert pair.card.vf(0)['port']['dropped'] == dropped


@BOTH
def test_t3_memory_wins(make, dimms, resume):
    """T3: firmware and the guest's memory do not agree on what is used."""
    pair = make(f'resume={resume}')
    a, _ = pair.both()
    ring = a.rings[1]
    pair.pass_frames(a, 0, range(4))
    assert ring.used_idx() == 5
    ring.used_idx(4)  # the last one was never published, as far as the guest can see
    change = pair.change(a, [a.boot, dimms[0]])
    wait_for('the fifth to be used again', lambda: ring.used_idx() == 5)
    assert ring.used_heads() == [0, 1, 2, 3, 4]
    assert change['corrections'] == 1, change
    assert 'firmware says used index 5, guest memory 4' in pair.daemon.log()
    pair.pass_frames(a, 0, range(4))


@BOTH
def test_t5_no_notify_left(make, dimms, resume):
    """T5: "do not notify" was left in the used ring by somebody before."""
    pair = make(f'resume={resume}')
    a, _ = pair.both(pairs=2)
    for ring in a.rings:
        ring.used_flags(NO_NOTIFY)
    pair.change(a, [a.boot, dimms[0]])
    assert [r.used_flags() for r in a.rings] == [0] * 4


def test_t6_other_eventfds(make, dimms):
    """T6: kick and call are swapped around a blackout; no queue is made anew for it."""
    pair = make()
    a, b = pair.both()
    for change in (False, True, False):
        before = pair.commands()
        old = [ring.new_fds() for ring in a.rings]
        for ring in a.rings:
            a.set_kick(ring)
            a.set_call(ring)
        if change:
            pair.change(a, [a.boot, dimms[0]])
            assert all(ring.called() for ring in a.rings)
        pair.pass_frames(a, 0, range(2))
        pair.pass_frames(b, 0, range(2))
        assert a.rings[0].called(60), 'no call on the new descriptor'
        for kick, call in old:
            os.eventfd_write(kick, 1)
        more = {name for name, n in pair.commands().items() if n != before.get(name)}
        if change:
            assert not any('OBJECT' in name and name[:6] in ('CREATE', 'DESTRO') for name in more), more
        else:
            assert not more, 'the device has nothing to do with eventfds'


@BOTH
def test_t7_full_ring_and_lost_interrupt(make, dimms, resume):
    """T7: all receive buffers are used and the guest was never told: the change tells it."""
    pair = make(f'resume={resume}')
    a, b = pair.both()
    rx = a.rings[0]
    pair.pass_frames(b, 0, range(rx.size - rx.used_idx()))
    assert rx.used_idx() == rx.next
    wait_for('its call', rx.called)
    while rx.called(0.1):
        pass
    pair.change(a, [a.boot, dimms[0]])
    assert rx.called(), 'the guest would wait for ever'
    rx.fill()
    rx.kick()
    wait_for('the buffers to be known', lambda: pair.commands() and True)
    pair.pass_frames(b, 0, range(8))


def test_t10_regions(make, dimms):
    """T10: as many regions as there may be, one more, and two that overlap."""
    pair = make()
    a, b = pair.both()
    assert pair.change(a, [a.boot, *dimms])['regions_added'] == 7
    pair.pass_frames(a, 0, range(4))
    overlap = Region(dimms[0].gpa + MIB, MIB)
    before = pair.commands()
    for wrong in ([a.boot, *dimms[:6], overlap], [a.boot, *dimms, overlap]):
        assert a.refused_table(wrong)
    assert pair.commands() == before
    pair.pass_frames(a, 0, range(4))
    pair.pass_frames(b, 0, range(4))
    change = pair.change(a, [dimms[6], a.boot, *dimms[:6]])
    assert change['cmds_total'] == 0, change
    pair.pass_frames(a, 0, range(4))
    overlap.close()


def test_t10_rings_elsewhere(make, dimms):
    """The host's own mapping of the region with the rings moves with each of these tables."""
    pair = make()
    a, b = pair.both()
    for table in ([dimms[0], dimms[1], a.boot], [dimms[1], a.boot], [dimms[2], a.boot, dimms[1]],
                  [a.boot], [dimms[0], a.boot], [dimms[3], dimms[4], dimms[5], a.boot]):
        change = pair.change(a, table)
        assert change['error'] == 0 and change['corrections'] == 0, change
        pair.pass_frames(a, 0, range(3))
        pair.pass_frames(b, 0, range(3))
        for ring in a.rings[:1]:
            ring.fill(3)
            ring.kick()


@BOTH
def test_t11_answer_is_last(make, dimms, resume):
    """T11: firmware is slow to start queues; the answer waits for each of them."""
    pair = make(f'resume={resume}')
    a, _ = pair.both(pairs=2)
    pair.card.ask(cmd='fault', set='latency=START_VIRTQ:200000')
    pair.card.ask(cmd='fault', set='slots=START_VIRTQ:1')
    started = pair.commands()['MODIFY_GENERAL_OBJECT']
    assert a.set_table([a.boot, dimms[0]]) == 0  # here the oracle looks at every queue's key
    states = [q['state'] for q in pair.card.vf(0)['virtqs']]
    assert states.count('RDY') == 4 and 'SUSPEND' not in states, states
    assert pair.commands()['MODIFY_GENERAL_OBJECT'] >= started + 2 * 4
    pair.card.ask(cmd='fault', set='latency=START_VIRTQ:0')
    pair.pass_frames(a, 0, range(4))


@BOTH
@pytest.mark.parametrize('status', (0x05, 0x03))
def test_t12_suspend_fails(make, dimms, resume, status):
    """T12: one queue cannot be suspended: made anew where memory says, and counted."""
    pair = make(f'resume={resume}')
    a, b = pair.both(pairs=2)
    pair.pass_frames(a, 1, range(5))
    pair.card.ask(cmd='fault', op='SUSPEND_VIRTQ', nth=1, status=status)
    assert pair.change(a, [a.boot, dimms[0]])['error'] == 0
    for p in (0, 1):
        pair.pass_frames(a, p, range(4))
        heads = a.rings[2 * p + 1].used_heads()
        assert heads == list(range(len(heads)))
    pair.pass_frames(b, 0, range(16))


def test_t14_bases(make):
    """T14: rings that never started have a base; firmware's one pair, then four, other sizes."""
    pair = make()
    peer = pair.guest(1).start()
    pair.running(1, 2)
    peer.rings[0].fill()
    peer.rings[0].kick()
    a = pair.guest(0).start(1, 64)
    pair.guests.reverse()
    pair.running(0, 2)
    pair.pass_frames(a, 0, range(3))
    assert a.base(7) == 0, 'a ring that nobody ever named'
    assert a.stop() == [0, 3]
    # link off and on: the same rings go on
    a.start(bases=[0, 3])
    pair.running(0, 2)
    pair.pass_frames(a, 0, range(3))
    assert a.stop() == [0, 6]
    # reset, and the guest's own driver: nothing of before survives
    a.start(4, 128)
    pair.running(0, 8)
    for i in range(4):
        pair.pass_frames(a, i, range(2 + i))
    assert a.stop() == [0, 2, 0, 3, 0, 4, 0, 5]
    assert [a.base(i) for i in range(8)] == [0, 2, 0, 3, 0, 4, 0, 5], 'asked once more'
    a.start(1, 256)
    pair.running(0, 2)
    pair.pass_frames(a, 0, range(1))
    assert a.stop() == [0, 1]


def test_t15_nothing_to_do(make, dimms):
    """T15: the same table twenty times is not one command, and no queue is looked at."""
    pair = make()
    a, _ = pair.both()
    pair.change(a, [a.boot, dimms[0]])
    before = pair.commands()
    for _ in range(20):
        assert pair.change(a, [a.boot, dimms[0]])['cmds_total'] == 0
    assert pair.commands() == before
    pair.pass_frames(a, 0, range(4))
