#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the first inputs of the fuzz targets: seeds.py [--trace FILE] FOLDER.

The forms are those that the head of each target describes.  With a trace of the model
(mlx5x-model --trace FILE) the commands of its first function become inputs of
fuzz_mailbox, in pieces and as a whole.
"""
import argparse
import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CREATE, MODIFY, QUERY, DESTROY, OTHER, POKE = range(6)
PRELUDE = 6  # objects that fuzz_mailbox makes itself
PDN, UMEM, KEY, TD, TIS = range(5)
DOORS = {'MODIFY_': MODIFY, 'RST2': MODIFY, 'INIT2': MODIFY, 'RTR2': MODIFY, '2ERR': MODIFY,
         '2RST': MODIFY, 'QUERY_GENERAL': QUERY, 'QUERY_QP': QUERY, 'QUERY': OTHER,
         'CREATE_': CREATE, 'ALLOC_TRANSPORT': CREATE, 'DE': DESTROY}


def ring(size=3, chains=(), tx=True, steps=b''):
    """An input of fuzz_ring: rings of 1 << size entries in each of the first two pieces."""
    out = bytes([0, 3])
    for start in (0, 0):
        at = 0 if start == 0 and len(out) == 2 else 0x1000
        out += bytes([size << 4 | 1]) + struct.pack('<H', 0) + bytes([0])
        out += struct.pack('<HHH', at, at + 0x100, at + 0x180)
    for piece in range(3):
        mem = bytearray(1024)
        for i, (addr, length, flags, nxt) in enumerate(chains):
            struct.pack_into('<QIHH', mem, 16 * i, 0x10000 + addr, length,
                             flags | (0 if piece else 2), nxt)
        heads = [0] if chains else []
        struct.pack_into('<HH', mem, 0x100, 0, len(chains) and 4)
        for i in range(4):
            struct.pack_into('<H', mem, 0x104 + 2 * i, (heads or [0])[0])
        out += bytes(mem)
    # both to RDY, a pass, a frame, a pass, suspend, resume
    out += bytes([0, 8, 6]) + bytes([2]) + struct.pack('<H', 60) + bytes([6, 0x28, 0x08, 6])
    return out + steps


def packed_ring(size=3, descs=(), steps=b'', start=0x8000):
    """As ring(), of packed rings; each of descs: address, length, flags, id."""
    out = bytes([0, 3])
    for at in (0, 0x1000):
        out += bytes([size << 4 | 5]) + struct.pack('<H', start) + bytes([4])
        out += struct.pack('<HHH', at, at + 0x100, at + 0x180)
    for piece in range(3):
        mem = bytearray(1024)
        for i, (addr, length, flags, ident) in enumerate(descs):
            struct.pack_into('<QIHH', mem, 16 * i, 0x10000 + addr, length, ident,
                             flags | 0x80 | (0 if piece else 2))
        out += bytes(mem)
    out += bytes([0, 8, 6]) + bytes([2]) + struct.pack('<H', 60) + bytes([6, 0x28, 0x08, 6])
    return out + steps


def rings():
    one = (0x200, 256, 0, 0)
    yield 'packed-one', packed_ring(descs=[one])
    yield 'packed-chain', packed_ring(descs=[(0x200, 12, 1, 1), (0x240, 64, 1, 1),
                                             (0x1300, 200, 0, 2)])
    yield 'packed-full', packed_ring(descs=[one] * 8, steps=bytes([4, 14, 0, 0x80, 0x80, 6, 6]))
    yield 'packed-id', packed_ring(descs=[(0x200, 256, 0, 9)])
    yield 'packed-indirect', packed_ring(descs=[(0x200, 32, 4, 0)])
    yield 'packed-loop', packed_ring(descs=[(0x200, 12, 1, 0)] * 8)
    yield 'packed-round', packed_ring(descs=[one], start=7)
    yield 'one', ring(chains=[(0x200, 256, 0, 0)])
    yield 'chain', ring(chains=[(0x200, 12, 1, 1), (0x240, 64, 1, 2), (0x1300, 200, 0, 0)])
    yield 'loop', ring(chains=[(0x200, 12, 1, 1), (0x240, 64, 1, 0)])
    yield 'outside', ring(chains=[(0x8000, 64, 0, 0)])
    yield 'seam', ring(chains=[(0xf80, 0x200, 0, 0)])
    yield 'hole', ring(chains=[(0x1f80, 0x200, 0, 0)])
    yield 'jump', ring(chains=[(0x200, 256, 0, 0)], steps=bytes([4, 2, 1, 0xff, 0xff, 6]))
    yield 'indirect', ring(chains=[(0x200, 32, 4, 0)])


def table(n, size=16, running=True, kinds=None, how=6):
    body = bytes([how | running | n << 4 & 0xff, 5, n])
    for i in range(n):
        body += bytes([i * 16, size]) + struct.pack('<H', 0x100 + i * 16) + bytes([0])
    return body + bytes(kinds if kinds is not None else [i % 2 for i in range(n)])


def message(request, payload, kinds=(), running=True):
    return (bytes([2 | running | len(kinds) << 4, request]) + struct.pack('<H', len(payload)) +
            payload + bytes(kinds))


def vhosts():
    yield 'life', (table(1, running=False) + message(2, bytes(8)) + message(8, bytes(8)) +
                   message(9, bytes(40)) + message(12, bytes(8), [12]) +
                   message(13, struct.pack('<Q', 1 << 8)) + table(2) + table(1) + table(3))
    yield 'kinds', b''.join(table(1, kinds=[k]) for k in range(16))
    yield 'short', table(2, size=255) + table(1, size=0)
    yield 'log', message(6, struct.pack('<QQ', 4096, 0), [0]) + message(6, bytes(16), [12])
    yield 'channel', message(21, b'', [12])
    yield 'many', b''.join(message(r, bytes(40), [0] * (r % 3)) for r in range(1, 41))


def uverbses():
    for row in range(40):
        attrs = b''
        for i in range(10):
            attrs += bytes([i, 4]) + struct.pack('<H', (8, 16, 4, 272)[(row + i) % 4]) + bytes(8)
        yield f'row{row}', b''.join(bytes([r, n]) + attrs for r, n in ((row, 10), (row, 3)))
    # WRITE: a PD (command 3, no input worth naming), then an MR on it (command 9)
    pd = bytes([0, 5, 0, 4]) + struct.pack('<HQ', 8, 3)
    pd += bytes([1, 4]) + struct.pack('<HQ', 8, 0) + bytes([2, 4]) + struct.pack('<H', 4)
    pd += bytes([3, 4]) + struct.pack('<H', 0) + bytes([4, 4]) + struct.pack('<H', 4)
    mr = bytes([0, 3, 0, 4]) + struct.pack('<HQ', 8, 9)
    mr += bytes([1, 4]) + struct.pack('<HQQQQII', 48, 0, 0xadd0ad0000000000, 4096,
                                      0xadd0ad0000000000, 0, 1)
    mr += bytes([2, 4]) + struct.pack('<H', 12)
    context = bytes([1, 4]) + b''.join(bytes([i, 4]) + struct.pack('<H', 64) + bytes(
        64 if i == 2 else 0) for i in range(4))
    yield 'memory', context + pd + mr


def commands(text, dev):
    """(name, number of the object, input mailbox) of each command that went well."""
    head = r'(?m)^[0-9.]+ (\S+) \[\d+\] (\w+) \(0x\w+\) object 0x(\w+) status 0x(\w+)'
    heads = list(re.finditer(head, text))
    for h, end in zip(heads, [h.start() for h in heads[1:]] + [len(text)]):
        rows = re.findall(r'(?m)^[0-9a-f]+: (.*)$', text[h.end():end].split('output', 1)[0])
        if h[1] == dev and h[4] == '0':
            yield h[2], int(h[3], 16), bytes.fromhex(''.join(rows))


def tokens(box, numbers):
    """Numbers of objects as tokens; memory keys are all the one that there is."""
    if not box:
        return box
    words = list(struct.unpack(f'>{len(box) // 4}I', box))
    opcode, kind = words[0] >> 16, words[1] & 0xffff
    for i in range(2, len(words)):
        if words[i] & 0xffffff in numbers:
            words[i] = words[i] & 0xff000000 | 0xf0f000 | numbers[words[i] & 0xffffff]
    if opcode == 0x200:  # of the list, four entries will do
        del words[(272 + 64) // 4:]
        words[0x300 // 32] = 4
        for at in range(272 // 4 + 2, len(words), 4):
            words[at] = 0xf1f1f100 | KEY
    if opcode == 0xa00 and kind == 0x0d:
        at = (0x80 + 0x200) // 32
        for i, ring_at in enumerate((0, 0x2000, 0x1000)):
            words[at + 4 + 2 * i:at + 6 + 2 * i] = [0, ring_at]
        words[at + 10] = 0xf1f1f100 | KEY
        for i in range(3):
            words[at + 12 + 4 * i:at + 16 + 4 * i] = [0xf0f000 | UMEM, 0x8000, 0, 0x8000 * (i + 1)]
    return struct.pack(f'>{len(words)}I', *words)


def mailboxes(trace):
    # the protection domain is no mailbox command: it is the first object of a function
    numbers, made, whole, seen = {0x40: PDN}, PRELUDE, b'', set()
    for name, number, box in trace:
        if name == 'CREATE_UMEM':
            numbers[number] = UMEM
        what = next((v for k, v in DOORS.items() if name.startswith(k)), None)
        # a rule comes through verbs: what the trace has of it is no mailbox
        if what is None or name == 'CREATE_FLOW' or not (box or what == DESTROY and number in numbers):
            continue
        box = tokens(box, numbers)
        step = bytes([what, numbers.get(number, 0)]) + struct.pack(
            '<HH', len(box), 528 if what in (QUERY, OTHER) else 16) + box
        whole += step
        if name not in seen:
            seen.add(name)
            yield name.lower(), step
        if what == CREATE:
            numbers[number] = min(made, 127)
            made += 1
        if name == 'DESTROY_TIR' or len(whole) > 24000:
            break
    yield 'whole', whole


def texts(name):
    if name == 'rpc':
        yield 'echo', b'{"jsonrpc":"2.0","method":"echo","params":{"a":[1,2.5,null]},"id":1}'
        yield 'add', (b'{"jsonrpc":"2.0","method":"port.add","params":{"name":"a",'
                      b'"device":"0000:3b:00.2","socket":"/run/a","queues":2,"mode":"client"},"id":"x"}')
        yield 'batch', b'[{"jsonrpc":"2.0","method":"fail","id":1},{"jsonrpc":"2.0","method":"no"}]'
        yield 'deep', b'[' * 9 + b']' * 9
        yield 'utf8', b'{"jsonrpc":"2.0","method":"\xff\\u0000","id":null}'
    else:
        with open(os.path.join(ROOT, 'config', 'vdpa-ctl.yaml'), 'rb') as f:
            yield 'example', f.read()
        yield 'port', b'ports:\n- name: a\n  device: 3b:00.2\n  socket: /run/a\n  queues: 4\n'
        yield 'alias', b'ports: &a\n- name: a\n  device: *a\n'
        yield 'vf', b'pci/0000:3b:00.2=/run/a.sock,name=vm1,queues=8,mode=client,group=kvm'
        yield 'sf', b'auxiliary/mlx5_core.sf.4=/run/b.sock'


def write(folder, target, seeds):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    for name, data in seeds:
        with open(os.path.join(folder, target, name), 'wb') as f:
            f.write(data)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument('--trace')
    args.add_argument('folder')
    opt = args.parse_args()
    write(opt.folder, 'ring', rings())
    write(opt.folder, 'vhost', vhosts())
    write(opt.folder, 'uverbs', uverbses())
    write(opt.folder, 'rpc', texts('rpc'))
    write(opt.folder, 'config', texts('config'))
    if opt.trace:
        with open(opt.trace, encoding='utf-8', errors='replace') as f:
            write(opt.folder, 'mailbox', mailboxes(commands(f.read(), 'mlx5_0')))


if __name__ == '__main__':
    main()
