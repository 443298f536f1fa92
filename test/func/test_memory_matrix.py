# SPDX-License-Identifier: BSD-3-Clause
"""Memory changes under traffic, over everything that firmware and guests differ in.

One daemon for each combination of firmware generation, doorbells, what firmware says of
the available index, queue pairs, and the kind of ring; on it one guest after the other,
each with changes of its own. The combinations of CI hold every pair of values of two
different axes; all of them, and 10,000 changes, are for the night. Numbers T are those of
doc/index-rules.md.

What is checked in all: each available entry is used exactly once and in order and no
payload is damaged (vfront); what the guest sends arrives, and what it does not receive the
card dropped in a blackout; every queue runs after the last change; what a change cost
in firmware commands (the driver's history); the device touches only memory that is in
the guest's table (the model's DMA oracle); the driver leaves no object behind.
"""
import itertools
import json
import os
import re

import pytest

from conftest import BLACKOUT, RESTART, check_losses
from vdpa_ctl_daemon import BUILD, Daemon

AXES = (
    ('resume', ('1', '0')),
    ('strict_doorbell', ('1', '0')),
    ('hw_avail', ('true', 'garbage')),
    ('pairs', (1, 2, 16)),
    ('ring', ('split', 'packed')),
)
VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
KINDS = 7  # in 'all'
# Costs no firmware command: the same memory in another order or under other names.
FREE = ('identical', 'reordered')


def pairwise(axes):
    """Few combinations that hold every pair of values of two axes; the same each time."""
    values = [v for _, v in axes]
    left = {(i, a, j, b) for i, j in itertools.combinations(range(len(axes)), 2)
            for a in values[i] for b in values[j]}

    def held(row):
        return {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(len(row)), 2)}
    rows = []
    while left:
        rows.append(max(itertools.product(*values), key=lambda row: len(held(row) & left)))
        left -= held(rows[-1])
    return rows


ALL = list(itertools.product(*(v for _, v in AXES)))
CI = pairwise(AXES)
COMBINATIONS = [pytest.param(row, id='-'.join(map(str, row)),
                             marks=() if row in CI else pytest.mark.nightly) for row in ALL]

# T: words for vfront, changes of each of the kinds, how many kinds.
GUESTS = {
    'T1': (['--kick', 'random', '--kick-delay', 100, '--host-notifier'], 'all:3', 3 * KINDS),
    'T4': (['--kick', 'notifier', '--host-notifier'], 'all:1', KINDS),
    'T10': (['--dimms', 6, '--indirect'], 'add:3,remove:3,grow:3,move:3,swap:3,reorder:3', 18),
    'T15': (['--irq', 'poll'], 'same:10,reorder:10', 20),
    'T23': (['--size', 128], 'restart:2,add:2,swap:2,remove:2', 8),
}


