#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The steps that change GPUs and pools."""
from agent import a2, adapter, nvme, standalone, vm
from case import A, Case, NAME_A, NAME_B, PATH_A, PATH_B, main


class Gpus(Case):
    def test_a_count_names_its_gpu(self):
        self.begin(standalone())
        first, writes = self.twice('set-partition-count', {'gpu': PATH_A, 'count': 8}, expected={'count': 4})
        self.assertEqual(writes, [('Set-VMHostPartitionableGpu', {'Name': NAME_A, 'PartitionCount': 8})])
        self.assertEqual((first['gpu']['count'], first['gpu']['partitionMemory']), (8, 15945891840 // 8))
        self.assertEqual(self.world.gpu('hv01', 1)['partitionable']['PartitionCount'], 4)

    def test_a_count_is_refused(self):
        self.begin(standalone(gpus=[a2(3), a2(4, dismounted=True)]))
        self.refused(self.agent.step('set-partition-count', {'gpu': PATH_A, 'count': 3}), 'invalid-parameter')
        self.refused(self.agent.step('set-partition-count', {'gpu': PATH_A, 'count': 8}, expected={'count': 2}),
                     'unexpected-facts')
        self.refused(self.agent.step('set-partition-count', {'gpu': PATH_B, 'count': 8}), 'not-supported')
        self.refused(self.agent.step('set-partition-count', {'gpu': 'PCIROOT(9)', 'count': 8}), 'not-found')
        self.assertEqual(self.world.writes(), [])

    def test_a_count_waits_for_every_adapter_that_could_be_there(self):
        for number, (more, kind) in enumerate([
                ({'state': 'Running', 'adapters': [adapter(1, on=NAME_A)]}, 'in-use'),
                ({'state': 'Running', 'adapters': [adapter(1, on=NAME_B)]}, None),
                ({'adapters': [adapter(1)]}, 'in-use'), ({'adapters': [adapter(1, pin=NAME_B)]}, None),
                ({'adapters': [adapter(1, pin=NAME_A)]}, 'in-use'),
                ({'state': 'Saved', 'adapters': [adapter(1)]}, 'in-use')]):
            self.begin(standalone(vm(1, **more)))
            reply = self.agent.step('set-partition-count', {'gpu': PATH_A, 'count': 2})
            if kind:
                self.refused(reply, kind)
                self.assertEqual(self.world.writes(), [], number)
            else:
                self.done(reply)

    def test_a_count_that_does_not_stay_is_a_failure(self):
        self.begin({**standalone(), 'faults': [{'cmdlet': 'Set-VMHostPartitionableGpu', 'code': -2147024726}]})
        error = self.refused(self.agent.step('set-partition-count', {'gpu': PATH_A, 'count': 2}), 'in-use')
        self.assertEqual(error['hresult'], '0x800700AA')

    def test_dismount_and_mount_in_the_documented_order(self):
        self.begin(standalone(gpus=[a2(3, mitigated=True, dismountMs=700), a2(4)]))
        first, writes = self.twice('dismount-gpu', {'gpu': PATH_A})
        instance = 'PCI\\' + A['id']
        self.assertEqual(writes, [('Disable-PnpDevice', {'InstanceId': [instance], 'Confirm': False}),
                                  ('Dismount-VMHostAssignableDevice', {'LocationPath': PATH_A})])
        self.assertEqual((first['gpu']['state'], first['gpu']['instanceId']), ('dismounted', 'PCIP\\' + A['id']))
        self.assertEqual(self.agent.observe()[0]['notedMmio'],
                         [{'locationPath': PATH_A, 'low': 1 << 24, 'high': 1 << 34}])
        self.world.calls()
        first, writes = self.twice('mount-gpu', {'gpu': PATH_A})
        self.assertEqual(writes, [('Mount-VMHostAssignableDevice', {'LocationPath': PATH_A}),
                                  ('Enable-PnpDevice', {'InstanceId': [instance], 'Confirm': False})])
        self.assertEqual((first['gpu']['state'], first['gpu']['count']), ('partitionable', 4))

    def test_force_is_given_only_when_told(self):
        self.begin(standalone())
        error = self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A}), 'failed')
        self.assertTrue(error['rolledBack'])
        self.assertNotIn('Force', str(self.world.writes()))
        self.assertEqual(self.agent.observe()[1][PATH_A]['state'], 'partitionable')
        self.done(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}))
        self.assertEqual(self.world.writes()[-1], ('Dismount-VMHostAssignableDevice',
                                                   {'LocationPath': PATH_A, 'Force': True}))

    def test_a_dismount_that_fails_says_what_is_left(self):
        self.begin({**standalone(), 'faults': [{'cmdlet': 'Dismount-VMHostAssignableDevice', 'after': True,
                                                'id': 'AccessDenied'}]})
        error = self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}), 'access-denied')
        self.assertTrue(error['rolledBack'])
        self.assertIn('mounted and enabled again', error['message'])
        self.assertEqual([call[0] for call in self.world.writes()],
                         ['Disable-PnpDevice', 'Dismount-VMHostAssignableDevice', 'Mount-VMHostAssignableDevice',
                          'Enable-PnpDevice'])
        self.begin({**standalone(), 'faults': [{'cmdlet': 'Dismount-VMHostAssignableDevice'},
                                               {'cmdlet': 'Enable-PnpDevice'}]})
        error = self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}), 'failed')
        self.assertFalse(error['rolledBack'])
        self.assertEqual(self.agent.observe()[1][PATH_A]['state'], 'dismounted') # by us: the next plan mounts it
        self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))

    def test_dismount_refuses_while_somebody_could_be_there(self):
        for more, refused in (({'state': 'Running', 'adapters': [adapter(1, on=NAME_A)]}, True),
                              ({'adapters': [adapter(1, pin=NAME_A)]}, True),
                              ({'state': 'Paused', 'adapters': [adapter(1)]}, True),
                              ({'state': 'Saved', 'adapters': [adapter(1)]}, True),
                              ({'adapters': [adapter(1)]}, False)):
            self.begin(standalone(vm(1, **more), gpus=[a2(3, mitigated=True), a2(4)]))
            reply = self.agent.step('dismount-gpu', {'gpu': PATH_A})
            if refused:
                self.refused(reply, 'in-use')
            else:
                self.done(reply)
        self.begin(standalone(gpus=[a2(3, status='Error', partitionable=None)]))
        self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A}), 'invalid-state')

    def test_mount_refuses_what_is_in_a_pool_or_a_vm(self):
        self.begin(standalone(vm(1, devices=[{'id': 'd', 'locationPath': PATH_B}]),
                              gpus=[a2(3, dismounted=True), a2(4, dismounted=True)],
                              pools={'p': [PATH_A]}))
        self.refused(self.agent.step('mount-gpu', {'gpu': PATH_A}), 'in-use')
        self.refused(self.agent.step('mount-gpu', {'gpu': PATH_B}), 'in-use')
        self.assertEqual(self.world.writes(), [])

    def test_a_gpu_whose_driver_does_not_list_it_again_is_shown_as_it_is(self):
        self.begin(standalone(gpus=[a2(3, dismounted=True, disabled=True, neverMounts=True)]))
        reply = self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))
        self.assertEqual(reply['gpu']['state'], 'plain')

    def test_pools(self):
        self.begin(standalone(gpus=[a2(3, dismounted=True, mitigated=True), a2(4, dismounted=True),
                                    nvme(1, dismounted=True)],
                              pools={'other': [nvme(1)['locationPath']]}))
        _, writes = self.twice('create-pool', {'pool': 'hvgpu-paris-whole'})
        self.assertEqual(writes, [('New-VMResourcePool',
                                   {'Name': 'hvgpu-paris-whole', 'ResourcePoolType': ['PciExpress']})])
        where = {'gpu': PATH_A, 'pool': 'hvgpu-paris-whole'}
        _, writes = self.twice('add-gpu-to-pool', where)
        self.assertEqual(writes, [('Add-VMHostAssignableDevice',
                                   {'LocationPath': PATH_A, 'ResourcePoolName': ['hvgpu-paris-whole']})])
        self.refused(self.agent.step('add-gpu-to-pool', {**where, 'pool': 'none'}), 'not-found')
        self.refused(self.agent.step('add-gpu-to-pool', {**where, 'pool': 'other'}), 'in-use')
        _, writes = self.twice('remove-gpu-from-pool', where)
        self.assertEqual(writes, [('Remove-VMHostAssignableDevice',
                                   {'LocationPath': PATH_A, 'ResourcePoolName': ['hvgpu-paris-whole'],
                                    'Confirm': False})])
        self.done(self.agent.step('remove-gpu-from-pool', {**where, 'pool': 'none'}), changed=False)

    def test_a_pool_keeps_what_running_vms_need(self):
        self.begin(standalone(vm(1, state='Running', devices=[{'id': 'd', 'pool': 'p', 'on': PATH_B}]),
                              gpus=[a2(3, dismounted=True), a2(4, dismounted=True)], pools={'p': [PATH_A]}))
        self.refused(self.agent.step('remove-gpu-from-pool', {'gpu': PATH_A, 'pool': 'p'}), 'in-use')
        self.refused(self.agent.step('add-gpu-to-pool', {'gpu': 'PCIROOT(9)', 'pool': 'p'}), 'not-found')
        # two members, one VM: the one that it has stays
        self.begin(standalone(vm(1, state='Running', devices=[{'id': 'd', 'pool': 'p', 'on': PATH_B}]),
                              gpus=[a2(3, dismounted=True), a2(4, dismounted=True)], pools={'p': [PATH_A, PATH_B]}))
        self.refused(self.agent.step('remove-gpu-from-pool', {'gpu': PATH_B, 'pool': 'p'}), 'in-use')
        self.assertEqual(self.world.writes(), [])
        self.begin(standalone(pools={'p': []}))
        self.refused(self.agent.step('add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'}), 'not-found')


class German(Gpus):
    """All of a group again where messages are German and numbers have commas."""
    environment = {'HVGPU_FAKE_CULTURE': 'de-DE'}

    def begin(self, state, lease=True):
        super().begin({**state, 'language': 'de'}, lease)


if __name__ == '__main__':
    main()
