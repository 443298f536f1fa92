# SPDX-License-Identifier: BSD-3-Clause
"""Firmware commands of a driver, read from the model's decoded trace.

Numbers of objects, keys and addresses of the host differ from run to run.  Here an
object is known by what it is for ("queue3.cq"), found by following who names whom, so
that two runs, and two drivers, can be laid side by side.
"""
import collections
import json
import os
import re
import subprocess

from conftest import built, wait_until
from model_ctl import ModelCtl

GUEST = ('--role', 'sink', '--seconds', '600', '--hold')
OBJ_VIRTQ, OBJ_COUNTERS = 0x0d, 0x1c
STATE_INIT, STATE_RDY, STATE_SUSPEND = 0, 1, 2
NULL_KEY = 'mkey#458752'  # what the model gives as the null key
LOOKS = 16  # without a new command, 20 ms apart, until a state lasts
TO_QP = ('RST2INIT_QP', 'INIT2RTR_QP', 'RTR2RTS_QP')
# What the kernel does for a verb, and what is asked before there is anything to name.
NO_OBJECT = ('QUERY_HCA_CAP', 'ALLOC_UAR', 'ALLOC_VAR')


def runs(entries):
    """A list in which equal steps follow each other, short."""
    out = []
    for entry in entries:
        if out and out[-1][0] == entry:
            out[-1][1] += 1
        else:
            out.append([entry, 1])
    return [(entry, n) for entry, n in out]


def short_klm(klm, name):
    """(bytes, key, address) of a key's list; pieces of one region that touch are one."""
    out = []
    for entry in klm:
        size, key = int(entry.get('bytes', '0'), 0), name(entry.get('mkey', 'mkey#0'))
        at = int(entry.get('address', '0'), 0)
        step = (size, key, at)
        if out and out[-1][:2] == [size, key] and (
                at == out[-1][2] + size * out[-1][3] or key == 'null' and at == 0):
            out[-1][3] += 1
        else:
            out.append([*step, 1])
    return ' '.join(f'{n}x{size:#x}@{key}+{at:#x}' for size, key, at, n in out)


