# SPDX-License-Identifier: BSD-3-Clause
"""The driver as a plugin of vdpa-host on the model, for the driver's tests."""
import re

from conftest import built, eal_args

BDFS = ('0000:3b:00.2', '0000:3b:00.3', '0000:3b:00.4')


def host(runner, vfs=1, fw=(), args='', options=()):
    """vdpa-host with one vdev and one socket per VF; returns it and the sockets."""
    sockets = [runner.path(f'vf{i}.sock') for i in range(vfs)]
    argv = [built('test/peer/vdpa-host'), *eal_args(), '-d', runner.plugin(),
            '--log-level', 'pmd.vdpa.mlx5x:info']
    for i in range(vfs):
        argv += ['--vdev', f'vdpa_mlx5x{i},dev={BDFS[i]}{args}']
    argv += ['--', *(f'vdpa_mlx5x{i}={s}' for i, s in enumerate(sockets))]
    process = runner.start('vdpa-host', runner.under_model(argv, vfs, fw, options))
    process.await_text(r'(?m)^READY$')
    return process, sockets


def left_behind(process):
    """Objects that each closed context had left, from the model's own count."""
    return [int(n) for n in re.findall(r'context closed, (\d+) objects left behind', process.log())]
