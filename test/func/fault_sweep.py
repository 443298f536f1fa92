# SPDX-License-Identifier: BSD-3-Clause
"""Fail the n-th thing that a flow asks of firmware or kernel, for every n.

One vdpa-ctl hosts them all.  A port comes and goes, guests come and go on it, and each flow
of its life is repeated with the next command failing, until a repetition has no command left
to fail.  Two guests on two other ports talk all the while.

What a sweep asks for after each fault, whatever became of the flow: the program lives; the
port runs, or says what is wrong, in one line of the log and one of `dev show`; once the guest
is gone descriptors, mappings and firmware objects are those of before; the next guest is
served.
"""
import collections
import os
import re
import socket
import struct

from conftest import built, eal_args
from model_ctl import ModelCtl
from two_vfs import descendants, fds_of, read
from vdpa_ctl_daemon import Daemon, Frontend, wait_for

VFS = ('0000:3b:00.2', '0000:3b:00.3', '0000:3b:00.4', '0000:3b:00.5')
MACS = tuple(f'52:54:00:00:00:0{x}' for x in 'abcd')
NO_RESOURCES = 0x0f
GPA = 0x10000000
NEED_REPLY = 8
# vhost-user.rst: features of the protocol that this guest knows
MQ, REPLY_ACK = 1 << 0, 1 << 3
SPLIT_LACKS = 1 << 34  # VIRTIO_F_RING_PACKED


class Guest(Frontend):
    """A frontend without traffic whose every message is answered: nothing is on its way."""

    def __init__(self, path, protocol=0):
        super().__init__(path)
        self.extra, self.events, self.kicks = [], [], {}
        features = self.ask(1)
        self.send(3)
        protocol |= MQ | REPLY_ACK
        assert self.ask(15) & protocol == protocol
        self.send(16, struct.pack('<Q', protocol))
        self.features = features & ~SPLIT_LACKS

    def tell(self, request, payload, fds=()):
        """Send and wait; True unless the other side refused."""
        header = struct.pack('<III', request, 1 | NEED_REPLY, len(payload))
        socket.send_fds(self.sock, [header + payload], fds)
        answer = self.sock.recv(20, socket.MSG_WAITALL)
        assert len(answer) == 20, 'the connection was closed'
        return struct.unpack('<Q', answer[12:])[0] == 0

    @staticmethod
    def body(regions):
        head = struct.pack('<II', len(regions), 0)
        return head + b''.join(struct.pack('<4Q', gpa, size, gpa, 0) for gpa, size, _ in regions)

    def table(self, regions):
        return self.tell(5, self.body(regions), [fd for _, _, fd in regions])

    def rings(self, pair):
        """Everything about the rings of a queue pair, then both are enabled."""
        for ring in (2 * pair, 2 * pair + 1):
            base = GPA + ring * 0x10000
            self.tell(8, struct.pack('<II', ring, 256))
            self.tell(10, struct.pack('<II', ring, 0))
            self.tell(9, struct.pack('<II4Q', ring, 0, base, base + 0x2000, base + 0x1000, 0))
            for request in (13, 12):
                event = os.eventfd(0) if hasattr(os, 'eventfd') else os.memfd_create('event')
                self.tell(request, struct.pack('<Q', ring), [event])
                if request == 12:
                    self.kicks[ring] = event
                self.events.append(event)
        self.enable(pair, True)

    def settle(self):
        """What a message sets off behind its answer is over when the next one is answered."""
        self.ask(1)

    def enable(self, pair, on):
        for ring in (2 * pair, 2 * pair + 1):
            self.tell(18, struct.pack('<II', ring, on))
        self.settle()

    def start(self):
        self.tell(2, struct.pack('<Q', self.features))
        self.table([(GPA, self.SIZE, self.fd)])
        self.rings(0)
        return self

    def write(self, ring, at, form, *values):
        """Into a ring: descriptors at 0, available at 0x1000, used at 0x2000."""
        struct.pack_into(form, self.mem, ring * 0x10000 + at, *values)

    def add_memory(self):
        return self.table(self.more_memory())

    def send_more_memory(self):
        """Do not wait for the answer."""
        regions = self.more_memory()
        self.send(5, self.body(regions), [fd for _, _, fd in regions])

    def more_memory(self):
        fd = os.memfd_create('more')
        os.ftruncate(fd, self.SIZE)
        self.extra.append((GPA + (len(self.extra) + 2) * (1 << 30), self.SIZE, fd))
        return [(GPA, self.SIZE, self.fd), *self.extra]

    def stop(self, pairs=1):
        """GET_VRING_BASE of each ring; the bases."""
        bases = []
        for ring in range(2 * pairs):
            self.send(11, struct.pack('<II', ring, 0))
            bases.append(struct.unpack('<II', self.sock.recv(20, socket.MSG_WAITALL)[12:]))
        return bases

    def close(self):
        super().close()
        for fd in (*self.events, *(fd for _, _, fd in self.extra)):
            os.close(fd)


