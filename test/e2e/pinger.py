# SPDX-License-Identifier: BSD-3-Clause
"""Pings of which each one is waited for; says which were answered, as JSON.

    pinger.py ADDRESS COUNT INTERVAL_S IDENT

COUNT 0: until the standard input ends.  ping(8) is not used: once it has had an
answer, `-W` means nothing to it, and what comes later than two round trips after the
last request is lost.  On a busy machine that is a ping lost by the program that looks
for lost pings.
"""
import json
import os
import select
import socket
import struct
import sys
import time

PATIENCE_S = 5  # for an answer, from its request
ECHO_REPLY, ECHO_REQUEST = 0, 8


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def request(ident, number):
    """An echo request whose data is no other's."""
    data = struct.pack('>HH', ident, number) * 14
    head = struct.pack('>BBHHH', ECHO_REQUEST, 0, 0, ident, number)
    return struct.pack('>BBHHH', ECHO_REQUEST, 0, checksum(head + data), ident, number) + data


class Pings:
    def __init__(self, address, ident):
        self.address, self.ident = address, ident
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.sock.setblocking(False)
        self.sent, self.answered, self.twice, self.damaged = [], {}, [], []

    def send(self):
        number = len(self.sent) + 1
        self.sent.append(time.monotonic())
        self.sock.sendto(request(self.ident, number), (self.address, 0))

    def receive(self):
        packet, (address, _) = self.sock.recvfrom(65535)
        icmp = packet[(packet[0] & 15) * 4:]
        kind, _, _, ident, number = struct.unpack('>BBHHH', icmp[:8])
        if kind != ECHO_REPLY or ident != self.ident or address != self.address:
            return
        if icmp[8:] != request(ident, number)[8:]:
            self.damaged.append(number)
        elif number in self.answered:
            self.twice.append(number)
        else:
            self.answered[number] = round((time.monotonic() - self.sent[number - 1]) * 1000, 1)

    def complete(self):
        return len(self.answered) == len(self.sent)


def main(address, count, interval_s, ident):
    pings, start, ended = Pings(address, ident), time.monotonic(), False
    while True:
        now = time.monotonic()
        ended = ended or (count and len(pings.sent) == count)
        due = start + len(pings.sent) * interval_s
        if ended and (pings.complete() or now > pings.sent[-1] + PATIENCE_S):
            break
        if not ended and now >= due:
            pings.send()
            continue
        ends = [] if ended or count else [sys.stdin]
        ready, _, _ = select.select([pings.sock, *ends], [], [], 0.1 if ended else due - now)
        if pings.sock in ready:
            pings.receive()
        if sys.stdin in ready:
            ended = not os.read(0, 1)
            ended = ended and bool(pings.sent)
    print(json.dumps({'sent': len(pings.sent), 'answered': pings.answered, 'twice': pings.twice,
                      'damaged': pings.damaged}))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
