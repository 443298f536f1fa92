# SPDX-License-Identifier: BSD-3-Clause
"""A host with two VFs of the model, two vfront guests that talk, and what the host left open.

The host is vdpa-host: public DPDK functions only, so that the driver installs its
vhost-user hook by itself, as it does in every program but vdpa-ctl.
"""
import contextlib
import os
import re

from conftest import PATIENCE_S, built, check_oracle, eal_args, wait_until

VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
VIRTQ_SUSPEND, VIRTQ_RDY = 2, 1


def read(path):
    with contextlib.suppress(OSError), open(path, encoding='utf-8', errors='replace') as f:
        return f.read()
    return ''


def descendants(pid):
    found = [pid]
    for task in os.listdir(f'/proc/{pid}/task'):
        for child in read(f'/proc/{pid}/task/{task}/children').split():
            found += descendants(int(child))
    return found


def fds_of(pid):
    """How many of each kind a process has open."""
    kinds = {}
    for fd in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(OSError):
            kind = re.sub(r'[0-9]+', 'N', os.readlink(f'/proc/{pid}/fd/{fd}'))
            kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


class Command:
    """One firmware command as the model's trace has it."""

    HEAD = re.compile(r'(?m)^[0-9.]+ (\S+) \[\d+\] (\w+) \(0x\w+\) object 0x(\w+) status 0x(\w+)')

    def __init__(self, match, dump):
        self.dev, self.name = match[1], match[2]
        self.object, self.status = int(match[3], 16), int(match[4], 16)
        self.words = {int(at, 16): [int(w, 16) for w in row.split()] for at, row in
                      re.findall(r'(?m)^([0-9a-f]{3}): (.*)$', dump.split('output', 1)[0])}

    def virtq_state(self):
        """State that a MODIFY_GENERAL_OBJECT of a virtq asks for; None if it asks for none."""
        if self.name != 'MODIFY_GENERAL_OBJECT' or not self.words[0x10][1] & 1:
            return None
        return self.words[0x20][0] & 0xf


def parse_trace(text):
    heads = list(Command.HEAD.finditer(text))
    ends = [h.start() for h in heads[1:]] + [len(text)]
    return [Command(h, text[h.end():end]) for h, end in zip(heads, ends)]


class TwoVfs:
    def __init__(self, runner, fw=(), args=''):
        self.runner = runner
        self.watched = set()  # VFs with a guest that announces its tables
        self.sockets = [runner.path('vf0.sock'), runner.path('vf1.sock')]
        self.trace_path = runner.path('trace')
        words = [built('test/peer/vdpa-host'), *eal_args(), '-d', runner.plugin(),
                 '--log-level=pmd.vdpa.mlx5x:debug']
        for i, vf in enumerate(VFS):
            words += ['--vdev', f'vdpa_mlx5x{i},dev={vf}{args}']
        words += ['--', *(f'vdpa_mlx5x{i}={s}' for i, s in enumerate(self.sockets))]
        self.host = runner.start('vdpa-host', runner.under_model(
            words, vfs=2, fw=fw, options=('--trace', self.trace_path)))
        self.host.await_text(r'(?m)^READY$')
        self.pid = next(p for p in descendants(self.host.child.pid)
                        if 'vdpa-host' in read(f'/proc/{p}/comm'))

        self.idle = self.sockets_open()

    def sockets_open(self):
        return self.fds().get('socket:[N]', 0)

    def guest(self, vf, *options):
        self.watched.add(vf)
        return self.runner.vfront(self.sockets[vf], '--mac', MACS[vf], '--peer-mac', MACS[1 - vf],
                                  *self.runner.oracle(vf), *map(str, options))

    def talk(self, *options, pairs=1, changes=None, patience=PATIENCE_S):
        """Echo behind VF 1, a source with changes behind VF 0: (status, report) of the source."""
        echo = self.guest(1, '--role', 'echo', '--pairs', pairs, '--seconds', 600)
        words = ['--role', 'source', '--pairs', pairs, '--seconds', 1, '--rate', 5000,
                 '--interval', 20, '--min-active', 2 * pairs, *options]
        if changes:
            words += ['--change', changes]
        answer = self.guest(0, *words).result(patience)
        echo.stop()
        return answer

    def fds(self):
        """How many of each kind the host has open."""
        return fds_of(self.pid)

    def guest_files(self):
        """Inodes of the guest memory that the host has mapped."""
        return {line.split()[4] for line in read(f'/proc/{self.pid}/maps').splitlines()
                if 'memfd:vfront' in line}

    def at_rest(self):
        """The host after the last guest is gone: (fds, files of guest memory)."""
        wait_until('the last connection to be freed', lambda: self.sockets_open() == self.idle)
        seen = [None]

        def still():
            now = (self.fds(), self.guest_files())
            same, seen[0] = now == seen[0], now
            return now if same else None
        return wait_until('the host to be at rest', still)

    def trace(self, dev='mlx5_0'):
        return [c for c in parse_trace(read(self.trace_path)) if c.dev == dev]

    def end(self):
        """Stop the host; nothing may be left in the device, and its DMA was the guests' only."""
        assert self.host.stop() == 0, self.host.tail()
        left = re.findall(r'context closed, (\d+) objects left behind', self.host.log())
        assert left == ['0', '0'], self.host.tail()
        check_oracle(self.host, len(self.watched))