Rest = collections.namedtuple('Rest', 'fds mapped objects left')


def excess(now, base):
    """What there is more of, in words.  Less is well: the guest before was still going."""
    words = [f'{name} {b} -> {n}' for name, b, n in zip(Rest._fields, base, now)
             if not isinstance(n, dict) and n > b]
    for n, b in ((now.fds, base.fds), (now.objects, base.objects)):
        words += [f'{kind} {b.get(kind, 0)} -> {n[kind]}' for kind in sorted(n)
                  if n[kind] > b.get(kind, 0)]
    return ', '.join(words)


class Bench:
    """The daemon: ports b and c have guests that talk, port a on VF 0 is the one swept.

    Port d is for a guest that talks to the one on port a.
    """

    def __init__(self, runner):
        self.runner = runner
        self.launch()
        self.ctl = ModelCtl(runner.model_ctl)
        echo = self.guest('c', 2, 1, '--role', 'echo')
        self.others = [self.guest('b', 1, 2, '--rate', 300, '--live'), echo]
        self.others[0].await_text('returned [1-9]')
        self.trouble = []

    def launch(self):
        self.daemon = Daemon(built('app/vdpa-ctl/vdpa-ctl'))
        eal = eal_args()
        eal.remove('--no-pci')
        self.daemon.start('--model', '4', '--model-opt', self.runner.model_options(),
                          *self.daemon.vf(VFS[1], 'b'), *self.daemon.vf(VFS[2], 'c'),
                          *self.daemon.vf(VFS[3], 'd'), '--', *eal,
                          '--log-level', 'pmd.vdpa.mlx5x:err')
        self.pid = next(p for p in descendants(self.daemon.child.pid)
                        if 'vdpa-ctl' in read(f'/proc/{p}/comm'))

    def guest(self, port, vf, peer, *options):
        words = ['--mac', MACS[vf], '--peer-mac', MACS[peer], *self.runner.oracle(vf),
                 '--seconds', '3600']
        return self.runner.vfront(self.daemon.path(f'{port}.sock'), *words, *map(str, options))

    # Port a.

    def attach(self):
        return Guest(self.daemon.path('a.sock')).start()

    def add(self):
        """None, or the reason why not."""
        answer = self.daemon.rpc('dev.add', name='a', mgmtdev='pci/' + VFS[0],
                                 socket=self.daemon.path('a.sock'))
        return answer['error']['message'] if 'error' in answer else None

    def remove(self):
        self.daemon.rpc('dev.del', name='a')

    def state(self):
        return self.daemon.rpc('dev.show', name='a')['result']['dev']['a']

    def at_rest(self):
        """What is open, mapped and made, once nothing changes any more."""
        seen = [None]

        def still():
            vf = self.ctl.ask(cmd='objects')['vfs'][0]
            fds = fds_of(self.pid)
            # a client of the control socket may not be gone yet
            now = Rest(fds, self.mapped(), vf['objects'], self.ctl.vf(0)['left_behind'])
            same, seen[0] = now == seen[0], now
            return now if same else None
        return wait_for('the host to be at rest', still)

    def mapped(self):
        return sum(1 for line in read(f'/proc/{self.pid}/maps').splitlines()
                   if 'memfd:guest' in line or 'memfd:more' in line)

    def leftovers(self, base):
        """What there is more of than at `base`, or None; behind an answer it may take a moment."""
        seen = [base]

        def same():
            seen[0] = self.at_rest()
            return not excess(seen[0], base)
        try:
            wait_for('the baseline', same)
        except AssertionError:
            return f'left {excess(seen[0], base)}'
        return None

    def errors(self, since):
        """Lines of the driver about port a in the log; its vdev is the fourth one."""
        return re.findall(r'(?m)^mlx5x vdpa_mlx5x3: .*$', self.daemon.log()[since:])

    def first_guest(self):
        """One comes and goes: what is opened once is open after it.  The Rest from then on."""
        bare = self.at_rest().objects
        guest = self.attach()
        guest.settle()
        guest.close()
        self.daemon.wait_state('a', 'listening')
        wait_for('the guest to be forgotten', lambda: self.at_rest().objects == bare)
        return self.at_rest()

    # Sweeping.

    def arm(self, nth):
        self.ctl.ask(cmd='fault', op='any', nth=nth, status=NO_RESOURCES)

    def is_pending(self):
        return self.ctl.ask(cmd='stats')['faults_pending'] != 0

    def at_peace(self):
        """Wait until nothing is asked of VF 0 any more; how much was so far."""
        seen = [None]

        def still():
            vf = self.ctl.vf(0)
            now = vf['commands_total'] + vf['verbs_total']
            same, seen[0] = now == seen[0] and vf['commands_at_work'] == 0, now
            return same and now
        return wait_for('the end of all commands', still)

    def failed(self):
        """Commands of VF 0 that failed so far."""
        return self.ctl.vf(0)['commands_failed']

    def stall(self, nth, ms):
        self.ctl.ask(cmd='fault', set=f'stall=any:{nth}:{ms * 1000}')

    def was_hit(self):
        return self.ctl.ask(cmd='fault', clear=True)['pending'] == 0

    def complain(self, flow, nth, text, since):
        self.trouble.append(f'{flow} {nth}: {text}\n    ' + '\n    '.join(
            self.daemon.log()[since:].splitlines()))

    def sweep(self, name, flow, step=1, first=1):
        """flow(arm, hit) for n = first, first + step, ... until nothing is hit; how often."""
        nth = first
        while True:
            since = len(self.daemon.log())
            hits = []

            def arm(nth=nth):
                self.arm(nth)

            def disarm(hits=hits):
                hits.append(self.was_hit())

            problem = flow(arm, disarm, since)
            assert self.daemon.child.poll() is None, f'{name} {nth}\n{self.daemon.log()[since:]}'
            if problem:
                self.complain(name, nth, problem, since)
            if not hits[0]:
                return (nth - first) // step
            nth += step

    def judge(self, since, state=None):
        """What is wrong with how a fault shows, or None.  Without a state the flow failed."""
        lines = self.errors(since)
        well = state is not None and state['state'] == 'running'
        if well and state['queues_failed']:
            return f'{state["queues_failed"]} queues failed in a running device'
        if len(lines) > 1 or (not well and not lines):
            return f'{len(lines)} lines in the log'
        if state is not None and not well and not state['reason']:
            return f'state {state["state"]} without a reason'
        return None

    def end(self):
        """The others noticed nothing, nothing is left in any device."""
        for guest in self.others:
            guest.child.terminate()
            _, report = guest.result()
            assert report['violations_total'] == report['corrupted'] == 0, report['violations']
            assert report['duplicated'] == report['reordered'] == 0, report
        assert report['echoed'] > 0
        oracle = self.ctl.vf(0)['oracle']
        assert oracle['outside'] == oracle['replaced'] == oracle['kept'] == 0, oracle
        self.ctl.__exit__()
        assert self.daemon.stop() == 0, self.daemon.log()
        left = re.findall(r'context closed, (\d+) objects? left', self.daemon.log())
        assert left[-4:] == ['0'] * 4, left
        assert 'context never closed' not in self.daemon.log()

    def close(self):
        self.daemon.close()


