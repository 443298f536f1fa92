# SPDX-License-Identifier: BSD-3-Clause
"""The doorbell page in the guest's hands, in vdpa-ctl, which sees the backend
channel of a frontend from the first message on."""
import re

from conftest import built


def daemon(runner, fw=()):
    sockets = [runner.path('a.sock'), runner.path('b.sock')]
    words = []
    for setting in fw:
        words += ['--model-opt', f'--fw {setting}']
    process = runner.start('vdpa-ctl', [
        built('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', '2', *words,
        '--ctl', runner.path('ctl.sock'),
        '--vf', f'0000:3b:00.2={sockets[0]}', '--vf', f'0000:3b:00.3={sockets[1]}'])
    process.await_text(r'vdpa-ctl: ready, 2 of 2')
    return process, sockets


def test_kicks_by_page_only(runner):
    """T4: the guest rings the device by itself, through every kind of change."""
    process, sockets = daemon(runner)
    mac = ('02:00:00:00:00:0a', '02:00:00:00:00:0b')
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', mac[1], '--seconds', '60')
    source = runner.vfront(sockets[0], '--role', 'source', '--mac', mac[0], '--peer-mac', mac[1],
                           '--seconds', '2', '--host-notifier', '--kick', 'notifier',
                           '--change', 'all:2')
    status, report = source.result()
    assert status == 0, source.tail() + process.tail()
    echo.end()
    by_page = int(re.search(r'(\d+) by doorbell page', source.log()).group(1))
    by_eventfd = int(re.search(r'(\d+) kicks by eventfd', source.log()).group(1))
    assert by_page > 100 > by_eventfd, report
    assert process.stop() == 0, process.tail()
    assert process.log().count('context closed, 0 objects left behind') == 2
