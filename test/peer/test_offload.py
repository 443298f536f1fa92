# SPDX-License-Identifier: BSD-3-Clause
"""Checksums, segmentation and merged buffers, from a guest through two VFs to another.

Both guests are DPDK's virtio driver.  What is sent is made by scapy with wrong
checksums, and what arrives is judged by scapy: nothing of ours looks at a packet,
except the NIC of the model that has to do the work.
"""
import pytest
from scapy.all import IP, TCP, UDP, Ether, IPv6, Raw, rdpcap, wrpcap

from conftest import FLOATING, eal_args, wait_until

MAC_A, MAC_B, MAC_X = ('52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c')
SEGMENT = 1000
PAYLOAD = bytes(i * 7 % 251 for i in range(SEGMENT * 7 + 123))


def ip(version):
    return IP(src='192.0.2.1', dst='192.0.2.2', id=77) if version == 4 else \
        IPv6(src='2001:db8::1', dst='2001:db8::2')


def frame(layers):
    return Ether(src=MAC_X, dst=MAC_A) / layers


def is_right(packet):
    """Lengths and checksums: scapy fills in the same when it has to compute them."""
    again = packet.copy()
    for layer in (IP, TCP, UDP):
        if layer in again:
            del again[layer].chksum
    for layer, field in ((IP, 'len'), (IPv6, 'plen'), (UDP, 'len')):
        if layer in again:
            delattr(again[layer], field)
    return bytes(again) == bytes(packet)


def guest(runner, name, vdevs, *more):
    process = runner.start(name, [
        'stdbuf', '-oL', 'dpdk-testpmd', *eal_args(256), '--lcores', FLOATING, *vdevs, '--', '-i',
        '--disable-link-check', '--no-flush-rx', '--no-mlockall', '--total-num-mbufs=4096', '--rxd=256',
        '--txd=256', *more])
    process.await_text('testpmd>')
    return process


def typed(process, *lines):
    """Type lines, and return when all are worked off."""
    for line in lines:
        process.type(line)
    process.type('show port summary all')
    process.await_text(r'Number of available ports')


def carry(runner, packets, expected, setup):
    """Let guest A send these; what guest B got, once it is so many."""
    came_in, went_out = runner.path('in.pcap'), runner.path('out.pcap')
    wrpcap(came_in, packets)
    host = runner.vdpa_host('mlx5x', 1)
    receiver = guest(
        runner, 'receiver', ['--vdev', f'net_virtio_user0,path={runner.path("b")},queues=1,'
                             f'queue_size=256,mac={MAC_B},mrg_rxbuf=1',
                             '--vdev', f'net_pcap0,tx_pcap={went_out}'],
        '--forward-mode=io')
    receiver.type('start')
    sender = guest(
        runner, 'sender', ['--vdev', f'net_pcap0,rx_pcap={came_in},tx_pcap={runner.path("none")}',
                           '--vdev', f'net_virtio_user0,path={runner.path("a")},queues=1,'
                           f'queue_size=256,mac={MAC_A}'], f'--eth-peer=1,{MAC_B}',
        f'--eth-peer=0,{MAC_B}', '--forward-mode=csum')
    typed(sender, 'port stop 1', *setup, 'port start 1', 'start')

    def counted():
        receiver.type('show fwd stats all')
        found = receiver.log()
        return f'RX-packets: {expected} ' in found
    wait_until(f'{expected} frames', counted)
    receiver.type('quit')
    assert receiver.wait() == 0, receiver.tail()
    assert host.stop() == 0, host.tail()
    return rdpcap(went_out)


@pytest.mark.parametrize('version', [4, 6])
def test_segments(runner, version):
    """TSO: a frame of many segments leaves as many frames, each complete and right."""
    sent = frame(ip(version) / TCP(sport=1000, dport=2000, seq=0xffffff00, ack=5, flags='PA',
                                   chksum=0x1234) / Raw(PAYLOAD))
    got = carry(runner, [sent], 8, ['csum set tcp hw 1', f'tso set {SEGMENT} 1'])
    assert len(got) == 8
    assert b''.join(bytes(p[TCP].payload) for p in got) == PAYLOAD
    for i, packet in enumerate(got):
        assert is_right(packet), packet.show(dump=True)
        assert packet[Ether].dst == MAC_B
        assert packet[TCP].seq == (0xffffff00 + i * SEGMENT) & 0xffffffff
        assert packet[TCP].flags == ('PA' if i == 7 else 'A')
        assert len(packet[TCP].payload) == (SEGMENT if i < 7 else 123)


def test_checksums(runner):
    """Frames that ask for a checksum have the right one when they arrive."""
    sent = [frame(ip(v) / layer / Raw(PAYLOAD[:n])) for v in (4, 6) for n in (1, 2, 700)
            for layer in (UDP(sport=9, dport=9, chksum=0xbeef), TCP(flags='A', chksum=0xdead))]
    assert not any(is_right(Ether(bytes(p))) for p in sent)
    got = carry(runner, sent, len(sent), ['csum set tcp hw 1', 'csum set udp hw 1'])
    assert len(got) == len(sent)
    for packet, original in zip(got, sent):
        assert is_right(packet), packet.show(dump=True)
        assert bytes(packet).endswith(bytes(original[Raw]))


def test_merged_buffers(runner):
    """A frame larger than a receive buffer is spread over several, in order."""
    sent = [frame(ip(4) / UDP(sport=9, dport=9) / Raw(PAYLOAD[:n])) for n in (1400, 2100, 6000, 60)]
    got = carry(runner, sent, len(sent), ['csum set udp sw 1'])
    assert [len(p) for p in got] == [len(p) for p in sent]
    for packet, original in zip(got, sent):
        assert is_right(packet)
        assert packet[Raw].load == original[Raw].load
