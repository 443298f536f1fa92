# SPDX-License-Identifier: BSD-3-Clause
"""Life of the daemon: ports, sockets, guests, signals.  No device is needed."""
import grp
import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from vdpa_ctl_daemon import FAKE, ROOT, Daemon, Frontend, wait_for

GOOD, GOOD2 = '0000:3b:00.2', '0000:3b:00.3'


@pytest.fixture(name='daemon')
def make_daemon():
    daemon = Daemon()
    yield daemon
    daemon.close()


def fds(daemon):
    return len(os.listdir(f'/proc/{daemon.child.pid}/fd'))


def files(daemon):
    return sorted(f for f in os.listdir(daemon.dir) if not f.startswith('log'))


def test_bad_ports_stop_no_good_one(daemon):
    with open(daemon.path('file.sock'), 'w', encoding='ascii') as f:
        f.write('precious')
    daemon.start(*daemon.vf('mlx5_absent0', 'absent'), *daemon.vf(GOOD, 'good'),
                 *daemon.vf('mlx5_old0', 'old'), *daemon.vf(GOOD2, 'file'),
                 '--vf', 'mlx5_9=/nonexistent/dir/x.sock,name=nodir')
    assert 'ready, 1 of 5 ports up' in daemon.log()
    assert daemon.dev('good')['state'] == 'listening'
    for name, reason in (('absent', 'no RDMA device'), ('old', 'firmware'),
                         ('file', 'is not a socket'), ('nodir', 'No such file')):
        dev = daemon.dev(name)
        assert dev['state'] == 'failed' and reason in dev['reason'], dev
    with open(daemon.path('file.sock'), encoding='ascii') as f:
        assert f.read() == 'precious'
    guest = Frontend(daemon.path('good.sock')).start()
    daemon.wait_state('good', 'running')
    guest.close()


def test_failed_port_is_tried_again(daemon):
    with open(daemon.path('a.sock'), 'w', encoding='ascii'):
        pass
    daemon.start(*daemon.vf(GOOD, 'a'))
    assert 'is not a socket' in daemon.ctl('dev', 'set', 'name', 'a', status=17)
    assert daemon.dev('a')['state'] == 'failed'
    os.unlink(daemon.path('a.sock'))
    daemon.ctl('dev', 'set', 'name', 'a')
    assert daemon.dev('a')['state'] == 'listening'
    # To add it again replaces a failed port, but not one that serves.
    words = ['dev', 'add', 'name', 'a', 'mgmtdev', GOOD, 'socket', daemon.path('a.sock')]
    assert 'is taken' in daemon.ctl(*words, status=17)
    assert daemon.dev('a')['state'] == 'listening'


def test_configuration_file(daemon):
    daemon.start('--config', os.path.join(ROOT, 'test/func/vdpa_ctl_two_ports.yaml'))
    devs = json.loads(daemon.ctl('-j', 'dev', 'show'))['dev']
    # The folder of their sockets does not exist; the ports do.
    assert {n: d['state'] for n, d in devs.items()} == {'one': 'failed', 'two': 'failed'}
    assert devs['one']['mgmtdev'] == 'pci/0000:3b:00.2'


def test_wrong_configuration_is_refused(daemon):
    with open(daemon.path('conf'), 'w', encoding='ascii') as f:
        f.write('ports:\n  - name: a\n    device: mlx5_0\n    sokcet: /tmp/x\n')
    daemon.launch('--config', daemon.path('conf'))
    assert daemon.child.wait(60) == 2
    assert f'{daemon.path("conf")}:4: Unexpected key: sokcet' in daemon.log()
    assert files(daemon) == ['conf']