class Ports:
    """A daemon with two VFs of one kind of firmware."""

    def __init__(self, row):
        self.row = dict(zip((name for name, _ in AXES), row))
        self.pairs = self.row['pairs']
        self.daemon = Daemon(os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl'))
        fw = [f'{name}={self.row[name]}' for name, _ in AXES[:3]]
        if self.row['strict_doorbell'] == '1':
            fw.append('reread_on_start=0')
        self.model = self.daemon.path('model.ctl')
        self.daemon.start('--model', '2', '--model-opt',
                          ' '.join([f'--ctl {self.model}', *(f'--fw {word}' for word in fw)]),
                          *self.daemon.vf(VFS[0], 'a'), *self.daemon.vf(VFS[1], 'b'))

    def guest(self, runner, vf, *words):
        return runner.vfront(self.daemon.path('ab'[vf] + '.sock'), '--mac', MACS[vf],
                             '--peer-mac', MACS[1 - vf], '--pairs', str(self.pairs),
                             '--ring', self.row['ring'],
                             '--oracle', self.model, '--oracle-vf', str(vf), *map(str, words))

    def history(self):
        return json.loads(self.daemon.ctl('-j', 'dev', 'hist', 'show', 'a'))['hist']['a']

    def changed(self, runner, words, changes, interval=5):
        """A guest with changes, and one that sends its frames back: (report, history)."""
        before = ([{'serial': 0}] + self.history())[-1]['serial']
        echo = self.guest(runner, 1, '--role', 'echo', '--dimms', 0, '--seconds', 36000)
        status, report = self.guest(
            runner, 0, '--seconds', 1, '--rate', 4000, '--interval', interval, '--min-active',
            2 * self.pairs, '--change', changes, *words).result(3600)
        echo.end()
        # A pause of a second is reported by vfront; on a busy machine it says nothing.
        assert status == 0 or report['reason'] == 'traffic stalled', (
            report['reason'], report['stage'], report['error'], self.daemon.log()[-2000:])
        assert report['violations_total'] == 0, report['violations'][:3]
        assert report['corrupted'] == report['duplicated'] == report['reordered'] == 0
        reasons = RESTART if 'restart' in changes else BLACKOUT
        if self.row['strict_doorbell'] == '1' and '--host-notifier' in words:
            # Doorbells of another process are seen 2 ms late: buffers can be there, unknown.
            reasons = reasons | {'rx_no_buffer'}
        check_losses(report, reasons)
        assert report['lost_tx'] == 0
        assert report['active_queues'] == 2 * self.pairs and report['returned'] > 0
        assert report['changes_done'] >= report['changes_asked']
        assert report['changes_refused'] == 0
        # A frontend that comes before the last one is gone gets no device.
        for name in 'ab':
            self.daemon.wait_state(name, 'listening')
        return report, [c for c in self.history() if c['serial'] > before]

    def check_costs(self, history):
        """T15, T20: none for the same memory; otherwise a budget for each virtq."""
        queues = 2 * self.pairs
        for change in history:
            assert change['error'] == 0, change
            assert change['cmds_total'] == sum(p['cmds'] for p in change['phases'].values())
            if change['cause'] in FREE:
                assert change['cmds_total'] == 0, change
            elif self.row['resume'] == '1':
                assert change['cmds_blackout'] <= 3 * queues, change
            else:
                assert change['cmds_blackout'] <= 5 * queues + 2, change

    def end(self):
        try:
            assert self.daemon.stop() == 0, self.daemon.log()
            left = re.findall(r'context closed, (\d+) objects? left', self.daemon.log())
            assert left == ['0', '0'], self.daemon.log()[-3000:]
            assert 'firmware reported an error' not in self.daemon.log()
            checked = re.findall(r'DMA oracle: (\d+) errors, [1-9]', self.daemon.log())
            assert checked == ['0', '0'], self.daemon.log()[-3000:]
        finally:
            self.daemon.close()


@pytest.fixture(name='ports', scope='module')
def make_ports(request):
    ports = Ports(request.param)
    yield ports
    ports.end()


def test_combinations():
    """Every pair of values is in CI, and there are at least 500 changes in it."""
    for (i, (_, first)), (j, (_, second)) in itertools.combinations(enumerate(AXES), 2):
        for a, b in itertools.product(first, second):
            assert any(row[i] == a and row[j] == b for row in CI)
    assert len(CI) * sum(n for _, _, n in GUESTS.values()) >= 500


@pytest.mark.parametrize('t', GUESTS)
@pytest.mark.parametrize('ports', COMBINATIONS, indirect=True)
def test_changes(ports, runner, t):
    words, changes, count = GUESTS[t]
    report, history = ports.changed(runner, words, changes)
    assert report['changes_asked'] == count
    assert len(history) == min(32, report['changes_done'] + report['changes_extra']
                               - report['changes'].get('restart', {'count': 0})['count'])
    ports.check_costs(history)
    if t == 'T4':
        assert report['page_kicks'] > report['kicks']
    if t == 'T15':
        assert {c['cause'] for c in history} == set(FREE)


@pytest.mark.nightly
@pytest.mark.parametrize('ports', COMBINATIONS, indirect=True)
def test_many_changes(ports, runner):
    """10,000 changes under traffic, over all combinations."""
    each = 10000 // len(ALL) // KINDS + 1
    report, history = ports.changed(runner, GUESTS['T1'][0], f'all:{each}')
    assert report['changes_done'] >= each * KINDS
    ports.check_costs(history)
