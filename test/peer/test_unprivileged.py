# SPDX-License-Identifier: BSD-3-Clause
"""All of it without root, hugepages or anything of /dev: two guests on two VFs."""
import os
import re
import shutil

import pytest

from conftest import built

NOBODY = 65534
PROGRAMS = ('app/vdpa-ctl/vdpa-ctl', 'model/mlx5x-model', 'model/libmlx5x-model.so',
            'test/lib/vfront/vfront')


@pytest.fixture(name='copy')
def make_copy(runner):
    """Where a program is that anybody may run: the build folder can be closed to others."""
    for name in PROGRAMS:
        to = os.path.join(runner.dir, 'build', name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(built(name), to)
    return lambda name: os.path.join(runner.dir, 'build', name)


@pytest.fixture
def as_nobody(runner):
    """The words in front of a command that make it somebody without rights."""
    if os.geteuid() != 0:
        return []
    os.chown(runner.dir, NOBODY, NOBODY)
    return ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
            '--bounding-set=-all', '--no-new-privs', 'env', f'HOME={runner.dir}',
            f'XDG_RUNTIME_DIR={runner.dir}', f'TMPDIR={runner.dir}']


@pytest.mark.parametrize('strict', [0, 1])
def test_two_guests(runner, copy, as_nobody, strict):
    daemon = runner.start('vdpa-ctl', [
        *as_nobody, copy('app/vdpa-ctl/vdpa-ctl'), 'run', '--model', '2',
        '--model-opt', f'--fw strict_doorbell={strict}', '--ctl', runner.path('ctl'),
        '--vf', f'0000:3b:00.2={runner.path("a")}', '--vf', f'0000:3b:00.3={runner.path("b")}',
        '--', '--no-huge', '-m', '128'])
    daemon.await_text('vdpa-ctl: ready')
    guest = [*as_nobody, copy('test/lib/vfront/vfront'), '--pairs', '2', '--interval', '20']
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
