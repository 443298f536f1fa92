# SPDX-License-Identifier: BSD-3-Clause
"""A hostile frontend on one VF, over its real socket, while two guests talk on two others.

Whatever it does, the daemon lives, the two guests lose nothing, and when it has gone the
daemon's descriptors and the firmware's objects are back where they were.
"""
import contextlib
import os
import re
import socket
import struct

import pytest

from vdpa_ctl_daemon import BUILD, Daemon, Frontend, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VFS = ('0000:3b:00.2', '0000:3b:00.3', '0000:3b:00.4')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c')
GPA = 0x10000000
SET_FEATURES, SET_MEM_TABLE, SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE = 2, 5, 8, 9, 10
GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ENABLE = 11, 12, 13, 18
LAST_MESSAGE = 41
LEAKS = (SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_ENABLE, 32)


def fds(daemon):
    pid = daemon.child.pid
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as f:
        children = f.read().split()
    return len(os.listdir(f'/proc/{children[0] if children else pid}/fd'))


def file_of(size):
    fd = os.memfd_create('hostile')
    os.ftruncate(fd, size)
    return fd


class Raw(Frontend):
    """Sends anything; that the other side hangs up is an answer."""

    def __init__(self, path):
        conn = socket.socket(socket.AF_UNIX)
        # Sooner than the daemon takes them: with a timeout, a full backlog is EAGAIN.
        conn.connect(path)
        super().__init__(conn=conn)
        self.files = []

    def push(self, request, payload=b'', fds_=(), size=None, flags=1):
        header = struct.pack('<III', request, flags, len(payload) if size is None else size)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.sock, [header + payload], fds_)

    def table(self, regions, fds_=None, n=None):
        """Regions of (guest address, size, user address, offset)."""
        body = struct.pack('<II', len(regions) if n is None else n, 0)
        body += b''.join(struct.pack('<4Q', *r) for r in regions)
        self.push(SET_MEM_TABLE, body, [self.fd] * len(regions) if fds_ is None else fds_)

    def eventfd(self):
        r, w = os.pipe()
        self.files += [r, w]
        return w

    def close(self):
        for fd in self.files:
            os.close(fd)
        super().close()


def each_message_wrong(connect):
    """Every message with no, too little, too much payload and descriptors."""
    for request in range(LAST_MESSAGE):
        for size, n in ((0, 0), (4, 1), (8, 2), (64, 8), (400, 0)):
            guest = connect()
            # librte_vhost 22.11 never closes what comes with these: its own leak,
            # before anybody is asked.
            guest.push(request, b'\xff' * size, [guest.fd] * (request not in LEAKS and n))
            guest.close()


def bad_headers(connect):
    for size in (0xffffffff, 0x10000, 633):
        guest = connect()
        guest.push(SET_MEM_TABLE, b'', size=size)
        guest.close()
    for flags in (0, 2, 5, 0xffffffff):
        guest = connect()
        guest.push(1, flags=flags)
        guest.close()


def bad_tables(connect):
    page = (GPA, 4096, 0x1000, 0)
    for regions, n in (
            ([], 0), ([page], 9), ([page], 0xffffffff), ([page] * 8, 8), ([page] * 2, 2),
            ([(GPA, 0, 0, 0)], 1), ([(GPA, 2 ** 64 - 1, 0, 0)], 1),
            ([(2 ** 64 - 4096, 8192, 0, 0)], 1), ([(GPA, 4096, 0, 2 ** 64 - 4096)], 1),
            ([(GPA, 4096, 0, 1 << 20)], 1), ([(GPA, 1 << 40, 0, 0)], 1)):
        for running in (False, True):
            guest = connect()
            if running:
                guest.start()
            guest.table(regions, n=n)
            guest.close()


def wrong_files(connect):
    makers = (lambda: os.open('/dev/null', os.O_RDWR), lambda: os.open('/', os.O_RDONLY),
              lambda: os.dup(0), lambda: file_of(0), lambda: file_of(100),
              lambda: os.open('/dev/zero', os.O_RDWR), lambda: socket.socket().detach())
    for make in makers:
        for running in (False, True):
            guest = connect()
            if running:
                guest.start()
            guest.files.append(make())
            guest.table([(GPA, 1 << 20, GPA, 0)], [guest.files[-1]])
            guest.push(SET_VRING_KICK, struct.pack('<Q', 0), [guest.files[-1]])
            guest.push(SET_VRING_CALL, struct.pack('<Q', 1), [guest.files[-1]])
            guest.close()


def floods(connect):
    guest = connect().start()
    for _ in range(200):
        guest.push(SET_VRING_CALL, struct.pack('<Q', 0), [guest.eventfd()])
    for _ in range(50):
        guest.table([(GPA, 1 << 20, GPA, 0)])
    guest.close()


