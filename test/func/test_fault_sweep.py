# SPDX-License-Identifier: BSD-3-Clause
"""Every firmware command and kernel verb of a port's life fails once (issue 3)."""
import re

import pytest

from fault_sweep import Bench, excess
from vdpa_ctl_daemon import wait_for


class Flows:
    """The flows of port a.  Each returns what is wrong after its fault, or None."""

    def __init__(self, bench):
        self.bench = bench

    def leave(self, guest):
        """The guest goes; whether the port waits for the next one."""
        guest.close()
        self.bench.daemon.wait_state('a', 'listening')

    def rest(self, problem, base):
        """After a guest has gone: is all as before it came?"""
        return '; '.join(filter(None, (problem, self.bench.leftovers(base)))) or None

    def serves(self):
        """The next guest is served."""
        guest = self.bench.attach()
        state = self.bench.state()
        self.leave(guest)
        return state['state'] == 'running' and state['queues_active'] == 2

    def probe(self, arm, disarm, since):
        base = self.bench.at_rest()
        arm()
        reason = self.bench.add()
        disarm()
        problem = None if reason is None else self.bench.judge(since)
        if reason is None:
            self.bench.remove()
        elif 'log says' not in reason and 'no memory' not in reason and 'permission' not in reason:
            problem = f'unclear: {reason}'
        return self.rest(problem, base)

    def remove(self, arm, disarm, _):
        base = self.bench.at_rest()
        assert self.bench.add() is None
        arm()
        since = len(self.bench.daemon.log())
        self.bench.remove()
        disarm()
        # These libmlx5 frees without saying whether the kernel did: it does at the close.
        if re.search(r'1 objects left behind \(1 (var|uar)\)', self.bench.daemon.log()[since:]):
            base = base._replace(left=base.left + 1)
        return self.rest(None, base)

    def attach_one(self, arm, disarm, since):
        arm()
        guest = self.bench.attach()
        disarm()
        problem = self.bench.judge(since, self.bench.state())
        self.leave(guest)
        if not self.serves():
            problem = f'{problem}; the next guest is not served'
        return self.rest(problem, self.bench.base)

    def enable(self, arm, disarm, since):
        guest = self.bench.attach()
        arm()
        guest.rings(1)
        guest.enable(1, False)
        guest.enable(1, True)
        disarm()
        problem = self.bench.judge(since, self.bench.state())
        self.leave(guest)
        return self.rest(problem, self.bench.base)

    def change(self, arm, disarm, since):
        guest = self.bench.attach()
        arm()
        guest.add_memory()
        # what is left for later belongs to it, and the next change waits for that
        assert guest.table([(0x10000000, guest.SIZE, guest.fd), *guest.extra])
        disarm()
        problem = self.bench.judge(since, self.bench.state())
        self.leave(guest)
        return self.rest(problem, self.bench.base)

    def detach(self, arm, disarm, _):
        guest = self.bench.attach()
        failed = self.bench.failed()
        arm()
        bases = guest.stop()
        self.leave(guest)
        wait_for('the guest to be forgotten',
                 lambda: self.bench.failed() != failed or not excess(self.bench.at_rest(), self.bench.base))
        disarm()
        problem = None if [b[1] for b in bases] == [0, 0] else f'bases {bases}'
        return self.rest(problem, self.bench.base)


@pytest.fixture(name='bench')
def make_bench(runner):
    bench = Bench(runner)
    yield bench
    bench.close()


GENERATIONS = ('resumable', 'legacy')
# What each flow asks for at the least; a sweep that ends before that has seen nothing.
LEAST = {'probe': 12, 'remove': 4, 'attach': 60, 'enable': 40, 'change': 8, 'detach': 45}


@pytest.mark.parametrize('profile', GENERATIONS)
def test_every_command_fails(bench, profile):
    flows = Flows(bench)
    bench.ctl.ask(cmd='fault', set=f'profile={profile}')
    counts = {}
    counts['probe'] = bench.sweep('probe', flows.probe)
    counts['remove'] = bench.sweep('remove', flows.remove)
    assert bench.add() is None
    bench.base = bench.first_guest()
    for name, flow in (('attach', flows.attach_one), ('enable', flows.enable),
                       ('change', flows.change), ('detach', flows.detach)):
        counts[name] = bench.sweep(name, flow)
    print(counts)
    assert all(counts[name] >= least for name, least in LEAST.items()), counts
    assert not bench.trouble, '\n'.join(bench.trouble)
    bench.remove()
    bench.end()
