# SPDX-License-Identifier: BSD-3-Clause
"""All of it without root, hugepages or anything of /dev: two guests on two VFs."""
import os
import re
import shutil

import pytest

from conftest import built

NOBODY = 65534


@pytest.fixture
def as_nobody(runner):
    """The words in front of a command that make it somebody without rights."""
    if os.geteuid() != 0:
        return []
    if not shutil.which('setpriv'):
        pytest.skip('no setpriv')
    folder = built('model')
    while folder != '/':
        if not os.stat(folder).st_mode & 0o001:
            pytest.skip('the build folder is closed to others')
        folder = os.path.dirname(folder)
    os.chown(runner.dir, NOBODY, NOBODY)
    return ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
            '--bounding-set=-all', '--no-new-privs', 'env', f'HOME={runner.dir}',
            f'XDG_RUNTIME_DIR={runner.dir}', f'TMPDIR={runner.dir}']


@pytest.mark.parametrize('strict', [0, 1])
def test_two_guests(runner, as_nobody, strict):
    daemon = runner.start('vdpa-ctl', [
        *as_nobody, built('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', '2',
        '--model-opt', f'--fw strict_doorbell={strict}', '--ctl', runner.path('ctl'),
        '--vf', f'0000:3b:00.2={runner.path("a")}', '--vf', f'0000:3b:00.3={runner.path("b")}',
        '--', '--no-huge', '-m', '128'])
    daemon.await_text('vdpa-ctl: ready')
    guest = [*as_nobody, built('test/lib/vfront/vfront'), '--pairs', '2', '--interval', '20']
    echo = runner.start('echo', [
        *guest, '--socket', runner.path('b'), '--role', 'echo', '--mac', '52:54:00:00:00:02',
        '--seconds', '3600'])
    source = runner.start('source', [
        *guest, '--socket', runner.path('a'), '--mac', '52:54:00:00:00:01',
        '--peer-mac', '52:54:00:00:00:02', '--change', 'all:2'])
    assert source.wait() == 0, source.tail()
    assert echo.stop() == 0, echo.tail()
    assert daemon.stop() == 0, daemon.tail()
    assert re.findall(r'context closed, (\d+) objects? left', daemon.log()) == ['0', '0']
