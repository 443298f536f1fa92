# SPDX-License-Identifier: BSD-3-Clause
"""What devargs queues= and queue_size= create before there is a guest."""
import pytest

from conftest import wait_until
from mlx5x_host import host, left_behind
from test_driver_options import echo_some
from two_vfs import VIRTQ_RDY, parse_trace, read


EVENT_PATH = {'CREATE_CQ', 'CREATE_QP', 'RST2INIT_QP', 'INIT2RTR_QP', 'RTR2RTS_QP', '2RST_QP'}
ALL = ('--offloads',)  # every feature that the driver offers


def start_commands(runner, args, guests, pairs=2, fw=()):
    """Commands of the start of each guest, given by its options, with nothing in between."""
    path = runner.path('trace')
    process, sockets = host(runner, args=args, fw=fw, options=('--trace', path))
    starts = []
    for options in guests:
        before = len(parse_trace(read(path)))
        at = len(process.log())
        guest = runner.vfront(sockets[0], '--role', 'sink', '--pairs', str(pairs),
                              '--seconds', '60', *options)
        wait_until('all queues to be ready', lambda b=before: sum(
            c.virtq_state() == VIRTQ_RDY and c.status == 0
            for c in parse_trace(read(path))[b:]) == 2 * pairs)
        wait_until_quiet(path)
        starts.append(parse_trace(read(path))[before:])
        guest.end()
        wait_until('the guest to be gone', lambda a=at: 'configured -> probed'
                   in process.log()[a:])
        wait_until_quiet(path)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0]
    return starts


def count(start, name):
    return sum(c.name == name for c in start)


def selects(start):
    """Fields that each MODIFY of a queue object changes."""
    return [c.words[0x10][1] for c in start if c.name == 'MODIFY_GENERAL_OBJECT']


def wait_until_quiet(path):
    """No more commands for a while: what a guest leaves is put in order after it."""
    seen = [None, 0]

    def still():
        now = len(read(path))
        seen[1] = seen[1] + 1 if now == seen[0] else 0
        seen[0] = now
        return seen[1] > 20
    wait_until('the device to be at rest', still)


def assert_one_command(start, queues, select):
    """A queue is its guest's with one MODIFY; the rest is of the device: memory, steering."""
    assert not EVENT_PATH & {c.name for c in start}
    assert count(start, 'CREATE_GENERAL_OBJECT') == count(start, 'DESTROY_GENERAL_OBJECT') == 0
    assert selects(start) == [select] * queues
    assert all(c.status == 0 for c in start)


def assert_made_anew(start, queues):
    """What does not fit is destroyed, and all is as without an object."""
    assert count(start, 'DESTROY_GENERAL_OBJECT') == queues
    assert selects(start) == [STATE] * queues


STATE, TYPE, FEATURES = 1 << 0, 1 << 9, 1 << 12
ASSIGN = STATE | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 11  # and addresses, indices, mkey


def test_queues_ahead(runner):
    """The queue objects are there before a guest comes, and again for the next one."""
    ahead = ',queues=2,queue_size=256'
    guests = (ALL, ALL, (*ALL, '--ring', 'packed'), (*ALL, '--size', '128'), ALL)
    plain = start_commands(runner, '', guests[:1])
    starts = start_commands(runner, ahead, guests)
    for at in (0, 1, 4):
        assert_one_command(starts[at], 4, ASSIGN)
    # 4 queues: counters, CQ, two QPs and their six changes, CREATE and RDY for one MODIFY
    assert len(starts[0]) < len(plain[0]) and len(plain[0]) - len(starts[0]) >= 4 * 11
    assert_one_command(starts[2], 4, ASSIGN | TYPE)
    assert_made_anew(starts[3], 4)
    assert count(starts[3], 'CREATE_CQ') == 4


def test_features_that_are_not_expected(runner):
    """A guest with less is given objects of its own, and the next is expected to be like it."""
    starts = start_commands(runner, ',queues=2,queue_size=256', ((), (), ('--no-mrg',)))
    assert_made_anew(starts[0], 4)
    assert_one_command(starts[1], 4, ASSIGN)
    assert_made_anew(starts[2], 4)


def test_fewer_queues_than_expected(runner):
    """Objects that a guest has no use for stay where they are."""
    path = runner.path('trace')
    starts = start_commands(runner, ',queues=3,queue_size=256', (ALL, ALL), pairs=1)
    for start in starts:
        assert_one_command(start, 2, ASSIGN)
    made = [c for c in parse_trace(read(path)) if c.name == 'CREATE_GENERAL_OBJECT'
            and c.words[0][1] & 0xffff == 0x0d]
    assert len(made) == 6 + 2 * 2  # at probe, and for what each guest had


def test_fields_and_state_apart(runner):
    """Firmware that wants RDY alone is given it in two, and remembered for it."""
    starts = start_commands(runner, ',queues=1,queue_size=256', (ALL, ALL), pairs=1,
                            fw=('init_two_step=1',))
    assert sorted(selects(starts[0])) == sorted(2 * [STATE, ASSIGN, ASSIGN & ~STATE])
    assert sorted(selects(starts[1])) == sorted(2 * [STATE, ASSIGN & ~STATE])


def test_firmware_that_refuses(runner):
    """Two MODIFY fail, of one queue or of two: each runs by other commands all the same."""
    starts = start_commands(runner, ',queues=1,queue_size=256', (ALL,), pairs=1, fw=(
        'fail=MODIFY_GENERAL_OBJECT:1:0x03+MODIFY_GENERAL_OBJECT:2:0x03',))
    assert [c.name for c in starts[0] if c.status] == ['MODIFY_GENERAL_OBJECT'] * 2


@pytest.mark.parametrize('ring', ['split', 'packed'])
@pytest.mark.parametrize('more', [(), ALL], ids=['plain', 'all'])
def test_traffic(runner, ring, more):
    """Guests in turn on objects that were there before them: every frame comes back."""
    process, sockets = host(runner, vfs=2, args=',queues=2,queue_size=256')
    for _ in range(3):
        echo_some(runner, sockets, '--pairs', '2', '--ring', ring, '--irq', 'call', *more)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]


def test_queue_that_cannot_be_prepared(runner):
    """Firmware refuses a part ahead of the guest: said once, and created with the guest."""
    process, sockets = host(runner, args=',queues=1,queue_size=256', vfs=2,
                            fw=('fail=CREATE_CQ:1:0x08',))
    assert process.log().count('cannot be prepared ahead of a guest') == 1
    echo_some(runner, sockets, frames=500)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
