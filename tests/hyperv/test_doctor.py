#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hvgpu doctor on fake Hyper-V hosts, here and over a real ssh: a healthy host, some ailing ones, and every way not to get there."""
import json
import os
import pathlib
import unittest

import hosts
from agent import a2, vm
from case import PROGRAM, clustered, main


def setUpModule():
    if not PROGRAM:
        raise unittest.SkipTest('no --hvgpu')


class Base(unittest.TestCase):
    def begin(self, over, state):
        if over == 'ssh' and not hosts.SSHD:
            self.assertNotEqual(os.environ.get('CI'), 'true', 'there is no sshd; ./dev install-deps')
            self.skipTest('SKIPPED: there is no sshd, so nothing is tested over ssh')
        self.hosts = hosts.Hosts(over, state)
        self.addCleanup(self.hosts.close)

    def doctor(self, code, host='hv01', **environment):
        """The report, and its checks by id. Whatever ails the host, nothing is written on it."""
        done = self.hosts.run('doctor', host, *([] if '://' in host else [self.hosts.source]), '-o', 'json', **environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(self.hosts.world.writes(), [])
        self.assertEqual(self.hosts.alive(), [])
        report = json.loads(done.stdout)
        self.assertEqual(report['exit_code'], code)
        return report, {check['id']: check for check in report['checks']}

    def state_of(self, checks, state):
        return {name for name, check in checks.items() if check['state'] == state}


class Local(Base):
    def test_healthy_host_and_ailing_ones(self):
        self.begin('local', clustered(vm(1)))
        report, checks = self.doctor(0)
        self.assertEqual(self.state_of(checks, 'ok'), set(checks), checks)
        self.assertTrue(report['reached'] and report['manageable'])
        self.assertEqual(report['account'].count('\\'), 1)
        self.assertEqual([path.name for path in pathlib.Path(self.hosts.folder / 'world').glob('data-*/*')], [])

        def ail(state):
            host = state['hosts']['hv01']
            host.update(iov=False, iovReasons=['Das BIOS sagt nein'], groups=['S-1-5-32-578', 'S-1-5-2'], sku=7)
            host['devices'] = [a2(3)]
            host['devices'][0]['partitionable'] = None
            state['cluster']['nodes']['hv02']['state'] = 'Down'
        self.hosts.world.change(ail)
        report, checks = self.doctor(5)
        self.assertEqual(self.state_of(checks, 'failed'), {'elevation', 'sriov', 'gpus', 'cluster-access', 'quorum'}, checks)
        self.assertEqual(self.state_of(checks, 'warning'), {'edition', 'live-moves'}, checks)
        self.assertEqual(checks['sriov']['seen'], 'off: Das BIOS sagt nein')
        self.assertEqual(checks['quorum']['seen'], '1 of 2 are up; hv02 Down')

    def test_node_whose_cluster_is_silent_tells_the_rest(self):
        self.begin('local', {'hosts': {'hv01': {'devices': [a2(3)], 'vms': [], 'clusterService': 'Auto'}}})
        report, checks = self.doctor(5)
        self.assertEqual(self.state_of(checks, 'failed'), {'cluster', 'observation'}, checks)
        self.assertIn('cannot be asked', checks['cluster']['seen'])
        self.assertEqual(checks['sriov']['state'], 'ok')
        self.assertTrue(report['reached'])

    def test_module_that_is_missing(self):
        self.begin('local', clustered(vm(1)))
        _, checks = self.doctor(5, HVGPU_FAKE_LACKS='Hyper-V')
        self.assertIn('module-hyper-v', self.state_of(checks, 'failed'))
        self.assertIn('Install-WindowsFeature', checks['module-hyper-v']['remedy'])


class Ssh(Base):
    def trouble(self, check, seen, remedy):
        _, checks = self.doctor(4)
        self.assertEqual(self.state_of(checks, 'failed'), {check}, checks)
        self.assertIn(seen, checks[check]['seen'])
        self.assertIn(remedy, checks[check]['remedy'])

    def test_every_way_not_to_get_there(self):
        self.begin('ssh', clustered(vm(1)))
        port = self.hosts.port
        # by address, whatever the host calls itself, with a login script that greets
        greeting = self.hosts.folder / 'remote' / 'powershell.exe'
        real = greeting.read_text()
        greeting.write_text(real.replace('#!/bin/bash\n', '#!/bin/bash\necho Willkommen; echo "Letzte Anmeldung: gestern" >&2\n'))
        report, checks = self.doctor(0, f'ssh://127.0.0.1:{port}')
        self.assertEqual(self.state_of(checks, 'ok'), set(checks), checks)
        self.assertEqual(checks['connection']['seen'], 'ssh logs in')
        self.assertEqual(report['host'], '127.0.0.1')

        greeting.write_text('#!/bin/bash\necho Der Befehl ist unbekannt >&2\nexit 1\n')
        self.trouble('powershell-start', 'powershell.exe did not start: Der Befehl ist unbekannt', 'DefaultShell')
        greeting.rename(greeting.with_name('elsewhere'))
        self.trouble('powershell-start', 'there is no powershell.exe', 'Windows host')

        authorized = self.hosts.folder / 'ssh' / 'authorized'
        keys = authorized.read_text()
        authorized.write_text('')
        self.trouble('connection', 'Permission denied', 'administrators_authorized_keys') # no such user looks the same, as sshd wants it
        authorized.write_text(keys)

        known = self.hosts.folder / 'ssh' / 'known_hosts'
        lines = known.read_text()
        known.write_text('')
        self.trouble('connection', 'not in known_hosts', 'ssh-keyscan')
        other = (self.hosts.folder / 'ssh' / 'user.pub').read_text().split()[:2]
        known.write_text(f'hv01 {" ".join(other)}\n')
        self.trouble('connection', 'another key than known_hosts', 'ssh-keygen -R')
        known.write_text(lines)

        self.hosts.write_inventory(dict.fromkeys(self.hosts.names, 'ssh://127.0.0.1:1'))
        self.trouble('connection', 'Connection refused', 'Start-Service sshd')
        self.hosts.write_inventory(dict.fromkeys(self.hosts.names, 'ssh://no-such-host.invalid'))
        self.trouble('connection', 'Could not resolve hostname', 'name service')


if __name__ == '__main__':
    main()
