#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole changes of a failover cluster, two agents on two nodes: the cmdlets called are those of Microsoft's documents, in their
order (partition-assign-vm-gpu.md, use-gpu-with-clustered-vm.md, Deploying-graphics-devices-using-dda.md)."""
import agent as lab
from agent import a2, adapter, vm, vm_id
from case import Case, NAME_A, PATH_A, PATH_B, PWSH, RECORD, clustered, main


class Sequence(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = lab.Agent(PWSH, cls.world, 'hv02')
        cls.second.hello()

    @classmethod
    def tearDownClass(cls):
        with cls.second:
            cls.second.close()
        super().tearDownClass()

    def begin(self, state, lease=True):
        self.second.ask('lease-close')
        super().begin(state, lease)
        self.second.lease()
        self.world.calls()

    def go(self, agent, verb, parameters, **fields):
        return self.done(agent.step(verb, parameters, **fields))

    def called(self):
        """The cmdlets that changed something; our own notes are left out."""
        return [cmdlet for cmdlet, given in self.world.writes() if given.get('Name') != 'HvgpuNotes']

    def test_another_count_with_a_clustered_vm(self):
        self.begin(clustered(vm(1, state='Running', adapters=[adapter(1, on=NAME_A)]), offline=1))
        self.go(self.agent, 'set-offline-action', {'vm': vm_id(1), 'offlineAction': 'ForcedShutdown'})
        self.go(self.agent, 'stop-vm', {'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 9}, owesPower=True)
        self.go(self.agent, 'remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}},
                owesParts=True)
        for agent in (self.agent, self.second):
            for path in (PATH_A, PATH_B):
                self.go(agent, 'set-partition-count', {'gpu': path, 'count': 8}, expected={'count': 4})
        reply = self.go(self.agent, 'add-partition-adapter', {'vm': vm_id(1), 'adapter': {}}, vmRecord=RECORD)
        self.assertIsNotNone(reply['vm']['debt'])
        reply = self.go(self.agent, 'start-vm', {'vm': vm_id(1)})
        self.assertIsNone(reply['vm']['debt'])
        self.assertEqual(reply['vm']['adapters'][0]['gpus'], [PATH_A])
        self.assertEqual(self.called(), [
            'Set-ClusterParameter', 'Stop-VM', 'Remove-VMGpuPartitionAdapter', *['Set-VMHostPartitionableGpu'] * 4,
            'Add-VMGpuPartitionAdapter', 'Start-ClusterGroup'])
        counts = [each['partitionable']['PartitionCount'] for host in self.world.state['hosts'].values()
                  for each in host['devices']]
        self.assertEqual(counts, [8] * 4)

    def test_passthrough_through_pools_of_one_name_and_back(self):
        gpus = {'devices': [a2(3, mitigated=True), a2(4)]}
        self.begin(clustered(vm(1), hv01=gpus, hv02=gpus))
        for agent in (self.agent, self.second):
            self.go(agent, 'create-pool', {'pool': 'p'})
            self.go(agent, 'dismount-gpu', {'gpu': PATH_A})
            self.go(agent, 'add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'})
        prepared = self.called()
        self.assertEqual(prepared, ['New-VMResourcePool', 'Disable-PnpDevice', 'Dismount-VMHostAssignableDevice',
                                    'Add-VMHostAssignableDevice'] * 2)
        device = {'vm': vm_id(1), 'device': {'pool': 'p'}}
        settings = {'cacheControl': True, 'mmioLow': 3 << 30, 'mmioHigh': 33280 << 20, 'stopAction': 'TurnOff'}
        self.go(self.agent, 'configure-vm', {'vm': vm_id(1), 'settings': {**settings, 'automaticCheckpoints': False}})
        self.go(self.agent, 'add-assigned-device', device)
        self.go(self.agent, 'start-vm', {'vm': vm_id(1)})
        self.assertEqual(self.called(), ['Set-VM', 'Add-VMAssignableDevice', 'Start-ClusterGroup'])
        self.refused(self.agent.step('remove-gpu-from-pool', {'gpu': PATH_A, 'pool': 'p'}), 'in-use')
        # the other node has a device of the same pool, so the VM can go there while it is off
        self.go(self.agent, 'stop-vm', {'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 9}, owesPower=True)
        self.go(self.agent, 'move-vm', {'vm': vm_id(1), 'toHost': 'hv02'})
        reply = self.go(self.second, 'start-vm', {'vm': vm_id(1)})
        self.assertEqual((reply['vm']['devices'], reply['vm']['debt']), ([{'pool': 'p'}], None))
        self.assertEqual(self.called(), ['Stop-VM', 'Move-ClusterGroup', 'Start-ClusterGroup'])
        self.go(self.second, 'stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True)
        self.go(self.second, 'remove-assigned-device', device)
        for agent in (self.agent, self.second):
            self.go(agent, 'remove-gpu-from-pool', {'gpu': PATH_A, 'pool': 'p'})
            reply = self.go(agent, 'mount-gpu', {'gpu': PATH_A})
            self.assertEqual((reply['gpu']['state'], reply['gpu']['count']), ('partitionable', 4))
        self.go(self.second, 'start-vm', {'vm': vm_id(1)})
        self.assertEqual(self.called(), [
            'Stop-VM', 'Remove-VMAssignableDevice',
            *['Remove-VMHostAssignableDevice', 'Mount-VMHostAssignableDevice', 'Enable-PnpDevice'] * 2,
            'Start-ClusterGroup'])

    def test_two_runs_at_once(self):
        self.begin(clustered(vm(1)))
        with lab.Agent(PWSH, self.world, 'hv02') as third:
            third.hello()
            reply = third.ask('lease-open', run='run-9', holder='bob@ci')[1]
            self.refused(reply, 'lease-held')
            self.refused(third.step('create-pool', {'pool': 'p'}), 'lease-lost')
        self.assertEqual(self.world.writes(), [])


if __name__ == '__main__':
    main()
