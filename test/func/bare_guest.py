# SPDX-License-Identifier: BSD-3-Clause
"""A guest that does nothing by itself: each message, ring entry and kick is the test's.

Split rings in one region of shared memory. vfront moves frames by itself, and so helps a
queue that a kick was lost for; here nothing moves but what the test moves.
"""
import array
import mmap
import os
import select
import socket
import struct

PATIENCE_S = 60
NEED_REPLY = 8
GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL = 12, 13
GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, SET_VRING_ENABLE = 15, 16, 18
F_MRG_RXBUF, F_MQ, F_PROTOCOL, F_VERSION_1 = 1 << 15, 1 << 22, 1 << 30, 1 << 32
P_MQ, P_REPLY_ACK = 1 << 0, 1 << 3
UVA = 0x7f0000000000  # of guest address 0, as the frontend says
RING_BYTES, BUFFER_BYTES = 0x4000, 2048
BUFFERS = 4 << 20     # guest address of the first buffer
BOOT_BYTES = 32 << 20
NO_NOTIFY = 1


class Region:
    """A file of memory; `uva` may be another one with the same numbers."""

    def __init__(self, gpa, size):
        self.gpa, self.size, self.uva = gpa, size, UVA + gpa
        self.fd = os.memfd_create('bare-guest')
        os.ftruncate(self.fd, size)

    def close(self):
        os.close(self.fd)


class Ring:
    """One split virtqueue; even ones receive. Virtio 1.2, section 2.7."""

    def __init__(self, guest, index, size):
        self.guest, self.index, self.size = guest, index, size
        self.desc = index * RING_BYTES
        self.avail, self.used = self.desc + 0x1000, self.desc + 0x2000
        self.next = 0  # available index
        self.kick_fd, self.call_fd = os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0, os.EFD_NONBLOCK)

    def _u16(self, at, value=None):
        if value is None:
            return struct.unpack_from('<H', self.guest.mem, at)[0]
        struct.pack_into('<H', self.guest.mem, at, value & 0xffff)
        return value

    def used_idx(self, value=None):
        return self._u16(self.used + 2, value)

    def used_flags(self, value=None):
        return self._u16(self.used, value)

    def used_heads(self):
        """Descriptors of the used entries, oldest first, as far as the ring goes back."""
        idx = self.used_idx()
        return [struct.unpack_from('<I', self.guest.mem, self.used + 4 + 8 * (i % self.size))[0]
                for i in range(max(0, idx - self.size), idx)]

    def received(self):
        """The frame in the buffer that was used last."""
        at = self.used + 4 + 8 * ((self.used_idx() - 1) % self.size)
        slot, length = struct.unpack_from('<II', self.guest.mem, at)
        return self.guest.mem[self.buffer(slot) + 12:self.buffer(slot) + length]

    def buffer(self, slot):
        return BUFFERS + (self.index * 256 + slot) * BUFFER_BYTES

    def _offer(self, length, flags):
        slot = self.next % self.size
        struct.pack_into('<QIHH', self.guest.mem, self.desc + 16 * slot,
                         self.buffer(slot), length, flags, 0)
        self._u16(self.avail + 4 + 2 * slot, slot)
        self.next += 1
        self._u16(self.avail + 2, self.next)

    def send(self, frame):
        """Offer a frame; the device is not told."""
        at = self.buffer(self.next % self.size)
        self.guest.mem[at:at + 12 + len(frame)] = bytes(12) + frame
        self._offer(12 + len(frame), 0)

    def fill(self, n=None):
        """Offer receive buffers, as many as the ring has; the device is not told."""
        for _ in range(self.size if n is None else n):
            self._offer(BUFFER_BYTES, 2)

    def kick(self):
        os.eventfd_write(self.kick_fd, 1)

    def called(self, timeout=0):
        """Has a call come since the last look? Takes it."""
        if not select.select([self.call_fd], [], [], timeout)[0]:
            return False
        return os.eventfd_read(self.call_fd) > 0

    def new_fds(self):
        """Other eventfds; the old ones stay open, to be looked at."""
        old = self.kick_fd, self.call_fd
        self.kick_fd, self.call_fd = os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0, os.EFD_NONBLOCK)
        self.guest.all_fds += [self.kick_fd, self.call_fd]
        return old


