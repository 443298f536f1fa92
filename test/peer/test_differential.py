# SPDX-License-Identifier: BSD-3-Clause
"""What the stock driver and mlx5x tell the firmware of the same guest, field by field.

The stock driver works on hardware, so where both say the same both are right; where
they differ the table in doc/prm.md has the reason.  A difference that is not there
fails, and so does a line there that no longer tells the truth.
"""
import contextlib
import fnmatch
import os
import re

import pytest
from conftest import ROOT
from fwtrace import Host, Setting

TABLE = os.path.join(ROOT, 'doc', 'prm.md')
HEADING = '## Where the stock driver differs'

# What both drivers are told, and the guest: name, queue pairs, device arguments, vfront's words.
GUESTS = {
    '1 pair': (1, ',event_mode=2', ()),
    '4 pairs, offloads': (4, ',event_mode=2', ('--offloads',)),
    '8 pairs, no mrg': (8, ',event_mode=2', ('--no-mrg',)),
    'polled': (1, ',event_mode=0,event_us=50', ('--offloads', '--no-mrg')),
    'timer': (1, ',event_mode=1,event_us=50', ()),
    'moderation': (2, ',event_mode=2,hw_latency_mode=1,hw_max_latency_us=20,hw_max_pending_comp=3',
                   ('--size', '1024', '--mem', '100', '--dimms', '0')),
    'legacy': (2, ',event_mode=2', ()),
    'two ports': (3, ',event_mode=2', ()),
}
FIRMWARE = {'legacy': ('profile=legacy',), 'two ports': ('lag_ports=2',)}

_seen = {}  # by guest: {path: (stock, mlx5x)}
_settings = {}  # by guest: what the stock driver said


class Row:
    """A line of the table."""

    def __init__(self, cells):
        self.field, self.stock, self.mlx5x = (cell.strip('`') for cell in cells[:3])
        self.guests = list(GUESTS) if cells[3] == 'any' else cells[3].split('; ')
        self.why = cells[4]

    def covers(self, path, stock, mlx5x):
        return fnmatch.fnmatchcase(path, self.field) and all(
            want in ('*', have) for want, have in ((self.stock, stock), (self.mlx5x, mlx5x)))


def table():
    with open(TABLE, encoding='utf-8') as f:
        text = f.read().split(HEADING + '\n', 1)[1].split('\n## ')[0]
    rows = [[cell.strip() for cell in line.strip('|\n').split('|')]
            for line in re.findall(r'(?m)^\|.*$', text)]
    assert rows[0] == ['field', 'stock', 'mlx5x', 'guest', 'why'], rows[:1]
    return [Row(cells) for cells in rows[2:]]


def setting(runner, driver, guest):
    pairs, args, words = GUESTS[guest]
    host = Host(runner, driver, pairs, fw=FIRMWARE.get(guest, ()), args=args, words=words)
    # A guest that does not start is no reason to keep what was said of it.
    with contextlib.suppress(pytest.fail.Exception):
        host.await_running()
    values = Setting(host.leave()).values
    runner.clean()
    return values


def differences(runner, guest):
    if guest not in _seen:
        stock, ours = (setting(type(runner)(), driver, guest) for driver in ('stock', 'mlx5x'))
        _settings[guest] = stock
        _seen[guest] = {path: (stock.get(path, '-'), ours.get(path, '-'))
                        for path in sorted({*stock, *ours}) if stock.get(path) != ours.get(path)}
    return _seen[guest]


@pytest.mark.parametrize('guest', GUESTS)
def test_same_but_for_the_table(runner, guest):
    rows = [row for row in table() if guest in row.guests]
    found = differences(runner, guest)
    # What was refused, and what of a queue, tells most of the cause.
    order = sorted(found.items(), key=lambda item: not item[0].startswith(('failed', 'queue')))
    unlisted = [f'{path}: stock {stock}, mlx5x {ours}' for path, (stock, ours) in order
                if not any(row.covers(path, stock, ours) for row in rows)]
    gone = [f'{row.field}: stock {row.stock}, mlx5x {row.mlx5x}' for row in rows
            if not any(row.covers(path, *values) for path, values in found.items())]
    assert not unlisted and not gone, '\n'.join(
        [f'guest "{guest}"', 'not in the table of doc/prm.md:', *unlisted[:40],
         'in the table, but not so any more:', *gone])


@pytest.mark.parametrize('guest, path, value', [
    ('4 pairs, offloads', 'queue7.host_tso4', '1'), ('4 pairs, offloads', 'queue0.csum', '1'),
    ('4 pairs, offloads', 'queue0.guest_csum', '1'), ('8 pairs, no mrg', 'queue15.command', 'CREATE_GENERAL_OBJECT'),
    ('8 pairs, no mrg', 'queue0.csum', None), ('moderation', 'queue0.queue_period_us', '20'),
    ('moderation', 'queue3.queue_max_count', '3'), ('moderation', 'queue0.queue_size', '1024'),
    ('two ports', 'queue2.tisn', "tis'")])
def test_guests_are_what_they_say(runner, guest, path, value):
    differences(runner, guest)
    assert _settings[guest].get(path) == value


def test_table_is_honest():
    """Each line has a reason and names guests that there are; none hides a whole object."""
    for row in table():
        assert len(row.why) > 5, row.field
        assert set(row.guests) <= set(GUESTS), row.guests
        assert not row.field.startswith('*') and row.field not in ('queue*', 'tir.*', 'guest.*')
