# SPDX-License-Identifier: BSD-3-Clause
"""What tests that need processes share: programs, sockets, ends that come.

A test starts programs through `runner`; each has its output in a file of the
test's own folder, and the runner ends them, last first, by their own pid.  No
wait is unbounded and none is a fixed sleep: what is waited for is an event.
"""
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('MLX5X_BUILD', os.path.join(ROOT, 'build'))

# Only bounds what is broken: generous, because CI machines are slow.
PATIENCE_S = 60

# A main and a worker lcore that the kernel may move: pinned ones of several
# programs end up on the same core, where each waits for the other to stop polling.
FLOATING = '0@(0,1),1@(0,1)'

_serial = itertools.count()


def wait_until(what, condition, seconds=PATIENCE_S):
    """The first true value of condition(); fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f'waited {seconds} s for {what}')
        time.sleep(0.02)


def built(path):
    """A program of the build folder; skips the test when it was not built."""
    full = os.path.join(BUILD, path)
    if not os.path.exists(full):
        pytest.skip(f'{path} is not built')
    return full


def eal_args(mem=128):
    """EAL options that need no hugepages, no device and no shared names."""
    return ['--no-huge', '-m', str(mem), '--no-pci', '--iova-mode=va', '--no-telemetry',
            '--file-prefix', f'mlx5x{os.getpid()}n{next(_serial)}']


def is_exposed(path):
    """Whether a folder above `path` can be written by everybody."""
    while path != '/':
        path = os.path.dirname(os.path.realpath(path))
        if os.stat(path).st_mode & 0o002:
            return True
    return False


def check_oracle(process, vfs):
    """The model compared every access of `vfs` functions with the guests' tables: all well."""
    words = re.findall(r'DMA oracle: (\d+) errors, (\d+) accesses', process.log())
    assert len(words) == vfs, process.tail()
    assert all(errors == '0' and int(accesses) > 0 for errors, accesses in words), process.tail()


# Why a card may drop a frame to a guest whose memory changes: the queue is stopped, new, or
# not yet rung, all of which is before the last doorbell of the change.
BLACKOUT = {'rx_suspended', 'rx_not_started', 'rx_no_doorbell'}
# While the guest itself stops its rings and starts them, its rules are gone too.
RESTART = BLACKOUT | {'rx_no_rule'}


def check_losses(report, reasons=frozenset(BLACKOUT)):
    """All that a vfront sent arrived; what did not come back, its card dropped in a blackout.

    `report` is of a source with --oracle whose peer keeps its own memory. The card says what
    it dropped and why, a vfront as peer how many frames it ever took.
    """
    assert report['lost_tx'] in (0, None) and report['dropped_elsewhere'] == {}, report
    assert report['lost'] == sum(report['dropped'].values()), report
    assert set(report['dropped']) <= reasons, report['dropped']
    assert report['lost_rx'] in (report['lost'], None)


