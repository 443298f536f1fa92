# SPDX-License-Identifier: BSD-3-Clause
"""A QEMU guest with one virtio-net device on a vhost-user socket: QMP, and a shell.

No KVM: the guest is emulated on one core.  `vectors=0`, because QEMU 7.2 dies of a
null pointer in its MSI-X code when it emulates a guest with vhost-user; a QEMU that
ends by SIGSEGV is that, and fails the test with these words.
"""
import itertools
import json
import os
import re
import shutil
import socket

import pytest

import guest_image
from conftest import PATIENCE_S, wait_until

QEMU = 'qemu-system-x86_64'
KERNEL_WORDS = ('console=ttyS0 panic=-1 quiet mitigations=off nokaslr tsc=reliable no_timer_check '
                'audit=0')
_serial = itertools.count()


def require():
    """Skips the test where a guest cannot be had; (kernel, initramfs) where it can."""
    if not shutil.which(QEMU):
        pytest.skip(f'{QEMU} is not installed')
    try:
        return guest_image.ensure()
    except guest_image.Unavailable as reason:
        pytest.skip(f'no guest image: {reason}')


class Lines:
    """A line of text out, lines of text in, over a unix socket; never blocks."""

    def __init__(self, path, alive):
        self.sock = socket.socket(socket.AF_UNIX)
        wait_until(f'{os.path.basename(path)} to accept',
                   lambda: alive() and self.sock.connect_ex(path) == 0)
        self.sock.setblocking(False)
        self.text = ''

    def send(self, line):
        self.sock.sendall(line.encode() + b'\n')

    def more(self):
        try:
            self.text += self.sock.recv(65536).decode(errors='replace')
        except BlockingIOError:
            pass
        return self.text

    def take(self, match):
        """Everything up to the end of a match, which is consumed."""
        before, self.text = self.text[:match.start()], self.text[match.end():]
        return before

    def close(self):
        self.sock.close()


