# SPDX-License-Identifier: BSD-3-Clause
"""A client of the model's control socket."""
import json
import socket

from conftest import PATIENCE_S


class ModelCtl:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        self.lines = self.sock.makefile(encoding='utf-8')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.sock.close()

    def try_ask(self, **request):
        self.sock.sendall(json.dumps(request).encode() + b'\n')
        return json.loads(self.lines.readline())

    def ask(self, **request):
        answer = self.try_ask(**request)
        assert answer['ok'], answer
        return answer

    def vf(self, vf):
        """Everything `stats` has about one function."""
        return self.ask(cmd='stats')['vfs'][vf]

    def packets(self, vf, index):
        """Frames that the virtqueue of one index has moved."""
        return sum(q['packets'] for q in self.vf(vf)['virtqs'] if q['index'] == index)
