# SPDX-License-Identifier: BSD-3-Clause
"""The driver from probe to remove, on the model: what it refuses, what it
carries, what it leaves behind."""
import re
import shutil

import pytest

from conftest import check_oracle, eal_args, wait_until
from mlx5x_host import BDFS, host, left_behind
from two_vfs import descendants, fds_of, read


@pytest.fixture
def plugin(runner):
    return runner.plugin()


def refused(runner, plugin, vdevs, vfs=1, fw=(), more=()):
    """Output of a program whose EAL cannot probe what it was told to."""
    words = []
    for vdev in vdevs:
        words += ['--vdev', vdev]
    process = runner.start('refused', runner.under_model(
        ['dpdk-testpmd', *eal_args(), '-d', plugin, *more, *words, '--', '--help'], vfs, fw))
    process.wait()
    assert left_behind(process) in ([], [0])
    return process.log()


def test_probe_leaves_nothing(runner, plugin):
    process, _ = host(runner, vfs=3)
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0, 0]


@pytest.mark.parametrize('vdevs, text', [
    ([f'vdpa_mlx5x0,dev={BDFS[2]}'], 'no verbs device'),
    (['vdpa_mlx5x0'], 'dev= is missing'),
    ([f'vdpa_mlx5x0,dev={BDFS[0]},colour=red'], 'unknown argument colour'),
    ([f'vdpa_mlx5x0,dev={BDFS[0]},queues=65'], 'queues=65 is not in 0..64'),
    ([f'vdpa_mlx5x0,dev={BDFS[0]},event_core=1023'], 'event_core=1023: this process cannot run there'),
    ([f'vdpa_mlx5x0,dev={BDFS[0]}', f'vdpa_mlx5x1,dev={BDFS[0][5:]}'],
     'is another device of this driver already'),
])
def test_probe_refuses(runner, plugin, vdevs, text):
    assert text in refused(runner, plugin, vdevs)


def test_second_copy_refused(runner, plugin):
    other = shutil.copy(plugin, plugin.replace('librte_', 'second_'))
    log = refused(runner, plugin, [f'vdpa_mlx5x0,dev={BDFS[0]}'], more=['-d', other])
    assert 'a copy of this driver is in the process already' in log


@pytest.mark.parametrize('command', ['0x100:4', '0x816:1', '0x912:1'])
def test_probe_undone_at_command(runner, plugin, command):
    """A firmware command of the probe fails: the probe fails and leaves nothing."""
    log = refused(runner, plugin, [f'vdpa_mlx5x0,dev={BDFS[0]}'], fw=[f'fail={command}:1'])
    assert re.search(r'failed to initialize vdpa_mlx5x0', log)


def test_hotplug_in_testpmd(runner, plugin):
    """The vdev comes and goes in an unmodified program, and what it opened goes with it."""
    process = runner.start('testpmd', runner.under_model(
        ['dpdk-testpmd', *eal_args(256), '-d', plugin, '--log-level', 'pmd.vdpa.mlx5x:info',
         '--vdev', 'net_null0',
         '--lcores', '0@(0,1),1@(0,1)', '--', '-i', '--total-num-mbufs=2048'], 2))
    process.await_text('testpmd>')
    pid = next(p for p in descendants(process.child.pid)
               if 'dpdk-testpmd' in read(f'/proc/{p}/comm'))
    process.type(f'port attach vdpa_mlx5x1,dev={BDFS[2]}')
    process.await_text('no verbs device')
    seen = []
    for n in range(1, 21):
        process.type(f'port attach vdpa_mlx5x0,dev={BDFS[0]}')
        wait_until('the device', lambda: process.log().count('64 queue pairs') == n)
        seen.append(fds_of(pid))
        process.type('device detach vdpa_mlx5x0')
        wait_until('its end', lambda: len(left_behind(process)) == n)
    process.type('quit')
    assert process.wait() == 0, process.tail()
    assert set(left_behind(process)) == {0}
    assert seen[1:] == seen[1:2] * 19


def talk(runner, sockets, pairs, changes, seconds=2):
    """Frames from one vfront to another and back; the source's report."""
    mac = ('02:00:00:00:00:0a', '02:00:00:00:00:0b')
    words = ['--pairs', str(pairs), '--seed', '7']
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', mac[1], '--seconds', '60',
                         *runner.oracle(1), *words)
    source = runner.vfront(sockets[0], '--role', 'source', '--mac', mac[0], '--peer-mac', mac[1],
                           '--seconds', str(seconds), '--change', changes, *runner.oracle(0), *words)
    status, report = source.result()
    assert status == 0, source.tail() + echo.tail()
    echo.end()
    return report


@pytest.mark.parametrize('fw', [(), ('resume=0',), ('hw_avail=garbage', 'init_two_step=1')],
                         ids=['resume', 'recreate', 'odd'])
@pytest.mark.parametrize('pairs', [1, 4])
def test_changes_under_traffic(runner, plugin, fw, pairs):
    """T1, T2, T10, T15, T20: every kind of change, and what it costs in commands."""
    process, sockets = host(runner, vfs=2, fw=fw)
    report = talk(runner, sockets, pairs, 'all:3,restart:1')
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
    check_oracle(process, 2)
    assert 'queue is down' not in process.log()
    costs = re.findall(r'memory change \d+: \+(\d+) -(\d+) regions, (\d+) commands of which (\d+)',
                       process.log())
    assert len(costs) >= 18, report
    budget = {3 * 2 * pairs} if 'resume=0' not in fw else {5 * 2 * pairs + 2}
    for added, removed, total, blackout in (map(int, c) for c in costs):
        if added + removed:
            assert blackout in budget
        else:
            assert (total, blackout) == (0, 0)  # T15: the same memory costs nothing


@pytest.mark.parametrize('command', [
    '0x200:1', '0x200:2', '0x400:1', '0x500:2', '0x502:1', '0x504:4', '0x916:1', '0x900:4',
    '0xa00:1', '0xa00:2', '0xa00:4', '0xa01:1', '0xa01:3', '0xa01:5', '0xa02:1', '0xa03:1',
    '0x202:1', '0x501:1', '0x902:1'])
def test_command_fails(runner, plugin, command):
    """Firmware fails one command of a guest's life: the program lives, the rest is undone."""
    process, sockets = host(runner, fw=[f'fail={command}:1'])
    guest = runner.vfront(sockets[0], '--role', 'sink', '--seconds', '1', '--wait', '100',
                          '--timeout', '1000', '--change', 'add:1,remove:1,move:1',
                          '--interval', '50')
    guest.wait()
    # a guest that has nothing to do with it
    again = runner.vfront(sockets[0], '--role', 'sink', '--seconds', '1', '--wait', '100',
                          '--timeout', '1000')
    again.wait()
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0], process.tail()
