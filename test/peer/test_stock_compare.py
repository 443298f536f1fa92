# SPDX-License-Identifier: BSD-3-Clause
"""The stock librte_vdpa_mlx5 of the installed DPDK, on the model.

That it carries traffic says that the model is right (the driver was written
for hardware).  What it does after a bare SET_MEM_TABLE is observed and
reported, not judged: it is not ours.
"""
import pytest

from conftest import check_oracle


@pytest.mark.parametrize('pairs', [1, 2])
def test_traffic(runner, pairs):
    status, report, host = runner.two_guests('stock', pairs, '--seconds', '2')
    assert status == 0, (report['error'], report['violations'][:3])
    assert report['returned'] > 0 and report['corrupted'] == 0
    assert report['active_queues'] == 2 * pairs
    assert host.stop() == 0, host.tail()
    check_oracle(host, 2)


def test_bare_table(runner, record_property):
    status, report, _ = runner.two_guests('stock', 1, '--change', 'add:1', '--patience', '5000')
    assert report['warm_queues'] == 2 and report['corrupted'] == 0
    assert report['changes_done'] == 1
    for key in ('active_queues', 'stalls', 'lost', 'error'):
        record_property(key, report[key])
    print(f'stock driver after one bare SET_MEM_TABLE: {report["active_queues"]} of '
          f'{report["queues"]} queues active (vfront: status {status}, {report["error"]})')
