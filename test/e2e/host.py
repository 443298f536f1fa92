# SPDX-License-Identifier: BSD-3-Clause
"""The host of a guest: vdpa-ctl on the model in a network namespace, with a TAP as uplink.

The namespace is the test's own, so no address, route or interface of the machine is
touched.  The TAP is made before the daemon, and outlives it.
"""
import itertools
import json
import os
import re
import struct
import subprocess

import pytest

from conftest import BLACKOUT, BUILD, PATIENCE_S, built, check_oracle, wait_until
from model_ctl import ModelCtl

ADDRESS = '10.9.0.1'
# Of the VFs that the model makes; guests are told these, so they are not the model's own.
VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
GUESTS = ('10.9.0.2', '10.9.0.3')
_serial = itertools.count(1)

# Bytes that a stream may have on its way: a quarter of the guest's receive ring.  More, and a
# burst finds the ring of an emulated guest full now and then, and pings are lost with it.
WINDOW = 64 << 10

# Sends noise to the echo server of a guest, and compares: ADDRESS BYTES WINDOW.  0 bytes: until
# the standard input ends, a megabyte at a time.  Says how many bytes came back as they went.
STREAM = r'''
import os, select, socket, sys, threading
s = socket.socket()
s.settimeout(60)
for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
    s.setsockopt(socket.SOL_SOCKET, buffer, int(sys.argv[3]) // 2)  # the kernel doubles it
s.connect((sys.argv[1], 7))
total, asked = 0, int(sys.argv[2])
while True:
    noise = os.urandom(asked or 1 << 20)
    threading.Thread(target=s.sendall, args=(noise,), daemon=True).start()
    back = bytearray()
    while len(back) < len(noise) and (chunk := s.recv(65536)):
        back += chunk
    if bytes(back) != noise:
        sys.exit(f'{len(back)} of {len(noise)} bytes, or others')
    total += len(back)
    if asked or select.select([sys.stdin], [], [], 0)[0]:
        break
s.shutdown(socket.SHUT_WR)
print(total if not s.recv(1) else 'and more')
'''


