# SPDX-License-Identifier: BSD-3-Clause
"""Firmware that hangs while a device is opened costs that device an error, and nobody else."""
import pytest

from fault_sweep import Bench
from vdpa_ctl_daemon import wait_for

STALL_US = 14000000  # the driver gives up after its cmd_timeout_ms of 10 s and one more


def hang(bench, nth):
    bench.ctl.ask(cmd='fault', set=f'stall=any:{nth}:{STALL_US}')
    since = len(bench.daemon.log())
    assert 'the log says why' in bench.add()
    assert bench.errors(since) == [
        'mlx5x vdpa_mlx5x3: firmware does not answer (opening the device): '
        'the device is out of use'], bench.daemon.log()[since:]
    # until it does, nothing else is begun with that function
    since = len(bench.daemon.log())
    assert 'the log says why' in bench.add()
    assert len(bench.errors(since)) == 1 and 'left behind' in bench.errors(since)[0]
    wait_for('firmware to answer after all', lambda: bench.add() is None)
    guest = bench.attach()
    assert bench.state()['state'] == 'running'
    guest.close()
    bench.remove()
    assert not bench.leftovers(bench.base)


@pytest.fixture(name='bench')
def make_bench(runner):
    bench = Bench(runner)
    assert bench.add() is None
    bench.remove()
    bench.base = bench.at_rest()
    yield bench
    bench.close()


def test_probe_hangs(bench):
    hang(bench, 5)
    bench.end()


@pytest.mark.nightly
def test_each_command_of_a_probe_hangs(bench):
    for nth in range(1, 13):
        hang(bench, nth)
    bench.end()
