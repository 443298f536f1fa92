# SPDX-License-Identifier: BSD-3-Clause
"""The control socket against clients that are many, slow, greedy or hostile."""
import json
import os
import re
import socket

import pytest

from vdpa_ctl_daemon import Daemon, Frontend

GOOD = '0000:3b:00.2'


@pytest.fixture(scope='module', name='daemon')
def make_daemon():
    daemon = Daemon()
    daemon.start(*daemon.vf(GOOD, 'a'))
    yield daemon
    assert daemon.stop() == 0
    daemon.close()


def request(method, params=None, ident=1):
    text = {'jsonrpc': '2.0', 'method': method, 'id': ident}
    if params is not None:
        text['params'] = params
    return json.dumps(text).encode() + b'\n'


def call(daemon, method, params=None):
    with daemon.connect() as s, s.makefile('rb') as f:
        s.sendall(request(method, params))
        return json.loads(f.readline())


def test_keys_are_those_of_iproute2(daemon):
    result = call(daemon, 'dev.show')['result']
    dev = result['dev']['a']
    assert dev['type'] == 'network' and dev['mgmtdev'] == 'pci/' + GOOD
    assert dev['vendor_id'] == 5555 and dev['max_vqs'] == 16
    assert json.loads(daemon.ctl('dev', 'show', '-j')) == result
    assert json.loads(daemon.ctl('-jp', 'd', 'sh')) == result
    assert daemon.ctl('dev').startswith(f'a: type network mgmtdev pci/{GOOD} vendor_id 5555 max_vqs 16')


def test_counters(daemon):
    assert json.loads(daemon.ctl('-j', 'dev', 'vstats', 'show', 'a', 'qidx', '3')) == {
        'vstats': {'a': {'queue_type': 'tx', 'received_desc': 103, 'bad_descriptor_errors': 0}}}
    assert len(call(daemon, 'dev.vstats', {'name': 'a'})['result']['vstats']['a']['queues']) == 16
    assert 'received_desc' in daemon.ctl('dev', 'vstats', 'show', 'a')
    assert 'has 0 to 15' in daemon.ctl('dev', 'vstats', 'show', 'a', 'qidx', '16', status=22)


def test_config(daemon):
    """The keys of iproute2, blanks included; what is not known is not there."""
    want = {'config': {'a': {'link ': 'down', 'link_announce ': False, 'max_vq_pairs': 8}}}
    assert json.loads(daemon.ctl('-j', 'dev', 'config', 'show', 'a')) == want
    assert json.loads(daemon.ctl('-jp', 'd', 'c')) == want
    assert daemon.ctl('dev', 'config') == 'a: link down link_announce false max_vq_pairs 8\n'
    guest = Frontend(daemon.path('a.sock')).start()
    daemon.wait_state('a', 'running')
    config = call(daemon, 'dev.config')['result']['config']['a']
    assert config['link '] == 'up'
    assert 'VERSION_1' in config['negotiated_features'] and 'MQ' in config['negotiated_features']
    assert re.search(r'link up .*\n  negotiated_features .*VERSION_1', daemon.ctl('dev', 'config'))
    guest.close()
    daemon.wait_state('a', 'listening')
    assert call(daemon, 'dev.config', {'name': 'a'})['result'] == want
    assert "no port 'x'" in daemon.ctl('dev', 'config', 'show', 'x', status=2)


def test_config_of_the_interface(monkeypatch):
    """MAC address and MTU of the VF, where the kernel has an interface on it."""
    daemon = Daemon()
    try:
        folder = daemon.path('sys/class/infiniband/mlx5_3/device/net/eth7')
        os.makedirs(folder)
        for name, value in (('address', '52:54:00:0a:0b:0c\n'), ('mtu', '9000\n')):
            with open(os.path.join(folder, name), 'w', encoding='ascii') as f:
                f.write(value)
        monkeypatch.setenv('SYSFS_PATH', daemon.path('sys'))
        daemon.start(*daemon.vf('mlx5_3', 'a'))
        assert daemon.ctl('dev', 'config', 'show', 'a') == (
            'a: mac 52:54:00:0a:0b:0c link down link_announce false max_vq_pairs 8 mtu 9000\n')
        assert daemon.stop() == 0
    finally:
        daemon.close()


def test_history(daemon):
    hist = call(daemon, 'dev.hist', {'name': 'a'})['result']['hist']
    assert json.loads(daemon.ctl('-j', 'dev', 'hist', 'show', 'a')) == {'hist': hist}
    assert call(daemon, 'dev.hist')['result']['hist'] == hist
    first, second = hist['a']
    assert first['cause'] == 'added' and first['error'] == 0 and first['regions_added'] == 1
    assert list(first['phases']) == ['prepare', 'suspend', 'audit', 'swap', 'resume', 'host_remap',
                                     'cleanup']
    assert first['phases']['swap'] == {'us': 70, 'cmds': 6}
    assert second['cause'] == 'unknown' and second['error'] == 12
    text = daemon.ctl('dev', 'hist')
    assert text.startswith('a: last 2 memory changes') and ' 70/6 ' in text
    assert "no port 'x'" in daemon.ctl('dev', 'hist', 'show', 'x', status=2)


