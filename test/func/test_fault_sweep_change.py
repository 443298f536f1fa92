# SPDX-License-Identifier: BSD-3-Clause
"""Everything that a memory change asks for fails, hangs, or outlives its guest (issue 4).

The guest of port a has traffic and changes its memory once for each fault; another guest
returns its frames, and two more talk on two other ports.
"""
import signal

import pytest

from fault_sweep import Bench, PluginBench
from vdpa_ctl_daemon import wait_for

GENERATIONS = ('resumable', 'legacy')
FORCED = (',resume=1', ',resume=0')  # both on firmware that can resume
KINDS = ('add', 'grow', 'swap')
TIMEOUT_MS, STALL_MS = 300, 900
LEAST = {'resumable': 9, 'legacy': 20}


class Talker:
    """The guest on port a: a source of frames that changes its memory when it is told to."""

    def __init__(self, bench, pairs, kind):
        self.bench, self.pairs = bench, pairs
        self.changes = 0
        self.front = bench.guest('a', 0, 3, '--pairs', pairs, '--rate', 2000, '--window', 8,
                                 '--step', '--live', '--interval', 0, '--change', f'{kind}:100000',
                                 '--patience', 600000)
        wait_for('all queues to run', self.runs)

    def runs(self):
        """Every queue has moved frames since the last change."""
        n = 2 * self.pairs
        return any(f'  changes {self.changes}  ' in line and f'  queues {n}/{n}' in line
                   for line in self.front.log().splitlines()[-40:])

    def is_answered(self):
        return any(f'  changes {self.changes}  ' in line
                   for line in self.front.log().splitlines()[-40:])

    def go(self):
        self.changes += 1
        self.front.child.send_signal(signal.SIGUSR1)

    def change(self, fault):
        """One change into a fault, and what it leaves for later: did the fault happen?"""
        fault()
        self.go()
        wait_for('an answer', self.is_answered)
        self.bench.at_peace()
        return self.bench.was_hit()

    def runs_well(self):
        """Once it is known: every queue runs, and the port says so."""
        def known():
            return self.runs() or self.bench.state()['state'] != 'running'
        wait_for('the guest to run or its state to say why not', known)
        return self.runs() and self.bench.state()['state'] == 'running'

    def leave(self):
        """What is wrong with what it saw, or None.

        A queue that is down is signalled, and memory that was not served at once is missing
        for a while (decision 14); what the device must not touch is judged at the end.
        """
        self.front.child.terminate()
        _, report = self.front.result()
        self.bench.daemon.wait_state('a', 'listening')
        rules = {v['rule'] for v in report['violations']}
        if rules - {'ring-error', 'interrupt', 'dma'}:
            return f'rules broken: {report["violations"]}'
        if report['corrupted'] or report['duplicated'] or report['reordered']:
            return f'frames: {report}'
        return self.bench.leftovers(self.bench.base)


def start(runner, profile):
    bench = Bench(runner)
    bench.ctl.ask(cmd='fault', set=f'profile={profile}')
    bench.others.append(bench.guest('d', 3, 0, '--role', 'echo'))
    assert bench.add() is None
    bench.base = bench.first_guest()
    return bench


def sweep_fails(bench, pairs, kind, step=1):
    """Each thing that a change asks for fails: how many there were."""
    nth, talker = 1, Talker(bench, pairs, kind)
    while True:
        since = len(bench.daemon.log())
        if not talker.change(lambda nth=nth: bench.arm(nth)):
            break
        runs = talker.runs_well()
        state = bench.state()
        problem = None
        if not runs and not state['reason']:
            problem = f'state {state["state"]} without a reason'
        if not runs:
            problem = talker.leave() or problem
            talker = Talker(bench, pairs, kind)
        if problem:
            bench.complain(f'{kind}, {pairs} pairs', nth, problem, since)
        nth += step
    problem = talker.leave()
    assert not problem, problem
    return (nth - 1) // step


def commands_of(bench, pairs, kind):
    """How much the first change of a guest asks for, when nothing fails."""
    talker = Talker(bench, pairs, kind)
    before = bench.at_peace()
    talker.change(lambda: None)
    count = bench.at_peace() - before
    problem = talker.leave()
    assert not problem, problem
    return count