class Namespace:
    """A network namespace of our own, with the TAP `up0` in it."""

    def __init__(self, tap=True):
        if os.geteuid() != 0 or not os.access('/dev/net/tun', os.R_OK | os.W_OK):
            pytest.skip('a TAP needs root and /dev/net/tun')
        self.name = f'mlx5x-{os.getpid()}-{next(_serial)}'
        made = subprocess.run(['ip', 'netns', 'add', self.name], capture_output=True, check=False)
        if made.returncode:
            pytest.skip(f'no network namespace: {made.stderr.decode().strip()}')
        try:
            self.run('ip', 'link', 'set', 'lo', 'up')
            if tap:
                self.add_tap('up0')
                self.run('ip', 'addr', 'add', f'{ADDRESS}/24', 'dev', 'up0')
        except BaseException:
            self.remove()
            raise

    def add_tap(self, name):
        self.run('ip', 'tuntap', 'add', name, 'mode', 'tap')
        # Nothing but what a test sends: no router solicitations, no MLD.
        self.run('sysctl', '-qw', f'net.ipv6.conf.{name}.disable_ipv6=1')
        self.run('ip', 'link', 'set', name, 'up')

    def words(self, *argv):
        return ['ip', 'netns', 'exec', self.name, *argv]

    def run(self, *argv, seconds=PATIENCE_S):
        """Output of a program in the namespace, which must succeed."""
        done = subprocess.run(self.words(*argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=seconds, check=False)
        assert done.returncode == 0, f'{argv}: {done.returncode}\n{done.stdout}'
        return done.stdout

    def remove(self):
        subprocess.run(['ip', 'netns', 'del', self.name], check=False)


def stream_words(net, address, mib):
    return net.words('/usr/bin/python3', '-c', STREAM, address, str(mib << 20), str(WINDOW))


def stream(net, address, mib):
    """Noise to an echo server and back, compared."""
    done = subprocess.run(stream_words(net, address, mib), stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=2 * PATIENCE_S, check=False)
    assert done.stdout == f'{mib << 20}\n', done.stdout + done.stderr


def end_stream(process):
    """How many bytes went to the guest and came back, each of them compared."""
    process.child.stdin.close()
    assert process.wait() == 0, process.tail()
    return int(process.log())


def pinger_words(net, address, count, interval, ident):
    return net.words('/usr/bin/python3', os.path.join(os.path.dirname(__file__), 'pinger.py'),
                     address, str(count), str(interval), str(ident))


def ping(net, address, count=100, interval=0.01):
    """Pings of which none may stay unanswered."""
    check_pings(json.loads(subprocess.run(
        pinger_words(net, address, count, interval, next(_serial)), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True).stdout))


class Pinger:
    """Pings until told to stop, and for each one that stays unanswered what became of it.

    Each ping has its number, and the card remembers the frames that it lost.
    """

    def __init__(self, host, address):
        self.host, self.ident = host, next(_serial)
        self.process = host.runner.start('pinger', pinger_words(
            host.net, address, 0, 0.01, self.ident))
        with ModelCtl(host.runner.model_ctl) as card:
            self.seen = card.ask(cmd='drops', vf=0)['total']

    def lost_by_card(self):
        """Pings that the card lost since the start, with its reasons."""
        with ModelCtl(self.host.runner.model_ctl) as card:
            answer = card.ask(cmd='drops', vf=0, **{'from': self.seen})
        assert answer['total'] - self.seen == len(answer['frames']), 'drops that the card forgot'
        heads = [(bytes.fromhex(frame['head']), frame['reason']) for frame in answer['frames']]
        # IPv4 without options, ICMP, echo request: identifier and number
        pings = [(*struct.unpack('>HH', head[38:42]), reason) for head, reason in heads
                 if head[12:15] == b'\x08\x00\x45' and head[23] == 1 and head[34] == 8]
        return {number: reason for ident, number, reason in pings if ident == self.ident}

    def finish(self):
        """Stop; a ping stayed unanswered if and only if the card lost it, and in a blackout."""
        self.process.child.stdin.close()
        assert self.process.wait() == 0, self.process.tail()
        report = json.loads(self.process.log())
        check_pings(report, self.lost_by_card(), self.host.dropped())
        return report


def check_pings(report, lost=None, everything=None):
    """Each ping was answered once and undamaged, but for those that the card lost in a blackout."""
    answered = {int(number) for number in report['answered']}
    unanswered = set(range(1, report['sent'] + 1)) - answered
    lost = lost or {}
    assert report['sent'] and not report['twice'] and not report['damaged'], report
    assert unanswered == set(lost), (f'unanswered {sorted(unanswered)}, lost by the card {lost}, '
                                     f'all that was lost: {everything}')
    assert set(lost.values()) <= BLACKOUT, lost


class Host:
    """vdpa-ctl with VFs of the model on sockets a and b; start() may be called again."""

    def __init__(self, runner, vfs=1, mode='server', fw=()):
        self.runner, self.vfs, self.mode, self.fw = runner, vfs, mode, fw
        self.net = Namespace()
        self.daemon = None

    def vhost_socket(self, port='a'):
        return self.runner.path(f'{port}.sock')

    def dropped(self):
        """Frames that the card lost, and the TAP on either side, by place and reason."""
        with ModelCtl(self.runner.model_ctl) as card:
            stats = card.ask(cmd='stats')
        places = {f'vf{vf["vf"]}': vf['port']['dropped'] for vf in stats['vfs']}
        places['uplink'] = stats['uplink']['dropped']
        places['tap'] = {what: int(self.net.run('cat', f'/sys/class/net/up0/statistics/{what}'))
                         for what in ('rx_dropped', 'tx_dropped', 'rx_errors', 'tx_errors')}
        return {(place, reason): count for place, reasons in places.items()
                for reason, count in reasons.items() if count}

    def check_dma(self):
        """The guests' memory as they announced it, and nothing else, was touched so far."""
        with ModelCtl(self.runner.model_ctl) as card:
            for vf in card.ask(cmd='stats')['vfs']:
                assert vf['oracle']['errors'] == 0 < vf['oracle']['audits'], vf['oracle']

    def tables(self, vf=0):
        """Memory tables that a guest has sent, twice: the oracle counts their answers, too."""
        with ModelCtl(self.runner.model_ctl) as card:
            return card.vf(vf)['oracle']['tables']

    def start(self):
        options = f'--uplink tap:up0 {self.runner.model_options(self.fw)}'
        witness = self.runner.witnessed({self.vhost_socket(port): vf
                                         for vf, port in enumerate('ab'[:self.vfs])})
        ports = []
        for vf, port in zip(VFS[:self.vfs], 'ab'):
            ports += ['--vf', f'{vf}={self.vhost_socket(port)},name={port},mode={self.mode}']
        self.daemon = self.runner.start('vdpa-ctl', self.net.words(
            *witness, built('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', str(self.vfs),
            '--model-opt', options, '--ctl', self.runner.path('ctl.sock'), *ports))
        self.daemon.await_text('vdpa-ctl: ready')
        return self

    def ctl(self, *words):
        return subprocess.run([os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl'), '--ctl',
                               self.runner.path('ctl.sock'), *words], capture_output=True,
                              text=True, check=True, timeout=PATIENCE_S).stdout

    def dev(self, port='a'):
        return json.loads(self.ctl('-j', 'dev', 'show', port))['dev'][port]

    def completed(self, queues, port='a'):
        """Descriptors that each of the first queues of a port has completed."""
        answer = json.loads(self.ctl('-j', 'dev', 'vstats', 'show', port))
        return [row['completed_desc'] for row in answer['vstats'][port]['queues'][:queues]]

    def frames(self, port='a'):
        """Frames that the one queue pair of a port has moved; descriptors, in truth."""
        return sum(self.completed(2, port))

    def await_state(self, port, state):
        wait_until(f'port {port} to be {state}', lambda: self.dev(port)['state'] == state)
        return self.dev(port)

    # traffic with a guest

    def await_guest(self, address=GUESTS[0]):
        """Until its first answer: ARP is done then."""
        wait_until(f'{address} to answer', lambda: subprocess.run(
            self.net.words('ping', '-q', '-c', '1', '-W', '1', address),
            stdout=subprocess.DEVNULL, check=False).returncode == 0)

    def poke(self, address=GUESTS[0]):
        """A frame to the guest, answered or not."""
        subprocess.run(self.net.words('ping', '-q', '-c', '1', '-W', '1', address), check=False,
                       stdout=subprocess.DEVNULL)
        return True

    def ping(self, count=100, address=GUESTS[0]):
        ping(self.net, address, count)

    def stream(self, mib=4, address=GUESTS[0]):
        """Noise to the guest's echo server and back, compared."""
        stream(self.net, address, mib)

    def stream_forever(self, address=GUESTS[0]):
        """The same until it is ended by end_stream()."""
        return self.runner.start('stream', stream_words(self.net, address, 0))

    def iperf(self, *options, address=GUESTS[0], seconds=2):
        """TCP at full speed to the guest, or from it (-R)."""
        def once():
            done = subprocess.run(
                self.net.words('iperf3', '-c', address, '-t', str(seconds), *options), text=True,
                capture_output=True, timeout=PATIENCE_S + seconds, check=False)
            # The server does not listen for a moment after each run.
            refused = 'refused' in done.stdout + done.stderr or 'busy' in done.stdout + done.stderr
            assert done.returncode == 0 or refused, done.stdout + done.stderr
            return done.returncode == 0
        wait_until('iperf3 to run', once)

    def iperf_forever(self, address=GUESTS[0]):
        """What the guest can send, until it is ended."""
        words = ('-R', '-w', str(WINDOW))
        self.iperf(*words, address=address, seconds=1)
        frames = self.frames()
        process = None

        def runs():
            nonlocal process
            if process is None or process.child.poll() is not None:
                process = self.runner.start('iperf3', self.net.words(
                    'iperf3', '-c', address, '-t', '3600', *words))
            return self.frames() > frames + 1000
        wait_until('iperf3 to run', runs)
        return process

    def pinger(self, address=GUESTS[0]):
        return Pinger(self, address)

    # the end

    def stop(self):
        """End the daemon; nothing may be left in a device."""
        assert self.daemon.stop() == 0, self.daemon.tail()
        left = re.findall(r'context closed, (\d+) objects? left', self.daemon.log())
        assert left == ['0'] * self.vfs, self.daemon.tail()
        check_oracle(self.daemon, self.vfs)
