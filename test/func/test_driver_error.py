# SPDX-License-Identifier: BSD-3-Clause
"""A guest that breaks its own ring: firmware reports an error, and what comes of it."""
import glob
import os
import re
import signal
import struct

from conftest import wait_until
from conftest import wait_until
from mlx5x_host import host, left_behind

RING_BYTES = 0x2000  # of vfront's rings with 256 entries, page aligned
RX_RING = 0x10000
TX_RING = RX_RING + RING_BYTES
AVAIL = 16 * 256
USED = AVAIL + 4 + 2 * 256 + 4


def boot_memory(pid):
    """(file, offset) of the largest region of a running vfront."""
    best = (0, 0)
    with open(f'/proc/{pid}/maps', encoding='ascii') as f:
        for line in f:
            found = re.match(r'(\w+)-(\w+) rw-s (\w+) .*memfd:vfront', line)
            if found:
                first, last, offset = (int(x, 16) for x in found.groups())
                best = max(best, (last - first, offset))
    assert best[0], 'vfront has no memory'
    for fd in glob.glob(f'/proc/{pid}/fd/*'):
        if os.readlink(fd).startswith('/memfd:vfront') and os.stat(fd).st_size == sum(best):
            return open(fd, 'r+b', buffering=0), best[1]
    raise AssertionError('no descriptor of the memory')


def poke(memory, at, data):
    file, offset = memory
    os.pwrite(file.fileno(), data, offset + at)


def peek(memory, at, count):
    file, offset = memory
    return os.pread(file.fileno(), count, offset + at)


def error_events(pid):
    """What waits in the error eventfd of each ring; vfront opens kick, call, masked, error."""
    counts = []
    for fd in sorted(os.listdir(f'/proc/{pid}/fd'), key=int):
        if os.readlink(f'/proc/{pid}/fd/{fd}') == 'anon_inode:[eventfd]':
            with open(f'/proc/{pid}/fdinfo/{fd}', encoding='ascii') as f:
                counts.append(int(re.search(r'eventfd-count:\s*(\w+)', f.read())[1], 16))
    return counts[3:8:4]


def idle_guest(runner):
    process, sockets = host(runner)
    guest = runner.vfront(sockets[0], '--role', 'sink', '--size', '256', '--seconds', '60')
    process.await_text('probed -> configured')
    # it would write its own available index over ours
    guest.child.send_signal(signal.SIGSTOP)
    return process, guest, boot_memory(guest.child.pid)


def ends_well(process, guest):
    guest.child.kill()
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0]


def test_bad_address_is_recovered_three_times(runner):
    """The error comes back with the ring; after three recoveries the queue stays down."""
    process, guest, memory = idle_guest(runner)
    poke(memory, TX_RING, struct.pack('<QIHH', 1 << 60, 64, 0, 0))
    poke(memory, TX_RING + AVAIL + 4, struct.pack('<H', 0))
    poke(memory, TX_RING + AVAIL + 2, struct.pack('<H', 1))
    process.await_text('queue 1: firmware reported an error once too often')
    process.await_text('configured -> degraded')
    assert process.log().count('queue 1: firmware reported an error, starting it anew') == 3
    assert 'queue 0: ' not in process.log()
    # the frontend, which is not reading now, is told once, and of this ring only
    wait_until('an error event', lambda: error_events(guest.child.pid) == [0, 1])
    ends_well(process, guest)


def test_impossible_available_index_ends_the_queue(runner):
    """More entries than the ring has: no base can be right, the queue is down at once."""
    process, guest, memory = idle_guest(runner)
    poke(memory, TX_RING + AVAIL + 2, struct.pack('<H', 1000))
    process.await_text('queue 1: available index is ahead of the used one')
    process.await_text('configured -> degraded')
    ends_well(process, guest)


def test_impossible_index_at_a_change(runner):
    """A change finds a receive queue broken: it leaves the receive table, the others go on."""
    process, sockets = host(runner)
    guest = runner.vfront(sockets[0], '--role', 'sink', '--size', '256', '--seconds', '60',
                          '--pairs', '2', '--change', 'add:1', '--interval', '6000')
    process.await_text('probed -> configured')
    memory = boot_memory(guest.child.pid)
    wait_until('the receive ring to be filled',
               lambda: peek(memory, RX_RING + AVAIL + 2, 2) != bytes(2))
    # the available index is vfront's, who writes it again and again
    poke(memory, RX_RING + USED + 2, struct.pack('<H', 0x8000))
    process.await_text('queue 0: available index is ahead of the used one')
    process.await_text('memory change 1: ')
    process.await_text('configured -> degraded')
    ends_well(process, guest)
    assert 'stays behind' not in process.log()
