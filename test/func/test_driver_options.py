# SPDX-License-Identifier: BSD-3-Clause
"""The driver's device arguments where only a running device shows what they do."""
import glob
import re

import pytest

from conftest import built, eal_args
from mlx5x_host import BDFS, host, left_behind
from two_vfs import VIRTQ_RDY, descendants, parse_trace, read

MAC = ('02:00:00:00:00:0a', '02:00:00:00:00:0b')


def echo_some(runner, sockets, *more, frames=3000):
    """Frames to an echo and back, by interrupts; the report of the source."""
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', MAC[1], '--seconds', '60', *more)
    source = runner.vfront(sockets[0], '--role', 'source', '--mac', MAC[0], '--peer-mac', MAC[1],
                           '--seconds', '1', '--frames', str(frames), '--max-lost', '0', *more)
    status, report = source.result()
    assert status == 0, source.tail() + echo.tail()
    echo.end()
    return report


@pytest.mark.parametrize('args', [
    ',event_mode=0', ',event_mode=0,event_us=50,no_traffic_time=1', ',event_mode=1',
    ',event_mode=1,event_us=200,no_traffic_time=3', ',event_mode=2'])
def test_event_modes(runner, args):
    """Guests that sleep until they are called are called, in traffic and after a pause."""
    process, sockets = host(runner, vfs=2, args=args)
    echo_some(runner, sockets, '--irq', 'call', '--pairs', '2')
    # the timer has stopped, and an event starts it again
    echo_some(runner, sockets, '--irq', 'call', '--pairs', '2', frames=100)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]


def test_event_core(runner):
    """The event thread runs where it was told to, and the others are left alone."""
    process, _ = host(runner, args=',event_core=1')
    pid = next(p for p in descendants(process.child.pid)
               if 'vdpa-host' in read(f'/proc/{p}/comm'))
    allowed = {}
    for task in glob.glob(f'/proc/{pid}/task/*'):
        cpus = re.search(r'(?m)^Cpus_allowed_list:\s*(\S+)', read(f'{task}/status'))
        allowed[read(f'{task}/comm').strip()] = cpus[1]
    assert allowed['vdpa_mlx5x0'] == '1'
    assert process.stop() == 0, process.tail()


def words_of_queues(trace):
    """Moderation word of each virtio-net queue that was created."""
    for command in parse_trace(trace):
        words = sum((command.words[at] for at in sorted(command.words)), [])
        if command.name == 'CREATE_GENERAL_OBJECT' and words[1] & 0xffff == 0x0d:
            yield words[4 + 0x540 // 32]


@pytest.mark.parametrize('args, word0, word1', [
    ('', 0, 0),
    (',hw_latency_mode=2,hw_max_latency_us=4095,hw_max_pending_comp=300', 0x2fff, 300),
    (',hw_latency_mode=1,hw_max_latency_us=20', 0x1014, 0)])
def test_moderation_reaches_firmware(runner, args, word0, word1):
    path = runner.path('trace')
    process, sockets = host(runner, args=args, options=('--trace', path))
    guest = runner.vfront(sockets[0], '--role', 'sink', '--seconds', '30')
    process.await_text('probed -> configured')
    guest.end()
    assert process.stop() == 0, process.tail()
    found = list(words_of_queues(read(path)))
    assert len(found) >= 2
    assert set(found) == {word0 << 16 | word1}


def test_resume_forced_off(runner):
    """On firmware that could resume queues they are made anew, and a guest cannot tell."""
    path = runner.path('trace')
    process, sockets = host(runner, vfs=2, args=',resume=0', options=('--trace', path))
    assert 'queues are re-created (forced)' in process.log()
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', MAC[1], '--seconds', '60',
                         *runner.oracle(1))
    status, _ = runner.vfront(sockets[0], '--mac', MAC[0], '--peer-mac', MAC[1], '--seconds', '1',
                              '--change', 'add:2,remove:2', *runner.oracle(0)).result()
    assert status == 0, process.tail()
    echo.stop()
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
    states = [c.virtq_state() for c in parse_trace(read(path)) if c.dev == 'mlx5_0']
    made = [c for c in parse_trace(read(path))
            if c.dev == 'mlx5_0' and c.name == 'CREATE_GENERAL_OBJECT']
    # two queues, five times; each RDY is the first of its object
    assert len(made) >= 2 * 5 and states.count(VIRTQ_RDY) == 2 * 5


def test_resume_forced_on(runner):
    """Firmware that cannot resume is refused: who asks for it wants no slow changes unawares."""
    process = runner.start('vdpa-host', runner.under_model(
        [built('test/peer/vdpa-host'), *eal_args(), '-d', runner.plugin(), '--vdev',
         f'vdpa_mlx5x0,dev={BDFS[0]},resume=1', '--', f'vdpa_mlx5x0={runner.path("a")}'],
        fw=('profile=legacy',)))
    assert process.wait() != 0
    said = re.findall(r'(?m)^mlx5x vdpa_mlx5x0: (.*)$', process.log())
    assert said == [f'resume=1 asked for, {BDFS[0]} cannot'], process.tail()
    assert left_behind(process) == [0]