class Process:
    """A program with its output in a file."""

    def __init__(self, name, argv, folder):
        self.name = name
        self.log_path = os.path.join(folder, f'{next(_serial)}-{name}.log')
        with open(self.log_path, 'wb') as log:
            self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log,
                                          stderr=subprocess.STDOUT, start_new_session=True)

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def tail(self, lines=25):
        return f'--- {self.name}\n' + '\n'.join(self.log().splitlines()[-lines:])

    def await_text(self, pattern, seconds=PATIENCE_S):
        """The first match of a pattern in the output; the program must live on."""
        def look():
            found = re.search(pattern, self.log())
            if not found and self.child.poll() is not None:
                pytest.fail(f'{self.name} ended with {self.child.returncode}\n{self.tail()}')
            return found
        return wait_until(f'{pattern!r} from {self.name}', look, seconds)

    def type(self, line):
        """Write a line to its standard input."""
        self.child.stdin.write(line.encode() + b'\n')
        self.child.stdin.flush()

    def wait(self, seconds=PATIENCE_S):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f'{self.name} did not end in {seconds} s\n{self.tail()}')

    def stop(self, sig=signal.SIGTERM):
        """Ask it to end; returns its status."""
        if self.child.poll() is None:
            self.child.send_signal(sig)
        return self.wait()

    def end(self):
        """Make it end; for cleaning up."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                # Its children, too: a launcher cannot hand SIGKILL on.
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        self.child.stdin.close()


class Runner:
    """Starts programs in one folder and ends them in reverse."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mlx5x-test-')
        self.folders = [self.dir]
        self.started = []
        self.model_ctl = None  # control socket of the model started last

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, argv):
        process = Process(name, argv, self.dir)
        self.started.append(process)
        return process

    def clean(self):
        for process in reversed(self.started):
            process.end()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def plugin(self):
        """The driver where EAL accepts it: no folder above may be world-writable."""
        built_in = built('drivers/vdpa/mlx5x/librte_vdpa_mlx5x.so')
        if not is_exposed(built_in):
            return built_in
        for home in (os.environ.get('XDG_RUNTIME_DIR'), os.path.expanduser('~'), '/run'):
            if home and os.access(home, os.W_OK) and not is_exposed(os.path.join(home, 'x')):
                folder = tempfile.mkdtemp(prefix='.mlx5x-test-', dir=home)
                self.folders.append(folder)
                return shutil.copy(built_in, folder)
        pytest.skip('no folder that EAL would load a plugin from')

    # Programs that more than one test uses.

    def under_model(self, argv, vfs=1, fw=(), options=()):
        """The words to run a command with emulated VFs."""
        self.model_ctl = self.path(f'model{next(_serial)}.ctl')
        words = [built('model/mlx5x-model'), '-n', str(vfs), '--ctl', self.model_ctl, *options]
        for setting in fw:
            words += ['--fw', setting]
        return [*words, '--', *argv]

    def model_options(self, fw=()):
        """The same for `vdpa-ctl run --model-opt`."""
        self.model_ctl = self.path(f'model{next(_serial)}.ctl')
        return ' '.join([f'--ctl {self.model_ctl}', *(f'--fw {setting}' for setting in fw)])

    def oracle(self, vf):
        """Options of a vfront on VF `vf`: the model compares each access with its tables."""
        return ['--oracle', self.model_ctl, '--oracle-vf', str(vf)]

    def witnessed(self, ports):
        """Words before those of a backend on the model started last; `ports` is {socket: VF}.

        What its guests say of their memory is overheard, and the oracle told.
        """
        return ['env', f'LD_PRELOAD={built("test/lib/witness/libvhost_witness.so")}',
                f'VHOST_WITNESS_CTL={self.model_ctl}', 'VHOST_WITNESS_PORTS=' + ':'.join(
                    f'{path}={vf}' for path, vf in ports.items())]

    def vdpa_host(self, driver, pairs, vfs=2, fw=(), options=(), args=None, overheard=''):
        """Our or the stock driver on the model, under the same small program.

        One socket per VF, named a, b, ... in our folder; `driver` is 'mlx5x'
        or 'stock'.  `pairs` is for the stock driver, which must be told, unless
        `args` are the device's arguments.  `overheard` are the sockets of guests that do not
        announce their memory themselves.
        """
        eal, ports = eal_args(), []
        if args is None:
            # event_mode=2: the stock driver's default polls on a whole core.
            args = '' if driver == 'mlx5x' else f',event_mode=2,queues={pairs}'
        if driver == 'mlx5x':
            eal += ['-d', self.plugin()]
        else:
            eal.remove('--no-pci')
        for i in range(vfs):
            address = f'0000:3b:{(2 + i) // 8:02x}.{(2 + i) % 8}'
            name = f'vdpa_mlx5x{i}' if driver == 'mlx5x' else address
            eal += (['--vdev', f'{name},dev={address}{args}'] if driver == 'mlx5x' else
                    ['-a', f'{address},class=vdpa{args}'])
            ports.append(f'{name}={self.path(chr(ord("a") + i))}')
        words = self.under_model([built('test/peer/vdpa-host'), *eal, '--', *ports], vfs, fw, options)
        if overheard:
            words = [*self.witnessed({self.path(name): ord(name) - ord('a') for name in overheard}),
                     *words]
        host = self.start('vdpa-host', words)
        host.await_text(r'(?m)^READY$')
        return host

    def two_guests(self, driver, pairs, *words, fw=()):
        """Guest B (testpmd, macswap) on the second VF, vfront on the first.

        Returns vfront's (status, report) and the host, which is still up.
        """
        host = self.vdpa_host(driver, pairs, fw=fw, overheard='b')
        self.virtio_testpmd(self.path('b'), pairs)
        guest = self.vfront(self.path('a'), '--pairs', str(pairs), '--mac', '52:54:00:00:00:01',
                            '--peer-mac', '52:54:00:00:00:02', *self.oracle(0), *words)
        status, report = guest.result()
        return status, report, host

    def vhost_testpmd(self, socket, queues=1, forward='macswap', client=False):
        """An independent backend: DPDK's vhost PMD, in software."""
        return self.testpmd('backend', [
            '--vdev', f'net_vhost0,iface={socket},queues={queues},client={int(client)}'],
            queues, forward)

    def virtio_testpmd(self, socket, queues=1, forward='macswap', mac='52:54:00:00:00:02',
                       size=256):
        """A guest in DPDK's virtio driver: one region of memory that never changes."""
        return self.testpmd('guest', [
            '--vdev', f'net_virtio_user0,path={socket},queues={queues},queue_size={size},mac={mac}'],
            queues, forward)

    def testpmd(self, name, vdevs, queues, forward):
        process = self.start(name, [
            'stdbuf', '-oL', 'dpdk-testpmd', *eal_args(256), '--lcores', FLOATING, *vdevs, '--', '-i',
            f'--forward-mode={forward}', '--auto-start', '--disable-link-check',
            '--no-mlockall', '--total-num-mbufs=8192', f'--rxq={queues}', f'--txq={queues}',
            '--rxd=256', '--txd=256', '--port-topology=loop'])
        process.await_text('testpmd>')
        return process

    def vfront(self, socket, *options):
        """Start our frontend; `result()` of it waits and reads its report."""
        report = self.path(f'vfront{next(_serial)}.json')
        process = self.start('vfront', [
            built('test/lib/vfront/vfront'), '--socket', socket, '--json', report, *options])
        process.result = lambda seconds=PATIENCE_S: read_report(process, report, seconds)
        return process


def read_report(process, path, seconds):
    """(exit status, report) of a vfront."""
    status = process.wait(seconds)
    if not os.path.exists(path):
        pytest.fail(f'vfront: status {status} and no report\n{process.tail()}')
    with open(path, encoding='utf-8') as f:
        return status, json.load(f)


@pytest.fixture
def runner():
    r = Runner()
    yield r
    r.clean()