@pytest.mark.parametrize('method, params, words', [
    ('dev.add', None, 'name'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0'}, 'socket'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/a', 'speed': 1}, 'speed'),
    ('dev.add', {'name': 5, 'mgmtdev': 'mlx5_0', 'socket': '/a'}, 'name'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/a/../b'}, '..'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/' + 'a' * 200}, '107'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0,dev=y', 'socket': '/a'}, 'PCI address'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/a', 'queues': 1e3}, 'integer'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/a', 'queues': 65}, '64'),
    ('dev.add', {'name': 'x', 'mgmtdev': 'mlx5_0', 'socket': '/a', 'mode': 'both'}, 'client'),
    ('dev.del', {}, 'name'),
    ('dev.show', {'nam': 'a'}, 'nam'),
    ('dev.vstats', {'name': 'a', 'qidx': -2}, 'qidx'),
])
def test_bad_parameters(daemon, method, params, words):
    error = call(daemon, method, params)['error']
    assert error['code'] == -32602
    assert words in error['message'], error


def test_conflicts(daemon):
    for params in ({'name': 'a', 'mgmtdev': 'mlx5_5', 'socket': '/tmp/x.sock'},
                   {'name': 'b', 'mgmtdev': '3b:00.2', 'socket': '/tmp/x.sock'},
                   {'name': 'b', 'mgmtdev': 'mlx5_5', 'socket': daemon.path('a.sock')}):
        error = call(daemon, 'dev.add', params)['error']
        assert error['code'] == -32000 and error['data']['errno'] == 17
    assert list(call(daemon, 'dev.show')['result']['dev']) == ['a']


def test_methods_are_listed(daemon):
    methods = call(daemon, 'rpc.methods')['result']
    assert {'dev.add', 'dev.config', 'dev.del', 'dev.set', 'dev.show', 'dev.hist', 'dev.vstats', 'mgmtdev.show', 'version',
            'rpc.methods'} == set(methods)


def test_requests_in_one_packet_and_in_pieces(daemon):
    with daemon.connect() as s, s.makefile('rb') as f:
        s.sendall(request('version', ident=1) + request('version', ident=2) + b'\n')
        assert [json.loads(f.readline())['id'] for _ in range(2)] == [1, 2]
        for byte in request('version', ident=3):
            s.sendall(bytes([byte]))
        assert json.loads(f.readline())['id'] == 3


def test_half_closed_client_has_its_answers(daemon):
    with daemon.connect() as s, s.makefile('rb') as f:
        s.sendall(request('version') * 3)
        s.shutdown(socket.SHUT_WR)
        assert len(f.readlines()) == 3


def test_oversized_request(daemon):
    with daemon.connect() as s, s.makefile('rb') as f:
        try:
            s.sendall(b'"' + b'a' * 200000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answer = f.readline()
        except ConnectionResetError:
            answer = b''
        assert not answer or json.loads(answer)['error']['code'] == -32600
    assert 'result' in call(daemon, 'version')


def test_binary_noise(daemon):
    noise = bytes(range(256)) * 16
    for start in range(0, 64, 7):
        with daemon.connect() as s:
            s.sendall(noise[start:] + b'\n')
            s.recv(4096)
    assert 'result' in call(daemon, 'version')


def test_silent_and_slow_clients_hold_up_nobody(daemon):
    idle = [daemon.connect() for _ in range(20)]
    slow = daemon.connect()
    slow.sendall(b'{"jsonrpc"')
    assert 'result' in call(daemon, 'version')
    # A request that is not completed is answered with an error, and the end.
    with slow.makefile('rb') as f:
        assert json.loads(f.readline())['error']['code'] == -32600
        assert f.readline() == b''
    for s in idle:
        s.close()


def test_client_that_never_reads(daemon):
    with daemon.connect() as s:
        s.settimeout(1)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += s.send(request('rpc.methods') * 100)
        except (TimeoutError, socket.timeout, BrokenPipeError, ConnectionResetError):
            pass
        # It was stopped long before that much could be queued for it.
        assert sent < 64 << 20
        assert 'result' in call(daemon, 'version')


def test_many_clients(daemon):
    """More than are served at once: the others wait, none is lost."""
    socks = [daemon.connect() for _ in range(100)]
    for s in socks:
        s.sendall(request('version'))
    for s in socks:
        with s.makefile('rb') as f:
            assert 'result' in json.loads(f.readline())
        s.close()


def test_no_daemon(daemon):
    assert 'no daemon at' in daemon.ctl('--ctl', '/nonexistent/x.sock', 'dev', 'show', status=2)
