# SPDX-License-Identifier: BSD-3-Clause
"""Memory tables that fail elsewhere than in the driver: at librte_vhost, or before the start.

By a frontend that sends one message at a time. Numbers T are those of doc/index-rules.md.
"""
import os
import re
import struct

import pytest

from model_ctl import ModelCtl
from vdpa_ctl_daemon import BUILD, Daemon, Frontend, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VFS = ('0000:3b:00.2', '0000:3b:00.3', '0000:3b:00.4')
MACS = ('52:54:00:00:00:0a', '52:54:00:00:00:0b')
REPLY_ACK = 1 << 3
NEED_REPLY = 1 << 3 | 1
FAR = 1 << 47  # offset in a file: what begins there is mapped by itself, or not at all
UVA = 0x10000000


class Careful(Frontend):
    """Waits for the answer of each table."""

    def table(self, *regions):
        """SET_MEM_TABLE of (gpa, size, fd, offset); what the backend answers."""
        words = struct.pack('<II', len(regions), 0)
        for gpa, size, _, offset in regions:
            words += struct.pack('<4Q', gpa, size, UVA + gpa, offset)
        self.send(16, struct.pack('<Q', REPLY_ACK))
        self.sock.sendmsg([struct.pack('<III', 5, NEED_REPLY, len(words)) + words], [
            (1, 1, struct.pack(f'<{len(regions)}i', *(r[2] for r in regions)))])  # SCM_RIGHTS
        return struct.unpack('<Q', self.sock.recv(20, 0x100)[12:])[0]  # MSG_WAITALL

    def boot(self):
        return 0, self.SIZE, self.fd, 0

    def new_call(self, ring):
        event = os.eventfd(0) if hasattr(os, 'eventfd') else os.memfd_create('event')
        self.send(13, struct.pack('<Q', ring), [event])
        os.close(event)


def file_of(size):
    fd = os.memfd_create('dimm')
    os.ftruncate(fd, size)
    return fd


@pytest.fixture(name='daemon')
def make_daemon(runner):
    daemon = Daemon(PROGRAM)
    words = [w for vf, name in zip(VFS, 'abc') for w in daemon.vf(vf, name)]
    daemon.start('--model', '3', '--model-opt', runner.model_options(), *words)
    yield daemon
    daemon.close()


def end(daemon):
    assert daemon.stop() == 0, daemon.log()
    assert re.findall(r'context closed, (\d+) objects? left', daemon.log()) == ['0'] * 3


def test_librte_fails_the_table_after_the_swap(daemon, runner):
    """T21: a region that librte_vhost cannot map: it has no table at all then, all live on."""
    others = [runner.vfront(daemon.path(f'{name}.sock'), '--mac', MACS[i], '--peer-mac',
                            MACS[1 - i], '--seconds', '600', '--rate', '500', '--live', *role)
              for i, (name, role) in enumerate((('b', ('--role', 'echo')), ('c', ())))]
    others[1].await_text('returned [1-9]')
    guest = Careful(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    dimm, far = file_of(2 << 20), file_of(FAR + (2 << 20))
    assert guest.table(guest.boot(), (1 << 30, 2 << 20, dimm, 0)) == 0
    # the DIMM goes, so that the message is passed on, and librte_vhost fails it
    assert guest.table(guest.boot(), (2 << 30, 2 << 20, far, FAR)) == 1
    assert 'mmap failed' in daemon.log() or 'failed to mmap' in daemon.log()
    dev = daemon.dev('a')
    assert dev['state'] == 'running' and dev['queues_active'] == 2 and dev['regions'] == 2
    # what QEMU does when its guest masks an interrupt: librte_vhost asks the driver to start it
    for ring in (0, 1):
        guest.new_call(ring)
    assert guest.table(guest.boot()) == 0
    guest.new_call(0)
    dev = daemon.dev('a')
    assert dev['state'] == 'running' and dev['queues_active'] == 2 and dev['regions'] == 1
    guest.stop()
    guest.close()
    for fd in (dimm, far):
        os.close(fd)
    daemon.wait_state('a', 'listening')
    for other in reversed(others):
        other.stop()
        _, report = other.result()
        assert report['violations_total'] == report['corrupted'] == 0
    daemon.wait_state('c', 'listening')
    end(daemon)


@pytest.mark.parametrize('tables', (0, 1))
def test_first_table_fails(daemon, runner, tables):
    """A start without memory is FAILED; another table, or time, mends it without a stop."""
    with ModelCtl(runner.model_ctl) as ctl:
        # the table itself, the start, and with a table to come all tries for a while
        last = 12 if tables else 4
        ctl.ask(cmd='fault', set='fail=' + '+'.join(
            f'CREATE_MKEY:{n}:0x0f' for n in range(1, last)))
        guest = Careful(daemon.path('a.sock')).start()
        if tables:
            daemon.wait_state('a', 'failed')
            assert daemon.dev('a')['queues_active'] == 0
            ctl.ask(cmd='fault', clear=True)
            dimm = file_of(2 << 20)
            assert guest.table(guest.boot(), (1 << 30, 2 << 20, dimm, 0)) == 0
            os.close(dimm)
    dev = daemon.wait_state('a', 'running')
    assert dev['queues_active'] == 2 and dev['regions'] == 1 + tables
    assert dev['missing_bytes'] == 0
    guest.close()
    daemon.wait_state('a', 'listening')
    end(daemon)


def test_no_queue_survives_the_swap(daemon, runner):
    """T13: neither the old objects nor two sets of new ones: FAILED and why, until a new table."""
    guest = Careful(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    dimm = file_of(2 << 20)
    with ModelCtl(runner.model_ctl) as ctl:
        for command in ('START_VIRTQ', 'CREATE_GENERAL_OBJECT'):
            ctl.ask(cmd='fault', set='fail=' + '+'.join(
                f'{command}:{n}:0x0f' for n in range(1, 9)))
        guest.table(guest.boot(), (1 << 30, 2 << 20, dimm, 0))
        dev = daemon.wait_state('a', 'failed')
        assert dev['queues_active'] == 0 and dev['queues_failed'] == 2
        assert re.search(r'queue [01]: cannot .*status 0xf', dev['reason']), dev
        ctl.ask(cmd='fault', clear=True)
    assert guest.table(guest.boot()) == 0
    dev = daemon.wait_state('a', 'running')
    assert dev['queues_active'] == 2 and dev['queues_failed'] == 0
    guest.close()
    os.close(dimm)
    daemon.wait_state('a', 'listening')
    end(daemon)
