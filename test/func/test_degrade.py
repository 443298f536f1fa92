# SPDX-License-Identifier: BSD-3-Clause
"""A memory table that cannot be served: the port is degraded, tries on, and mends by itself.

T13 of doc/index-rules.md where nothing hangs. Two guests on one vdpa-ctl; the one behind the
first VF changes its memory while firmware refuses, the other one answers it.
"""
import json
import os
import re
import signal

import pytest

from model_ctl import ModelCtl
from two_vfs import TwoVfs
from vdpa_ctl_daemon import BUILD, Daemon, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
NO_RESOURCES = '0x0f'


def refusing(command, which):
    """A fault: these calls of a command, counted from now, find no resources."""
    return 'fail=' + '+'.join(f'{command}:{n}:{NO_RESOURCES}' for n in which)


def no_stray_access(runner):
    """The device reached no memory that an answered table did not have; it may lack some."""
    with ModelCtl(runner.model_ctl) as ctl:
        errors = ctl.vf(0)['oracle']
    assert errors['kept'] == errors['replaced'] == errors['outside'] == 0, errors


class Ports:
    """Two ports a and b, an echo behind b; guests behind a come and go."""

    def __init__(self, runner, fw=()):
        self.runner = runner
        self.daemon = Daemon(PROGRAM)
        self.daemon.start('--model', '2', '--model-opt', runner.model_options(fw),
                          *self.daemon.vf(VFS[0], 'a'), *self.daemon.vf(VFS[1], 'b'))
        self.echo = self.guest(1, '--role', 'echo', '--seconds', 600)
        self.daemon.wait_state('b', 'running')

    def guest(self, vf, *options):
        return self.runner.vfront(self.daemon.path('ab'[vf] + '.sock'), '--mac', MACS[vf],
                                  '--peer-mac', MACS[1 - vf], *self.runner.oracle(vf),
                                  *map(str, options))

    def source(self, *options):
        """A guest behind a that waits for SIGUSR1 before its changes."""
        guest = self.guest(0, '--rate', 2000, '--hold', '--live', '--interval', 0, *options)
        guest.await_text('returned [1-9]')
        return guest

    def fault(self, setting):
        with ModelCtl(self.runner.model_ctl) as ctl:
            return ctl.ask(cmd='fault', **setting)

    def expect_no_stray_access(self):
        no_stray_access(self.runner)

    def change(self, guest, *faults):
        for fault in faults:
            self.fault({'set': fault})
        guest.child.send_signal(signal.SIGUSR1)

    def history(self):
        return json.loads(self.daemon.ctl('-j', 'dev', 'hist', 'show', 'a'))['hist']['a']

    def end(self):
        """Everybody else noticed nothing, and nothing is left."""
        self.echo.child.send_signal(signal.SIGTERM)
        _, report = self.echo.result()
        assert report['violations_total'] == report['corrupted'] == 0, report['violations']
        self.daemon.wait_state('b', 'listening')
        assert self.daemon.stop() == 0, self.daemon.log()
        left = re.findall(r'context closed, (\d+) objects? left', self.daemon.log())
        assert left == ['0', '0'], self.daemon.log()


@pytest.fixture(name='ports')
def make_ports(runner, request):
    ports = Ports(runner, getattr(request, 'param', ()))
    yield ports
    ports.daemon.close()


def harmless(report):
    """What a guest sees of memory that is missing for a while: a queue may be down, no more."""
    rules = {v['rule'] for v in report['violations']}
    assert rules <= {'ring-error', 'interrupt', 'dma'}, report['violations']
    assert report['changes_refused'] == 0
    assert report['corrupted'] == report['duplicated'] == report['reordered'] == 0
    assert report['active_queues'] == report['queues'], report['reason']


@pytest.mark.parametrize('ports', [('resume=1',), ('resume=0',)], indirect=True)
@pytest.mark.parametrize('kind', ['add', 'grow', 'move', 'swap'])
def test_mends_by_itself(ports, kind):
    """Registration fails once: the frontend is not refused, the next try serves it all."""
    guest = ports.source('--seconds', 1, '--change', f'{kind}:1')
    ports.change(guest, refusing('CREATE_MKEY', [1]))
    harmless(guest.result()[1])
    part, full = ports.history()
    assert part['error'] != 0 and part['regions_missing'] == 1
    assert full['error'] == 0 and full['cause'] == 'retry' and full['regions_missing'] == 0
    assert full['serial'] == 2 and full['cmds_total'] == sum(
        p['cmds'] for p in full['phases'].values())
    ports.expect_no_stray_access()
    ports.end()


def test_stays_degraded_and_says_so(ports):
    """No firmware resources for a long time: memory that is gone is let go, all is to be seen."""
    guest = ports.source('--seconds', 600, '--change', 'move:1')
    # the first try and those in the background; the common key in between is made
    ports.change(guest, refusing('CREATE_MKEY', [1, *range(3, 20)]))
    dev = wait_for('tries', lambda: (d := ports.daemon.dev('a')).get('retries', 0) >= 4 and d)
    assert dev['state'] == 'degraded' and dev['missing_bytes'] == 2 << 20
    assert dev['reason'] and dev['last_error']
    assert 'missing_bytes' in ports.daemon.ctl('dev', 'show', 'a')
    ports.expect_no_stray_access()  # what was taken away is let go already
    assert len(re.findall('mlx5x0: memory change: cannot', ports.daemon.log())) == 1
    ports.fault({'clear': True})
    dev = ports.daemon.wait_state('a', 'running')
    assert dev['missing_bytes'] == 0 and dev['queues_failed'] == 0
    assert [c['cause'] for c in ports.history()] == ['replaced', 'retry']
    guest.child.send_signal(signal.SIGTERM)
    harmless(guest.result()[1])
    ports.end()


def test_refused_as_the_last_resort(ports):
    """No key at all, and memory is to go: only then the frontend is refused, and told why."""
    guest = ports.source('--seconds', 600, '--change', 'move:1')
    ports.change(guest, refusing('CREATE_MKEY', [1, 2]))
    dev = ports.daemon.wait_state('a', 'degraded')
    assert 'nor only take memory away' in dev['reason']
    assert dev['missing_bytes'] == 0 and dev['retries'] == 0  # it is not in force
    assert dev['queues_active'] == 2
    guest.child.send_signal(signal.SIGTERM)
    _, report = guest.result()
    assert report['changes_refused'] == 1
    assert report['violations_total'] == 0, report['violations']
    assert [c['error'] != 0 for c in ports.history()] == [True]
    ports.end()


def test_leaves_nothing_open(runner):
    """Tables served in part, then in full or replaced by the next one: the host is as before."""
    vfs = TwoVfs(runner)
    harmless(vfs.talk('--live')[1])
    base = vfs.at_rest()
    # one kind after the other; a retry and the next table are after the same thing
    for kind in ('add:3', 'move:3', 'grow:2,remove:1'):
        with ModelCtl(runner.model_ctl) as ctl:
            ctl.ask(cmd='fault', set=refusing('CREATE_MKEY', [3, 5]))
        harmless(vfs.talk('--live', changes=kind)[1])
        assert vfs.at_rest() == base
        with ModelCtl(runner.model_ctl) as ctl:
            ctl.ask(cmd='fault', clear=True)
        no_stray_access(runner)
    assert 'configured -> degraded' in vfs.host.log()
    assert 'degraded -> configured' in vfs.host.log()
    assert vfs.host.stop() == 0, vfs.host.tail()
    assert re.findall(r'context closed, (\d+) objects left', vfs.host.log()) == ['0', '0']
