# SPDX-License-Identifier: BSD-3-Clause
"""A frontend that means harm, over the real socket: the host lives, and keeps nothing of it.

Each case is tried with NEED_REPLY, where the answer must be a refusal and the connection
stays, and without, where the connection is closed.  Afterwards a sound guest on the same
socket works, and descriptors and mappings are where they were.
"""
import contextlib
import os
import socket
import struct

import pytest

from two_vfs import TwoVfs

GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE, SET_LOG_BASE = 1, 2, 3, 5, 6
SET_VRING_NUM, SET_VRING_KICK, SET_VRING_CALL = 8, 12, 13
NEED_REPLY = 8
MIB = 1 << 20
TOP = (1 << 64) - 4096


class Frontend:
    """A raw vhost-user connection, past SET_FEATURES: there the driver begins to listen."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)
        features = struct.unpack('<Q', self.send(GET_FEATURES, reply=True))[0]
        self.send(SET_OWNER)
        self.send(SET_FEATURES, struct.pack('<Q', features & (1 << 32 | 1 << 30)))

    def send(self, request, payload=b'', fds=(), flags=0, reply=False, size=None):
        head = struct.pack('<III', request, 1 | flags, len(payload) if size is None else size)
        socket.send_fds(self.sock, [head], list(fds))
        if payload:
            self.sock.sendall(payload)
        return self.answer() if reply or flags & NEED_REPLY else None

    def answer(self):
        head = self.sock.recv(12, socket.MSG_WAITALL)
        if len(head) < 12:
            return b''
        return self.sock.recv(struct.unpack('<III', head)[2], socket.MSG_WAITALL)

    def is_closed(self):
        with contextlib.suppress(ConnectionError):
            return self.sock.recv(1) == b''
        return True

    def close(self):
        self.sock.close()


def table(*regions, count=None, pad=0):
    body = b''.join(struct.pack('<QQQQ', *r) for r in regions)
    return struct.pack('<II', len(regions) if count is None else count, pad) + body


def region(i, **other):
    r = {'gpa': i * 64 * MIB, 'size': 16 * MIB, 'uva': 0x7f0000000000 + i * 64 * MIB, 'offset': 0}
    r.update(other)
    return (r['gpa'], r['size'], r['uva'], r['offset'])


# name: (request, payload, number of descriptors)
CASES = {
    'no regions': (SET_MEM_TABLE, table(), 0),
    'no regions, descriptors': (SET_MEM_TABLE, table(), 8),
    'more regions than sent': (SET_MEM_TABLE, table(region(0), count=2), 2),
    'more regions than any': (SET_MEM_TABLE, table(region(0), count=0xffffffff), 8),
    'nine regions': (SET_MEM_TABLE, table(*(region(i) for i in range(8)), count=9), 8),
    'too few descriptors': (SET_MEM_TABLE, table(region(0), region(1)), 1),
    'too many descriptors': (SET_MEM_TABLE, table(region(0), region(1)), 3),
    'beyond the file': (SET_MEM_TABLE, table(region(0, size=32 * MIB)), 1),
    'beyond by offset': (SET_MEM_TABLE, table(region(0, offset=MIB)), 1),
    'size wraps': (SET_MEM_TABLE, table(region(1, size=TOP)), 1),
    'address wraps': (SET_MEM_TABLE, table(region(0, gpa=TOP)), 1),
    'offset wraps': (SET_MEM_TABLE, table(region(0, offset=TOP)), 1),
    'overlap': (SET_MEM_TABLE, table(region(0), region(1, gpa=8 * MIB)), 2),
    'overlap of user addresses': (SET_MEM_TABLE,
                                  table(region(0), region(1, uva=0x7f0000000000)), 2),
    'odd address': (SET_MEM_TABLE, table(region(0, gpa=1)), 1),
    'log without descriptor': (SET_LOG_BASE, struct.pack('<QQ', 4096, 0), 0),
    'log offset': (SET_LOG_BASE, struct.pack('<QQ', 4096, 4096), 1),
    'log beyond the file': (SET_LOG_BASE, struct.pack('<QQ', 1 << 63, 0), 1),
    'short message': (SET_FEATURES, b'\0\0', 0),
    'surplus descriptors': (SET_VRING_NUM, struct.pack('<II', 0, 256), 8),
    'kick without descriptor': (SET_VRING_KICK, struct.pack('<Q', 0), 0),
    'postcopy': (28, b'', 0),
    'inflight': (32, struct.pack('<QQHH', 4096, 0, 2, 256), 1),
    'memory slot': (37, struct.pack('<Q', 0) + struct.pack('<QQQQ', *region(0)), 1),
    'crypto': (26, b'\0' * 600, 0),
    'iotlb': (22, b'\0' * 32, 0),
}


@pytest.fixture
def files():
    fds = [os.memfd_create('hostile') for _ in range(8)]
    for fd in fds:
        os.ftruncate(fd, 16 * MIB)
    yield fds
    for fd in fds:
        os.close(fd)


def attack(vfs, files):
    """Every case on connections of its own."""
    for name, (request, payload, n) in CASES.items():
        frontend = Frontend(vfs.sockets[0])
        answer = frontend.send(request, payload, files[:n], NEED_REPLY)
        assert answer == struct.pack('<Q', 1), name
        frontend.send(request, payload, files[:n])
        assert frontend.is_closed(), name
        frontend.close()
        assert vfs.host.child.poll() is None, name + '\n' + vfs.host.tail()


def test_idle_device(runner, files):
    vfs = TwoVfs(runner)
    Frontend(vfs.sockets[0]).close()
    base = vfs.at_rest()
    attack(vfs, files)
    assert vfs.at_rest() == base
    status, report = vfs.talk(changes='all:1')
    assert report['violations_total'] == 0 and report['active_queues'] == report['queues']
    vfs.end()


def test_wrong_kinds_of_descriptor(runner, files):
    vfs = TwoVfs(runner)
    Frontend(vfs.sockets[0]).close()
    base = vfs.at_rest()
    ours, theirs = socket.socketpair()
    bad = [os.open('/dev/zero', os.O_RDWR), os.open('/', os.O_RDONLY), os.eventfd(0),
           *os.pipe(), theirs.fileno(), os.open('/proc/self/exe', os.O_RDONLY),
           os.open('/proc/self/exe', os.O_PATH)]
    for fd in bad:
        frontend = Frontend(vfs.sockets[0])
        answer = frontend.send(SET_MEM_TABLE, table(region(0), region(1)), [files[0], fd],
                               NEED_REPLY)
        # a file that may not be written is a table that librte_vhost refuses
        assert answer == struct.pack('<Q', 1)
        frontend.close()
    for fd in set(bad) - {theirs.fileno()}:
        os.close(fd)
    ours.close()
    theirs.close()
    assert vfs.at_rest() == base
    vfs.end()


def test_call_that_would_kill(runner):
    """Who signals a pipe or socket that nobody reads gets SIGPIPE; most programs die of it."""
    vfs = TwoVfs(runner)
    pipe = os.pipe()
    pair = [s.detach() for s in socket.socketpair()]
    for closed, fd in (pipe, pair):
        os.close(closed)
        frontend = Frontend(vfs.sockets[0])
        frontend.send(SET_VRING_CALL, struct.pack('<Q', 0), [fd])
        assert frontend.is_closed()
        frontend.close()
        os.close(fd)
    vfs.end()


def test_beside_a_running_guest(runner, files):
    """A second frontend on the socket of a running guest harms neither it nor the host."""
    vfs = TwoVfs(runner)
    echo = vfs.guest(1, '--role', 'echo', '--seconds', 600)
    guest = vfs.guest(0, '--rate', 2000, '--seconds', 600, '--change', 'all:1000',
                      '--interval', 50)
    vfs.host.await_text('memory change 5: ')
    attack(vfs, files)
    seen = int(vfs.host.log().count('memory change '))
    vfs.host.await_text(f'memory change {seen + 3}: ')
    assert guest.child.poll() is None and echo.child.poll() is None
    guest.stop()
    echo.stop()
    vfs.end()