class BareGuest:
    """`mac` and `peer` are bytes; rings start with start()."""

    def __init__(self, path, mac, peer, oracle=None):
        self.mac, self.peer = mac, peer
        self.oracle = oracle  # (ModelCtl, VF) or None
        self.boot = Region(0, BOOT_BYTES)
        self.mem = mmap.mmap(self.boot.fd, BOOT_BYTES)
        self.regions = [self.boot]
        self.all_fds = []
        self.rings = []
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        offered = self.ask64(GET_FEATURES)
        self.send(SET_OWNER)
        self.ask64(GET_PROTOCOL_FEATURES)
        self.send(SET_PROTOCOL_FEATURES, struct.pack('<Q', P_MQ | P_REPLY_ACK))
        self.features = offered & (F_MQ | F_PROTOCOL | F_VERSION_1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, request, payload=b'', fds=(), flags=0):
        head = struct.pack('<III', request, 1 | flags, len(payload))
        socket.send_fds(self.sock, [head + payload], fds)

    def answer(self):
        head = self.sock.recv(12, socket.MSG_WAITALL)
        assert len(head) == 12, 'the backend has hung up'
        return self.sock.recv(struct.unpack('<III', head)[2], socket.MSG_WAITALL)

    def ask64(self, request):
        self.send(request)
        return struct.unpack('<Q', self.answer())[0]

    def announce(self, phase, regions):
        if self.oracle is None:
            return
        card, vf = self.oracle
        table = [{'gpa': r.gpa, 'size': r.size, 'offset': 0, 'dev': os.fstat(r.fd).st_dev,
                  'ino': os.fstat(r.fd).st_ino} for r in regions]
        said = card.ask(cmd='oracle', vf=vf, phase=phase, table=table)
        assert said['oracle']['errors'] == 0, said

    def _ask_table(self, regions):
        # A message has room for eight; of more it can only say that they are there.
        body = struct.pack('<II', len(regions), 0)
        body += b''.join(struct.pack('<4Q', r.gpa, r.size, r.uva, 0) for r in regions[:8])
        self.send(SET_MEM_TABLE, body, [r.fd for r in regions[:8]], NEED_REPLY)
        return struct.unpack('<Q', self.answer())[0]

    def set_table(self, regions):
        """The backend's answer: 0 is good."""
        self.announce('sent', regions)
        refused = self._ask_table(regions)
        if refused == 0:
            self.regions = regions
        self.announce('acked', self.regions)
        return refused

    def refused_table(self, regions):
        """Is a table refused that no guest may have? The one before holds all the time."""
        return self._ask_table(regions) != 0

    def set_kick(self, ring):
        self.send(SET_VRING_KICK, struct.pack('<Q', ring.index), [ring.kick_fd])

    def set_call(self, ring):
        self.send(SET_VRING_CALL, struct.pack('<Q', ring.index), [ring.call_fd])

    def start_ring(self, ring, base=0):
        uva = UVA
        self.send(SET_VRING_NUM, struct.pack('<II', ring.index, ring.size))
        self.send(SET_VRING_BASE, struct.pack('<II', ring.index, base))
        self.send(SET_VRING_ADDR, struct.pack('<II4Q', ring.index, 0, uva + ring.desc,
                                              uva + ring.used, uva + ring.avail, 0))
        self.set_kick(ring)
        self.set_call(ring)

    def make_rings(self, pairs, size):
        """New rings in zeroed memory, as after a reset."""
        self.mem[:2 * pairs * RING_BYTES] = bytes(2 * pairs * RING_BYTES)
        self.rings = [Ring(self, i, size) for i in range(2 * pairs)]
        self.all_fds += [fd for r in self.rings for fd in (r.kick_fd, r.call_fd)]

    def start(self, pairs=1, size=64, bases=None):
        """Memory and rings; with `bases` the rings of before go on there."""
        if bases is None:
            self.make_rings(pairs, size)
        self.send(SET_FEATURES, struct.pack('<Q', self.features))
        assert self.set_table(self.regions) == 0
        for ring in self.rings:
            self.start_ring(ring, bases[ring.index] if bases else 0)
        for ring in self.rings:
            self.send(SET_VRING_ENABLE, struct.pack('<II', ring.index, 1))
        return self

    def base(self, index):
        self.send(GET_VRING_BASE, struct.pack('<II', index, 0))
        got, base = struct.unpack('<II', self.answer())
        assert got == index
        return base

    def stop(self):
        """GET_VRING_BASE of each ring; the answers."""
        bases = [self.base(r.index) for r in self.rings]
        self.announce('acked', [])
        return bases

    def frame(self, flow=0):
        """UDP to the peer; the flow decides in which of its queues it arrives."""
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 46, 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)),
                         bytes((10, 0, 0, 2)))
        total = sum(array.array('H', ip))
        total = (total & 0xffff) + (total >> 16)
        ip = ip[:10] + struct.pack('=H', ~total & 0xffff) + ip[12:]
        udp = struct.pack('>HHHH', 20000 + flow, 20000, 26, 0)
        return self.peer + self.mac + b'\x08\0' + ip + udp + bytes(range(18))

    def close(self):
        if self.oracle is not None:
            self.oracle[0].ask(cmd='oracle', vf=self.oracle[1], phase='off', table=[])
        self.sock.close()
        self.mem.close()
        for fd in self.all_fds:
            os.close(fd)
        self.boot.close()
