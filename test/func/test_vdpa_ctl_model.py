# SPDX-License-Identifier: BSD-3-Clause
"""The daemon with its real driver, on the model: guests, failures, and the end."""
import json
import os
import re
import signal

import pytest

from vdpa_ctl_daemon import BUILD, Daemon, Frontend, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VF_A, VF_B = '0000:3b:00.2', '0000:3b:00.3'
MAC_A, MAC_B = '52:54:00:00:00:0a', '52:54:00:00:00:0b'


@pytest.fixture(name='daemon')
def make_daemon():
    daemon = Daemon(PROGRAM)
    yield daemon
    daemon.close()


def end(daemon, contexts):
    """It ends well, and each device it opened was left empty."""
    assert daemon.stop() == 0, daemon.log()
    left = re.findall(r'context closed, (\d+) objects? left', daemon.log())
    assert left == ['0'] * contexts, daemon.log()
    assert 'does not let go' not in daemon.log()
    assert sorted(f for f in os.listdir(daemon.dir) if not f.startswith('log')) == []


def pid_of(daemon):
    """The daemon is a child of the launcher or the launcher itself."""
    pid = daemon.child.pid
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as f:
        children = f.read().split()
    return children[0] if children else pid


def fds(daemon):
    return len(os.listdir(f'/proc/{pid_of(daemon)}/fd'))


def guest_files(daemon):
    """Files of guest memory that it has mapped."""
    with open(f'/proc/{pid_of(daemon)}/maps', encoding='ascii') as f:
        return {line.split()[4] for line in f if 'memfd:vfront' in line}


def test_two_guests(daemon, runner):
    daemon.start('--model', '2', '--model-opt', runner.model_options(),
                 *daemon.vf(VF_A, 'a'), *daemon.vf(VF_B, 'b'))
    echo = runner.vfront(daemon.path('b.sock'), '--role', 'echo', '--mac', MAC_B, '--pairs', '2',
                         '--seconds', '60', *runner.oracle(1))
    daemon.wait_state('b', 'running')
    source = runner.vfront(daemon.path('a.sock'), '--mac', MAC_A, '--peer-mac', MAC_B,
                           '--pairs', '2', '--frames', '2000', '--seconds', '3',
                           '--change', 'add:2,remove:2', *runner.oracle(0))
    dev = daemon.wait_state('a', 'running')
    assert dev['max_vqs'] == 128 and dev['ibdev'] == 'mlx5_0' and dev['pci'] == VF_A
    # While the guest is there: what it has, and what its queues count.
    dev = wait_for('4 changes', lambda: (d := daemon.dev('a')).get('changes', 0) >= 4 and d)
    assert dev['queues_active'] == 4 and dev['queues_failed'] == 0
    assert dev['last_change']['cmds_blackout'] > 0 and dev['last_error'] == ''
    # Two guests of boot memory and two DIMMs: what was removed is mapped by nobody.
    wait_for('removed memory to be unmapped', lambda: len(guest_files(daemon)) == 6)
    assert re.search(r'(?m)^ +1 tx +[1-9]', daemon.ctl('dev', 'vstats', 'show', 'a'))
    # Two pairs of the 64 that there are: what the guest has set up, no more.
    queues = json.loads(daemon.ctl('-j', 'dev', 'vstats', 'show', 'a'))['vstats']['a']['queues']
    assert [(q['qidx'], q['queue_type']) for q in queues] == [
        (0, 'rx'), (1, 'tx'), (2, 'rx'), (3, 'tx')]
    config = json.loads(daemon.ctl('-j', 'dev', 'config', 'show', 'a'))['config']['a']
    assert config['link '] == 'up' and config['max_vq_pairs'] == dev['max_vqs'] // 2
    assert {'MRG_RXBUF', 'MQ', 'VERSION_1'} <= set(config['negotiated_features'])
    status, report = source.result()
    assert status == 0, report
    assert 'memory change' in daemon.log()
    # The history outlives the guest.
    hist = json.loads(daemon.ctl('-j', 'dev', 'hist', 'show', 'a'))['hist']['a']
    assert [c['serial'] for c in hist] == [1, 2, 3, 4]
    assert sorted(c['cause'] for c in hist) == ['added', 'added', 'removed', 'removed']
    for change in hist:
        assert change['error'] == 0
        assert change['cmds_total'] == sum(p['cmds'] for p in change['phases'].values())
        assert change['cmds_blackout'] == 12 and change['phases']['suspend']['cmds'] == 4
        assert change['phases']['prepare']['cmds'] > 0
    echo.stop()
    assert daemon.wait_state('a', 'listening')['connected'] is False
    daemon.wait_state('b', 'listening')
    end(daemon, 2)
    words = re.findall(r'DMA oracle: (\d+) errors, [1-9]', daemon.log())
    assert words == ['0', '0'], daemon.log()


