#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The steps that change a VM."""
import json

from agent import a2, adapter, standalone, vm, vm_id
from case import Case, NAME_A, NAME_B, PATH_A, PATH_B, QUOTAS, main


class Names(Case):
    NAMES = ['$(Stop-Computer)', "'; rm", '"quoted" \'both\'', 'two\nlines', '\U0001f600 \u00e4\u4e2d', '*', '[a-z]*?',
             'x' * 100, '`n$env:Path', '-Force', '',
             '\ud83d'.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')]

    def test_vms_are_addressed_by_id_whatever_they_are_called(self):
        names = [name for name in self.NAMES if name]
        self.begin(standalone(*[vm(i, name, state='Running') for i, name in enumerate(names)],
                              vm(99, names[0], state='Running')))
        facts, _ = self.agent.ask('observe')
        self.assertEqual([fact['vm']['name'] for fact in facts if 'vm' in fact], names + [names[0]])
        for i, name in enumerate(names):
            reply = self.done(self.agent.step('stop-vm', {'vm': vm_id(i), 'method': 'TurnOff'}, owesPower=True))
            self.assertEqual((reply['vm']['name'], reply['vm']['state']), (name, 'Off'))
            self.done(self.agent.step('add-partition-adapter', {'vm': vm_id(i), 'adapter': {}}))
            off = [each['name'] for each in self.world.state['hosts']['hv01']['vms'] if each['state'] == 'Off']
            self.assertEqual(off, names[:i + 1])
        self.assertFalse([call for call in self.world.calls() if 'VMName' in call[1] or 'Name' in call[1]])

    def test_an_id_that_is_none_is_not_found(self):
        self.begin(standalone(vm(1)))
        for text in ('*', '', 'vm-001', vm_id(7), vm_id(1) + "' or ''='"):
            kind = 'protocol' if not text else 'not-found'
            self.refused(self.agent.step('start-vm', {'vm': text}), kind)
        self.assertEqual(self.world.writes(), [])


class Power(Case):
    def stop(self, number=1, **more):
        return {'vm': vm_id(number), 'method': 'Shutdown', 'timeoutSeconds': 1, 'onTimeout': 'Fail', **more}

    def test_stop_shuts_the_guest_down(self):
        self.begin(standalone(vm(1, state='Running', shutdownMs=300)))
        first, writes = self.twice('stop-vm', self.stop(timeoutSeconds=20), owesPower=True,
                                   expected={'vmState': 'Running'})
        self.assertEqual(first['vm']['state'], 'Off')
        self.assertEqual(first['vm']['debt']['power'], 'stopped')
        self.assertEqual(first['vm']['debt']['stateChange'], first['vm']['stateChange'])
        self.assertEqual(writes, [('Stop-VM', {'VM': [vm_id(1)], 'Force': True, 'AsJob': True, 'Confirm': False})])

    def test_a_step_of_a_vm_does_not_list_the_devices_of_the_host(self):
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1, on=NAME_A)])))
        self.agent.observe()
        self.world.calls()
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))
        self.done(self.agent.step('start-vm', {'vm': vm_id(1)}))
        called = {json.dumps(call) for call in self.world.calls()}
        self.assertFalse([call for call in called if 'Pnp' in call or 'Win32_' in call and 'Win32_Service' not in call])
        # a GPU that was not there when they were listed is found all the same
        self.world.change(lambda state: state['hosts']['hv01'].update(devices=[a2(9)]))
        gpu = a2(9)
        self.world.change(lambda state: state['hosts']['hv01']['vms'][0]['adapters'][0].update(on=gpu['partitionable']['Name']))
        reply = self.done(self.agent.step('start-vm', {'vm': vm_id(1)}), changed=False)
        self.assertEqual(reply['vm']['adapters'][0]['gpus'], [gpu['locationPath']])

    def test_stop_waits_with_progress(self):
        self.begin(standalone(vm(1, state='Running', shutdownMs=2500)))
        facts, reply = self.agent.ask('stop-vm', run='run-1', epoch=1, step=self.stop(timeoutSeconds=30))
        self.done(reply)
        self.assertTrue(facts and all(0 <= fact['progress']['permille'] <= 1000 for fact in facts), facts)

    def test_start_waits_with_progress_and_not_beyond_its_deadline(self):
        self.begin(standalone(vm(1, adapters=[adapter(1)], startMs=2500)))
        facts, reply = self.agent.ask('start-vm', run='run-1', epoch=1, step={'vm': vm_id(1)})
        self.done(reply)
        self.assertTrue(facts and all(fact['progress']['what'] == 'waiting for the VM to start' for fact in facts), facts)
        self.begin(standalone(vm(1, adapters=[adapter(1)], startMs=60000)))
        self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}, deadlineSeconds=1), 'timeout')

    def test_a_guest_that_does_not_answer(self):
        for shutdown in ('silent', 'none'):
            self.begin(standalone(vm(1, state='Running', shutdown=shutdown)))
            self.refused(self.agent.step('stop-vm', self.stop(), owesPower=True), 'timeout')
            seen = self.agent.observe()[2]['vm-001']
            self.assertEqual((seen['state'], seen['debt']['power']), ('Running', 'stopping'))
            self.done(self.agent.step('stop-vm', self.stop(onTimeout='TurnOff'), owesPower=True))
            self.assertEqual(self.world.writes()[-1],
                             ('Stop-VM', {'VM': [vm_id(1)], 'TurnOff': True, 'Force': True, 'Confirm': False}))

    def test_the_deadline_of_a_request_ends_its_waiting(self):
        self.begin(standalone(vm(1, state='Running', shutdown='silent')))
        self.refused(self.agent.step('stop-vm', self.stop(timeoutSeconds=600), deadlineSeconds=1), 'timeout')

    def test_a_vm_that_somebody_else_stopped_is_not_ours(self):
        self.begin(standalone(vm(1)))
        self.refused(self.agent.step('stop-vm', self.stop(), expected={'vmState': 'Running'}, owesPower=True),
                     'unexpected-facts')
        self.assertIsNone(self.agent.observe()[2]['vm-001']['debt'])

    def test_only_a_running_vm_is_stopped(self):
        for state in ('Saved', 'Paused', 'Starting', 'OffCritical'):
            self.begin(standalone(vm(1, state=state)))
            self.refused(self.agent.step('stop-vm', self.stop()), 'invalid-state')
            self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'invalid-state')
            self.assertEqual(self.world.writes(), [])

    def test_methods_that_are_none(self):
        self.begin(standalone(vm(1, state='Running')))
        self.refused(self.agent.step('stop-vm', self.stop(method='Never')), 'invalid-parameter')
        self.assertEqual(self.world.writes(), [])

    def test_start_settles_the_power_debt(self):
        self.begin(standalone(vm(1, state='Running', startMs=200, adapters=[adapter(1)])))
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))
        self.world.calls()
        first, writes = self.twice('start-vm', {'vm': vm_id(1)}, expected={'vmState': 'Off'})
        self.assertEqual((first['vm']['state'], first['vm']['debt']), ('Running', None))
        self.assertEqual(first['vm']['adapters'][0]['gpus'], [PATH_A])
        self.assertEqual(writes, [('Start-VM', {'VM': [vm_id(1)], 'AsJob': True, 'Confirm': False})])

    def test_start_refuses_what_cannot_start(self):
        cases = [('checkpoint', {'automaticCheckpoints': True}), ('not-supported', {'generation': 1}),
                 ('invalid-parameter', {'dynamicMemory': True, 'memoryMinimum': 1 << 30})]
        for kind, more in cases:
            self.begin(standalone(vm(1, adapters=[adapter(1)], **more)))
            self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), kind)
            self.assertEqual(self.world.writes(), [])
        self.begin(standalone(vm(1, devices=[{'id': 'd', 'locationPath': PATH_A}], stopAction='Save'),
                              gpus=[a2(3, dismounted=True)]))
        self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'invalid-parameter')

    def test_start_without_room_has_its_kind_in_every_language(self):
        for language in ('en', 'de'):
            state = standalone(vm(1, adapters=[adapter(1)]), vm(2, state='Running', adapters=[adapter(2, on=NAME_A)]),
                               gpus=[a2(3, count=1)])
            self.begin({**state, 'language': language})
            error = self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'insufficient-resources')
            self.assertEqual((error['hresult'], error['category']), ('0x800705AA', 'NotSpecified'))
            self.assertEqual('konnte nicht' in error['message'], language == 'de')

    def test_configure_sets_what_is_wanting(self):
        self.begin(standalone(vm(1, automaticCheckpoints=True, stopAction='Save', mmioHigh=1 << 40)))
        settings = {'automaticCheckpoints': False, 'stopAction': 'TurnOff', 'cacheControl': True, 'mmioLow': 3 << 30,
                    'mmioHigh': 33280 << 20}
        first, writes = self.twice('configure-vm', {'vm': vm_id(1), 'settings': settings})
        self.assertEqual(writes, [('Set-VM', {'VM': [vm_id(1)], 'AutomaticCheckpointsEnabled': False,
                                              'AutomaticStopAction': 'TurnOff',
                                              'GuestControlledCacheTypes': True, 'LowMemoryMappedIoSpace': 3 << 30,
                                              'Confirm': False})])
        self.assertEqual((first['vm']['mmioLow'], first['vm']['mmioHigh'], first['vm']['cacheControl']),
                         (3 << 30, 1 << 40, True))

    def test_configure_live_and_off(self):
        self.begin(standalone(vm(1, state='Running', automaticCheckpoints=True, stopAction='ShutDown')))
        self.done(self.agent.step('configure-vm', {'vm': vm_id(1),
                                                   'settings': {'automaticCheckpoints': False,
                                                                'stopAction': 'TurnOff'}}))
        self.assertEqual(len(self.world.writes()), 1)
        self.refused(self.agent.step('configure-vm', {'vm': vm_id(1), 'settings': {'cacheControl': True}}),
                     'invalid-state')
        self.assertEqual(self.world.writes(), [])


