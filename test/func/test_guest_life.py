# SPDX-License-Identifier: BSD-3-Clause
"""Any order of things that happen to a guest, made up by hypothesis.

A bare guest behind the first VF of a daemon lives through what the rules draw, another one
behind the second VF answers it. After each step traffic returns and is what was sent, the
oracle has seen no access that it should not have, and at the end of each life the daemon
has open what it had before.
"""
import contextlib
import os
import socket

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant, precondition, rule,
                                 run_state_machine_as_test)

from bare_guest import BareGuest, Region
from test_index_rules import DIMM, MACS, MIB, Pair, VFS
from two_vfs import descendants, fds_of
from vdpa_ctl_daemon import wait_for

SLOTS = 7


class Host:
    """The daemon of all lives, and the peer that stays."""

    def __init__(self, fw):
        self.pair = Pair(fw)
        self.daemon, self.card = self.pair.daemon, self.pair.card
        self.pid = descendants(self.daemon.child.pid)[-1]
        self.peer = self.pair.guest(1).start(1, 256)
        self.pair.running(1, 2)
        self.peer.rings[0].fill()
        self.peer.rings[0].kick()
        self.base = self.rest()

    def rest(self):
        """What is open while no guest is behind the first VF."""
        self.daemon.wait_state('a', 'listening')
        objects = self.card.ask(cmd='objects')['vfs']
        return fds_of(self.pid), objects[1], len(self.card.vf(0)['virtqs'])

    def end(self):
        self.pair.end()