def test_guest_comes_and_goes(daemon):
    daemon.start(*daemon.vf(GOOD, 'a'), *daemon.vf(GOOD2, 'b'))
    other = Frontend(daemon.path('b.sock')).start()
    daemon.wait_state('b', 'running')
    baseline = fds(daemon)
    for _ in range(5):
        guest = Frontend(daemon.path('a.sock')).start()
        daemon.wait_state('a', 'running')
        guest.stop()
        daemon.wait_state('a', 'negotiating')
        guest.close()
        daemon.wait_state('a', 'listening')
        wait_for('the descriptors of before', lambda: fds(daemon) <= baseline)
    assert daemon.dev('b')['state'] == 'running'
    other.close()


def test_device_that_gives_up_is_visible(daemon):
    daemon.start(*daemon.vf('mlx5_broken0', 'a'))
    guest = Frontend(daemon.path('a.sock')).start()
    dev = daemon.wait_state('a', 'failed')
    assert dev['reason'] == 'fake firmware error'
    guest.close()
    assert daemon.wait_state('a', 'listening')['reason'] == ''


def test_second_frontend_is_refused(daemon):
    daemon.start(*daemon.vf(GOOD, 'a'))
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    second = Frontend(daemon.path('a.sock'))
    assert second.refused()
    second.close()
    assert daemon.dev('a')['state'] == 'running'
    guest.close()


def test_delete_under_a_guest(daemon):
    daemon.start(*daemon.vf(GOOD, 'a'))
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    assert 'a guest is connected' in daemon.ctl('dev', 'set', 'name', 'a', 'queues', '2', status=16)
    daemon.ctl('dev', 'del', 'a')
    assert guest.refused()
    guest.close()
    assert 'no port' in daemon.ctl('dev', 'del', 'a', status=2)
    assert files(daemon) == ['ctl.sock', 'ctl.sock.lock']
    daemon.ctl('dev', 'add', 'name', 'a', 'mgmtdev', 'pci/' + GOOD,
               'socket', daemon.path('a.sock'), 'queues', '2')
    assert daemon.dev('a')['max_vqs'] == 4


def test_add_and_delete_leave_nothing(daemon):
    daemon.start()
    words = ['name', 'a', 'mgmtdev', GOOD, 'socket', daemon.path('a.sock')]
    baseline = None
    for _ in range(20):
        daemon.ctl('dev', 'add', *words)
        daemon.ctl('dev', 'del', 'a')
        daemon.ctl('dev', 'add', 'name', 'x', 'mgmtdev', 'mlx5_absent0',
                   'socket', daemon.path('x.sock'), status=19)
        assert daemon.ctl('dev', 'show') == ''
        # librte_vhost opens some once; that of the last client is closed a moment
        # after its answer.
        baseline = baseline or fds(daemon)
        wait_for('the descriptors of before', lambda: fds(daemon) <= baseline)
    assert files(daemon) == ['ctl.sock', 'ctl.sock.lock']


def test_client_mode_connects_again(daemon):
    listener = socket.socket(socket.AF_UNIX)
    daemon.start(*daemon.vf(GOOD, 'a', mode='client'))
    assert daemon.dev('a')['state'] == 'connecting'
    listener.bind(daemon.path('a.sock'))
    listener.listen(1)
    listener.settimeout(60)
    for _ in range(2):
        guest = Frontend(conn=listener.accept()[0]).start()
        daemon.wait_state('a', 'running')
        guest.close()
    listener.close()
    # The socket is the guest's: it is not ours to remove.
    assert daemon.stop() == 0
    assert 'a.sock' in files(daemon)


def test_permissions(daemon):
    daemon.start(*daemon.vf(GOOD, 'a'), *daemon.vf(GOOD2, 'nogroup', group='no-such-group'))
    dev = daemon.dev('nogroup')
    assert dev['state'] == 'failed' and 'no group' in dev['reason']
    assert not os.path.exists(daemon.path('nogroup.sock'))
    assert stat.S_IMODE(os.stat(daemon.path('a.sock')).st_mode) == 0o660
    assert stat.S_IMODE(os.stat(daemon.path('ctl.sock')).st_mode) == 0o600
    if os.geteuid() == 0:
        daemon.ctl('dev', 'set', 'name', 'a', 'group', 'daemon')
        assert os.stat(daemon.path('a.sock')).st_gid == grp.getgrnam('daemon').gr_gid


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_cleanly(daemon, sig):
    daemon.start(*daemon.vf(GOOD, 'a'), *daemon.vf(GOOD2, 'b'))
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    assert daemon.stop(sig) == 0
    assert guest.refused()
    guest.close()
    assert files(daemon) == []
    assert 'does not let go' not in daemon.log()


