# SPDX-License-Identifier: BSD-3-Clause
"""A vdpa-ctl daemon in a folder of its own, its client, and a bare frontend."""
import json
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('MLX5X_BUILD', os.path.join(ROOT, 'build'))
# The daemon with a driver that drives nothing (see fake_driver.c for its devices).
FAKE = os.path.join(BUILD, 'test/unit/vdpa-ctl/vdpa-ctl-fake')

# Every wait is for an event and ends with it; this only bounds a broken one.
PATIENCE_S = 60


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, f'waited too long for {what}'
        time.sleep(0.02)
    return found


class Daemon:
    """`vdpa-ctl run` with sockets in self.dir; start() may be called again."""

    def __init__(self, program=FAKE):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix='vdpa-ctl-')
        self.child = None
        self.starts = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def log(self):
        with open(self.path(f'log{self.starts}'), encoding='utf-8', errors='replace') as f:
            return f.read()

    def launch(self, *args):
        """Start without waiting for it."""
        self.starts += 1
        with open(self.path(f'log{self.starts}'), 'wb') as log:
            self.child = subprocess.Popen(
                [self.program, 'run', '--ctl', self.path('ctl.sock'), *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def start(self, *args):
        self.launch(*args)
        wait_for('ready', lambda: 'vdpa-ctl: ready' in self.log() or self.child.poll() is not None)
        assert self.child.poll() is None, self.log()
        return self

    def vf(self, device, name, **keys):
        """The words of --vf for a device and a socket in our folder."""
        more = ''.join(f',{k}={v}' for k, v in keys.items())
        return ['--vf', f'{device}={self.path(name + ".sock")},name={name}{more}']

    def stop(self, sig=signal.SIGTERM):
        self.child.send_signal(sig)
        return self.child.wait(PATIENCE_S)

    def ctl(self, *words, status=0):
        """Output of a verb; with another status, what it says on stderr."""
        run = subprocess.run([self.program, '--ctl', self.path('ctl.sock'), *words],
                             capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert run.returncode == status, (words, run.returncode, run.stdout, run.stderr)
        return run.stdout if status == 0 else run.stderr

    def dev(self, name):
        return json.loads(self.ctl('-j', 'dev', 'show', name))['dev'][name]

    def wait_state(self, name, state):
        return wait_for(f'{name} {state}',
                        lambda: (d := self.dev(name))['state'] == state and d)

    def rpc(self, method, **params):
        """The answer to one request of the control socket."""
        request = {'jsonrpc': '2.0', 'method': method, 'id': 1, 'params': params}
        with self.connect() as s, s.makefile('rb') as f:
            s.sendall(json.dumps(request).encode() + b'\n')
            return json.loads(f.readline())

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE_S)
        s.connect(self.path('ctl.sock'))
        return s

    def close(self):
        if self.child and self.child.poll() is None:
            self.stop(signal.SIGKILL)
        shutil.rmtree(self.dir)


class Frontend:
    """The least that brings a vhost-user network device up: one queue pair, no traffic."""

    SIZE = 1 << 20

    def __init__(self, path=None, conn=None):
        self.sock = conn or socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        if path:
            self.sock.connect(path)
        self.fd = os.memfd_create('guest')
        os.ftruncate(self.fd, self.SIZE)
        self.mem = mmap.mmap(self.fd, self.SIZE)

    def send(self, request, payload=b'', fds=()):
        # vhost-user.rst: request, flags with version 1, size
        socket.send_fds(self.sock, [struct.pack('<III', request, 1, len(payload)) + payload], fds)

    def ask(self, request):
        """A request with a u64 answer."""
        self.send(request)
        return struct.unpack('<Q', self.sock.recv(20, socket.MSG_WAITALL)[12:])[0]

    def start(self):
        features = self.ask(1)
        self.send(3)
        self.ask(15)
        self.send(16, struct.pack('<Q', 0))
        self.send(2, struct.pack('<Q', features & ~(1 << 30)))
        self.send(5, struct.pack('<II4Q', 1, 0, 0, self.SIZE, 0x10000000, 0), [self.fd])
        for ring in range(2):
            base = 0x10000000 + ring * 0x10000
            self.send(8, struct.pack('<II', ring, 256))
            self.send(10, struct.pack('<II', ring, 0))
            self.send(9, struct.pack('<II4Q', ring, 0, base, base + 0x2000, base + 0x1000, 0))
            for request in (13, 12):
                event = os.eventfd(0) if hasattr(os, 'eventfd') else os.memfd_create('event')
                self.send(request, struct.pack('<Q', ring), [event])
                os.close(event)
        return self

    def stop(self):
        """What a guest's reset does: GET_VRING_BASE for each ring."""
        for ring in range(2):
            self.send(11, struct.pack('<II', ring, 0))
            self.sock.recv(20, socket.MSG_WAITALL)

    def refused(self):
        """Has the other side closed the connection?"""
        try:
            return self.sock.recv(1) == b''
        except ConnectionResetError:
            return True

    def close(self):
        self.sock.close()
        self.mem.close()
        os.close(self.fd)
