#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole program on one fake Hyper-V host of its own machine: VMs with names that would do harm to who takes them for script or
patterns, agents that die in each step, a host that refuses in German."""
import json

import yaml

import hosts
from agent import a2, adapter, standalone, vm
from case import A, B, WholeProgram, main

HEAD = {'apiVersion': 'hvgpu.dev/v1alpha1', 'metadata': {'name': 'one'}}
NAMES = ['$(Stop-Computer)', "'; rm -rf /; '", '"quoted" \'twice\'', 'line\nbreak', '\U0001f5a5 d\u00e9sktop \u2014 \u65e5\u672c', '*', '[a-z]*?', 'x' * 100,
         '`whoami`', '%COMPUTERNAME%', '\u2018; Stop-Computer; \u2019', '& calc | more']
DECOYS = ['vm-decoy', 'a']


def manifests(names, **group):
    gpus = [{'name': 'vdi', 'match': {'model': 'NVIDIA A2'}, 'partitionCount': 8, **group}]
    return [{**HEAD, 'kind': 'GpuCluster', 'spec': {'type': 'Standalone', 'hosts': [{'name': 'hv01'}], 'gpus': gpus}},
            {**HEAD, 'kind': 'GpuAssignment', 'spec': {'cluster': 'one', 'gpus': 'vdi', 'virtualMachines': [{'name': name} for name in names]}}]


class Local(WholeProgram):
    def begin(self, state, documents):
        self.hosts = hosts.Hosts('local', state)
        self.addCleanup(self.hosts.close)
        self.write(documents)

    def write(self, documents):
        (self.hosts.source / 'all.yaml').write_text(yaml.safe_dump_all(documents))

    def apply(self, code=0, *words):
        done = self.hosts.run('apply', self.hosts.source, '--owner', 'us', '--auto-approve', '--allow', 'restarts=99,role-changes=99', *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual([each for each in self.hosts.left() if not each.endswith('lease.json')], [])
        return done

    def vms(self):
        return {each['name']: (each['state'], len(each['adapters']), len(each['devices'])) for each in self.hosts.world.state['hosts']['hv01']['vms']}

    def test_names_are_data(self):
        vms = [vm(number, name, state='Running') for number, name in enumerate(NAMES + DECOYS)]
        self.begin(standalone(*vms, gpus=[a2(3, 8), a2(4, 8)]), manifests(NAMES))
        done = self.apply()
        self.assertEqual(self.vms(), {**dict.fromkeys(NAMES, ('Running', 1, 0)), **dict.fromkeys(DECOYS, ('Running', 0, 0))})
        calls = [(name, json.dumps(given)) for name, given in self.hosts.world.writes()]
        self.assertEqual(len(calls), 3 * len(NAMES))
        for number, name in enumerate(NAMES + DECOYS):
            touched = [cmdlet for cmdlet, given in calls if vms[number]['id'] in given]
            self.assertEqual(touched, [] if name in DECOYS else ['Stop-VM', 'Add-VMGpuPartitionAdapter', 'Start-VM'], name)
        self.assertEqual([letter for letter in done.stdout + done.stderr if not letter.isprintable() and letter != '\n'], [])
        self.assertNotIn('line\nbreak', done.stdout)
        self.assertEqual({each['name'] for each in self.hosts.observe()['hv01']['virtualMachines']}, {*NAMES, *DECOYS})

    def dies_in(self, cmdlet, code=8, **more):
        self.hosts.world.change(lambda state: state.update(faults=[{'cmdlet': cmdlet, 'kill': True, **more}]))
        done = self.apply(code)
        self.assertEqual(self.hosts.world.state['faults'][0]['seen'], 1, cmdlet)
        self.assertIn("the agent ended", done.stdout + done.stderr)

    def settle(self):
        """One undisturbed run mends all; the next has nothing to do."""
        self.hosts.world.change(lambda state: state.update(faults=[]))
        self.apply()
        self.hosts.world.calls()
        self.apply()
        self.assertEqual(self.hosts.world.writes(), [])

    def test_an_agent_that_dies_in_each_step_of_another_count(self):
        """Each run gets one step further than the one before."""
        quotas = {'MinPartitionVRAM': 1000}
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1, on=A['partitionable']['Name'], quotas=quotas)]),
                              vm(2, state='Running')), manifests(['vm-001']))
        for cmdlet, after in (('Stop-VM', True), ('Remove-VMGpuPartitionAdapter', True), ('Set-VMHostPartitionableGpu', False),
                              ('Add-VMGpuPartitionAdapter', True), ('Set-VMGpuPartitionAdapter', False), ('Start-VM', False)):
            self.dies_in(cmdlet, after=after)
        self.settle()
        self.assertEqual(self.vms(), {'vm-001': ('Running', 1, 0), 'vm-002': ('Running', 0, 0)})
        self.assertEqual([device['partitionable']['PartitionCount'] for device in self.hosts.world.state['hosts']['hv01']['devices'][:2]], [8, 8])
        self.assertEqual(self.hosts.world.vm(1)['adapters'][0]['quotas'], quotas)

    def test_an_agent_that_dies_in_each_step_of_a_role_change(self):
        whole = [{**each} for each in manifests(['vm-001'])]
        whole[0]['spec']['gpus'][0] = {'name': 'vdi', 'match': {'model': 'NVIDIA A2'}, 'passthrough': {'perHost': 1}}
        self.begin(standalone(vm(1, state='Running', stopAction='Save'), vm(2, state='Running'),
                              gpus=[{**A, 'mitigated': True}, {**B, 'mitigated': True}]), whole)
        for cmdlet in 'Disable-PnpDevice', 'Dismount-VMHostAssignableDevice', 'Add-VMAssignableDevice':
            self.dies_in(cmdlet, after=True)
        self.settle()
        self.assertEqual(self.vms(), {'vm-001': ('Running', 0, 1), 'vm-002': ('Running', 0, 0)})

    def test_a_german_host_refuses_in_its_own_words(self):
        state = standalone(vm(1, state='Running', adapters=[adapter(1, on=A['partitionable']['Name'])]))
        self.begin({**state, 'language': 'de', 'faults': [
            {'cmdlet': 'Set-VMHostPartitionableGpu', 'permanent': True, 'code': -2147024726, 'message': 'Das Ger\u00e4t wird verwendet'}]},
                   manifests(['vm-001']))
        done = self.apply(8)
        self.assertIn('Das Ger\u00e4t wird verwendet', done.stdout + done.stderr)
        self.assertEqual(self.vms(), {'vm-001': ('Running', 1, 0)})
        self.assertEqual({device['partitionable']['PartitionCount'] for device in self.hosts.world.state['hosts']['hv01']['devices'][:2]}, {4})


if __name__ == '__main__':
    main()
