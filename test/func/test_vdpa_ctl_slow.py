# SPDX-License-Identifier: BSD-3-Clause
"""A device that takes its time: who asked for it waits, in order, and nobody else does."""
import contextlib
import json
import os
import select
import signal

import pytest
from model_ctl import ModelCtl
from vdpa_ctl_daemon import BUILD, Daemon, wait_for

PROGRAM = os.path.join(BUILD, 'app/vdpa-ctl/vdpa-ctl')
VF_A, VF_B = '0000:3b:00.2', '0000:3b:00.3'


@pytest.fixture(name='daemon')
def make_daemon(monkeypatch):
    daemon = Daemon()
    monkeypatch.setenv('VDPA_CTL_FAKE_GATE', daemon.path('gate'))
    daemon.start(*daemon.vf(VF_A, 'a'))
    yield daemon
    daemon.close()


def open_gate(daemon):
    with open(daemon.path('gate'), 'wb'):
        pass


class Client:
    """Requests on one connection, answers when they come."""

    def __init__(self, daemon, stack):
        self.sock = stack.enter_context(daemon.connect())
        self.file = stack.enter_context(self.sock.makefile('rb'))
        self.ident = 0

    def send(self, method, **params):
        self.ident += 1
        self.sock.sendall(json.dumps({'jsonrpc': '2.0', 'method': method, 'id': self.ident,
                                      'params': params}).encode() + b'\n')
        return self.ident

    def answer(self):
        return json.loads(self.file.readline())

    def is_waiting(self):
        return not select.select([self.sock], [], [], 0)[0]


def slow_add(daemon, client, name='slow', device='mlx5_slow0'):
    return client.send('dev.add', name=name, mgmtdev=device, socket=daemon.path(f'{name}.sock'))


def test_others_are_answered(daemon):
    with contextlib.ExitStack() as stack:
        waits, asks = Client(daemon, stack), Client(daemon, stack)
        slow_add(daemon, waits)
        wait_for('the port to be seen', lambda: 'slow' in daemon.rpc('dev.show')['result']['dev'])
        assert daemon.dev('slow')['state'] == 'idle' and 'max_vqs' not in daemon.dev('slow')
        for method in ('dev.show', 'version', 'mgmtdev.show', 'dev.hist'):
            asks.send(method)
            assert 'result' in asks.answer(), method
        assert waits.is_waiting()
        open_gate(daemon)
        assert waits.answer()['result'] == {'name': 'slow'}
        assert daemon.dev('slow')['state'] == 'listening'


def test_one_client_has_its_answers_in_order(daemon):
    """Also what came in the same packet as the slow request, quick or not."""
    with contextlib.ExitStack() as stack:
        client = Client(daemon, stack)
        idents = [slow_add(daemon, client), client.send('version'),
                  client.send('dev.del', name='slow'), client.send('dev.show', name='slow')]
        open_gate(daemon)
        answers = [client.answer() for _ in idents]
        assert [a['id'] for a in answers] == idents
        assert ['error' in a for a in answers] == [False, False, False, True]
        assert not os.path.exists(daemon.path('slow.sock'))


def test_changes_take_turns(daemon):
    """A change behind a slow one waits for it, whoever asked."""
    with contextlib.ExitStack() as stack:
        first, second = Client(daemon, stack), Client(daemon, stack)
        slow_add(daemon, first)
        wait_for('the port to be seen', lambda: 'slow' in daemon.rpc('dev.show')['result']['dev'])
        second.send('dev.add', name='slow', mgmtdev='mlx5_7', socket=daemon.path('x.sock'))
        assert 'result' in daemon.rpc('version') and second.is_waiting()
        open_gate(daemon)
        assert 'result' in first.answer()
        assert second.answer()['error']['data']['errno'] == 17


def test_client_that_goes_does_not_undo(daemon):
    with contextlib.ExitStack() as stack:
        slow_add(daemon, Client(daemon, stack))
        wait_for('the port to be seen', lambda: 'slow' in daemon.rpc('dev.show')['result']['dev'])
    open_gate(daemon)
    daemon.wait_state('slow', 'listening')
    assert daemon.stop() == 0, daemon.log()


def test_end_waits_for_the_device(daemon):
    """What has begun is finished before all ports are closed; what has not is dropped."""
    with contextlib.ExitStack() as stack:
        slow_add(daemon, Client(daemon, stack))
        wait_for('the port to be seen', lambda: 'slow' in daemon.rpc('dev.show')['result']['dev'])
        slow_add(daemon, Client(daemon, stack), 'late', 'mlx5_8')
        assert 'result' in daemon.rpc('version')
        daemon.child.send_signal(signal.SIGTERM)
        wait_for('the signal', lambda: 'closing all ports' in daemon.log())
        open_gate(daemon)
        assert daemon.child.wait(60) == 0, daemon.log()
    assert 'late' not in daemon.log()
    assert sorted(os.listdir(daemon.dir)) == ['gate', 'log1']


def test_firmware_that_hangs(runner):
    """The real driver on a model whose firmware takes ten seconds for one command of a probe."""
    daemon = Daemon(PROGRAM)
    try:
        daemon.start('--model', '2', '--model-opt', runner.model_options(), *daemon.vf(VF_A, 'a'))
        with ModelCtl(runner.model_ctl) as model, contextlib.ExitStack() as stack:
            model.ask(cmd='fault', set='stall=CREATE_TIS:1:10000000')
            waits, asks = Client(daemon, stack), Client(daemon, stack)
            waits.send('dev.add', name='b', mgmtdev=VF_B, socket=daemon.path('b.sock'))
            wait_for('the port to be seen', lambda: 'b' in daemon.rpc('dev.show')['result']['dev'])
            for _ in range(20):
                asks.send('dev.show')
                assert 'a' in asks.answer()['result']['dev']
            assert waits.is_waiting()
            assert waits.answer()['id'] == 1
        assert daemon.stop() == 0, daemon.log()
        assert 'left behind' in daemon.log() and ' 1 objects left' not in daemon.log()
    finally:
        daemon.close()