def gone_at_each_message(connect):
    """Killed after n messages of its start, for every n."""
    for last in range(1, 20):
        guest = connect()
        sent = [0]
        send = guest.send

        def counted(*words, send=send, sent=sent):
            if sent[0] == last:
                raise ConnectionAbortedError
            sent[0] += 1
            send(*words)
        guest.send = counted
        with contextlib.suppress(ConnectionAbortedError):
            guest.start()
        guest.close()


def write(guest, at, form, *values):
    struct.pack_into(form, guest.mem, at, *values)


def broken_rings(connect, daemon):
    """Rings of ring 1, transmit: descriptors at 0x10000, available at 0x11000."""
    def descriptor(guest, i, addr, length, flags, following):
        write(guest, 0x10000 + 16 * i, '<QIHH', addr, length, flags, following)

    def offer(guest, head, idx=1):
        write(guest, 0x11004, '<H', head)
        write(guest, 0x11002, '<H', idx)

    def loop(guest):
        descriptor(guest, 0, GPA, 64, 1, 1)
        descriptor(guest, 1, GPA, 64, 1, 0)
        offer(guest, 0)

    def outside(guest):
        descriptor(guest, 0, 1 << 40, 64, 0, 0)
        offer(guest, 0)

    for harm in (lambda g: offer(g, 0, 30000), lambda g: offer(g, 9999), loop, outside):
        guest = connect().start()
        daemon.wait_state('a', 'running')
        harm(guest)
        wait_for('a queue that is down or repaired in vain',
                 lambda: daemon.dev('a')['state'] != 'running' or
                 re.search('queue 1', daemon.log()))
        guest.close()
        daemon.wait_state('a', 'listening')


def truncated(connect, daemon):
    """The file behind running queues is cut; then a change has to read the rings."""
    for size in (0, 0x10000):
        guest = connect().start()
        daemon.wait_state('a', 'running')
        os.ftruncate(guest.fd, size)
        more = file_of(1 << 20)
        guest.files.append(more)
        guest.table([(GPA, 1 << 20, GPA, 0), (GPA + (1 << 30), 1 << 20, 1 << 40, 0)],
                    [guest.fd, more])
        guest.push(GET_VRING_BASE, struct.pack('<II', 0, 0))
        guest.close()
        daemon.wait_state('a', 'listening')


@pytest.fixture(name='daemon')
def make_daemon():
    daemon = Daemon(PROGRAM)
    yield daemon
    daemon.close()


HARM = (each_message_wrong, bad_headers, bad_tables, wrong_files, floods, gone_at_each_message,
        broken_rings, truncated)


def serve_one(daemon, name):
    guest = Raw(daemon.path(f'{name}.sock'))
    guest.start()
    daemon.wait_state(name, 'running')
    guest.close()
    daemon.wait_state(name, 'listening')


@pytest.mark.parametrize('harm', HARM, ids=lambda f: f.__name__)
def test_hostile_frontend(daemon, runner, harm):
    daemon.start('--model', '3', *(w for vf, name in zip(VFS, 'abc') for w in daemon.vf(vf, name)))
    # What is opened once is open after the first guest of each.
    for name in 'abc':
        serve_one(daemon, name)
    before = fds(daemon)
    echo = runner.vfront(daemon.path('c.sock'), '--role', 'echo', '--mac', MACS[2], '--seconds', '600')
    daemon.wait_state('c', 'running')
    source = runner.vfront(daemon.path('b.sock'), '--mac', MACS[1], '--peer-mac', MACS[2],
                           '--rate', '2000', '--seconds', '600', '--live')
    daemon.wait_state('b', 'running')
    def connect():
        # While the one before is being cleared away, a second one would be refused.
        daemon.wait_state('a', 'listening')
        return Raw(daemon.path('a.sock'))
    harm(*(connect, daemon)[:harm.__code__.co_argcount])
    assert daemon.child.poll() is None, daemon.log()
    daemon.wait_state('a', 'listening')
    # The next guest on the same VF is served.
    serve_one(daemon, 'a')
    source.await_text(r'queues 2/2')
    source.stop()
    status, report = source.result()
    assert status == 0 and report['violations_total'] == 0 and report['corrupted'] == 0, report
    assert report['lost'] == 0 and report['returned'] > 0, report
    echo.stop()
    wait_for('the descriptors of before', lambda: fds(daemon) <= before)
    assert daemon.stop() == 0, daemon.log()
    assert re.findall(r'context closed, (\d+) objects? left', daemon.log()) == ['0'] * 3, daemon.log()