class GuestLife(RuleBasedStateMachine):
    host = None

    def __init__(self):
        super().__init__()
        self.guest = None
        self.dimms = {}
        self.seq = 0

    # How a guest comes and goes.

    @initialize(pairs=st.sampled_from((1, 2, 4)), size=st.sampled_from((64, 128, 256)))
    def begin(self, pairs, size):
        self.host.daemon.wait_state('a', 'listening')
        self.guest = BareGuest(self.host.daemon.path('a.sock'), MACS[0], MACS[1],
                               (self.host.card, 0))
        self.boot(pairs, size)

    def boot(self, pairs, size):
        self.guest.start(pairs, size)
        self.up()

    def up(self):
        self.host.pair.running(0, len(self.guest.rings))
        for ring in self.guest.rings[::2]:
            self.refill(ring, ring.size)

    @staticmethod
    def refill(ring, least):
        """Offer what was used once more, if so many are missing."""
        missing = ring.size - (ring.next - ring.used_idx() & 0xffff)
        if missing >= least and missing > 0:
            ring.fill(missing)
            ring.kick()

    def gone(self):
        self.guest.close()
        for region in self.dimms.values():
            region.close()
        self.dimms = {}

    def teardown(self):
        if self.guest is None:
            return
        self.gone()
        wait_for('the baseline', lambda: self.host.rest() == self.host.base)

    # What happens to it.

    def table(self):
        return [r for r in self.guest.regions if r is self.guest.boot or r in self.dimms.values()]

    @precondition(lambda self: len(self.dimms) < SLOTS)
    @rule(mib=st.integers(1, 5))
    def add(self, mib):
        slot = min(set(range(SLOTS)) - set(self.dimms))
        region = Region(DIMM + slot * 64 * MIB, mib * MIB)
        table = [*self.table(), region]
        self.dimms[slot] = region
        assert self.guest.set_table(table) == 0

    @precondition(lambda self: self.dimms)
    @rule(data=st.data())
    def remove(self, data):
        region = self.dimms.pop(data.draw(st.sampled_from(sorted(self.dimms))))
        assert self.guest.set_table(self.table()) == 0
        region.close()

    @precondition(lambda self: self.dimms)
    @rule(data=st.data(), moved=st.booleans())
    def replace(self, data, moved):
        """Another file; with `moved` at another user address too."""
        slot = data.draw(st.sampled_from(sorted(self.dimms)))
        old = self.dimms[slot]
        new = self.dimms[slot] = Region(old.gpa, old.size)
        new.uva = old.uva + (1 << 40) * moved
        assert self.guest.set_table([new if r is old else r for r in self.guest.regions]) == 0
        old.close()

    @precondition(lambda self: self.dimms)
    @rule(data=st.data())
    def grow(self, data):
        region = self.dimms[data.draw(st.sampled_from(sorted(self.dimms)))]
        if region.size < 32 * MIB:
            os.ftruncate(region.fd, region.size + 2 * MIB)
            region.size += 2 * MIB
        assert self.guest.set_table(self.table()) == 0

    @rule(data=st.data())
    def reorder(self, data):
        assert self.guest.set_table(data.draw(st.permutations(self.table()))) == 0

    @rule()
    def same(self):
        before = self.host.pair.commands()
        assert self.guest.set_table(self.table()) == 0
        assert self.host.pair.commands() == before

    @rule()
    def link_off_and_on(self):
        bases = self.guest.stop()
        assert bases == [r.used_idx() for r in self.guest.rings]
        self.guest.start(bases=bases)
        self.up()

    @rule(pairs=st.sampled_from((1, 2, 4)), size=st.sampled_from((64, 128, 256)))
    def reset(self, pairs, size):
        """Firmware and the guest's driver want other queues; no index survives."""
        self.guest.stop()
        self.boot(pairs, size)

    @rule()
    def other_eventfds(self):
        for ring in self.guest.rings:
            ring.new_fds()
            self.guest.set_kick(ring)
            self.guest.set_call(ring)

    @rule(pairs=st.sampled_from((1, 4)))
    def killed_and_back(self, pairs):
        self.gone()
        self.begin(pairs, 128)

    @rule()
    def port_removed_and_made(self):
        self.host.daemon.ctl('dev', 'del', 'a')
        with contextlib.suppress(ConnectionError):
            assert self.guest.sock.recv(1) == b''
        self.gone()
        self.host.daemon.ctl('dev', 'add', 'name', 'a', 'mgmtdev', VFS[0], 'socket',
                             self.host.daemon.path('a.sock'))
        self.begin(2, 64)

    @rule()
    def second_frontend(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.host.daemon.path('a.sock'))

    # What is true after each of it.

    @invariant()
    def traffic_returns(self):
        if self.guest is None:
            return
        self.seq += 1
        peer = self.host.peer
        for ring in self.guest.rings[1::2]:
            self.pass_one(self.guest, ring, peer, ring.index + 64 * self.seq)
        for flow in range(4):
            self.pass_one(peer, peer.rings[1], self.guest, flow + 64 * self.seq)

    def pass_one(self, sender, ring, receiver, flow):
        """One frame: used in its turn, and what arrives is what was sent."""
        rings = receiver.rings[::2]
        before = [r.used_idx() for r in rings]
        frame = sender.frame(flow % 20000)
        ring.send(frame)
        ring.kick()
        wait_for('the frame to be used', lambda: ring.used_idx() == ring.next & 0xffff)
        assert ring.used_heads()[-1] == (ring.next - 1) % ring.size
        wait_for('it to arrive', lambda: [r.used_idx() for r in rings] != before)
        moved = [r for r, n in zip(rings, before) if r.used_idx() != n]
        assert len(moved) == 1 and moved[0].used_idx() == before[rings.index(moved[0])] + 1
        assert moved[0].received() == frame
        self.refill(moved[0], moved[0].size // 2)


def live(fw, examples, steps, random):
    machine = type('Life', (GuestLife,), {'host': Host(fw)})
    try:
        run_state_machine_as_test(machine, settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            derandomize=not random, print_blob=True,
            suppress_health_check=list(HealthCheck)))
    finally:
        machine.host.end()


@pytest.mark.parametrize('resume', (1, 0))
def test_lives(resume):
    """The same few lives each time."""
    live((f'resume={resume}',), 12, 20, False)


@pytest.mark.nightly
@pytest.mark.parametrize('resume', (1, 0))
def test_more_lives(resume):
    """Other ones each night; hypothesis says how to have a bad one again."""
    live((f'resume={resume}', 'hw_avail=garbage'), 150, 50, True)
