# SPDX-License-Identifier: BSD-3-Clause
"""Faults that are put into the model while two guests talk through it."""
from conftest import check_oracle, wait_until
from mlx5x_host import host, left_behind
from model_ctl import ModelCtl

MACS = ('02:00:00:00:00:0a', '02:00:00:00:00:0b')
MORE = 150  # frames: more than the window of the source
FEW = 5     # a source that hears nothing sends little


def start(runner, *words):
    """The host, a source behind VF 0 and an echo behind VF 1."""
    process, sockets = host(runner, vfs=2)
    echo = runner.vfront(sockets[1], '--role', 'echo', '--mac', MACS[1], '--seconds', '600',
                         *runner.oracle(1))
    source = runner.vfront(sockets[0], '--role', 'source', '--mac', MACS[0], '--peer-mac',
                           MACS[1], '--seconds', '600', '--patience', '600000', '--window', '64',
                           *runner.oracle(0), *words)
    return process, source, echo


def test_receive_path_is_honest(runner):
    """No rule, no frame: received frames come by the programmed flow and by nothing else."""
    process, source, echo = start(runner)
    with ModelCtl(runner.model_ctl) as ctl:
        wait_until('frames to return', lambda: ctl.packets(0, 0) > MORE)
        gone = ctl.ask(cmd='fault', vf=0, flows='delete')['flows']
        assert gone == ctl.vf(0)['port']['flows'] > 0
        # The command is answered under the model's lock: from here on nothing is received.
        received, sent, peer = ctl.packets(0, 0), ctl.packets(0, 1), ctl.packets(1, 0)
        unmatched = ctl.vf(0)['port']['steer_unmatched']
        wait_until('the guest to send on', lambda: ctl.packets(0, 1) > sent + FEW)
        wait_until('its peer to receive on', lambda: ctl.packets(1, 0) > peer + FEW)
        port = ctl.vf(0)['port']
        assert port['steer_unmatched'] > unmatched and port['dropped']['rx_no_rule'] > 0
        assert ctl.packets(0, 0) == received
        assert ctl.ask(cmd='fault', vf=0, flows='restore')['flows'] == gone
        wait_until('frames to return again', lambda: ctl.packets(0, 0) > received + MORE)
    source.child.terminate()
    _, report = source.result()
    assert report['corrupted'] == report['duplicated'] == report['violations_total'] == 0, report
    assert report['lost'] > 0
    echo.stop()
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
    check_oracle(process, 2)


def test_firmware_changes_its_mind(runner):
    """Each behaviour of the firmware is switched under a guest whose memory changes."""
    process, source, echo = start(runner, '--change', 'all:4', '--interval', '100')
    with ModelCtl(runner.model_ctl) as ctl:
        wait_until('frames to return', lambda: ctl.packets(0, 0) > MORE)
        for setting in ('hw_avail=garbage', 'latency=any:100', 'slots=any:1', 'hw_avail=true',
                        'latency=any:0', 'slots=any:1024', 'profile=cx6dx', 'profile=resumable'):
            ctl.ask(cmd='fault', set=setting)
            before = ctl.packets(0, 0)
            wait_until(f'traffic with {setting}', lambda: ctl.packets(0, 0) > before + MORE)
        assert not ctl.try_ask(cmd='fault', set='resume=maybe')['ok']
        wait_until('the changes to end', lambda: ctl.vf(0)['oracle']['tables'] >= 2 * 29)
    source.child.terminate()
    _, report = source.result()
    assert report['violations_total'] == report['changes_refused'] == 0, report
    assert report['corrupted'] == report['duplicated'] == 0
    echo.stop()
    assert process.stop() == 0, process.tail()
    assert left_behind(process) == [0, 0]
    check_oracle(process, 2)