class Adapters(Case):
    def add(self, count=1, **more):
        return {'vm': vm_id(1), 'adapter': more, 'count': count}

    def test_an_adapter_comes_with_its_quotas_and_its_pin(self):
        self.begin(standalone(vm(1)))
        first, writes = self.twice('add-partition-adapter', self.add(pin=PATH_B, quotas=QUOTAS))
        self.assertEqual([call[0] for call in writes], ['Add-VMGpuPartitionAdapter', 'Set-VMGpuPartitionAdapter'])
        self.assertEqual(writes[0][1], {'VM': [vm_id(1)], 'InstancePath': NAME_B, 'Passthru': True, 'Confirm': False})
        self.assertEqual({key: writes[1][1][key] for key in ('MinPartitionVRAM', 'MaxPartitionEncode')},
                         {'MinPartitionVRAM': 1000, 'MaxPartitionEncode': 18446744073709551615})
        seen = first['vm']['adapters'][0]
        self.assertEqual((seen['pin'], seen['pinned'], seen['quotas']), (PATH_B, True, QUOTAS))

    def test_an_adapter_without_quotas_is_one_call(self):
        self.begin(standalone(vm(1)))
        _, writes = self.twice('add-partition-adapter', self.add(), expected={'vmState': 'Off'})
        self.assertEqual(writes, [('Add-VMGpuPartitionAdapter',
                                   {'VM': [vm_id(1)], 'Passthru': True, 'Confirm': False})])
        self.done(self.agent.step('add-partition-adapter', self.add(count=2)))
        self.assertEqual(len(self.world.vm(1)['adapters']), 2)

    def test_quotas_that_cannot_be_set_take_the_adapter_along(self):
        self.begin({**standalone(vm(1)), 'faults': [{'cmdlet': 'Set-VMGpuPartitionAdapter', 'id': 'InvalidParameter'}]})
        error = self.refused(self.agent.step('add-partition-adapter', self.add(quotas=QUOTAS)), 'invalid-parameter')
        self.assertTrue(error['rolledBack'])
        self.assertEqual(self.world.vm(1)['adapters'], [])
        self.world.change(lambda state: state.update(faults=[
            {'cmdlet': 'Set-VMGpuPartitionAdapter', 'id': 'InvalidParameter'},
            {'cmdlet': 'Remove-VMGpuPartitionAdapter'}]))
        error = self.refused(self.agent.step('add-partition-adapter', self.add(quotas=QUOTAS)), 'invalid-parameter')
        self.assertFalse(error['rolledBack'])

    def test_add_refuses(self):
        self.begin(standalone(vm(1, state='Running'), gpus=[a2(3), a2(4, dismounted=True)]))
        self.refused(self.agent.step('add-partition-adapter', self.add()), 'invalid-state')
        self.refused(self.agent.step('add-partition-adapter', self.add(), expected={'vmState': 'Off'}),
                     'unexpected-facts')
        self.world.change(lambda state: state['hosts']['hv01']['vms'][0].update(state='Off'))
        self.refused(self.agent.step('add-partition-adapter', self.add(pin=PATH_B)), 'not-found')
        self.refused(self.agent.step('add-partition-adapter', self.add(pin='PCIROOT(9)')), 'not-found')
        self.assertEqual(self.world.writes(), [])

    def test_a_removed_adapter_is_owed_and_comes_back(self):
        quotas = {'MinPartitionVRAM': 1000, 'MaxPartitionEncode': 18446744073709551615}
        self.begin(standalone(vm(1, adapters=[adapter(1, pin=NAME_B, quotas=quotas), adapter(1, 1)])))
        remove = {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}
        first, writes = self.twice('remove-partition-adapter', remove, owesParts=True)
        self.assertEqual([call[0] for call in writes], ['Remove-VMGpuPartitionAdapter'])
        owed = first['vm']['debt']['adapters']
        self.assertEqual([(part['pin'], part['quotas']) for part in owed], [(PATH_B, QUOTAS)])
        reply = self.done(self.agent.step('add-partition-adapter', self.add(pin=PATH_B, quotas=owed[0]['quotas'])))
        self.assertIsNone(reply['vm']['debt'])
        self.assertEqual(len(reply['vm']['adapters']), 2)

    def test_a_pin_that_is_to_go_is_not_owed(self):
        self.begin(standalone(vm(1, adapters=[adapter(1, pin=NAME_B)])))
        reply = self.done(self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}},
                                          owesParts=True, owesUnpinned=True))
        self.assertEqual([part['pin'] for part in reply['vm']['debt']['adapters']], [None])
        self.assertIsNone(self.done(self.agent.step('add-partition-adapter', self.add()))['vm']['debt'])

    def test_a_part_that_a_dead_run_noted_and_did_not_take_is_owed_as_this_run_says(self):
        self.begin(standalone(vm(1, adapters=[adapter(1, pin=NAME_B)])))
        remove = {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}
        self.world.change(lambda state: state.update(faults=[{'cmdlet': 'Remove-VMGpuPartitionAdapter', 'id': 'AccessDenied'}]))
        self.agent.step('remove-partition-adapter', remove, owesParts=True, owesUnpinned=True)
        self.world.change(lambda state: state.update(faults=[]))
        owed = self.done(self.agent.step('remove-partition-adapter', remove, owesParts=True))['vm']['debt']['adapters']
        self.assertEqual([part['pin'] for part in owed], [PATH_B])

    def test_with_one_kind_of_gpu_nothing_of_the_other_is_owed(self):
        device = {'id': 'd', 'locationPath': PATH_A}
        for more, remove, part, give, what in (
                ({'adapters': [adapter(1)]}, 'partition-adapter', {'adapter': {'id': adapter(1)['id']}}, 'assigned-device',
                 {'device': {'locationPath': PATH_A}}),
                ({'devices': [device]}, 'assigned-device', {'device': {'locationPath': PATH_A}}, 'partition-adapter',
                 {'adapter': {}})):
            self.begin(standalone(vm(1, **more), gpus=[a2(3, dismounted=True), a2(4)]))
            reply = self.done(self.agent.step(f'remove-{remove}', {'vm': vm_id(1), **part}, owesParts=True))
            self.assertIsNotNone(reply['vm']['debt'], remove)
            reply = self.done(self.agent.step(f'add-{give}', {'vm': vm_id(1), **what}))
            self.assertIsNone(reply['vm']['debt'], give)

    def test_remove_refuses_and_owes_nothing_then(self):
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1, on=NAME_A)])))
        remove = {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}
        self.refused(self.agent.step('remove-partition-adapter', remove, owesParts=True), 'invalid-state')
        self.begin({**standalone(vm(1, adapters=[adapter(1)])),
                    'faults': [{'cmdlet': 'Remove-VMGpuPartitionAdapter', 'id': 'AccessDenied'}]})
        self.refused(self.agent.step('remove-partition-adapter', remove, owesParts=True), 'access-denied')
        self.assertIsNone(self.agent.observe()[2]['vm-001']['debt'])

    def test_an_adapter_that_is_gone_already_is_no_error(self):
        self.begin(standalone(vm(1)))
        self.done(self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}),
                  changed=False)


