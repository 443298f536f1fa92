# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a guest with packed rings changes, and its backend dies.

What test_mem_change.py shows for split rings, where the kind of ring matters: there is
no index in a packed ring, only positions with a wrap counter, on both sides.  Numbers T
are those of doc/index-rules.md.
"""
import pytest

from test_mem_change import blackouts, sound
from two_vfs import TwoVfs, VIRTQ_RDY

PACKED = ('--ring', 'packed')


@pytest.mark.parametrize('resume', (1, 0))
def test_all_kinds(runner, resume):
    """T1, T10, T11: every kind of change in random order, kicks at random points."""
    vfs = TwoVfs(runner, fw=(f'resume={resume}', 'hw_avail=garbage'))
    sound(vfs.talk(*PACKED, '--kick', 'random', '--kick-delay', 50, pairs=2, changes='all:5'))
    vfs.end()
