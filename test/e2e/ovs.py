# SPDX-License-Identifier: BSD-3-Clause
"""An Open vSwitch with DPDK of our own: its database, sockets and logs in a test's folder.

Nothing of the machine's Open vSwitch is used, and its kernel module is not needed:
the bridge is a TAP in the namespace in which the switch runs.  No hugepages:
`--legacy-mem` is what keeps OVS from adding `--in-memory`, which EAL refuses together
with `--no-huge`.
"""
import os
import subprocess

import pytest

from conftest import PATIENCE_S, eal_args

SWITCH = '/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk'
SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'


class Switch:
    def __init__(self, runner, net):
        for needed in (SWITCH, SCHEMA):
            if not os.path.exists(needed):
                pytest.skip(f'{needed}: openvswitch-switch-dpdk is not installed')
        self.runner, self.net = runner, net
        self.dir = runner.path('ovs')
        os.mkdir(self.dir)
        self.database = f'unix:{self.dir}/db.sock'
        self.process = None

    def start(self, extra='', under=lambda words: words):
        """Database and switch; `under` wraps the switch in another program."""
        env = ['env', *(f'OVS_{kind}DIR={self.dir}' for kind in ('RUN', 'LOG', 'DB', 'SYSCONF'))]
        subprocess.run(['ovsdb-tool', 'create', f'{self.dir}/conf.db', SCHEMA], check=True)
        database = self.runner.start('ovsdb', [
            *env, 'ovsdb-server', f'{self.dir}/conf.db', f'--remote=p{self.database}',
            f'--unixctl={self.dir}/ovsdb.ctl', f'--log-file={self.dir}/ovsdb.log', '--no-chdir'])
        database.await_text('ovsdb-server .*Open vSwitch')
        self.ctl('init', wait=False)
        eal = [word for word in eal_args(512) if word != '--no-pci']
        # A PCI address that is nowhere: no device of this machine is looked at.
        words = ' '.join([*eal, '--legacy-mem', '-a', '0000:00:1f.7', extra])
        self.ctl('set', 'Open_vSwitch', '.', 'other_config:dpdk-init=true',
                 'other_config:dpdk-lcore-mask=0x1', 'other_config:pmd-cpu-mask=0x2',
                 'other_config:per-port-memory=true', f'other_config:dpdk-extra="{words}"',
                 wait=False)
        self.process = self.runner.start('vswitchd', self.net.words(*env, *under([
            SWITCH, self.database, f'--unixctl={self.dir}/vswitchd.ctl',
            f'--log-file={self.dir}/vswitchd.log', '--no-chdir'])))
        self.process.await_text('DPDK Enabled - initialized')
        return self

    def ctl(self, *words, wait=True):
        done = subprocess.run(['ovs-vsctl', f'--db={self.database}', '-t', str(PATIENCE_S),
                               *([] if wait else ['--no-wait']), *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        log = self.process.tail() if self.process else ''
        assert done.returncode == 0 and 'Error' not in done.stdout, f'{done.stdout}\n{log}'
        return done.stdout

    def app(self, *words):
        """A command to the running switch."""
        return subprocess.run(['ovs-appctl', '-t', f'{self.dir}/vswitchd.ctl', *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                              timeout=PATIENCE_S).stdout
