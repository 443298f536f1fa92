# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a running guest changes by bare SET_MEM_TABLE messages.

Two guests talk through two VFs of the model while the table of one changes. The
frontend checks on its side that each available entry is used exactly once and in
order and that no payload is damaged. Here it is checked, from the model's trace and
from /proc, that a change costs what doc/index-rules.md says and leaves nothing open.
Numbers T are those of that page.
"""
import re

import pytest

from conftest import BLACKOUT, RESTART, check_losses, wait_until
from two_vfs import TwoVfs, VIRTQ_RDY, VIRTQ_SUSPEND

KINDS = ('add', 'remove', 'reorder', 'grow', 'move', 'swap', 'same')
MEMORY_COMMANDS = ('CREATE_MKEY', 'DESTROY_MKEY')


def sound(answer, reasons=frozenset(BLACKOUT)):
    """Nothing damaged, nothing used twice, every queue runs after the last change.

    A pause of a second is for the frontend to report, not for a test to fail on: a
    busy machine makes it too. What is lost for good shows after the last change.
    """
    status, report = answer
    assert (status == 0 and report['ok']) or report['reason'] == 'traffic stalled', (
        report['reason'], report['violations'][:4])
    assert report['violations_total'] == 0, report['violations']
    assert report['changes_refused'] == 0
    assert report['changes_done'] >= report['changes_asked']
    assert report['active_queues'] == report['queues']
    assert report['returned'] > 0
    assert report['corrupted'] == report['duplicated'] == report['reordered'] == 0
    check_losses(report, reasons)
    assert report['lost_tx'] == 0
    return report


def blackouts(trace, queues):
    """The commands of each change, from its first SUSPEND to the RDY of its last queue.

    Each queue goes its way by itself: one may be up again before another one is down.
    """
    spans, span, up = [], [], set()
    for command in trace:
        state = command.virtq_state()
        if span or state == VIRTQ_SUSPEND:
            span.append(command)
        if span and state == VIRTQ_RDY:
            up.add(command.object)
        if len(up) == queues:
            spans.append(span)
            span, up = [], set()
    return spans  # the last stop has no RDY: it is no change


@pytest.mark.parametrize('kind', KINDS)
def test_each_kind(runner, kind):
    """T10: each kind of change by itself, under traffic."""
    vfs = TwoVfs(runner)
    sound(vfs.talk(changes=f'{kind}:10'))
    vfs.end()


def test_all_kinds_many_queues(runner):
    """T1, thin: all kinds in random order, four pairs, kicks at random points."""
    vfs = TwoVfs(runner)
    sound(vfs.talk('--kick', 'random', '--kick-delay', 50, pairs=4, changes='all:5'))
    vfs.end()


@pytest.mark.parametrize('resume', (1, 0))
def test_64_pairs(runner, resume):
    """As many queues as there can be; so few frames for each that some take long to show up."""
    vfs = TwoVfs(runner, fw=(f'resume={resume}',))
    echo = vfs.guest(1, '--role', 'echo', '--seconds', 600)
    report = sound(vfs.guest(0, '--pairs', 64, '--min-active', 128, '--seconds', 0, '--rate', 1000,
                             '--window', 16, '--change', 'add:1,remove:1,restart:1').result())
    assert report['active_queues'] == 128
    echo.stop()
    vfs.end()


def test_same_table_costs_nothing(runner):
    """T15: an identical or re-ordered table is no firmware command at all."""
    vfs = TwoVfs(runner)
    sound(vfs.talk(changes='same:20,reorder:20'))
    trace = vfs.trace()
    assert blackouts(trace, 2) == []
    assert [c.name for c in trace if c.name in MEMORY_COMMANDS].count('CREATE_MKEY') == 1
    assert sum(c.virtq_state() == VIRTQ_RDY for c in trace) == 2
    vfs.end()


@pytest.mark.parametrize('pairs', (1, 4))
def test_commands_in_the_blackout(runner, pairs):
    """T20: three commands for each queue that can be resumed, none of them for memory."""
    vfs = TwoVfs(runner)
    report = sound(vfs.talk(pairs=pairs, changes='add:3,grow:3,swap:3,remove:3'))
    spans = blackouts(vfs.trace(), report['queues'])
    assert len(spans) == report['changes_done'] + report['changes_extra']
    for span in spans:
        assert len(span) == 3 * report['queues'], [c.name for c in span]
        assert not {c.name for c in span} & set(MEMORY_COMMANDS)
    vfs.end()


@pytest.mark.parametrize('resume', (1, 0))
def test_each_queue_is_called(runner, resume):
    """T7: no frame moves, so the call that a queue gets is the one that the change owes it."""
    vfs = TwoVfs(runner, fw=(f'resume={resume}',))
    status, report = vfs.guest(0, '--role', 'sink', '--pairs', 2, '--expect-call', '--seconds', 0,
                               '--change', 'add:4,grow:4', '--interval', 5).result()
    assert status == 0, report['violations']
    assert report['changes_done'] == 8 and report['changes_refused'] == 0
    assert report['received'] == 0
    vfs.end()


def test_resources_are_flat(runner):
    """T13: after each guest the host has open what it had after the first one."""
    vfs = TwoVfs(runner)
    sound(vfs.talk())
    base = vfs.at_rest()
    assert not base[1], 'guest memory is mapped with no guest there'
    for seed in (1, 2, 3):
        sound(vfs.talk('--seed', seed, changes='all:4'))
        assert vfs.at_rest() == base
    vfs.end()


def test_removed_memory_is_given_back(runner):
    """A removed region is mapped by nobody in the host, neither the driver nor librte_vhost."""
    vfs = TwoVfs(runner)
    echo = vfs.guest(1, '--role', 'echo', '--dimms', 0, '--seconds', 600)
    guest = vfs.guest(0, '--dimms', 3, '--seconds', 600, '--rate', 2000, '--interval', 300,
                      '--change', 'remove:2')
    vfs.host.await_text('memory change 1: ')
    assert len(vfs.guest_files()) in (4, 5)
    vfs.host.await_text('memory change 2: ')
    # the boot memory of both guests, and the region that is left
    wait_until('the removed memory to be unmapped', lambda: len(vfs.guest_files()) == 3)
    assert vfs.fds()['/memfd:vfront (deleted)'] == 3
    guest.stop()
    echo.stop()


@pytest.mark.parametrize('args, held', [(',host_unmap=1', 4), (',host_unmap=0', 6)])
def test_librte_vhost_sees_the_table_or_not(runner, args, held):
    """host_unmap=0 is the way since DPDK 24.03: the hook answers every table of a running
    device, so that librte_vhost keeps what was removed until it is given the table of a
    device that has stopped. Nothing else differs.
    """
    vfs = TwoVfs(runner, args=args)
    echo = vfs.guest(1, '--role', 'echo', '--dimms', 0, '--seconds', 600)
    words = ('--dimms', 3, '--seconds', 600, '--rate', 2000, '--seed', 4, '--change')
    guest = vfs.guest(0, *words, 'remove:2,add:1')
    vfs.host.await_text('memory change 3: ')
    # both boot memories and two DIMMs; librte_vhost: the removed ones as well
    wait_until('memory to be unmapped', lambda: len(vfs.guest_files()) == held)
    guest.end()
    # the same, and then, as this seed has it, the rings stop and start
    guest = vfs.guest(0, *words, 'remove:2,add:1,restart:1')
    vfs.host.await_text('(?s)(mlx5x0: probed -> configured.*){3}')
    wait_until('a start to let go of the rest', lambda: len(vfs.guest_files()) == 4)
    guest.end()
    echo.stop()
    assert not vfs.at_rest()[1]
    sound(vfs.talk(pairs=2, changes='all:2,restart:2'), RESTART)
    assert not vfs.at_rest()[1]
    vfs.end()


def test_legacy_firmware(runner):
    """Firmware that cannot resume a suspended queue: new objects, no memory command between."""
    vfs = TwoVfs(runner, fw=('resume=0',))
    sound(vfs.talk(pairs=2, changes='all:3'))
    vfs.end()


def test_wrong_available_index(runner):
    """T2: firmware says anything for hw_available_index."""
    vfs = TwoVfs(runner, fw=('hw_avail=garbage',))
    sound(vfs.talk(pairs=2, changes='all:3'))
    vfs.end()


def test_stops_between_changes(runner):
    """A device that stops and starts finds its table, also one that librte_vhost never saw."""
    vfs = TwoVfs(runner)
    sound(vfs.talk(changes='add:3,swap:3,restart:6,remove:3,move:3'), RESTART)
    vfs.end()


def test_index_wraps(runner):
    """T8: more chains than a ring index can count, and changes all the way past its end."""
    vfs = TwoVfs(runner)
    # no more in flight than the echo's rings hold
    report = sound(vfs.talk('--frames', 70000, '--rate', 0, '--interval', 100, '--size', 1024,
                            '--window', 64, patience=300,
                            changes='add:15,remove:15,swap:30'))
    assert report['sent'] >= 70000
    vfs.end()