def test_counters_outlive_the_guest(daemon, runner):
    """What a queue counted stays when its guest leaves, and grows with the next one."""
    daemon.start('--model', '2', *daemon.vf(VF_A, 'a'), *daemon.vf(VF_B, 'b'))
    echo = runner.vfront(daemon.path('b.sock'), '--role', 'echo', '--mac', MAC_B,
                         '--seconds', '60')
    daemon.wait_state('b', 'running')

    def counted():
        return [json.loads(daemon.ctl('-j', 'dev', 'vstats', 'show', 'a', 'qidx', str(q)))
                ['vstats']['a']['completed_desc'] for q in (0, 1)]
    before = [0, 0]
    for size in ('256', '128'):
        status, report = runner.vfront(
            daemon.path('a.sock'), '--mac', MAC_A, '--peer-mac', MAC_B, '--frames', '500',
            '--seconds', '1', '--size', size, '--change', 'restart:2').result()
        assert status == 0, report
        daemon.wait_state('a', 'listening')
        now = counted()
        assert all(n >= b + 500 for n, b in zip(now, before)), (before, now)
        before = now
    echo.stop()
    daemon.wait_state('b', 'listening')
    end(daemon, 2)


def test_queues_are_limited_as_asked(daemon):
    daemon.start('--model', '1', *daemon.vf(VF_A, 'a', queues=2))
    assert daemon.dev('a')['max_vqs'] == 4
    text = daemon.ctl('mgmtdev', 'show')
    assert text.startswith(f'pci/{VF_A}:\n') and 'max_supported_vqs 4' in text
    assert 'VERSION_1' in text
    end(daemon, 1)


def test_bad_ports_stop_no_good_one(daemon):
    daemon.start('--model', '2', *daemon.vf('0000:99:00.0', 'absent'), *daemon.vf(VF_A, 'good'),
                 *daemon.vf('mlx5_0', 'twice'), *daemon.vf('mlx5_1', 'byname'))
    assert 'ready, 2 of 4 ports up' in daemon.log()
    assert 'no RDMA device' in daemon.dev('absent')['reason']
    assert 'in use' in daemon.dev('twice')['reason']
    guest = Frontend(daemon.path('good.sock')).start()
    daemon.wait_state('good', 'running')
    guest.close()
    daemon.wait_state('good', 'listening')
    # The device is free again once its port is gone.
    daemon.ctl('dev', 'del', 'good')
    daemon.ctl('dev', 'set', 'name', 'twice')
    assert daemon.dev('twice')['state'] == 'listening'
    assert daemon.stop() == 0


def test_add_and_delete_leave_nothing(daemon):
    daemon.start('--model', '1')
    baseline = None
    for _ in range(8):
        daemon.ctl('dev', 'add', 'name', 'a', 'mgmtdev', 'pci/' + VF_A,
                   'socket', daemon.path('a.sock'), 'queues', '2')
        guest = Frontend(daemon.path('a.sock')).start()
        daemon.wait_state('a', 'running')
        daemon.ctl('dev', 'del', 'a')
        assert guest.refused()
        guest.close()
        # What libraries open once is open after the first time.
        baseline = baseline or wait_for('a first count', lambda: fds(daemon))
        wait_for('the descriptors of before', lambda: fds(daemon) <= baseline)
    end(daemon, 8)


@pytest.mark.parametrize('fail, state, words', [
    ('CREATE_GENERAL_OBJECT:4', 'degraded', 'cannot create the queue object'),
    ('MODIFY_GENERAL_OBJECT:1', 'degraded', 'cannot make the queue ready'),
    ('CREATE_QP:2', 'degraded', 'cannot create the event path'),
    ('CREATE_TIR:1', 'failed', 'cannot steer'),
])
def test_firmware_that_refuses(daemon, fail, state, words):
    """The port says so, the next guest is served, and nothing is left behind."""
    daemon.start('--model', '1', '--model-opt', f'--fw fail={fail}:0x5', *daemon.vf(VF_A, 'a'))
    guest = Frontend(daemon.path('a.sock')).start()
    assert words in daemon.wait_state('a', state)['reason']
    assert words in daemon.ctl('dev', 'show', 'a')
    guest.close()
    assert daemon.wait_state('a', 'listening')['reason'] == ''
    guest = Frontend(daemon.path('a.sock')).start()
    assert daemon.wait_state('a', 'running')['queues_active'] == 2
    guest.close()
    daemon.wait_state('a', 'listening')
    end(daemon, 1)


def test_kill_and_restart(daemon):
    words = ['--model', '1', *daemon.vf(VF_A, 'a')]
    daemon.start(*words)
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    daemon.stop(signal.SIGKILL)
    guest.close()
    daemon.start(*words)
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    guest.close()
    end(daemon, 1)


def test_second_frontend_does_not_disturb_the_first(daemon):
    daemon.start('--model', '1', *daemon.vf(VF_A, 'a'))
    guest = Frontend(daemon.path('a.sock')).start()
    before = daemon.wait_state('a', 'running')
    second = Frontend(daemon.path('a.sock'))
    assert second.refused()
    second.close()
    after = daemon.dev('a')
    assert after['state'] == 'running' and after['queues_active'] == before['queues_active'] == 2
    guest.close()
    daemon.wait_state('a', 'listening')
    end(daemon, 1)
