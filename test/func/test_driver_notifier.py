# SPDX-License-Identifier: BSD-3-Clause
"""The doorbell page in the guest's hands.

It is offered over the frontend's backend channel, which is announced in the first
messages of a connection and never again.  vdpa-ctl sees them all; in other programs the
driver has to be early enough with its own hook.
"""
import re

import pytest

from conftest import built, check_oracle
from mlx5x_host import BDFS, host, left_behind

MAC = ('02:00:00:00:00:0a', '02:00:00:00:00:0b')


def daemon(runner, fw=()):
    sockets = [runner.path('a.sock'), runner.path('b.sock')]
    process = runner.start('vdpa-ctl', [
        built('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', '2',
        '--model-opt', runner.model_options(fw),
        '--ctl', runner.path('ctl.sock'),
        '--vf', f'{BDFS[0]}={sockets[0]}', '--vf', f'{BDFS[1]}={sockets[1]}'])
    process.await_text(r'vdpa-ctl: ready, 2 of 2')
    return process, sockets


def plugin(runner):
    return host(runner, vfs=2)


@pytest.mark.parametrize('program', [daemon, plugin])
def test_kicks_by_page_only(runner, program):
    """T4: the guest rings the device by itself, through every kind of change."""
    process, sockets = program(runner)
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', MAC[1], '--seconds', '60',
                         *runner.oracle(1))
    source = runner.vfront(sockets[0], '--role', 'source', '--mac', MAC[0], '--peer-mac', MAC[1],
                           '--seconds', '2', '--host-notifier', '--kick', 'notifier',
                           '--change', 'all:2', *runner.oracle(0))
    status, report = source.result()
    assert status == 0, source.tail() + process.tail()
    echo.end()
    by_page = int(re.search(r'(\d+) by doorbell page', source.log()).group(1))
    by_eventfd = int(re.search(r'(\d+) kicks by eventfd', source.log()).group(1))
    assert by_page > 100 > by_eventfd, report
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
    check_oracle(process, 2)


def test_guests_come_and_go(runner):
    """Each guest gets its page, and asking for its connection leaves nothing in the log."""
    process, sockets = plugin(runner)
    words = ['--role', 'sink', '--host-notifier', '--pairs', '2', '--change', 'add:2,restart:2']
    for first, second in ((0, 1), (1, 0), (0, 1)):
        stays = runner.vfront(sockets[first], *words, '--seconds', '60')
        status, report = runner.vfront(sockets[second], *words, '--seconds', '0').result()
        assert status == 0, report['violations']
        assert report['notifiers'] >= 12  # at each start
        stays.end()
    assert process.stop() == 0, process.tail()
    assert 'device not found' not in process.log()
    assert left_behind(process) == [0, 0]
