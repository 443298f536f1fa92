# SPDX-License-Identifier: BSD-3-Clause
"""The host of a guest: vdpa-ctl on the model in a network namespace, with a TAP as uplink.

The namespace is the test's own, so no address, route or interface of the machine is
touched.  The TAP is made before the daemon, and outlives it.
"""
import itertools
import json
import os
import re
import socket
import subprocess
import threading

import pytest

from conftest import BUILD, PATIENCE_S, built, wait_until

ADDRESS = '10.9.0.1'
# Of the VFs that the model makes; guests are told these, so they are not the model's own.
VFS = ('0000:3b:00.2', '0000:3b:00.3')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
GUESTS = ('10.9.0.2', '10.9.0.3')
_serial = itertools.count()

# Sends noise to the echo server of a guest, and compares: ADDRESS BYTES.
STREAM = r'''
import os, socket, sys, threading
noise = os.urandom(int(sys.argv[2]))
s = socket.create_connection((sys.argv[1], 7), timeout=60)
threading.Thread(target=lambda: (s.sendall(noise), s.shutdown(socket.SHUT_WR)), daemon=True).start()
back = bytearray()
while chunk := s.recv(65536):
    back += chunk
sys.exit(0 if bytes(back) == noise else f'{len(back)} of {len(noise)} bytes, or others')
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


class Pinger(threading.Thread):
    """Pings until told to stop; -W 5 and a count, so that late is not lost."""

    EACH = 25

    def __init__(self, host, address):
        super().__init__(daemon=True)
        self.words = host.net.words('ping', '-q', '-n', '-c', str(self.EACH), '-i', '0.02',
                                    '-W', '5', address)
        self.sent = self.received = 0
        self.longest_ms = 0.0
        self.last = threading.Event()
        self.start()

    def run(self):
        while not self.last.is_set():
            text = subprocess.run(self.words, stdout=subprocess.PIPE, text=True, check=False).stdout
            counts = re.search(r'(\d+) packets transmitted, (\d+) (?:packets )?received', text)
            longest = re.search(r'= [\d.]+/[\d.]+/([\d.]+)/', text)
            self.sent += int(counts[1]) if counts else self.EACH
            self.received += int(counts[2]) if counts else 0
            self.longest_ms = max(self.longest_ms, float(longest[1]) if longest else 0)

    def result(self):
        """(sent, received) since the start."""
        self.last.set()
        self.join(2 * PATIENCE_S)
        return self.sent, self.received


class Host:
    """vdpa-ctl with VFs of the model on sockets a and b; start() may be called again."""

    def __init__(self, runner, vfs=1, mode='server', fw=()):
        self.runner, self.vfs, self.mode, self.fw = runner, vfs, mode, fw
        self.net = Namespace()
        self.daemon = None

    def vhost_socket(self, port='a'):
        return self.runner.path(f'{port}.sock')

    def card_socket(self):
        return self.runner.path('card.ctl')

    def card(self, vf=0):
        """What the model counts at the port of a function; TX is towards the guest."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(self.card_socket())
            s.sendall(b'{"cmd":"stats"}\n')
            with s.makefile() as lines:
                return json.loads(lines.readline())['vfs'][vf]['port']

    def start(self):
        options = ' '.join(['--uplink tap:up0', f'--ctl {self.card_socket()}', *(f'--fw {setting}' for setting in self.fw)])
        ports = []
        for vf, port in zip(VFS[:self.vfs], 'ab'):
            ports += ['--vf', f'{vf}={self.vhost_socket(port)},name={port},mode={self.mode}']
        self.daemon = self.runner.start('vdpa-ctl', self.net.words(
            built('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', str(self.vfs),
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

    def ping(self, count=100, address=GUESTS[0], interval='0.01'):
        """Pings of which none may stay unanswered."""
        text = self.net.run('ping', '-q', '-n', '-c', str(count), '-i', interval, '-W', '5', address)
        assert f'{count} packets transmitted, {count} received' in text, text

    def stream(self, mib=4, address=GUESTS[0]):
        """Noise to the guest's echo server and back, compared."""
        self.net.run('/usr/bin/python3', '-c', STREAM, address, str(mib << 20), seconds=120)

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
        self.iperf('-R', address=address, seconds=1)
        frames = self.frames()
        process = None

        def runs():
            nonlocal process
            if process is None or process.child.poll() is not None:
                process = self.runner.start('iperf3', self.net.words(
                    'iperf3', '-c', address, '-t', '3600', '-R'))
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