def sweep_killed(bench, pairs, kind, step=1):
    """The guest is killed while its change is inside each command."""
    for nth in range(1, commands_of(bench, pairs, kind) + 1, step):
        since = len(bench.daemon.log())
        talker = Talker(bench, pairs, kind)
        bench.stall(nth, 200)
        talker.go()
        wait_for('the command', lambda: not bench.is_pending())
        talker.front.child.kill()
        talker.front.wait()
        bench.daemon.wait_state('a', 'listening')
        problem = bench.leftovers(bench.base)
        if problem:
            bench.complain('killed', nth, problem, since)
    problem = Talker(bench, pairs, kind).leave()
    assert not problem, problem


def sweep_hung_up(bench, count):
    """As sweep_killed(), with a guest without traffic that closes its socket."""
    for nth in range(1, count + 1):
        since = len(bench.daemon.log())
        guest = bench.attach()
        bench.stall(nth, 100)
        guest.send_more_memory()
        wait_for('the command', lambda: not bench.is_pending())
        guest.close()
        bench.daemon.wait_state('a', 'listening')
        problem = bench.leftovers(bench.base)
        if problem:
            bench.complain('hung up', nth, problem, since)


def sweep_hangs(bench, pairs, kind, step=1):
    """Each thing that a change asks for hangs beyond its deadline, and returns later."""
    count = commands_of(bench, pairs, kind)
    talker = Talker(bench, pairs, kind)
    for nth in range(1, count + 1, step):
        since = len(bench.daemon.log())
        talker.change(lambda nth=nth: bench.stall(nth, STALL_MS))
        bench.at_peace()
        # degraded: it serves the table before, as this one was refused
        wait_for('the device to be back',
                 lambda: bench.state()['state'] in ('running', 'degraded'))
        wait_for('all queues to run', talker.runs)
        lines = bench.errors(since)
        if len(lines) > 1:
            bench.complain('hung', nth, f'{len(lines)} lines in the log', since)
        if lines:  # memory that was refused carries no buffer, the next guest begins afresh
            problem = talker.leave()
            if problem:
                bench.complain('hung', nth, problem, since)
            talker = Talker(bench, pairs, kind)
    problem = talker.leave()
    assert not problem, problem
    return count


@pytest.fixture(name='bench')
def make_bench(runner, request):
    bench = start(runner, request.param)
    yield bench
    bench.close()


@pytest.mark.parametrize('bench', GENERATIONS, indirect=True, ids=GENERATIONS)
def test_every_command_fails(bench, request):
    count = sweep_fails(bench, 1, 'swap')
    assert not bench.trouble, '\n'.join(bench.trouble)
    assert count >= LEAST[request.node.callspec.id]
    bench.remove()
    bench.end()


@pytest.mark.parametrize('bench', GENERATIONS, indirect=True, ids=GENERATIONS)
def test_guest_ends_at_every_command(bench, request):
    profile = request.node.callspec.id
    sweep_hung_up(bench, LEAST[profile])
    sweep_killed(bench, 1, 'swap', step=3)
    assert not bench.trouble, '\n'.join(bench.trouble)
    bench.remove()
    bench.end()


def start_plugin(runner, args):
    bench = PluginBench(runner, f',cmd_timeout_ms={TIMEOUT_MS}{args}')
    bench.others.append(bench.guest('d', 3, 0, '--role', 'echo'))
    bench.base = bench.first_guest()
    return bench


@pytest.mark.parametrize('args, step', [(FORCED[0], 1), (FORCED[1], 6)], ids=GENERATIONS)
def test_every_command_hangs(runner, args, step):
    bench = start_plugin(runner, args)
    sweep_hangs(bench, 1, 'swap', step)
    assert not bench.trouble, '\n'.join(bench.trouble)
    assert bench.errors(0)
    bench.daemon.wait_state('a', 'listening')
    bench.end()


@pytest.mark.nightly
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('pairs', [1, 4])
@pytest.mark.parametrize('bench', GENERATIONS, indirect=True)
def test_all_of_it(bench, pairs, kind):
    sweep_fails(bench, pairs, kind)
    sweep_killed(bench, pairs, kind)
    assert not bench.trouble, '\n'.join(bench.trouble)
    bench.remove()
    bench.end()


@pytest.mark.nightly
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('pairs', [1, 4])
@pytest.mark.parametrize('args', FORCED)
def test_all_of_it_hangs(runner, args, pairs, kind):
    bench = start_plugin(runner, args)
    sweep_hangs(bench, pairs, kind)
    assert not bench.trouble, '\n'.join(bench.trouble)
    bench.end()
