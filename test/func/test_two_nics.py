# SPDX-License-Identifier: BSD-3-Clause
"""T18 of doc/index-rules.md: two VFs of one guest, which sends its memory to both of them."""
import os
import re

import pytest

from test_table_librte import Careful, file_of
from two_vfs import descendants, read
from vdpa_ctl_daemon import BUILD, Daemon, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VFS = ('0000:3b:00.2', '0000:3b:00.3')
DIMM = 2 << 20


@pytest.fixture(name='daemon')
def make_daemon():
    daemon = Daemon(PROGRAM)
    daemon.start('--model', '2', *daemon.vf(VFS[0], 'a'), *daemon.vf(VFS[1], 'b'))
    yield daemon
    daemon.close()


class Nic(Careful):
    """One more device of a guest: other rings, the same memory."""

    def __init__(self, path, guest=None):
        super().__init__(path)
        if guest:
            os.dup2(guest.fd, self.fd)


def test_memory_is_mapped_once(daemon):
    pid = next(p for p in descendants(daemon.child.pid) if 'vdpa-ctl' in read(f'/proc/{p}/comm'))

    def mapped(name):
        return len(re.findall(f'memfd:{name} ', read(f'/proc/{pid}/maps')))

    first = Nic(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    alone = mapped('guest')  # by the driver, librte_vhost, and whoever stands for the card
    second = Nic(daemon.path('b.sock'), first).start()
    daemon.wait_state('b', 'running')
    assert mapped('guest') == 2 * alone - 1, 'the driver has a mapping for each VF'

    # a DIMM for both, one after the other as QEMU does it; then it goes again
    dimm = file_of(DIMM)
    plugged = [(1 << 30, DIMM, dimm, 0)]
    assert first.table(first.boot(), *plugged) == 0
    alone = mapped('dimm')
    assert second.table(second.boot(), *plugged) == 0
    assert mapped('dimm') == 2 * alone - 1
    assert [daemon.dev(n)['guest_bytes'] for n in 'ab'] == 2 * [first.SIZE + DIMM]
    assert first.table(first.boot()) == 0
    wait_for('one VF to be left', lambda: 0 < mapped('dimm') <= alone)
    assert daemon.dev('b')['regions'] == 2 and daemon.dev('b')['state'] == 'running'

    # the first NIC goes: the memory of the second stays
    first.close()
    daemon.wait_state('a', 'listening')
    wait_for('the memory of the first to go', lambda: mapped('guest') > 0 and mapped('dimm') > 0)
    assert second.table(second.boot()) == 0
    wait_for('the DIMM to be unmapped', lambda: mapped('dimm') == 0)
    assert daemon.dev('b')['state'] == 'running' and daemon.dev('b')['queues_active'] == 2
    second.close()
    os.close(dimm)
    daemon.wait_state('b', 'listening')
    wait_for('all to be unmapped', lambda: mapped('guest') == 0)
    assert daemon.stop() == 0, daemon.log()
    assert re.findall(r'context closed, (\d+) objects? left', daemon.log()) == ['0', '0']