class PluginHost:
    """vdpa-host in the place of a Daemon: all that a Bench asks of either."""

    def __init__(self, runner, args):
        self.runner = runner
        words = [built('test/peer/vdpa-host'), *eal_args(), '-d', runner.plugin(),
                 '--log-level', 'pmd.vdpa.mlx5x:info']
        for i, vf in enumerate(VFS):
            words += ['--vdev', f'vdpa_mlx5x{i},dev={vf}' + ('' if i else args)]
        words += ['--', *(f'vdpa_mlx5x{i}={self.path(p + ".sock")}' for i, p in enumerate('abcd'))]
        self.process = runner.start('vdpa-host', runner.under_model(words, 4))
        self.process.await_text(r'(?m)^READY$')
        self.child = self.process.child

    def path(self, name):
        return self.runner.path(name)

    def log(self):
        return self.process.log()

    def wait_state(self, _, state):
        assert state == 'listening'
        return wait_for('the device to be stopped', lambda: re.findall(
            r'mlx5x vdpa_mlx5x0: \w+ -> (\w+)', self.log())[-1:] == ['probed'])

    def stop(self):
        return self.process.stop()

    def close(self):
        pass


class PluginBench(Bench):
    """The same without vdpa-ctl: port a is there from the start, with arguments for its driver."""

    def __init__(self, runner, args):
        self.args = args
        super().__init__(runner)

    def launch(self):
        self.daemon = PluginHost(self.runner, self.args)
        self.pid = next(p for p in descendants(self.daemon.child.pid)
                        if 'vdpa-host' in read(f'/proc/{p}/comm'))

    def state(self):
        names = {'probed': 'listening', 'configured': 'running'}
        found = re.findall(r'mlx5x vdpa_mlx5x0: \w+ -> (\w+)', self.daemon.log())
        return {'state': names.get(found[-1], found[-1])}

    def errors(self, since):
        """As the log level is lower here: what the driver calls an error is told by its words."""
        return re.findall(r'(?m)^mlx5x vdpa_mlx5x0: firmware does not answer.*$|'
                          r'^mlx5x vdpa_mlx5x0: queue \d+: firmware does not answer.*$',
                          self.daemon.log()[since:])
