# SPDX-License-Identifier: BSD-3-Clause
"""What devargs queues= and queue_size= create before there is a guest."""
from conftest import wait_until
from mlx5x_host import host, left_behind
from test_driver_options import echo_some
from two_vfs import VIRTQ_RDY, parse_trace, read


def attach_commands(runner, args, pairs):
    """Names of the firmware commands of a first and of a second guest's start."""
    path = runner.path('trace')
    process, sockets = host(runner, args=args, options=('--trace', path))
    starts = []
    for size in (256, 256, 128):
        before = len(parse_trace(read(path)))
        log = len(process.log())
        guest = runner.vfront(sockets[0], '--role', 'sink', '--pairs', str(pairs), '--size',
                              str(size), '--seconds', '60')
        wait_until('all queues to be ready', lambda b=before: sum(
            c.virtq_state() == VIRTQ_RDY for c in parse_trace(read(path))[b:]) == 2 * pairs)
        starts.append([c.name for c in parse_trace(read(path))[before:]])
        guest.end()
        wait_until('the guest to be gone', lambda at=log: 'configured -> probed'
                   in process.log()[at:])
        wait_until_quiet(path)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0]
    return starts


def wait_until_quiet(path):
    """No more commands for a while: what a guest leaves is put in order after it."""
    seen = [None, 0]

    def still():
        now = len(read(path))
        seen[1] = seen[1] + 1 if now == seen[0] else 0
        seen[0] = now
        return seen[1] > 20
    wait_until('the device to be at rest', still)


def test_queues_ahead(runner):
    """What does not depend on the guest is there before it comes, and again for the next one."""
    event_path = {'CREATE_CQ', 'CREATE_QP', 'RST2INIT_QP', 'INIT2RTR_QP', 'RTR2RTS_QP'}
    plain = attach_commands(runner, '', 2)
    ahead = attach_commands(runner, ',queues=2,queue_size=256', 2)
    assert event_path <= set(plain[0]) and event_path <= set(plain[1])
    for start in ahead[:2]:
        assert not event_path & set(start), start
        # the queue object and RDY; the rest is of the device: memory, steering
        assert start.count('CREATE_GENERAL_OBJECT') == start.count('MODIFY_GENERAL_OBJECT') == 4
    # of another size than expected: as without
    assert ahead[2].count('CREATE_CQ') == 4
    for with_it, without in zip(ahead[:2], plain):
        assert len(with_it) + 4 * 10 <= len(without)


def test_queue_that_cannot_be_prepared(runner):
    """Firmware refuses a part ahead of the guest: said once, and created with the guest."""
    process, sockets = host(runner, args=',queues=1,queue_size=256', vfs=2,
                            fw=('fail=CREATE_CQ:1:0x08',))
    assert process.log().count('cannot be prepared ahead of a guest') == 1
    echo_some(runner, sockets, frames=500)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
