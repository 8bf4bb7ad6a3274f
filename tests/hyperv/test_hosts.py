#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hvgpu on fake Hyper-V hosts, here and over a real ssh: the failover example from nothing to its goal and on, two runs at once, hosts
that cannot be reached and agents that die."""
import os
import subprocess
import time
import unittest

import yaml

import hosts
from case import PROGRAM, main
from hosts import EXAMPLES

FAILOVER = EXAMPLES / 'failover'
COUNT, START = 'Set-VMHostPartitionableGpu', 'Start-ClusterGroup'
PARTS = ('Remove-VMGpuPartitionAdapter', 'Add-VMGpuPartitionAdapter')


def setUpModule():
    if not PROGRAM:
        raise unittest.SkipTest('no --hvgpu')


def bare():
    """The example's hosts before anybody cared: no partitions given, the GPUs whole."""
    documents = list(yaml.safe_load_all((FAILOVER / 'world.yaml').read_text()))
    for document in documents:
        for gpu in document['spec']['gpus']:
            gpu['count'] = 1
        for vm in document['spec']['virtualMachines']:
            vm.pop('adapters', None)
    return hosts.world_of.world_of(documents)


class Base(unittest.TestCase):
    over = 'local'

    def begin(self, state=None):
        if self.over == 'ssh' and not hosts.SSHD:
            self.assertNotEqual(os.environ.get('CI'), 'true', 'there is no sshd; ./dev install-deps')
            self.skipTest('SKIPPED: there is no sshd, so nothing is tested over ssh')
        self.hosts = hosts.Hosts(self.over, state or FAILOVER / 'world.yaml', FAILOVER / 'manifests')
        self.addCleanup(self.hosts.close)

    def apply(self, code=0, *words):
        done = self.hosts.run('apply', self.hosts.source, '--owner', 'us', '--auto-approve', '--allow',
                              'restarts=99,moves=99,role-changes=99', *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(self.hosts.alive(), [])
        return done

    def steady(self):
        """A second run does nothing at all."""
        self.hosts.world.calls()
        self.apply()
        self.assertEqual(self.hosts.world.writes(), [])

    def manifest(self, change):
        path = self.hosts.source / 'cluster.yaml'
        document = yaml.safe_load(path.read_text())
        change(document['spec'])
        path.write_text(yaml.safe_dump(document))

    def counts(self):
        return {(name, gpu['locationPath']): gpu['count'] if gpu['state'] == 'partitionable' else gpu['state']
                for name, spec in self.hosts.observe().items() for gpu in spec['gpus']}

    def power(self):
        return {vm['name']: (vm['state'], len(vm['adapters'])) for spec in self.hosts.observe().values() for vm in spec['virtualMachines']}

    def order_is_documented(self):
        """In the whole cluster: parts are taken, then counts change, each naming its GPU, then parts are given, then VMs start."""
        writes = self.hosts.world.writes()
        names = [name for name, _ in writes]
        self.assertTrue(all('Name' in given for name, given in writes if name == COUNT))
        self.assertLess(max(i for i, name in enumerate(names) if name == COUNT), min(i for i, name in enumerate(names) if name == START))
        for part, before in (PARTS[0], True), (PARTS[1], False):
            of = {}
            for i, (name, given) in enumerate(writes):
                of.setdefault(name, []).append((i, given))
            stops = [i for i, _ in of.get('Stop-VM', [])]
            parts = [i for i, _ in of.get(part, [])]
            if parts and stops and before:
                self.assertLess(min(stops), min(parts))
            if parts:
                self.assertLess(min(parts), max(i for i, _ in of[START]))


class Local(Base):
    def test_from_nothing_to_the_goal_and_to_other_counts(self):
        self.begin(bare())
        self.hosts.world.calls()
        self.apply()
        self.order_is_documented()
        self.assertEqual(set(self.counts().values()), {8})
        self.assertEqual(set(self.power().values()), {('Running', 1)})
        self.steady()
        self.manifest(lambda spec: spec['gpus'][0].update(partitionCount=4))
        self.apply()
        self.order_is_documented()
        self.assertEqual(set(self.counts().values()), {4})
        self.assertEqual(set(self.power().values()), {('Running', 1)})

    def test_whole_gpus_and_back(self):
        self.begin()
        self.apply()
        whole = {'name': 'whole', 'match': {'model': 'NVIDIA A2'}, 'passthrough': {'perHost': 1}}
        self.manifest(lambda spec: spec['gpus'].append(whole))
        self.apply()
        self.assertEqual(sorted(map(str, self.counts().values())), ['8'] * 3 + ['dismounted'] * 3)
        self.assertEqual({name: spec['host']['pools'][0]['name'] for name, spec in self.hosts.observe().items()},
                         dict.fromkeys(self.hosts.names, 'hvgpu-paris-whole'))
        self.steady()
        self.manifest(lambda spec: spec['gpus'].pop())
        self.apply(0)
        self.assertEqual(set(self.power().values()), {('Running', 1)})

    def test_second_run_learns_who_holds_the_hosts(self):
        self.begin()
        self.hosts.world.change(lambda state: [vm.update(shutdownMs=6000) for host in state['hosts'].values() for vm in host['vms']])
        command = [PROGRAM[0], 'apply', self.hosts.source, '--owner', 'us', '--auto-approve', '--allow', 'restarts=99']
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.hosts.environment,
                              cwd=self.hosts.folder) as first:
            try:
                for line in first.stdout:
                    if b'stop vdi-' in line:
                        break
                second = self.hosts.run('apply', self.hosts.source, '--owner', 'us', '--auto-approve', '--allow', 'restarts=99')
                self.assertEqual(second.returncode, 7, second.stdout + second.stderr)
                self.assertIn("host 'hv01' is held by ", second.stderr)
            finally:
                first.kill()
        self.assertEqual(self.hosts.alive(), []) # the agents of a dead run notice it, and their leases go with them
        self.hosts.world.change(lambda state: [vm.update(shutdownMs=0) for host in state['hosts'].values() for vm in host['vms']])
        time.sleep(6)
        self.apply()
        self.assertEqual(set(self.power().values()), {('Running', 1)})

    def test_agent_that_dies_leaves_debts_that_the_next_run_pays(self):
        for cmdlet in COUNT, PARTS[0], PARTS[1]:
            with self.subTest(cmdlet):
                self.begin()
                self.hosts.world.change(lambda state, name=cmdlet: state.update(faults=[{'cmdlet': name, 'kill': True, 'nth': 2}]))
                self.apply(8)
                self.apply()
                self.assertEqual(set(self.counts().values()), {8})
                self.assertEqual(set(self.power().values()), {('Running', 1)})

    def test_german_host_refuses_in_its_own_words(self):
        self.begin()
        self.hosts.world.change(lambda state: state.update(language='de', faults=[
            {'cmdlet': COUNT, 'permanent': True, 'code': -2147024726, 'message': 'Das Gerät wird verwendet'}]))
        done = self.apply(8)
        self.assertIn('Das Gerät wird verwendet', done.stdout + done.stderr)
        self.assertEqual({state for state, _ in self.power().values()}, {'Running'})


