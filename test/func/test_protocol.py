# SPDX-License-Identifier: BSD-3-Clause
"""What a frontend may negotiate beside rings and memory: REPLY_ACK, STATUS, NET_MTU, doorbells.

A bare frontend, so that each message can be sent, or not sent, by itself.
"""
import os
import socket
import struct

import pytest

from conftest import built
from fault_sweep import GPA, Guest
from vdpa_ctl_daemon import Daemon, wait_for

VF = '0000:3b:00.2'
NET_MTU, BACKEND_REQ, BACKEND_FD, HOST_NOTIFIER, STATUS = (1 << n for n in (4, 5, 10, 11, 16))
VIRTIO_NET_F_MTU = 1 << 3
SET_STATUS, GET_STATUS, NET_SET_MTU, SET_BACKEND_REQ_FD = 39, 40, 20, 21
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
SET_VRING_NUM = 8


@pytest.fixture(name='daemon')
def make_daemon():
    daemon = Daemon(built('app/vdpa-ctl/vdpa-ctl'))
    daemon.start('--model', '1', *daemon.vf(VF, 'a'))
    yield daemon
    assert daemon.stop() == 0, daemon.log()
    assert 'context closed, 0 objects left behind' in daemon.log()
    daemon.close()


def is_silent(sock):
    """Nothing but what was asked for comes: the next answer is that of the next question."""
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) is None
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(60)


def test_reply_ack(daemon):
    """One answer for each message that wants one, 0 or not 0; none for those that do not."""
    guest = Guest(daemon.path('a.sock'))
    guest.start()  # each of its messages wants an answer and has had it
    guest.settle()
    assert daemon.dev('a')['state'] == 'running'
    assert not guest.tell(SET_VRING_NUM, struct.pack('<I', 0))  # too short: refused, not hung up on
    assert not guest.tell(5, guest.body([(GPA + 1, 4096, 0)]), [guest.fd])
    guest.send(SET_VRING_NUM, struct.pack('<II', 0, 256))
    guest.settle()
    assert is_silent(guest.sock)
    assert guest.add_memory()
    assert daemon.dev('a')['regions'] == 2  # answered, so it is done
    guest.close()


def test_status(daemon):
    """With STATUS no queue runs before DRIVER_OK, however ready it is."""
    guest = Guest(daemon.path('a.sock'), STATUS)
    assert guest.tell(SET_STATUS, struct.pack('<Q', ACKNOWLEDGE | DRIVER))
    guest.start()
    assert guest.tell(SET_STATUS, struct.pack('<Q', ACKNOWLEDGE | DRIVER | FEATURES_OK))
    guest.settle()
    dev = daemon.dev('a')
    assert dev['state'] == 'negotiating' and dev['queues_active'] == 0
    assert guest.tell(SET_STATUS,
                      struct.pack('<Q', ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK))
    guest.settle()
    dev = daemon.dev('a')
    assert dev['state'] == 'running' and dev['queues_active'] == 2
    assert guest.ask(GET_STATUS) == ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK
    assert guest.tell(SET_STATUS, struct.pack('<Q', 0))
    assert guest.ask(GET_STATUS) == 0
    guest.stop()
    wait_for('the queues to stop', lambda: daemon.dev('a')['queues_active'] == 0)
    guest.close()


@pytest.mark.parametrize('mtu, good', [(1400, True), (9000, True), (67, False), (0, False)])
def test_mtu(daemon, mtu, good):
    """The MTU is taken within virtio's bounds; a VF whose interface is not there runs without."""
    guest = Guest(daemon.path('a.sock'), NET_MTU)
    assert guest.features & VIRTIO_NET_F_MTU
    assert guest.tell(NET_SET_MTU, struct.pack('<Q', mtu)) == good
    guest.start()
    guest.settle()
    assert daemon.dev('a')['state'] == 'running'
    told = f'the guest was told an MTU of {mtu}, which cannot be set on {VF}' in daemon.log()
    assert told == good
    guest.close()


def test_frontend_that_never_answers(daemon):
    """Doorbell pages are offered to who never reads: the offers end, and nothing else does."""
    guest = Guest(daemon.path('a.sock'), BACKEND_REQ | BACKEND_FD | HOST_NOTIFIER)
    ours, theirs = socket.socketpair()
    assert guest.tell(SET_BACKEND_REQ_FD, b'', [theirs.fileno()])
    theirs.close()
    guest.start()
    for _ in range(600):
        guest.stop()
        guest.rings(0)
        if 'doorbell page not offered' in daemon.log():
            break
    assert 'queue 0: doorbell page not offered: Resource temporarily unavailable' in daemon.log() \
        or 'queue 1: doorbell page not offered: Resource temporarily unavailable' in daemon.log()
    assert daemon.dev('a')['state'] == 'running' and daemon.dev('a')['queues_active'] == 2
    # what came is well-formed, and its page is the frontend's to map
    head, fds, _, _ = socket.recv_fds(ours, 36, 4)
    request, _, size, index = struct.unpack('<IIIQ', head[:20])
    assert (request, size, index, len(fds)) == (3, 24, 0, 1)
    for fd in fds:
        os.close(fd)
    guest.close()
    ours.close()
    daemon.wait_state('a', 'listening')
