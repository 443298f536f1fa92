# SPDX-License-Identifier: BSD-3-Clause
"""The driver as a plugin of vdpa-host on the model, for the driver's tests."""
import contextlib
import os
import re
import shutil
import stat
import tempfile

from conftest import built

BDFS = ('0000:3b:00.2', '0000:3b:00.3', '0000:3b:00.4')


def loadable():
    """The plugin in a folder that EAL loads from: none above it writable by all."""
    plugin = built('drivers/vdpa/mlx5x/librte_vdpa_mlx5x.so')
    folder = os.path.dirname(os.path.realpath(plugin))
    while folder != '/':
        if os.stat(folder).st_mode & stat.S_IWOTH:
            copy = os.path.join(tempfile.mkdtemp(dir=os.path.expanduser('~'), prefix='.mlx5x-'),
                                os.path.basename(plugin))
            shutil.copy(plugin, copy)
            return copy
        folder = os.path.dirname(folder)
    return plugin


@contextlib.contextmanager
def plugin_file():
    path = loadable()
    yield path
    if '/.mlx5x-' in path:
        shutil.rmtree(os.path.dirname(path))


def host(runner, plugin, vfs=1, fw=(), args='', options=()):
    """vdpa-host with one vdev and one socket per VF; returns it and the sockets."""
    sockets = [runner.path(f'vf{i}.sock') for i in range(vfs)]
    devices = ['--log-level', 'pmd.vdpa.mlx5x:info']
    for i in range(vfs):
        devices += ['--vdev', f'vdpa_mlx5x{i},dev={BDFS[i]}{args}']
    process = runner.vdpa_host({f'vdpa_mlx5x{i}': s for i, s in enumerate(sockets)},
                               devices, plugin, vfs, fw, options)
    return process, sockets


def left_behind(process):
    """Objects that each closed context had left, from the model's own count."""
    return [int(n) for n in re.findall(r'context closed, (\d+) objects left behind', process.log())]
