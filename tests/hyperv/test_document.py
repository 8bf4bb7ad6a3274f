#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""That what the agent says is what hvgpu reads: documents by the field tables, verbs, kinds of errors."""
import json
import pathlib
import re
import subprocess
import unittest

import agent as lab
from agent import a2, adapter, nvme, standalone, vm, vm_id
from case import Case, HERE, NAME_A, NAME_B, PATH_A, PROGRAM, RECORD, clustered, main

ROOT = HERE.parent.parent
QUOTAS = {'MinPartitionVRAM': 1000, 'MaxPartitionVRAM': 18446744073709551615}


class Documents(Case):
    """An observation made a HostState document is read by the program, and comes back field by field."""

    def setUp(self):
        if not PROGRAM:
            self.skipTest('no --hvgpu')

    def documents(self):
        host, gpus, vms, _ = self.agent.observe()
        name = host.pop('name').lower()
        for each in (host, *gpus.values(), *vms.values()):
            each.pop('unread', None)
        spec = {'host': host, 'gpus': list(gpus.values()), 'virtualMachines': list(vms.values())}
        return {'apiVersion': 'hvgpu.dev/v1alpha1', 'kind': 'HostState', 'metadata': {'name': name}, 'spec': spec}

    def come_back(self):
        told = self.documents()
        file = pathlib.Path(self.folder) / 'state.json'
        file.write_text(json.dumps([told]))
        done = subprocess.run([PROGRAM[0], 'observe', '--hosts', f'snapshot:{file}', '--max-age', '7d', '-o', 'json'],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.same(told['spec'], json.loads(done.stdout)[0]['spec'], 'spec')

    def same(self, told, read, where):
        if isinstance(told, dict) and where.split('.')[-1] != 'quotas':
            self.assertEqual(sorted(told), sorted(read), where)
        if isinstance(told, dict):
            for key, value in told.items():
                self.same(value, read[key], f'{where}.{key}')
        elif isinstance(told, list) and told and isinstance(told[0], dict):
            self.assertEqual(len(told), len(read), where)
            for number, (one, other) in enumerate(zip(told, read)):
                self.same(one, other, f'{where}[{number}]')
        elif isinstance(told, list): # the program keeps lists of numbers and texts in its own order
            self.assertEqual(sorted(told), sorted(read), where)
        else:
            self.assertEqual(told, read, where)

    def test_a_busy_standalone_host(self):
        self.begin(standalone(
            vm(1, state='Running', adapters=[adapter(1, on=NAME_B, pin=NAME_B, quotas=QUOTAS, outgoingLiveMigration=True)],
               guestOs='Ubuntu', snapshots=1),
            vm(2, 'two\nlines "ä" \U0001f600', devices=[{'id': 'd1', 'locationPath': PATH_A}], stopAction='Save',
               dynamicMemory=True, memoryMinimum=1 << 30, generation=1),
            gpus=[a2(3, dismounted=True), a2(4), a2(5, disabled=True), a2(6, status='Error', partitionable=None),
                  a2(7, partitionable=None), nvme(1, dismounted=True)],
            pools={'p': [nvme(1)['locationPath']]}, iov=False, iovReasons=['No ACS.']))
        self.agent.ask('record', run='run-1', epoch=1, clusterRecord={'owner': 'o', 'cluster': 'c', 'epoch': 1})
        self.come_back()

    def test_debts_records_and_noted_ranges(self):
        self.begin(clustered(vm(1, state='Running', adapters=[adapter(1, pin=NAME_A, quotas=QUOTAS, on=NAME_A)]), vm(2)))
        self.agent.ask('record', run='run-1', epoch=1, vm=vm_id(1), vmRecord=RECORD)
        self.done(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True))
        removed = {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}
        self.done(self.agent.step('remove-partition-adapter', removed, owesParts=True))
        self.done(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}))
        told = self.documents()['spec']
        debt = told['virtualMachines'][0]['debt']
        self.assertEqual((debt['power'], debt['adapters'][0]['pin'], debt['epoch']), ('stopped', PATH_A, 1))
        self.assertTrue(told['host']['lease'] and told['host']['notedMmio'] and told['virtualMachines'][0]['record'])
        # an owed adapter says of itself only what it is owed with
        file = pathlib.Path(self.folder) / 'state.json'
        file.write_text(json.dumps([self.documents()]))
        done = subprocess.run([PROGRAM[0], 'observe', '--hosts', f'snapshot:{file}', '--max-age', '7d', '-o', 'json'],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        read = json.loads(done.stdout)[0]['spec']['virtualMachines'][0]['debt']
        for key in ('run', 'epoch', 'at', 'power', 'stateChange', 'devices'):
            self.assertEqual(read[key], debt[key], key)
        self.assertEqual([(part['pin'], part['pinned'], part['quotas']) for part in read['adapters']],
                         [(PATH_A, True, debt['adapters'][0]['quotas'])])


class Names(unittest.TestCase):
    """The lists that stand in C and in PowerShell are the same."""

    def text(self, name):
        return (ROOT / name).read_text()

    def listed(self, file, macro):
        block = re.search(rf'#define {macro}\(X\)(.*?)\n/\*', self.text(file), re.S)[1]
        return set(re.findall(r'"([\w-]+)"', block))

    def test_every_step_is_a_verb(self):
        main_part = (lab.AGENT / 'main.ps1').read_text()
        verbs = dict(re.findall(r"'([\w-]+)' += @\{ Kind = '(\w+)'", main_part))
        steps = {name for name, kind in verbs.items() if kind == 'step'}
        self.assertEqual(steps, self.listed('model/step.h', 'STEP_KINDS'))
        protocol = self.text('docs/agent-protocol.md')
        self.assertEqual([name for name in verbs if f'`{name}`' not in protocol], [])

    def test_every_kind_of_error_is_known(self):
        known = self.listed('providers/host/host.h', 'HOST_ERRORS')
        used = set()
        for part in lab.AGENT.glob('*.ps1'):
            used |= set(re.findall(r"Stop-Request '([\w-]+)'", part.read_text()))
        table = (lab.AGENT / 'error.ps1').read_text()
        used |= set(re.findall(r"(?:0x\w+'|\w+) = '([a-z-]+)'", table))
        self.assertGreater(len(used), 10)
        self.assertEqual(used - known, set())

    def test_quotas_and_offline_actions_are_in_the_order_of_the_world(self):
        names = re.findall(r'"(\w+)"', re.search(r'#define OFFLINE_ACTIONS\(X\)(.*?)\n/\*', self.text('model/world.h'), re.S)[1])
        said = re.search(r'\$OfflineActions = (.*?) #', (lab.AGENT / 'cluster.ps1').read_text())[1]
        self.assertEqual([word.strip("' ") for word in said.split(',')], names)


if __name__ == '__main__':
    main()
