# SPDX-License-Identifier: BSD-3-Clause
"""Firmware that fails or hangs at a command of a memory change.

Four VFs in one host. The guest behind the first one changes its memory at a moment that
the test chooses; the one behind the second answers it; the other two talk all the time and
must notice nothing. Numbers T are those of doc/index-rules.md.
"""
import json
import re
import signal
import socket

import pytest

from conftest import built, eal_args
from two_vfs import descendants, read

MAC = '52:54:00:00:00:{:02x}'
BDF = '0000:3b:00.{}'
TIMEOUT_MS = 2000  # of the first device; the others have their default
STALL_US = 6000000


class FourVfs:
    """The host, and two guests that talk to each other behind VFs 2 and 3."""

    def __init__(self, runner, fw=(), args=''):
        self.runner = runner
        self.sockets = [runner.path(f'vf{i}.sock') for i in range(4)]
        words = [built('test/peer/vdpa-host'), *eal_args(), '-d', runner.plugin(),
                 '--log-level=pmd.vdpa.mlx5x:info']
        for i in range(4):
            words += ['--vdev', f'vdpa_mlx5x{i},dev={BDF.format(i + 2)}' + ('' if i else args)]
        words += ['--', *(f'vdpa_mlx5x{i}={s}' for i, s in enumerate(self.sockets))]
        self.host = runner.start('vdpa-host', runner.under_model(words, 4, fw))
        self.host.await_text(r'(?m)^READY$')
        self.pid = next(p for p in descendants(self.host.child.pid)
                        if 'vdpa-host' in read(f'/proc/{p}/comm'))
        self.others = [self.guest(3, 2, '--role', 'echo', '--seconds', 600),
                       self.guest(2, 3, '--seconds', 600, '--rate', 500, '--live')]
        self.others[1].await_text('returned [1-9]')
        self.echo = self.guest(1, 0, '--role', 'echo', '--seconds', 600)

    def guest(self, vf, peer, *options):
        return self.runner.vfront(self.sockets[vf], '--mac', MAC.format(vf), '--peer-mac',
                                  MAC.format(peer), *map(str, options))

    def ask(self, **request):
        """One request to the model's control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.runner.model_ctl)
            s.sendall(json.dumps(request).encode() + b'\n')
            reply = json.loads(s.makefile().readline())
        assert reply['ok'], reply
        return reply

    def change(self, faults, change='add:1', patience_ms=3000):
        """A guest on VF 0 that runs into faults as it changes: (status, report)."""
        victim = self.guest(0, 1, '--seconds', 1, '--rate', 1000, '--hold', '--change', change,
                            '--interval', 0, '--patience', patience_ms, '--live')
        victim.await_text('returned [1-9]')
        for fault in faults:
            self.ask(cmd='fault', set=fault)
        victim.child.send_signal(signal.SIGUSR1)
        answer = victim.result()
        self.ask(cmd='fault', clear=True)
        return answer

    def memory(self):
        """Files of guest memory of the first guest that the host has mapped."""
        return len({line.split()[4] for line in read(f'/proc/{self.pid}/maps').splitlines()
                    if 'memfd:vfront' in line})

    def end(self):
        """The two others have noticed nothing; nothing is left in any device."""
        for guest in reversed(self.others):
            guest.child.send_signal(signal.SIGTERM)
            status, report = guest.result()
            assert report['violations_total'] == report['corrupted'] == 0, report['violations']
            assert report['reordered'] == report['duplicated'] == 0
        assert report['echoed'] > 0
        self.echo.stop()
        assert self.host.stop() == 0, self.host.tail()
        return re.findall(r'context closed, (\d+) objects left behind', self.host.log())


def unharmed(report, failed=False):
    """Whatever became of the change, no frame is damaged and no entry used twice.

    The guest of a device that is FAILED is told on each ring, and gets no calls
    while firmware hangs; nothing else may be wrong.
    """
    rules = [v['rule'] for v in report['violations']]
    assert set(rules) <= ({'ring-error', 'interrupt'} if failed else set()), report['violations']
    assert rules.count('ring-error') == (report['queues'] if failed else 0), report['violations']
    assert report['corrupted'] == report['duplicated'] == report['reordered'] == 0


@pytest.mark.parametrize('fw, command', [
    ('resume=1', 'MODIFY_GENERAL_OBJECT:1'),   # SUSPEND
    ('resume=1', 'QUERY_GENERAL_OBJECT:2'),
    ('resume=0', 'CREATE_GENERAL_OBJECT:1'),
    ('resume=1', 'CREATE_MKEY:1'),
])
def test_command_hangs(runner, fw, command):
    """A command hangs: its device is FAILED for all to see, and comes back once it returned."""
    vfs = FourVfs(runner, fw=(fw,), args=f',cmd_timeout_ms={TIMEOUT_MS}')
    _, report = vfs.change([f'stall={command}:{STALL_US}'])
    unharmed(report, failed=True)
    assert report['changes_refused'] == 1
    vfs.host.await_text('vdpa_mlx5x0: .*firmware does not answer')
    vfs.host.await_text('vdpa_mlx5x0: configured -> failed')

    status, report = vfs.change([])  # it may have to wait for the device to be back
    assert status == 0, report['reason']
    unharmed(report)
    assert vfs.end() == ['0', '0', '0', '0']


def test_removed_while_a_command_hangs(runner):
    """The end of the program waits for no firmware: the device is left behind, and it says so."""
    vfs = FourVfs(runner, args=',cmd_timeout_ms=500')
    vfs.change(['stall=MODIFY_GENERAL_OBJECT:1:60000000'])
    assert vfs.end() == ['0', '0', '0']
    assert 'left behind, with a firmware command that has not returned' in vfs.host.log()