def short_list(queues):
    """Queues of a table: the part that repeats, and how often."""
    for n in range(1, len(queues) + 1):
        if queues == (queues[:n] * (len(queues) // n + 1))[:len(queues)]:
            return f'{",".join(queues[:n])} in {len(queues)}'
    return ''


class Command:
    def __init__(self, line):
        raw = json.loads(line)
        self.name, self.dev, self.object = raw['command'], raw['dev'], raw['object']
        self.status = raw['status']
        self.said = raw.get('with', {})
        self.fields = {k: v for k, v in raw.get('input', {}).items() if k != 'opcode'}
        self.out = {k: v for k, v in raw.get('output', {}).items() if k != 'status'}
        self.mask = raw.get('mask', {})
        self.type = self.fields.pop('obj_type', self.said.get('obj_type'))
        self.fields.pop('obj_id', None)
        if self.name == 'CREATE_TIR':
            self.fields['rx_hash_toeplitz_key'] = ' '.join(
                self.fields.pop(f'rx_hash_toeplitz_key_{i}', '0x0')[2:].zfill(8) for i in range(10))

    def sets_state(self, state):
        """Whether it is a MODIFY that asks a queue for this state."""
        return (self.name == 'MODIFY_GENERAL_OBJECT' and self.type == OBJ_VIRTQ and
                int(self.fields.get('modify_field_select', '0'), 0) & 1 and
                self.fields.get('state', 0) == state)


class Trace:
    """The commands of one device, and what each object is called."""

    def __init__(self, path, dev='mlx5_0'):
        text = subprocess.run([built('model/mlx5x-model'), '--decode', path], check=True,
                              capture_output=True, text=True).stdout
        self.commands = [c for c in map(Command, text.splitlines()) if c.dev == dev]
        self.made = {c.object: c for c in self.commands
                     if c.object and c.name.startswith(('CREATE_', 'ALLOC_', 'REG_')) and not c.status}
        self.names, self.keys, self.pages = {}, {NULL_KEY: 'null'}, {}
        self.name_all()

    def call(self, number, name):
        """Give an object a name; a second one of that name gets a mark."""
        if number not in self.made or number in self.names:
            return
        while name in self.names.values():
            name += "'"
        self.names[number] = name

    def number(self, ref):
        return int(ref.split('#')[1]) if ref else 0

    def name_all(self):
        counts = {}
        for c in self.commands:
            if c.name in ('ALLOC_UAR', 'ALLOC_VAR'):
                kind = c.name[6:].lower()
                self.pages[c.said['page']] = f'{kind}{counts.setdefault(kind, 0)}'
                counts[kind] += 1
            elif c.name == 'REG_MR' and not c.status:
                self.call(c.object, f'mr@{c.said["iova"]:#x}')
                self.keys[f'mkey#{c.said["key"]}'] = self.names[c.object]
            elif c.name == 'CREATE_GENERAL_OBJECT' and c.type == OBJ_VIRTQ and not c.status:
                self.name_queue(c)
            elif c.name in ('CREATE_RQT', 'CREATE_MKEY', 'ALLOC_PD', 'CREATE_TIS',
                            'ALLOC_TRANSPORT_DOMAIN') and not c.status:
                self.call(c.object, {'CREATE_RQT': 'rqt', 'CREATE_MKEY': 'guest', 'ALLOC_PD': 'pd',
                                     'CREATE_TIS': 'tis'}.get(c.name, 'td'))
                if c.name == 'CREATE_MKEY':
                    key = self.number(c.out['id']) << 8 | int(c.fields.get('mkey_7_0', '0'), 0)
                    self.keys[f'mkey#{key}'] = self.names[c.object]
            elif c.name == 'CREATE_FLOW' and not c.status:
                self.call(c.said['tir'], f'tir.{flow_kind(c)}')

    def name_queue(self, c):
        """A queue and all that is there for it alone."""
        parked = c.fields.get('virtio_q_mkey') == NULL_KEY
        lane = 'parked' if parked else f'queue{c.fields.get("queue_index", 0)}'
        self.call(c.object, lane)
        for i in (1, 2, 3):
            self.call(self.number(c.fields.get(f'umem_{i}_id')), f'{lane}.umem{i}')
        self.call(self.number(c.fields.get('counter_set_id')), f'{lane}.counters')
        self.name_event(lane, self.number(c.fields.get('event_qpn_or_msix')))

    def name_event(self, lane, qpn):
        self.call(qpn, f'{lane}.qp')
        for rtr in self.commands:
            if rtr.name == 'INIT2RTR_QP' and rtr.object == qpn:
                peer = self.number(rtr.fields.get('remote_qpn'))
                self.call(peer, f'{lane}.peer')
                made = self.made[peer].fields
                self.call(self.number(made.get('wq_umem_id')), f'{lane}.peer.umem')
                cq = self.number(made.get('cqn_rcv'))
                self.call(cq, f'{lane}.cq')
                self.call(self.number(self.made[cq].fields.get('cq_umem_id')), f'{lane}.cq.umem')

    def ref(self, value):
        """What a reference names: `umem#12` -> `queue0.umem1`."""
        if value.startswith('mkey#'):
            return self.keys.get(value, value)
        return self.names.get(self.number(value), value)

    def shown(self, c):
        """The fields of a command as name and text, free of what differs from run to run."""
        for name, value in {**c.said, **c.fields}.items():
            if name in ('key', 'obj_type', 'tir'):
                continue
            if name == 'klm':
                value = short_klm(value, self.ref)
            elif name == 'rq_num':
                value = short_list([self.ref(e.get('rq', 'virtq#0')) for e in value])
            elif name == 'page':
                continue
            elif name == 'uar_page':
                value = self.pages.get(value, value)
            elif name == 'start':
                value = f'host+{value & 0xfff:#x}'
            elif name == 'pd' and isinstance(value, int):
                value = self.names.get(value, value)
            elif isinstance(value, str) and '#' in value:
                value = self.ref(value)
            elif name in ('iova', 'length'):
                value = hex(value)
            yield name, str(value)
        for name, value in c.mask.items():
            yield f'mask.{name}', str(value)

    def name(self, c):
        if 'page' in c.said:
            return self.pages[c.said['page']]
        if c.said.get('tir'):
            return self.names.get(c.said['tir'], '?').replace('tir.', 'flow.', 1)
        return self.names.get(c.object, f'unnamed {c.object}' if c.object else '')


def flow_kind(c):
    """"ipv4.udp" of a rule."""
    version = {4: 'ipv4', 6: 'ipv6'}.get(c.fields.get('ip_version'), 'any')
    return version + {6: '.tcp', 17: '.udp'}.get(c.fields.get('ip_protocol'), '')


class Setting:
    """What a driver has made of a guest, as path and value, until it takes it apart.

    The objects of a queue are below it by what names them, and only with what was
    said of them: not when, and not in which order.
    """

    NESTED = {'event_qpn_or_msix': 'event_qp', 'remote_qpn': 'peer', 'cqn_rcv': 'cq', 'cqn_snd': 'send_cq',
              'umem_1_id': 'umem_1', 'umem_2_id': 'umem_2', 'umem_3_id': 'umem_3',
              'cq_umem_id': 'umem', 'dbr_umem_id': 'dbr_umem', 'wq_umem_id': 'wq_umem',
              'counter_set_id': 'counters'}

    def __init__(self, trace):
        self.trace, self.values = trace, {}
        end = next((i for i, c in enumerate(trace.commands) if c.sets_state(STATE_SUSPEND)),
                   len(trace.commands))
        self.commands = trace.commands[:end]
        for c in self.commands:
            self.add_command(c)
        for c in trace.commands[end:]:
            if c.name == 'MODIFY_GENERAL_OBJECT':
                self.add(f'{trace.name(c)}.stop', c)
        for when, commands in (('start', self.commands), ('stop', trace.commands[end:])):
            for name, n in collections.Counter(c.name for c in commands).items():
                self.put(f'times.{when}.{name}', str(n))

    def put(self, path, value):
        assert self.values.setdefault(path, value) == value, f'{path}: {self.values[path]}, {value}'

    def add_command(self, c):
        name = self.trace.name(c)
        if c.status:
            self.values[f'failed.{c.name}'] = f'{c.status:#x}'
            if c.type == OBJ_VIRTQ and c.name == 'CREATE_GENERAL_OBJECT':
                self.add(f'queue{c.fields.get("queue_index", 0)}', c)
        elif c.name == 'CREATE_GENERAL_OBJECT' and c.type == OBJ_VIRTQ:
            self.add(name, c)
        elif c.name == 'MODIFY_GENERAL_OBJECT':
            self.add(f'{name}.start', c)
        elif c.name in ('CREATE_TIR', 'CREATE_FLOW', 'CREATE_RQT', 'CREATE_TIS', 'CREATE_MKEY',
                        'REG_MR', 'MODIFY_RQT', 'ALLOC_UAR', 'ALLOC_VAR'):
            self.add(name, c)

    def add(self, path, c, above=()):
        """The fields of a command, and below it the objects that it names."""
        raw = {**c.said, **c.fields}
        self.put(f'{path}.command', c.name)
        for name, value in self.trace.shown(c):
            below = self.NESTED.get(name)
            number = self.trace.number(raw[name]) if below and isinstance(raw[name], str) else 0
            if number and number not in above and number in self.trace.made:
                self.add_object(f'{path}.{below}', number, (*above, c.object))
            else:
                self.put(f'{path}.{name}', value)

    def add_object(self, path, number, above):
        self.add(path, self.trace.made[number], above)
        for c in self.commands:
            if c.object == number and c.name in TO_QP:
                self.add(f'{path}.{c.name[:-3].lower()}', c, above)


class Host:
    """A driver on one VF, with an idle guest whose every step waits for us."""

    def __init__(self, runner, driver, pairs, fw=(), args='', words=()):
        self.path = runner.path(f'trace-{driver}-{pairs}')
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.pairs = pairs
        self.host = runner.vdpa_host(driver, pairs, vfs=1, fw=fw, args=args,
                                     options=['--trace', self.path])
        self.ctl = ModelCtl(runner.model_ctl)
        self.guest = runner.vfront(runner.path('a'), '--pairs', str(pairs), *GUEST, *words)

    def stats(self):
        return self.ctl.vf(0)

    def objects(self):
        return self.ctl.ask(cmd='objects')['vfs'][0]['objects']

    def count(self, command=''):
        """Commands so far, all or those of a name."""
        with open(self.path, encoding='ascii') as f:
            return len(re.findall(rf'(?m)^[0-9]+\.[0-9]+ mlx5_0 \[\d+\] {command}', f.read()))

    def quiet(self, what, condition):
        """A state that lasts: the same number of commands over several looks."""
        seen = []

        def still():
            seen.append(self.count())
            return condition() and seen[-LOOKS:] == seen[-1:] * LOOKS
        wait_until(what, still)
        return seen[-1]

    def is_running(self):
        states = [q['state'] for q in self.stats()['virtqs'] if q['index'] < 2 * self.pairs]
        return states.count('RDY') == 2 * self.pairs and self.stats()['port']['flows'] == 7

    def await_running(self):
        """Until the guest runs, or the firmware has refused something."""
        return self.quiet('the guest to run',
                          lambda: self.is_running() or self.stats()['commands_failed'])

    def leave(self):
        """The guest goes, and then the driver; returns the trace."""
        self.guest.stop()
        self.ctl.__exit__()
        assert self.host.stop() == 0, self.host.tail()
        assert ', 0 objects left behind' in self.host.log(), self.host.tail()
        return Trace(self.path)