def test_kill_and_restart(daemon):
    words = [*daemon.vf(GOOD, 'a'), *daemon.vf(GOOD2, 'b')]
    daemon.start(*words)
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    daemon.stop(signal.SIGKILL)
    assert guest.refused()
    guest.close()
    assert 'a.sock' in files(daemon)
    daemon.start(*words)
    assert 'ready, 2 of 2 ports up' in daemon.log()
    Frontend(daemon.path('a.sock')).start().close()


def test_two_daemons(daemon):
    daemon.start(*daemon.vf(GOOD, 'a'))
    second = subprocess.run([FAKE, 'run', '--ctl', daemon.path('ctl.sock')],
                            capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1 and 'is locked' in second.stderr
    # With a control socket of its own, it still cannot have the port's socket.
    third = Daemon()
    third.start('--vf', f'{GOOD2}={daemon.path("a.sock")},name=a')
    assert 'another process' in third.dev('a')['reason']
    assert third.stop() == 0
    third.close()
    assert daemon.dev('a')['state'] == 'listening'
    Frontend(daemon.path('a.sock')).start().close()


def test_bad_eal_options_end_it(daemon):
    daemon.launch('--', '--no-such-option')
    assert daemon.child.wait(60) == 1
    assert 'EAL does not start' in daemon.log()
    assert files(daemon) == []


def test_systemd_is_told(daemon):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(daemon.path('notify'))
    notify.settimeout(60)
    os.environ['NOTIFY_SOCKET'] = daemon.path('notify')
    try:
        daemon.start(*daemon.vf(GOOD, 'a'))
    finally:
        del os.environ['NOTIFY_SOCKET']
    assert notify.recv(256) == b'READY=1\nSTATUS=1 of 1 ports up'
    daemon.stop()
    assert notify.recv(256) == b'STOPPING=1'
    notify.close()


def test_model_that_is_not_there(daemon):
    run = subprocess.run([FAKE, 'run', '--model', '2', '--ctl', daemon.path('ctl.sock')],
                         env=dict(os.environ, MLX5X_MODEL='/nonexistent'),
                         capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1 and 'MLX5X_MODEL' in run.stderr


def test_model_is_started_once(daemon):
    """The launcher is given our own command line, and the second start is the last."""
    launcher = daemon.path('launcher')
    with open(launcher, 'w', encoding='ascii') as f:
        f.write('#!/bin/sh\necho "launcher: $*"\n'
                'while [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    os.chmod(launcher, 0o755)
    os.environ['MLX5X_MODEL'] = launcher
    try:
        daemon.start('--model', '2', '--model-opt', '--fw  resume=0 --uplink none',
                     *daemon.vf(GOOD, 'a'))
    finally:
        del os.environ['MLX5X_MODEL']
    lines = [line for line in daemon.log().splitlines() if line.startswith('launcher:')]
    assert len(lines) == 1
    assert lines[0].startswith('launcher: -n 2 --fw resume=0 --uplink none -- ')
    assert daemon.stop() == 0


def test_no_thread_per_cpu(daemon):
    """EAL is told to have one lcore, which is the main thread."""
    daemon.start(*daemon.vf(GOOD, 'a'))
    names = []
    for tid in os.listdir(f'/proc/{daemon.child.pid}/task'):
        with open(f'/proc/{daemon.child.pid}/task/{tid}/comm', encoding='ascii') as f:
            names.append(f.read().strip())
    assert not [n for n in names if n.startswith('rte-worker')], names
    wait_for('an idle daemon', lambda: daemon.child.poll() is None)