class Ssh(Base):
    over = 'ssh'

    def test_from_nothing_to_the_goal(self):
        self.begin(bare())
        self.apply()
        self.order_is_documented()
        self.assertEqual(set(self.counts().values()), {8})
        self.assertEqual(set(self.power().values()), {('Running', 1)})
        self.steady()

    def test_host_that_is_away_and_host_of_another_key(self):
        self.begin()
        known = self.hosts.folder / 'ssh' / 'known_hosts'
        lines = known.read_text().splitlines(keepends=True)
        known.write_text(''.join(line for line in lines if f':{self.hosts.ports["hv02"]} ' not in line))
        done = self.hosts.run('observe', self.hosts.source, '-o', 'json')
        self.assertEqual(done.returncode, 4)
        self.assertIn("host 'hv02' could not be observed: unreachable: no PowerShell came up there (exit code 255): ", done.stderr)
        self.assertIn('Host key verification failed', done.stderr)
        self.assertEqual(done.stdout.count('"kind": "HostState"'), 2)
        self.assertEqual(self.hosts.alive(), [])

    def test_no_question_is_asked_and_no_other_program_started(self):
        self.begin()
        (self.hosts.folder / 'ssh' / 'authorized').write_text('')
        done = self.hosts.run('observe', self.hosts.source)
        self.assertEqual(done.returncode, 4)
        self.assertIn('Permission denied (publickey)', done.stderr)


if __name__ == '__main__':
    main()