class Guest:
    """A running QEMU; `chardev` is how its vhost-user socket is written, path included."""

    def __init__(self, runner, chardev, address, mac, device='', memory='256M', queues=1,
                 hotplug='online_movable'):
        kernel, initramfs = require()
        self.name = f'qemu{next(_serial)}'
        self.address, self.mac = address, mac
        sockets = [runner.path(f'{self.name}.{kind}') for kind in ('qmp', 'tty')]
        self.process = runner.start(self.name, [
            QEMU, '-nodefaults', '-no-user-config', '-display', 'none', '-cpu', 'max', '-smp', str(queues),
            '-accel', 'tcg', '-M', 'q35,memory-backend=m0', '-m', f'{memory},slots=8,maxmem=8G',
            '-object', f'memory-backend-memfd,id=m0,size={memory},share=on',
            '-kernel', kernel, '-initrd', initramfs,
            '-append', f'{KERNEL_WORDS} memhp_default_state={hotplug} guest_ip={address}/24',
            '-qmp', f'unix:{sockets[0]},server=on,wait=off',
            '-chardev', f'socket,id=tty,path={sockets[1]},server=on,wait=off',
            '-serial', 'chardev:tty', '-chardev', f'socket,id=vhost,{chardev}',
            '-netdev', f'vhost-user,id=n0,chardev=vhost,queues={queues}',
            '-device', f'virtio-net-pci,netdev=n0,mac={mac},vectors=0{device}'])
        self.tty = Lines(sockets[1], self.alive)
        self.qmp = Lines(sockets[0], self.alive)
        self.events = []
        self.answer()
        self.ask('qmp_capabilities')

    def alive(self):
        status = self.process.child.poll()
        if status == -11:
            pytest.fail(f'{self.name}: SIGSEGV in QEMU, see qemu_guest.py\n{self.process.tail()}')
        if status is not None:
            pytest.fail(f'{self.name} ended with {status}\n{self.process.tail()}')
        return True

    # QMP

    def next_message(self):
        self.alive()
        whole = re.search(r'\r?\n', self.qmp.more())
        return json.loads(self.qmp.take(whole)) if whole else None

    def answer(self):
        while True:
            message = wait_until(f'QMP of {self.name}', self.next_message)
            if 'event' not in message:
                return message
            self.events.append(message)

    def ask(self, command, **arguments):
        """The answer to a QMP command, which must succeed."""
        reply = self.try_ask(command, **arguments)
        assert 'return' in reply, reply
        return reply['return']

    def try_ask(self, command, **arguments):
        self.qmp.send(json.dumps({'execute': command, 'arguments': {
            name.replace('_', '-'): value for name, value in arguments.items()}}))
        return self.answer()

    def await_event(self, name, **data):
        """The next event of a name with this data; events before it are forgotten."""
        def look():
            message = self.next_message()
            if message and 'event' in message:
                self.events.append(message)
            while self.events:
                event = self.events.pop(0)
                if event['event'] == name and data.items() <= event.get('data', {}).items():
                    return event
            return None
        return wait_until(f'{name} from {self.name}', look)

    # the guest's shell

    def await_tty(self, pattern, seconds=PATIENCE_S):
        def look():
            self.alive()
            return re.search(pattern, self.tty.more())
        try:
            return self.tty.take(wait_until(f'{pattern!r} from {self.name}', look, seconds))
        except pytest.fail.Exception as failure:
            pytest.fail(f'{failure}\n{self.tty.text[-1500:]}')

    def booted(self):
        self.await_tty('GUEST-READY', 2 * PATIENCE_S)
        return self

    def shell(self, command, seconds=PATIENCE_S):
        """Output of a command in the guest, which must succeed."""
        self.tty.send(f'({command}) </dev/null 2>&1; echo "<$?>"')
        found = {}

        def look():
            self.alive()
            found['end'] = re.search(r'<(\d+)>\r?\n', self.tty.more())
            return found['end']
        try:
            wait_until(f'{command!r} in {self.name}', look, seconds)
        except pytest.fail.Exception as failure:
            pytest.fail(f'{failure}\n{self.tty.text[-1500:]}')
        output = self.tty.take(found['end']).replace('\r', '')
        assert found['end'][1] == '0', f'{command!r} in {self.name}: {found["end"][1]}\n{output}'
        return output

    def memory_kib(self):
        return int(re.search(r'MemTotal: +(\d+)', self.shell('cat /proc/meminfo'))[1])

    # what changes while it runs

    def plug(self, name, mib=128):
        """A DIMM; returns when the guest has its memory online."""
        self.add_dimm(name, mib, 'memory-backend-memfd', share=True)

    def plug_private(self, name, mib):
        """A DIMM of memory that QEMU has for itself: no backend can be told of it."""
        self.add_dimm(name, mib, 'memory-backend-ram')

    def add_dimm(self, name, mib, backend, **options):
        before = self.memory_kib()
        self.ask('object-add', qom_type=backend, id='m' + name, size=mib << 20, **options)
        self.ask('device_add', driver='pc-dimm', id=name, memdev='m' + name)
        wait_until(f'{name} in the guest', lambda: self.memory_kib() >= before + mib * 900)

    def ping(self, address, count=20):
        """Pings from the guest, one after the other; none may stay unanswered."""
        # -W holds only for a ping that has had no answer yet: so one program for each.
        self.shell(f'n=0; while [ $n -lt {count} ]; do ping -q -c 1 -W 5 {address} >/dev/null || '
                   '{ echo no answer; exit 1; }; n=$((n+1)); done')

    def send_in_background(self, address):
        """Much of it, from much memory, until the guest ends."""
        self.shell(f'(while :; do dd if=/dev/zero bs=1M count=16 | nc {address} 9; sleep 0.1; '
                   f'ping -q -c 1 -s 1400 {address}; done) >/dev/null 2>&1 &')

    def unplug(self, name):
        """Take a DIMM away; the guest may refuse while it uses it, then ask again."""
        self.ask('device_del', id=name)

        def gone():
            present = [d['data']['id'] for d in self.ask('query-memory-devices')]
            if name in present and any(e['event'] == 'MEM_UNPLUG_ERROR' or
                                       e['event'] == 'DEVICE_UNPLUG_GUEST_ERROR'
                                       for e in self.events):
                self.events.clear()
                self.try_ask('device_del', id=name)
            return name not in present
        wait_until(f'{name} to leave the guest', gone)
        self.ask('object-del', id='m' + name)

    def quit(self):
        self.qmp.send(json.dumps({'execute': 'quit'}))
        assert self.process.wait() == 0, self.process.tail()

    def kill(self):
        self.process.child.kill()
        self.process.wait()