class Devices(Case):
    def test_a_device_by_path(self):
        self.begin(standalone(vm(1), gpus=[a2(3, dismounted=True), a2(4)]))
        device = {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}
        first, writes = self.twice('add-assigned-device', device)
        self.assertEqual(writes, [('Add-VMAssignableDevice',
                                   {'VM': [vm_id(1)], 'LocationPath': PATH_A, 'Confirm': False})])
        self.assertEqual(first['vm']['devices'], [{'locationPath': PATH_A}])
        first, writes = self.twice('remove-assigned-device', device, owesParts=True)
        self.assertEqual([call[0] for call in writes], ['Remove-VMAssignableDevice'])
        self.assertEqual((first['vm']['devices'], first['vm']['debt']['devices']), ([], [{'locationPath': PATH_A}]))
        reply = self.done(self.agent.step('add-assigned-device', device))
        self.assertIsNone(reply['vm']['debt'])

    def test_devices_of_a_pool(self):
        self.begin(standalone(vm(1), gpus=[a2(3, dismounted=True), a2(4, dismounted=True)],
                              pools={'p': [PATH_A, PATH_B]}))
        self.twice('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}, 'count': 1})
        first, writes = self.twice('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}, 'count': 2})
        self.assertEqual(writes, [('Add-VMAssignableDevice',
                                   {'VM': [vm_id(1)], 'ResourcePoolName': 'p', 'Confirm': False})])
        self.assertEqual(first['vm']['devices'], [{'pool': 'p'}, {'pool': 'p'}])
        for left in (1, 0):
            reply = self.done(self.agent.step('remove-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}},
                                              owesParts=True))
            self.assertEqual(len(reply['vm']['devices']), left)
        self.assertEqual(reply['vm']['debt']['devices'], [{'pool': 'p'}, {'pool': 'p'}])

    def test_what_cannot_be_assigned(self):
        self.begin(standalone(vm(1), vm(2, state='Running')))
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}),
                     'not-found')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}}), 'not-found')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(2), 'device': {'pool': 'p'}}), 'invalid-state')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {}}), 'protocol')
        self.done(self.agent.step('remove-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}}), changed=False)
        self.assertEqual(self.world.writes(), [])


if __name__ == '__main__':
    main()
