# SPDX-License-Identifier: BSD-3-Clause
"""The launcher, and rdma-core's own tools under it, unmodified."""
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import built


def model(*words, vfs=1, options=(), **kwargs):
    """Run a command under the model; the finished process."""
    return subprocess.run([built('model/mlx5x-model'), '-n', str(vfs), *options, '--', *words],
                          capture_output=True, text=True, timeout=60, check=False, **kwargs)


@pytest.mark.parametrize('vfs', [1, 2, 64])
def test_devices(vfs):
    done = model('ibv_devices', vfs=vfs)
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines()[2:]}
    assert names == {f'mlx5_{i}' for i in range(vfs)}


def test_devinfo():
    done = model('ibv_devinfo', '-v', vfs=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('hca_id:') == 2
    assert done.stdout.count('PORT_ACTIVE') == 2
    assert done.stdout.count('Ethernet') == 2
    assert 'vendor_part_id:\t\t\t4126' in done.stdout
    assert done.stderr.count(', 0 objects left behind') == 2


def test_unprivileged():
    """As nobody, from a copy: the build folder may be closed to others."""
    if os.geteuid() != 0:
        pytest.skip('already the case of every other test')
    with tempfile.TemporaryDirectory(prefix='mlx5x-open-') as folder:
        os.chmod(folder, 0o755)
        for name in ('mlx5x-model', 'libmlx5x-model.so'):
            shutil.copy(built(f'model/{name}'), folder)
        done = subprocess.run([os.path.join(folder, 'mlx5x-model'), '--', 'ibv_devinfo'],
                              cwd=folder, capture_output=True, text=True, timeout=60,
                              check=False, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 0, done.stderr
    assert 'PORT_ACTIVE' in done.stdout


@pytest.mark.parametrize('script, status', [
    ('exit 0', 0), ('exit 7', 7), ('kill -9 $$', 137), ('kill -SEGV $$', 139)])
def test_status(script, status):
    assert model('sh', '-c', script).returncode == status


def test_not_found():
    assert model('/nonexistent/program').returncode == 127


@pytest.mark.parametrize('options, hint', [
    (['-n', '0'], 'from 1 to 64'),
    (['-n', '65'], 'from 1 to 64'),
    (['--uplink', 'wire'], 'tap:NAME'),
    (['--fw', 'speed=9'], 'unknown key'),
    (['--fw', 'fail=CREATE_TEA:1:5'], 'makes no sense'),
    (['--fw', 'fail=CREATE_MKEY:0:5'], 'makes no sense'),
    (['--fw', 'latency=any'], 'makes no sense')])
def test_bad_options(options, hint):
    done = model('true', options=options)
    assert done.returncode == 2
    assert hint in done.stderr


def test_private_directory_goes():
    done = model('sh', '-c', 'echo $MLX5X_MODEL_ROOT; stat -c %a $MLX5X_MODEL_ROOT')
    root, mode = done.stdout.split()
    assert mode == '700'
    assert not os.path.exists(root)


def test_leftovers_are_swept(runner):
    words = runner.under_model(['sh', '-c', 'echo root=$MLX5X_MODEL_ROOT; exec sleep 60'])
    run = runner.start('launcher', words)
    root = run.await_text(r'root=(\S+)').group(1)
    # Another run leaves a living one alone.
    assert model('true').returncode == 0
    assert os.path.isdir(root)
    run.stop(signal.SIGKILL)
    assert os.path.isdir(root)
    assert model('true').returncode == 0
    assert not os.path.exists(root)


def test_signals_go_through(runner):
    run = runner.start('launcher', runner.under_model(
        ['sh', '-c', 'trap "echo got term; exit 3" TERM; echo ready; while :; do sleep 0.1; done']))
    run.await_text('ready')
    assert run.stop(signal.SIGTERM) == 3
    assert 'got term' in run.log()


def test_others_are_left_alone():
    """Files, devices and sockets that are none of ours."""
    done = model('/usr/bin/python3', '-c',
                 'import os, socket, sys\n'
                 'assert os.listdir("/sys/class/net")\n'
                 'assert not os.path.exists("/dev/infiniband/uverbs7")\n'
                 'os.close(os.open("/dev/null", os.O_RDWR))\n'
                 'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()\n'
                 'print(open("/proc/self/comm").read().strip())\n')
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith('python3')


def test_every_process_has_its_card():
    """Fork and exec: each opens the node for itself."""
    done = model('sh', '-c', 'ibv_devinfo -d mlx5_1 & ibv_devinfo -d mlx5_1; wait', vfs=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('PORT_ACTIVE') == 2


def test_trace(runner):
    path = runner.path('trace')
    done = model(built('test/model/devx_query'), vfs=2, options=['--trace', path])
    assert done.returncode == 0, done.stderr
    with open(path, encoding='ascii') as f:
        text = f.read()
    assert 'ALLOC_TRANSPORT_DOMAIN (0x816)' in text
    assert 'QUERY_HCA_CAP (0x100) object 0x0 status 0x3' in text
    assert '\n000: 01000000 00000026 00000000 00000000\n' in text


def test_fault_option():
    done = model(built('test/model/devx_query'), vfs=2,
                 options=['--fw', 'fail=ALLOC_TRANSPORT_DOMAIN:1:5'])
    assert done.returncode == 1
    assert 'td && channel' in done.stderr
    # The program died on it with its contexts open: said at its exit.
    assert 'context never closed' in done.stderr


def test_latency_option():
    """Only that it is waited for; how long is nobody's business here."""
    done = model('ibv_devinfo', options=['--fw', 'latency=QUERY_HCA_CAP:20000+any:10',
                                         '--fw', 'slots=QUERY_HCA_CAP:1'])
    assert done.returncode == 0, done.stderr
