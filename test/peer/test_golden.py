# SPDX-License-Identifier: BSD-3-Clause
"""The commands of a whole guest's life against those kept in test/golden/.

What a change of a driver does to the firmware shows here as a diff, and belongs into
the commit that makes it: `tools/golden build` writes the files anew.

Queues are brought up side by side, so the order is kept within each of them and within
what belongs to the device, not among them.
"""
import difflib
import os
import re
import signal

import pytest
from conftest import ROOT
from fwtrace import Host

FOLDER = os.path.join(ROOT, 'test', 'golden')
VARIANTS = {'stock': ('stock', 'profile=resumable'),
            'mlx5x-resumable': ('mlx5x', 'profile=resumable'),
            'mlx5x-legacy': ('mlx5x', 'profile=legacy')}
LANES = (('memory', r'mr@|guest'), ('steering', r'rqt|tir|flow'), ('', r'(queue\d+|parked)'))
ANSWERED = ('state', 'hw_available_index', 'hw_used_index')


def lane_of(command, name):
    """Things that happen one after the other."""
    if 'FLOW' in command:
        return 'steering'
    for lane, pattern in LANES:
        found = re.match(pattern, name)
        if found:
            return lane or found[1]
    return 'device'


def line_of(trace, c):
    words = [c.name, trace.name(c)]
    words += [f'{name}={value}' for name, value in trace.shown(c)]
    if c.name == 'QUERY_GENERAL_OBJECT':
        words += ['->', *(f'{name}={c.out[name]}' for name in ANSWERED if name in c.out)]
    if c.status:
        words.append(f'status={c.status:#x}')
    return ' '.join(word for word in words if word)


def sort_equals(lines):
    """Neighbours of one command in the order of their names: regions go one by one, or not."""
    out = []
    for line in lines:
        at = len(out)
        while at and out[at - 1].split()[0] == line.split()[0] and out[at - 1] > line:
            at -= 1
        out.insert(at, line)
    return out


def render(trace, phases):
    """The text of a golden file; phases are (name, number of commands at its end)."""
    text, begin = [], 0
    for phase, end in phases:
        lanes = {}
        for c in trace.commands[begin:end]:
            if c.name == 'QUERY_EQN':  # asks for a constant, whenever a CQ is made
                continue
            lanes.setdefault(lane_of(c.name, trace.name(c)), []).append(line_of(trace, c))
        for lane in sorted(lanes):
            lines = sort_equals(lanes[lane]) if lane == 'memory' else lanes[lane]
            text += [f'== {phase}: {lane}', *lines, '']
        begin = end
    return '\n'.join(text)


def life(runner, driver, firmware):
    """Attach, one region more, detach; of a guest with one queue pair."""
    host = Host(runner, driver, 1, fw=[firmware],
                args=',event_mode=2', words=('--change', 'add:1'))
    attached = host.await_running()
    before = host.objects()
    host.guest.child.send_signal(signal.SIGUSR1)
    if driver == 'mlx5x':
        wanted = {**before, 'mr': before['mr'] + 1}
        changed = host.quiet('the change', lambda: host.objects() == wanted and host.is_running())
    else:
        changed = host.quiet('the change', lambda: host.count('CREATE_MKEY') == 2)
    trace = host.leave()
    return render(trace, (('attach', attached), ('one region more', changed),
                          ('detach', len(trace.commands))))


@pytest.mark.parametrize('variant', VARIANTS)
def test_golden(runner, variant):
    path = os.path.join(FOLDER, f'{variant}.txt')
    text = life(runner, *VARIANTS[variant])
    if os.environ.get('MLX5X_GOLDEN') == 'write':
        with open(path, 'w', encoding='ascii') as f:
            f.write(text)
    with open(path, encoding='ascii') as f:
        kept = f.read()
    diff = list(difflib.unified_diff(kept.splitlines(), text.splitlines(),
                                     f'test/golden/{variant}.txt', 'now', n=1, lineterm=''))
    assert not diff, '\n'.join([*diff, '', 'if this is meant: tools/golden build'])
