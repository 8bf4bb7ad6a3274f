#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent in a real PowerShell engine, on fake hosts: test_agent.py PWSH-HOST [--agent FILE] -- [GROUP…]. Groups are the classes
below; FILE is the agent as the build joined it."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

import agent as lab
import world_of
from agent import a2, adapter, nvme, standalone, vm, vm_id

HERE = pathlib.Path(__file__).resolve().parent
PWSH = []
BUILT = [] # the agent as the build made it
A, B = a2(3), a2(4)
PATH_A, PATH_B = A['locationPath'], B['locationPath']
NAME_A, NAME_B = A['partitionable']['Name'], B['partitionable']['Name']
QUOTAS = {'minPartitionVRAM': 1000, 'maxPartitionEncode': '18446744073709551615'}


class Case(unittest.TestCase):
    """One agent on hv01 for all tests of a class; each begins with a world of its own."""
    host = 'hv01'
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='hvgpu-agent-')
        cls.world = lab.World(cls.folder, standalone())
        cls.agent = lab.Agent(PWSH, cls.world, cls.host, **cls.environment)
        cls.greeting = cls.agent.hello()

    @classmethod
    def tearDownClass(cls):
        with cls.agent:
            code = cls.agent.close()
        shutil.rmtree(cls.folder)
        assert code == 0, code

    def begin(self, state, lease=True):
        self.agent.ask('lease-close')
        for folder in pathlib.Path(self.folder).glob('data-*/hvgpu'):
            shutil.rmtree(folder)
        self.world.state = state
        if lease:
            self.agent.lease()
        self.world.calls()

    def done(self, reply, changed=True):
        self.assertEqual((reply['reply'], reply.get('changed')), ('done', changed), reply)
        return reply

    def refused(self, reply, kind):
        self.assertEqual(reply['reply'], 'failed', reply)
        self.assertEqual(reply['error']['kind'], kind, reply)
        return reply['error']

    def twice(self, verb, parameters, **fields):
        """Changed, and unchanged when it is asked again, without a write. The first reply, and what it called."""
        first = self.done(self.agent.step(verb, parameters, **fields))
        writes = self.world.writes()
        self.done(self.agent.step(verb, parameters, **fields), changed=False)
        self.assertEqual(self.world.writes(), [])
        return first, writes


def clustered(*vms, nodes=('hv01', 'hv02'), offline=3, **hosts):
    """A failover cluster; the VMs are on its first node."""
    state = {'hosts': {name: {'devices': [a2(3), a2(4)], 'vms': [], **hosts.get(name, {})} for name in nodes},
             'cluster': {'name': 'fc-paris', 'nodes': {name: {} for name in nodes}, 'groups': []}}
    state['hosts'][nodes[0]]['vms'] = list(vms)
    for each in vms:
        state['cluster']['groups'].append(
            {'name': each['name'], 'vm': each['id'], 'owner': nodes[0], 'offlineAction': offline})
    return state


class Protocol(Case):
    def test_hello_tells_what_is_there(self):
        self.assertEqual({key: self.greeting[key] for key in ('protocol', 'host', 'elevated', 'networkLogon', 'liveMoves')},
                         {'protocol': 1, 'host': 'HV01', 'elevated': True, 'networkLogon': False, 'liveMoves': True})
        self.assertTrue(self.greeting['modules']['Hyper-V'])

    def test_a_line_that_is_no_request_is_answered(self):
        for line in ('{', '[]', '1', '{"verb":"observe"}', '{"id":9}', '{"id":9,"verb":"Stop-Computer"}', '{"id":9,"verb":5}',
                     '{"id":1.5}', '{"id":9,"verb":"stop-vm","step":7,"run":"r"}', '\u2028{"id":9}', '{"id":9} {"id":8}', '{"id":9,"id"'):
            self.agent.write(line)
            self.assertIn(self.agent.answer()[1]['error']['kind'], ('protocol', 'lease-lost'), line)

    def test_texts_come_back_as_they_were_sent(self):
        self.begin(standalone(vm(1)), lease=False)
        for run in ('\x00\x01\n\t"\\/', 'ä€\U0001f600', '$(Stop-Computer)`n', "';rm -rf /;'", 'x' * 9000):
            self.agent.ask('lease-open', run=run, holder=run)
            lease = self.agent.ask('lease-who')[1]['lease']
            self.assertEqual((lease['run'], lease['holder']), (run, run))
            self.agent.ask('lease-close')

    def test_a_request_sent_during_another_waits(self):
        self.begin(standalone(vm(1)), lease=False)
        first, second = self.agent.send('observe'), self.agent.send('lease-who')
        self.assertEqual(self.agent.answer(first)[1]['reply'], 'done')
        self.assertEqual(self.agent.answer(second)[1]['reply'], 'done')

    def test_a_step_without_a_lease_is_refused(self):
        self.begin(standalone(vm(1, state='Running')), lease=False)
        self.refused(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}), 'lease-lost')
        self.assertEqual(self.world.writes(), [])


class Observe(Case):
    def test_every_field_of_a_busy_host(self):
        quotas = {'MinPartitionVRAM': 1000, 'MaxPartitionVRAM': 18446744073709551615}
        self.begin(standalone(
            vm(1, state='Running', adapters=[adapter(1, on=NAME_B, pin=NAME_B, quotas=quotas, outgoingLiveMigration=True)],
               memoryAssigned=1 << 32, guestOs='Ubuntu 24.04 <&>', snapshots=2, automaticCheckpoints=True, mmioHigh=34896609280),
            vm(2, dynamicMemory=True, memoryMinimum=1 << 30, stopAction='Save', cacheControl=True, checkpointType='Disabled', generation=1,
               devices=[{'id': 'd1', 'locationPath': PATH_A}, {'id': 'd2', 'pool': 'p'}], shutdown='none'),
            gpus=[a2(3, dismounted=True, mitigated=True), a2(4), a2(5, disabled=True), a2(6, status='Error', partitionable=None),
                  a2(7, partitionable=None), nvme(1, dismounted=True), nvme(2)],
            pools={'p': [PATH_A, nvme(1)['locationPath']]}, policy={'RequireSecureDeviceAssignment': 0}, iov=False, sku=7,
            iovReasons=['No ACS.', 'BIOS.']), lease=False)
        host, gpus, vms, reply = self.agent.observe()
        self.assertEqual(reply['moving'], [])
        self.assertEqual({key: host[key] for key in ('osBuild', 'edition', 'memoryFree', 'sriov', 'sriovReasons', 'clusterName', 'nodes')},
                         {'osBuild': 26100, 'edition': 'Standard', 'memoryFree': 1 << 38, 'sriov': False,
                          'sriovReasons': 'No ACS.; BIOS.', 'clusterName': None, 'nodes': []})
        self.assertEqual((host['requireSecureAssignment'], host['requireSupportedAssignment']), (False, True))
        self.assertEqual(host['pools'], [{'name': 'p', 'members': [PATH_A, nvme(1)['locationPath']]}])
        self.assertNotIn('unread', host)
        self.assertEqual([(gpu['state'], gpu['count'], gpu['mitigationDriver']) for _, gpu in sorted(gpus.items())],
                         [('dismounted', None, True), ('partitionable', 4, None), ('disabled', None, None), ('failed', None, None),
                          ('plain', None, None)])
        self.assertEqual({key: gpus[PATH_A][key] for key in ('instanceId', 'name', 'device', 'subsystem', 'validCounts', 'mmioLow')},
                         {'instanceId': 'PCIP\\' + A['id'], 'name': 'NVIDIA A2', 'device': '10DE:25B6', 'subsystem': '10DE:157E',
                          'validCounts': [], 'mmioLow': None})
        self.assertEqual({key: gpus[PATH_B][key] for key in ('validCounts', 'memory', 'partitionMemory', 'memoryUnit', 'mmioLow', 'mmioHigh')},
                         {'validCounts': [16, 8, 4, 2, 1], 'memory': 15945891840, 'partitionMemory': 15945891840 // 4,
                          'memoryUnit': 'bytes', 'mmioLow': 1 << 24, 'mmioHigh': 1 << 34})
        first, second = vms['vm-001'], vms['vm-002']
        self.assertEqual(first['adapters'], [{
            'id': adapter(1)['id'], 'pin': PATH_B, 'pinned': True, 'gpus': [PATH_B], 'outgoingLiveMigration': True,
            'quotas': {'minPartitionVRAM': 1000, 'maxPartitionVRAM': '18446744073709551615'}}])
        self.assertEqual({key: first[key] for key in ('state', 'memory', 'guestOs', 'hasCheckpoints', 'automaticCheckpoints', 'mmioHigh',
                                                      'shutdownAnswers', 'stateChange', 'clustered')},
                         {'state': 'Running', 'memory': 1 << 32, 'guestOs': 'Ubuntu 24.04 <&>', 'hasCheckpoints': True,
                          'automaticCheckpoints': True, 'mmioHigh': 34896609280, 'shutdownAnswers': True,
                          'stateChange': '2025-11-24T16:00:00Z', 'clustered': False})
        self.assertEqual(second['devices'], [{'locationPath': PATH_A}, {'pool': 'p'}])
        self.assertEqual({key: second[key] for key in ('dynamicMemory', 'memoryMinimum', 'stopAction', 'cacheControl', 'checkpointType',
                                                       'generation', 'hasCheckpoints', 'shutdownAnswers', 'guestOs')},
                         {'dynamicMemory': True, 'memoryMinimum': 1 << 30, 'stopAction': 'Save', 'cacheControl': True,
                          'checkpointType': 'Disabled', 'generation': 1, 'hasCheckpoints': False, 'shutdownAnswers': None, 'guestOs': None})

    def calls_for(self, n_gpus, n_vms, n_pools):
        self.begin(standalone(
            *[vm(i, adapters=[adapter(i)], state='Running') for i in range(n_vms)], gpus=[a2(i) for i in range(n_gpus)],
            pools={f'p{i}': [] for i in range(n_pools)}), lease=False)
        self.agent.observe()
        return len(self.world.calls())

    def test_calls_do_not_grow_with_gpus_and_vms(self):
        few = self.calls_for(1, 2, 0)
        self.assertEqual(self.calls_for(8, 256, 0), few)
        self.assertEqual(self.calls_for(1, 2, 3), few + 3) # the objects do not name their pool
        self.assertLessEqual(few, 20)

    def test_a_host_without_vms_or_gpus(self):
        self.begin({'hosts': {'hv01': {}}}, lease=False)
        _, gpus, vms, _ = self.agent.observe()
        self.assertEqual((gpus, vms), ({}, {}))

    def test_what_cannot_be_read_is_named(self):
        fields = {
            'Get-VMHost': ('host', ['sriov', 'sriovReasons']), 'Get-ItemProperty': ('host', ['requireSecureAssignment', 'requireSupportedAssignment']),
            'Get-VMResourcePool': ('host', ['pools']), 'Get-VMGpuPartitionAdapter': ('vm', ['adapters']), 'Get-VMAssignableDevice': ('vm', ['devices']),
            'Get-VMSnapshot': ('vm', ['hasCheckpoints']),
        }
        for cmdlet, (kind, names) in fields.items():
            state = standalone(vm(1, adapters=[adapter(1)]))
            state['faults'] = [{'cmdlet': cmdlet, 'id': 'AccessDenied', 'category': 'PermissionDenied', 'permanent': True}]
            self.begin(state, lease=False)
            host, _, vms, _ = self.agent.observe()
            found = host if kind == 'host' else vms['vm-001']
            self.assertEqual(found.get('unread'), names, cmdlet)
            self.assertFalse([name for name in names if found.get(name) is not None])

    def test_cim_classes_that_cannot_be_read(self):
        order = ['Win32_OperatingSystem', 'Win32_DeviceMemoryAddress', None, 'Msvm_ComputerSystem', 'Msvm_ShutdownComponent',
                 'Msvm_KvpExchangeComponent', 'Msvm_GpuPartitionSettingData']
        unread = ['osBuild', 'mmioLow', None, 'stateChange', 'shutdownAnswers', 'guestOs', 'adapters.pinned of ' + adapter(1)['id']]
        for number, (name, field) in enumerate(zip(order, unread), 1):
            if not name:
                continue
            state = standalone(vm(1, adapters=[adapter(1)]))
            # where the addresses fail, the resources are not asked for
            state['faults'] = [{'cmdlet': 'Get-CimInstance', 'nth': number, 'code': -2147217405}]
            self.begin(state, lease=False)
            host, gpus, vms, _ = self.agent.observe()
            objects = [host, gpus[PATH_A], vms['vm-001']]
            self.assertTrue([each for each in objects if field in each.get('unread', [])], (name, objects))

    def test_no_vms_at_all_is_a_failure_when_they_cannot_be_listed(self):
        for cmdlet in ('Get-VM', 'Get-PnpDevice', 'Get-VMHostPartitionableGpu', 'Get-VMHostAssignableDevice'):
            state = standalone(vm(1))
            state['faults'] = [{'cmdlet': cmdlet, 'id': 'AccessDenied', 'category': 'PermissionDenied'}]
            self.begin(state, lease=False)
            self.refused(self.agent.ask('observe')[1], 'access-denied')

    def test_captures_are_observed_as_they_were_captured(self):
        for capture in json.loads((HERE / 'captures/partitionable-gpus.json').read_text()):
            gpu = capture['object']
            identity = gpu['Name'][4:].split('#{')[0].replace('#', '\\', 2)[4:]
            device = {'locationPath': PATH_A, 'id': identity, 'friendlyName': 'captured', 'partitionable': gpu}
            self.begin(standalone(gpus=[device]), lease=False)
            seen = self.agent.observe()[1][PATH_A]
            is_share = gpu['Name'].lower().endswith('gpuparav')
            self.assertEqual((seen['state'], seen['memoryUnit']), ('paravirtualized', 'share') if is_share else ('partitionable', 'bytes'))
            self.assertEqual((seen['validCounts'], seen['count']), (gpu['ValidPartitionCounts'], gpu['PartitionCount']))
            self.assertEqual(seen['memory'], gpu.get('TotalVRAM'))
            self.assertEqual(seen['incomingLiveMigration'], gpu.get('SupportsIncomingLiveMigration'))

    def test_a_memory_that_is_unknown_is_null(self):
        gpu = a2(3)
        gpu['partitionable']['TotalVRAM'] = gpu['partitionable']['MinPartitionVRAM'] = 18446744073709551615
        self.begin(standalone(gpus=[gpu]), lease=False)
        seen = self.agent.observe()[1][PATH_A]
        self.assertEqual((seen['memory'], seen['partitionMemory']), (None, None))

    def test_captured_adapters_are_observed_as_they_were_captured(self):
        for capture in json.loads((HERE / 'captures/adapters.json').read_text()):
            quotas = {key: value for key, value in capture['object'].items() if 'Partition' in key and key[:3] in ('Min', 'Max', 'Opt', 'Cur')}
            self.begin(standalone(vm(1, state='Running', adapters=[adapter(1, quotas=quotas, on=capture['object'].get('InstancePath'))]),
                                  gpus=[{'locationPath': PATH_A, 'id': 'VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4&18416DC3&0&0000',
                                         'partitionable': A['partitionable']}]), lease=False)
            seen = self.agent.observe()[2]['vm-001']['adapters'][0]
            wanted = {key[0].lower() + key[1:]: value for key, value in quotas.items() if not key.startswith('Cur')}
            self.assertEqual(seen['quotas'], wanted)
            self.assertEqual(seen['gpus'], [PATH_A] if 'InstancePath' in capture['object'] else [])

    def test_every_state_has_its_name(self):
        states = ['Running', 'Off', 'Stopping', 'Saved', 'Paused', 'Starting', 'Reset', 'Saving', 'Pausing', 'Resuming', 'FastSaved',
                  'FastSaving', 'ForceShutdown', 'ForceReboot', 'Hibernated', 'ComponentServicing', 'RunningCritical', 'OffCritical']
        self.begin(standalone(*[vm(i, state=state) for i, state in enumerate(states)]), lease=False)
        vms = self.agent.observe()[2]
        self.assertEqual([vms[f'vm-{i:03}']['state'] for i in range(len(states))], states)


class Names(Case):
    NAMES = ['$(Stop-Computer)', "'; rm", '"quoted" \'both\'', 'two\nlines', '\U0001f600 \u00e4\u4e2d', '*', '[a-z]*?', 'x' * 100, '`n$env:Path', '-Force', '',
             '\ud83d'.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')]

    def test_vms_are_addressed_by_id_whatever_they_are_called(self):
        names = [name for name in self.NAMES if name]
        self.begin(standalone(*[vm(i, name, state='Running') for i, name in enumerate(names)], vm(99, names[0], state='Running')))
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
        first, writes = self.twice('stop-vm', self.stop(timeoutSeconds=20), owesPower=True, expected={'vmState': 'Running'})
        self.assertEqual(first['vm']['state'], 'Off')
        self.assertEqual(first['vm']['debt']['power'], 'stopped')
        self.assertEqual(first['vm']['debt']['stateChange'], first['vm']['stateChange'])
        self.assertEqual(writes, [('Stop-VM', {'VM': [vm_id(1)], 'Force': True, 'AsJob': True, 'Confirm': False})])

    def test_stop_waits_with_progress(self):
        self.begin(standalone(vm(1, state='Running', shutdownMs=2500)))
        facts, reply = self.agent.ask('stop-vm', run='run-1', epoch=1, step=self.stop(timeoutSeconds=30))
        self.done(reply)
        self.assertTrue(facts and all(0 <= fact['progress']['permille'] <= 1000 for fact in facts), facts)

    def test_a_guest_that_does_not_answer(self):
        for shutdown in ('silent', 'none'):
            self.begin(standalone(vm(1, state='Running', shutdown=shutdown)))
            self.refused(self.agent.step('stop-vm', self.stop(), owesPower=True), 'timeout')
            seen = self.agent.observe()[2]['vm-001']
            self.assertEqual((seen['state'], seen['debt']['power']), ('Running', 'stopping'))
            self.done(self.agent.step('stop-vm', self.stop(onTimeout='TurnOff'), owesPower=True))
            self.assertEqual(self.world.writes()[-1], ('Stop-VM', {'VM': [vm_id(1)], 'TurnOff': True, 'Force': True, 'Confirm': False}))

    def test_the_deadline_of_a_request_ends_its_waiting(self):
        self.begin(standalone(vm(1, state='Running', shutdown='silent')))
        self.refused(self.agent.step('stop-vm', self.stop(timeoutSeconds=600), deadlineSeconds=1), 'timeout')

    def test_a_vm_that_somebody_else_stopped_is_not_ours(self):
        self.begin(standalone(vm(1)))
        self.refused(self.agent.step('stop-vm', self.stop(), expected={'vmState': 'Running'}, owesPower=True), 'unexpected-facts')
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
        self.begin(standalone(vm(1, devices=[{'id': 'd', 'locationPath': PATH_A}], stopAction='Save'), gpus=[a2(3, dismounted=True)]))
        self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'invalid-parameter')

    def test_start_without_room_has_its_kind_in_every_language(self):
        for language in ('en', 'de'):
            state = standalone(vm(1, adapters=[adapter(1)]), vm(2, state='Running', adapters=[adapter(2, on=NAME_A)]), gpus=[a2(3, count=1)])
            self.begin({**state, 'language': language})
            error = self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'insufficient-resources')
            self.assertEqual((error['hresult'], error['category']), ('0x800705AA', 'NotSpecified'))
            self.assertEqual('konnte nicht' in error['message'], language == 'de')

    def test_configure_sets_what_is_wanting(self):
        self.begin(standalone(vm(1, automaticCheckpoints=True, stopAction='Save', mmioHigh=1 << 40)))
        settings = {'automaticCheckpoints': False, 'stopAction': 'TurnOff', 'cacheControl': True, 'mmioLow': 3 << 30, 'mmioHigh': 33280 << 20}
        first, writes = self.twice('configure-vm', {'vm': vm_id(1), 'settings': settings})
        self.assertEqual(writes, [('Set-VM', {'VM': [vm_id(1)], 'AutomaticCheckpointsEnabled': False, 'AutomaticStopAction': 'TurnOff',
                                              'GuestControlledCacheTypes': True, 'LowMemoryMappedIoSpace': 3 << 30, 'Confirm': False})])
        self.assertEqual((first['vm']['mmioLow'], first['vm']['mmioHigh'], first['vm']['cacheControl']), (3 << 30, 1 << 40, True))

    def test_configure_live_and_off(self):
        self.begin(standalone(vm(1, state='Running', automaticCheckpoints=True, stopAction='ShutDown')))
        self.done(self.agent.step('configure-vm', {'vm': vm_id(1), 'settings': {'automaticCheckpoints': False, 'stopAction': 'TurnOff'}}))
        self.assertEqual(len(self.world.writes()), 1)
        self.refused(self.agent.step('configure-vm', {'vm': vm_id(1), 'settings': {'cacheControl': True}}), 'invalid-state')
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
        self.assertEqual(writes, [('Add-VMGpuPartitionAdapter', {'VM': [vm_id(1)], 'Passthru': True, 'Confirm': False})])
        self.done(self.agent.step('add-partition-adapter', self.add(count=2)))
        self.assertEqual(len(self.world.vm(1)['adapters']), 2)

    def test_quotas_that_cannot_be_set_take_the_adapter_along(self):
        self.begin({**standalone(vm(1)), 'faults': [{'cmdlet': 'Set-VMGpuPartitionAdapter', 'id': 'InvalidParameter'}]})
        error = self.refused(self.agent.step('add-partition-adapter', self.add(quotas=QUOTAS)), 'invalid-parameter')
        self.assertTrue(error['rolledBack'])
        self.assertEqual(self.world.vm(1)['adapters'], [])
        self.world.change(lambda state: state.update(faults=[
            {'cmdlet': 'Set-VMGpuPartitionAdapter', 'id': 'InvalidParameter'}, {'cmdlet': 'Remove-VMGpuPartitionAdapter'}]))
        error = self.refused(self.agent.step('add-partition-adapter', self.add(quotas=QUOTAS)), 'invalid-parameter')
        self.assertFalse(error['rolledBack'])

    def test_add_refuses(self):
        self.begin(standalone(vm(1, state='Running'), gpus=[a2(3), a2(4, dismounted=True)]))
        self.refused(self.agent.step('add-partition-adapter', self.add()), 'invalid-state')
        self.refused(self.agent.step('add-partition-adapter', self.add(), expected={'vmState': 'Off'}), 'unexpected-facts')
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

    def test_remove_refuses_and_owes_nothing_then(self):
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1, on=NAME_A)])))
        remove = {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}
        self.refused(self.agent.step('remove-partition-adapter', remove, owesParts=True), 'invalid-state')
        self.begin({**standalone(vm(1, adapters=[adapter(1)])), 'faults': [{'cmdlet': 'Remove-VMGpuPartitionAdapter', 'id': 'AccessDenied'}]})
        self.refused(self.agent.step('remove-partition-adapter', remove, owesParts=True), 'access-denied')
        self.assertIsNone(self.agent.observe()[2]['vm-001']['debt'])

    def test_an_adapter_that_is_gone_already_is_no_error(self):
        self.begin(standalone(vm(1)))
        self.done(self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}), changed=False)


class Devices(Case):
    def test_a_device_by_path(self):
        self.begin(standalone(vm(1), gpus=[a2(3, dismounted=True), a2(4)]))
        device = {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}
        first, writes = self.twice('add-assigned-device', device)
        self.assertEqual(writes, [('Add-VMAssignableDevice', {'VM': [vm_id(1)], 'LocationPath': PATH_A, 'Confirm': False})])
        self.assertEqual(first['vm']['devices'], [{'locationPath': PATH_A}])
        first, writes = self.twice('remove-assigned-device', device, owesParts=True)
        self.assertEqual([call[0] for call in writes], ['Remove-VMAssignableDevice'])
        self.assertEqual((first['vm']['devices'], first['vm']['debt']['devices']), ([], [{'locationPath': PATH_A}]))
        reply = self.done(self.agent.step('add-assigned-device', device))
        self.assertIsNone(reply['vm']['debt'])

    def test_devices_of_a_pool(self):
        self.begin(standalone(vm(1), gpus=[a2(3, dismounted=True), a2(4, dismounted=True)], pools={'p': [PATH_A, PATH_B]}))
        self.twice('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}, 'count': 1})
        first, writes = self.twice('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}, 'count': 2})
        self.assertEqual(writes, [('Add-VMAssignableDevice', {'VM': [vm_id(1)], 'ResourcePoolName': 'p', 'Confirm': False})])
        self.assertEqual(first['vm']['devices'], [{'pool': 'p'}, {'pool': 'p'}])
        for left in (1, 0):
            reply = self.done(self.agent.step('remove-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}}, owesParts=True))
            self.assertEqual(len(reply['vm']['devices']), left)
        self.assertEqual(reply['vm']['debt']['devices'], [{'pool': 'p'}, {'pool': 'p'}])

    def test_what_cannot_be_assigned(self):
        self.begin(standalone(vm(1), vm(2, state='Running')))
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}), 'not-found')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}}), 'not-found')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(2), 'device': {'pool': 'p'}}), 'invalid-state')
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {}}), 'protocol')
        self.done(self.agent.step('remove-assigned-device', {'vm': vm_id(1), 'device': {'pool': 'p'}}), changed=False)
        self.assertEqual(self.world.writes(), [])


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
        self.refused(self.agent.step('set-partition-count', {'gpu': PATH_A, 'count': 8}, expected={'count': 2}), 'unexpected-facts')
        self.refused(self.agent.step('set-partition-count', {'gpu': PATH_B, 'count': 8}), 'not-supported')
        self.refused(self.agent.step('set-partition-count', {'gpu': 'PCIROOT(9)', 'count': 8}), 'not-found')
        self.assertEqual(self.world.writes(), [])

    def test_a_count_waits_for_every_adapter_that_could_be_there(self):
        for number, (more, kind) in enumerate([
                ({'state': 'Running', 'adapters': [adapter(1, on=NAME_A)]}, 'in-use'), ({'state': 'Running', 'adapters': [adapter(1, on=NAME_B)]}, None),
                ({'adapters': [adapter(1)]}, 'in-use'), ({'adapters': [adapter(1, pin=NAME_B)]}, None), ({'adapters': [adapter(1, pin=NAME_A)]}, 'in-use'),
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
        self.assertEqual(self.agent.observe()[0]['notedMmio'], [{'locationPath': PATH_A, 'low': 1 << 24, 'high': 1 << 34}])
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
        self.assertEqual(self.world.writes()[-1], ('Dismount-VMHostAssignableDevice', {'LocationPath': PATH_A, 'Force': True}))

    def test_a_dismount_that_fails_says_what_is_left(self):
        self.begin({**standalone(), 'faults': [{'cmdlet': 'Dismount-VMHostAssignableDevice', 'after': True, 'id': 'AccessDenied'}]})
        error = self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}), 'access-denied')
        self.assertTrue(error['rolledBack'])
        self.assertIn('mounted and enabled again', error['message'])
        self.assertEqual([call[0] for call in self.world.writes()],
                         ['Disable-PnpDevice', 'Dismount-VMHostAssignableDevice', 'Mount-VMHostAssignableDevice', 'Enable-PnpDevice'])
        self.begin({**standalone(), 'faults': [{'cmdlet': 'Dismount-VMHostAssignableDevice'}, {'cmdlet': 'Enable-PnpDevice'}]})
        error = self.refused(self.agent.step('dismount-gpu', {'gpu': PATH_A, 'force': True}), 'failed')
        self.assertFalse(error['rolledBack'])
        self.assertEqual(self.agent.observe()[1][PATH_A]['state'], 'disabled')
        self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))

    def test_dismount_refuses_while_somebody_could_be_there(self):
        for more, refused in (({'state': 'Running', 'adapters': [adapter(1, on=NAME_A)]}, True), ({'adapters': [adapter(1, pin=NAME_A)]}, True),
                              ({'state': 'Paused', 'adapters': [adapter(1)]}, True), ({'state': 'Saved', 'adapters': [adapter(1)]}, True),
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
        self.begin(standalone(vm(1, devices=[{'id': 'd', 'locationPath': PATH_B}]), gpus=[a2(3, dismounted=True), a2(4, dismounted=True)],
                              pools={'p': [PATH_A]}))
        self.refused(self.agent.step('mount-gpu', {'gpu': PATH_A}), 'in-use')
        self.refused(self.agent.step('mount-gpu', {'gpu': PATH_B}), 'in-use')
        self.assertEqual(self.world.writes(), [])

    def test_a_gpu_whose_driver_does_not_list_it_again_is_shown_as_it_is(self):
        self.begin(standalone(gpus=[a2(3, dismounted=True, disabled=True, neverMounts=True)]))
        reply = self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))
        self.assertEqual(reply['gpu']['state'], 'plain')

    def test_pools(self):
        self.begin(standalone(gpus=[a2(3, dismounted=True, mitigated=True), a2(4, dismounted=True), nvme(1, dismounted=True)],
                              pools={'other': [nvme(1)['locationPath']]}))
        _, writes = self.twice('create-pool', {'pool': 'hvgpu-paris-whole'})
        self.assertEqual(writes, [('New-VMResourcePool', {'Name': 'hvgpu-paris-whole', 'ResourcePoolType': ['PciExpress']})])
        where = {'gpu': PATH_A, 'pool': 'hvgpu-paris-whole'}
        _, writes = self.twice('add-gpu-to-pool', where)
        self.assertEqual(writes, [('Add-VMHostAssignableDevice', {'LocationPath': PATH_A, 'ResourcePoolName': ['hvgpu-paris-whole']})])
        self.refused(self.agent.step('add-gpu-to-pool', {**where, 'pool': 'none'}), 'not-found')
        self.refused(self.agent.step('add-gpu-to-pool', {**where, 'pool': 'other'}), 'in-use')
        _, writes = self.twice('remove-gpu-from-pool', where)
        self.assertEqual(writes, [('Remove-VMHostAssignableDevice',
                                   {'LocationPath': PATH_A, 'ResourcePoolName': ['hvgpu-paris-whole'], 'Confirm': False})])
        self.done(self.agent.step('remove-gpu-from-pool', {**where, 'pool': 'none'}), changed=False)

    def test_a_pool_keeps_what_running_vms_need(self):
        self.begin(standalone(vm(1, state='Running', devices=[{'id': 'd', 'pool': 'p', 'on': PATH_B}]),
                              gpus=[a2(3, dismounted=True), a2(4, dismounted=True)], pools={'p': [PATH_A]}))
        self.refused(self.agent.step('remove-gpu-from-pool', {'gpu': PATH_A, 'pool': 'p'}), 'in-use')
        self.refused(self.agent.step('add-gpu-to-pool', {'gpu': 'PCIROOT(9)', 'pool': 'p'}), 'not-found')
        self.begin(standalone(pools={'p': []}))
        self.refused(self.agent.step('add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'}), 'not-found')


class Cluster(Case):
    def stop(self, **more):
        return {'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 5, **more}

    def test_a_cluster_is_observed(self):
        state = clustered(vm(1, state='Running'), vm(2))
        state['cluster']['nodes']['hv02'] = {'state': 'Paused', 'drain': 'InProgress'}
        state['hosts']['hv01']['vms'].append(vm(3))
        self.begin(state, lease=False)
        host, _, vms, reply = self.agent.observe()
        self.assertEqual((host['clusterName'], host['nodes']), ('fc-paris', [{'name': 'hv01', 'state': 'Up'}, {'name': 'hv02', 'state': 'Draining'}]))
        self.assertEqual([(vms[name]['clustered'], vms[name]['group'], vms[name]['offlineAction']) for name in ('vm-001', 'vm-002', 'vm-003')],
                         [(True, 'vm-001', 'ForcedShutdown'), (True, 'vm-002', 'ForcedShutdown'), (False, None, None)])
        self.assertEqual(reply['moving'], [])

    def test_a_vm_on_its_way_is_moving(self):
        state = clustered(vm(1, state='Running'), vm(2))
        state['cluster']['groups'][0]['owner'] = 'hv02'
        state['hosts']['hv01']['vms'].pop()
        self.begin(state, lease=False)
        self.assertEqual(sorted(self.agent.observe()[3]['moving']), [vm_id(1), vm_id(2)])

    def test_calls_do_not_grow_with_clustered_vms(self):
        counts = []
        for n in (2, 100):
            self.begin(clustered(*[vm(i) for i in range(n)]), lease=False)
            self.agent.observe()
            counts.append(len(self.world.calls()))
        self.assertEqual(counts[0], counts[1])

    def test_stop_is_guest_shutdown_then_group_offline(self):
        self.begin(clustered(vm(1, state='Running', shutdownMs=200)))
        first, writes = self.twice('stop-vm', self.stop(), owesPower=True)
        self.assertEqual([call[0] for call in writes], ['Set-ClusterParameter', 'Stop-VM', 'Set-ClusterParameter'])
        self.assertEqual(first['vm']['debt']['power'], 'stopped')
        self.assertIn('HvgpuNotes', self.world.state['cluster']['groups'][0]['parameters'])

    def test_a_saving_offline_action_is_refused_before_anything(self):
        self.begin(clustered(vm(1, state='Running'), offline=1))
        self.refused(self.agent.step('stop-vm', self.stop(), owesPower=True), 'invalid-state')
        self.assertEqual(self.world.writes(), [])
        first, writes = self.twice('set-offline-action', {'vm': vm_id(1), 'offlineAction': 'ForcedShutdown'})
        self.assertEqual(writes[0][0], 'Set-ClusterParameter')
        self.assertEqual({key: writes[0][1][key] for key in ('Name', 'Value')}, {'Name': 'OfflineAction', 'Value': 3})
        self.assertEqual(first['vm']['offlineAction'], 'ForcedShutdown')
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))

    def test_start_goes_through_the_cluster_and_settles(self):
        self.begin(clustered(vm(1, state='Running', adapters=[adapter(1)], startMs=200)))
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))
        self.world.calls()
        first, writes = self.twice('start-vm', {'vm': vm_id(1)})
        self.assertEqual([call[0] for call in writes], ['Start-ClusterGroup', 'Set-ClusterParameter'])
        self.assertEqual((writes[0][1]['Wait'], writes[1][1].get('Delete')), (0, True))
        self.assertIsNone(first['vm']['debt'])
        self.assertEqual(self.world.state['cluster']['groups'][0]['parameters'], {})

    def test_a_group_that_fails_to_start(self):
        self.begin(clustered(vm(1, adapters=[adapter(1)]), vm(2, state='Running', adapters=[adapter(2, on=NAME_A)]),
                             hv01={'devices': [a2(3, count=1)]}))
        self.refused(self.agent.step('start-vm', {'vm': vm_id(1)}), 'failed')

    def test_an_off_vm_moves_with_its_group(self):
        self.begin(clustered(vm(1, adapters=[adapter(1)])))
        first, writes = self.twice('move-vm', {'vm': vm_id(1), 'toHost': 'hv02'})
        self.assertEqual([(call[0], call[1]['Node'], call[1]['Wait']) for call in writes], [('Move-ClusterGroup', 'hv02', 0)])
        self.assertNotIn('vm', first)
        self.assertEqual(len(self.world.state['hosts']['hv02']['vms']), 1)

    def test_a_live_move(self):
        self.begin(clustered(vm(1, state='Running', adapters=[adapter(1, on=NAME_A, outgoingLiveMigration=True)])))
        _, writes = self.twice('move-vm', {'vm': vm_id(1), 'toHost': 'hv02', 'live': True})
        self.assertEqual([(call[0], call[1]['MigrationType']) for call in writes], [('Move-ClusterVirtualMachineRole', 'Live')])

    def test_a_live_move_needs_partitions_that_can_go(self):
        for flag in (False, None):
            self.begin(clustered(vm(1, state='Running', adapters=[adapter(1, on=NAME_A, outgoingLiveMigration=flag)])))
            self.refused(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02', 'live': True}), 'not-supported')
            self.assertEqual(self.world.writes(), [])

    def test_a_network_logon_commands_no_live_move(self):
        state = clustered(vm(1, state='Running'), hv01={'groups': ['S-1-5-2', 'S-1-16-12288']})
        self.begin(state)
        with lab.Agent(PWSH, self.world) as other:
            hello = other.hello()
        self.assertEqual((hello['networkLogon'], hello['liveMoves'], hello['elevated']), (True, False, True))
        self.refused(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02', 'live': True}), 'access-denied')

    def test_moves_that_are_refused(self):
        self.begin(clustered(vm(1), vm(2, adapters=[adapter(2, pin=NAME_A)]), vm(3, state='Running')))
        self.refused(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv09'}), 'not-found')
        self.refused(self.agent.step('move-vm', {'vm': vm_id(2), 'toHost': 'hv02'}), 'in-use')
        self.refused(self.agent.step('move-vm', {'vm': vm_id(3), 'toHost': 'hv02'}), 'invalid-state')
        self.refused(self.agent.step('move-vm', {'vm': vm_id(9), 'toHost': 'hv02'}), 'not-found')
        self.world.change(lambda state: state['cluster']['nodes'].update(hv02={'state': 'Paused'}))
        self.refused(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02'}), 'invalid-state')
        self.assertEqual(self.world.writes(), [])
        self.begin(standalone(vm(1)))
        self.refused(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02'}), 'not-supported')
        self.refused(self.agent.step('set-offline-action', {'vm': vm_id(1), 'offlineAction': 'TurnOff'}), 'not-supported')

    def test_a_debt_follows_its_vm_to_the_other_node(self):
        self.begin(clustered(vm(1, state='Running')))
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))
        self.done(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02'}))
        owed = [fact['owed'] for fact in self.agent.ask('debts')[0]]
        self.assertEqual([(each['vm'], each['debt']['power']) for each in owed], [(vm_id(1), 'stopped')])


class Notes(Case):
    RECORD = {'owner': 'git.example.net/gpu', 'cluster': 'paris', 'group': 'vdi'}
    OWNER = {'owner': 'git.example.net/gpu', 'cluster': 'paris', 'commit': 'c0ffee', 'epoch': 1}

    def test_the_lease_is_held_and_known(self):
        self.begin(standalone(vm(1)), lease=False)
        self.assertIsNone(self.agent.ask('lease-who')[1]['lease'])
        reply = self.agent.ask('lease-open', run='run-1', holder='ann@laptop')[1]
        self.assertEqual((reply['reply'], reply['epoch']), ('done', 0))
        with lab.Agent(PWSH, self.world) as other:
            other.hello()
            reply = other.ask('lease-open', run='run-2', holder='bob@ci')[1]
            self.refused(reply, 'lease-held')
            self.assertEqual((reply['lease']['holder'], reply['lease']['run'], reply['lease']['since']),
                             ('ann@laptop', 'run-1', '2025-11-24T16:01:40Z'))
            self.assertEqual(other.observe()[0]['lease'], {'holder': 'ann@laptop', 'run': 'run-1', 'since': '2025-11-24T16:01:40Z'})
            self.refused(other.ask('epoch', run='run-1', epoch=5)[1], 'lease-lost')
            self.agent.ask('lease-close')
            self.assertEqual(other.lease('run-2', 4)['epoch'], 4)
            # it dies without a word: what it wrote is there, and counts no more
            other.process.kill()
            other.process.wait()
        self.assertTrue((self.agent.root / 'lease.json').exists())
        self.assertIsNone(self.agent.ask('lease-who')[1]['lease'])
        reply = self.agent.ask('lease-open', run='run-3', holder='ann@laptop')[1]
        self.assertEqual((reply['reply'], reply['epoch']), ('done', 4))
        self.refused(self.agent.ask('epoch', run='run-3', epoch=3)[1], 'lease-lost')
        self.refused(self.agent.ask('epoch', run='run-1', epoch=9)[1], 'lease-lost')

    def test_the_agent_of_a_dead_client_is_ended(self):
        self.begin(standalone(), lease=False)
        with lab.Agent(PWSH, self.world) as other:
            other.hello()
            other.lease('run-2')
            self.refused(self.agent.ask('lease-end', run='run-1')[1], 'lease-held')
            self.done(self.agent.ask('lease-end', run='run-2')[1])
            self.assertNotEqual(other.process.wait(timeout=30), 0)
        self.done(self.agent.ask('lease-end', run='run-2')[1], changed=False)
        self.agent.lease()
        self.refused(self.agent.ask('lease-end', run='run-1')[1], 'lease-held') # its own is closed, not ended

    def test_an_agent_whose_connection_ends_gives_the_lease_back(self):
        self.begin(standalone(vm(1, state='Running', shutdown='silent')), lease=False)
        with lab.Agent(PWSH, self.world) as other:
            other.hello()
            other.lease('run-2')
            other.send('stop-vm', run='run-2', epoch=1, owesPower=True, step={'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 600})
            while 'progress' not in other.line():
                pass
            self.assertEqual(other.close(), 0)
        self.assertIsNone(self.agent.ask('lease-who')[1]['lease'])
        self.assertFalse((self.agent.root / 'lease.json').exists())
        self.assertEqual(self.agent.observe()[2]['vm-001']['debt']['power'], 'stopping')

    def test_records_are_written_with_the_step_and_cleared_with_the_last_part(self):
        for make in (standalone, clustered):
            self.begin(make(vm(1)))
            reply = self.done(self.agent.step('add-partition-adapter', {'vm': vm_id(1), 'adapter': {}}, vmRecord=self.RECORD, clusterRecord=self.OWNER))
            self.assertEqual(reply['vm']['record'], self.RECORD)
            self.assertEqual(self.agent.observe()[0]['record'], self.OWNER)
            remove = {'vm': vm_id(1), 'adapter': {'id': reply['vm']['adapters'][0]['id']}}
            reply = self.done(self.agent.step('remove-partition-adapter', remove))
            self.assertIsNone(reply['vm']['record'])
            self.assertIsNone(self.agent.observe()[2]['vm-001']['record'])
            self.assertEqual(list(self.agent.root.glob('vms/*')), [])

    def test_a_record_stays_while_a_part_is_owed(self):
        self.begin(standalone(vm(1, adapters=[adapter(1)])))
        self.done(self.agent.ask('record', run='run-1', epoch=1, vm=vm_id(1), vmRecord=self.RECORD)[1])
        self.done(self.agent.ask('record', run='run-1', epoch=1, vm=vm_id(1), vmRecord=self.RECORD)[1], changed=False)
        reply = self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}, owesParts=True)
        self.assertEqual((reply['vm']['record'], len(reply['vm']['debt']['adapters'])), (self.RECORD, 1))
        reply = self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='leave-off')[1])
        self.assertEqual((reply['vm']['record'], reply['vm']['debt']), (None, None))

    def test_an_older_cluster_record_does_not_win(self):
        self.begin(standalone())
        self.done(self.agent.ask('record', run='run-1', epoch=1, clusterRecord={**self.OWNER, 'epoch': 7})[1])
        self.done(self.agent.ask('record', run='run-1', epoch=1, clusterRecord=self.OWNER)[1], changed=False)
        self.assertEqual(self.agent.observe()[0]['record']['epoch'], 7)

    def test_power_and_parts_are_settled_apart(self):
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1)])))
        self.done(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True))
        self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}, owesParts=True)
        self.agent.now += 86400
        reply = self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='renew')[1])
        self.assertEqual((reply['vm']['debt']['at'], reply['vm']['debt']['power']), ('2025-11-25T16:01:40Z', 'stopped'))
        reply = self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='leave-off')[1])
        self.assertEqual((reply['vm']['debt']['power'], len(reply['vm']['debt']['adapters'])), ('none', 1))
        reply = self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='leave-off')[1])
        self.assertIsNone(reply['vm']['debt'])
        self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='leave-off')[1], changed=False)
        self.agent.now -= 86400

    def test_notes_can_be_read_by_people(self):
        self.begin(standalone(vm(1, state='Running')))
        self.done(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True, clusterRecord=self.OWNER))
        notes = json.loads((self.agent.root / f'vms/{vm_id(1).lower()}.json').read_text())
        self.assertEqual(notes['debt']['run'], 'run-1')
        self.assertEqual(json.loads((self.agent.root / 'host.json').read_text())['record'], self.OWNER)
        self.assertEqual(list(self.agent.root.rglob('*.new')), [])

    def test_damaged_notes_are_an_error_and_no_default(self):
        self.begin(standalone(vm(1, state='Running')))
        (self.agent.root / f'vms/{vm_id(1)}.json').write_text('{"debt":')
        self.refused(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True), 'failed')
        self.refused(self.agent.ask('observe')[1], 'failed')
        self.assertEqual(self.world.writes(), [])
        (self.agent.root / 'host.json').write_text('')
        self.refused(self.agent.step('create-pool', {'pool': 'p'}), 'failed')
        (self.agent.root / f'vms/{vm_id(1)}.json').unlink()
        self.assertEqual(self.agent.observe()[0]['unread'], ['epoch', 'lease', 'record', 'notedMmio'])


class Examples(Case):
    """The worlds of the examples, put on fake hosts, are observed as they are written."""
    UNSEEN = {'mitigationDriver', 'observedAt', 'id', 'unread'} # the driver for a GPU that is not dismounted cannot be seen

    def expect(self, written, seen, where):
        for key, value in written.items():
            if key in self.UNSEEN:
                continue
            if key in ('adapters', 'devices', 'pools', 'nodes', 'virtualMachines', 'gpus') and value and isinstance(value[0], dict):
                self.assertEqual(len(value), len(seen[key]), where + [key])
                for one, other in zip(value, seen[key]):
                    self.expect(one, other, where + [key])
                continue
            have = seen.get(key)
            if isinstance(have, int) and not isinstance(have, bool):
                value = world_of.size(value)
            if key == 'validCounts':
                value, have = sorted(value), sorted(have)
            if key == 'stateChange':
                value, have = world_of.moment(value), world_of.moment(have)
            self.assertEqual(have, value, where + [key])

    def test_each(self):
        for file in sorted((HERE.parent.parent / 'examples').glob('**/world.yaml')):
            documents = [each for each in yaml.safe_load_all(file.read_text()) if each and each['kind'] == 'HostState']
            first = documents[0]
            name = first['metadata']['name']
            state = world_of.world_of(documents)
            # the agent of this test is on hv01
            text = json.dumps(state).replace(f'"{name.lower()}"', '"hv01"')
            self.begin(json.loads(text), lease=False)
            host, gpus, vms, _ = self.agent.observe()
            written = json.loads(json.dumps(first['spec'], default=str).replace(f'"name": "{name}"', '"name": "hv01"'))
            self.expect(written['host'], host, [file.name, 'host'])
            for gpu in written.get('gpus') or []:
                self.expect(gpu, gpus[gpu['locationPath']], [str(file), gpu['locationPath']])
            for each in written.get('virtualMachines') or []:
                self.expect(each, vms[each['name']], [str(file), each['name']])


class German(Gpus):
    """All of a group again where messages are German and numbers have commas."""
    environment = {'HVGPU_FAKE_CULTURE': 'de-DE'}

    def begin(self, state, lease=True):
        super().begin({**state, 'language': 'de'}, lease)


class Bootstrap(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='hvgpu-agent-')
        self.world = lab.World(self.folder, standalone())
        self.addCleanup(shutil.rmtree, self.folder)

    def ends(self, line, **more):
        with lab.Agent(PWSH, self.world, **more) as agent:
            agent.process.stdin.close()
            lines = []
            while (one := agent.line()) is not None:
                lines.append(one)
            self.assertEqual(lines, [{'bootstrap': 1}, line])
            self.assertEqual(agent.close(), 3)

    def test_another_text_than_promised_does_not_run(self):
        self.ends({'bootstrap': 'hash-mismatch'}, text='throw "it runs"\n', command=lab.encoded(lab.joined()))

    def test_an_input_that_ends_early(self):
        self.ends({'bootstrap': 'input-ended'}, HVGPU_FAKE_SWALLOW='1')

    def test_it_fits_into_a_command_line_of_cmd_exe(self):
        line = 'powershell.exe -NoLogo -NoProfile -NonInteractive -InputFormat None -EncodedCommand ' + lab.encoded(lab.joined())
        self.assertLess(len(line), 8191)
        longest = max(len(line) for line in lab.joined().splitlines())
        self.assertLess(longest, 200)
        lab.joined().encode('ascii')

    def test_a_host_without_modules_says_so(self):
        with lab.Agent(PWSH, self.world, HVGPU_FAKE_LACKS='Hyper-V,FailoverClusters') as agent:
            modules = agent.hello()['modules']
            self.assertEqual((modules['Hyper-V'], modules['FailoverClusters'], bool(modules['PnpDevice'])), (None, None, True))
            reply = agent.ask('observe')[1]
            self.assertEqual(reply['error']['kind'], 'not-supported', reply)


class Crash(Case):
    """The agent dies at each write of a step; the next agent's repetition of the step ends as if nothing had been."""
    RECORD = {'owner': 'git.example.net/gpu', 'cluster': 'paris', 'group': 'vdi'}

    def setUp(self):
        self.other = None
        self.addCleanup(lambda: self.other and self.other.__exit__())

    def outcome(self):
        """The world as it is in the end, without what changes by itself, and as the agent sees it."""
        host, _, vms, _ = self.agent.observe()
        state = self.world.state
        for each in (vm for host in state['hosts'].values() for vm in host['vms']):
            del each['stateChange']
            for part in each['adapters'] + each['devices']:
                del part['id']
        del state['faults']
        for each in state['hosts'].values():
            for device in each['devices']:
                del device['dismountedAt']
        for group in (state['cluster'] or {}).get('groups', []):
            group['parameters'] = sorted(group['parameters'])
        debts = {name: {**vm['debt'], 'stateChange': None} if vm['debt'] else None for name, vm in vms.items()}
        return state, debts, host['notedMmio'], {name: vm['record'] for name, vm in vms.items()}

    def dies_in(self, state, verb, step, **fields):
        self.begin(state)
        self.done(self.agent.step(verb, step, **fields))
        writes = self.world.writes()
        wanted = self.outcome()
        self.assertTrue(writes)
        for number, (cmdlet, _) in enumerate(writes):
            nth = sum(each == cmdlet for each, _ in writes[:number + 1])
            # just after one write is just before the next, but for what the agent notes in between
            for after in (False, True) if fields.get('owesPower') or fields.get('owesParts') else (True,):
                self.begin({**state, 'faults': [{'cmdlet': cmdlet, 'kill': True, 'after': after, 'nth': nth}]}, lease=False)
                self.other = lab.Agent(PWSH, self.world)
                with self.other as other:
                    other.hello()
                    other.lease()
                    other.send(verb, run='run-1', epoch=1, step=step, **fields)
                    while other.line() is not None:
                        pass
                self.agent.lease()
                reply = self.agent.step(verb, step, **fields)
                self.assertEqual(reply['reply'], 'done', (verb, cmdlet, nth, after, reply))
                self.assertEqual(self.outcome(), wanted, (verb, cmdlet, nth, after))

    def test_stop(self):
        self.dies_in(standalone(vm(1, state='Running')), 'stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True)

    def test_stop_of_a_clustered_vm(self):
        self.dies_in(clustered(vm(1, state='Running')), 'stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True)

    def test_start(self):
        self.dies_in(standalone(vm(1, adapters=[adapter(1)])), 'start-vm', {'vm': vm_id(1)})

    def test_remove_adapter(self):
        self.dies_in(standalone(vm(1, adapters=[adapter(1)])), 'remove-partition-adapter',
                     {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}, owesParts=True)

    def test_add_adapter(self):
        self.dies_in(standalone(vm(1)), 'add-partition-adapter', {'vm': vm_id(1), 'adapter': {'pin': PATH_A, 'quotas': QUOTAS}},
                     vmRecord=self.RECORD)

    def test_dismount(self):
        self.dies_in(standalone(gpus=[a2(3), a2(4, mitigated=True)]), 'dismount-gpu', {'gpu': PATH_B})

    def test_mount(self):
        self.dies_in(standalone(gpus=[a2(3, dismounted=True, disabled=True)]), 'mount-gpu', {'gpu': PATH_A})

    def test_steps_of_one_write(self):
        off = [a2(3, dismounted=True, disabled=True), a2(4)]
        self.dies_in(standalone(), 'set-partition-count', {'gpu': PATH_A, 'count': 8})
        self.dies_in(standalone(vm(1, automaticCheckpoints=True)), 'configure-vm', {'vm': vm_id(1), 'settings': {'automaticCheckpoints': False}})
        self.dies_in(standalone(vm(1), gpus=off), 'add-assigned-device', {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}, vmRecord=self.RECORD)
        self.dies_in(standalone(gpus=off, pools={'p': []}), 'add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'})
        self.dies_in(clustered(vm(1)), 'move-vm', {'vm': vm_id(1), 'toHost': 'hv02'})


# Of Windows PowerShell 5.1, beside the cmdlets of cmdlets.txt and the agent's own functions.
COMMANDS = {'ForEach-Object', 'Where-Object', 'Get-Module', 'Get-Command', 'Get-Acl', 'Set-Acl', 'whoami.exe'}
PARAMETERS = {'ErrorAction', 'ErrorVariable', 'Confirm', 'Name', 'ListAvailable', 'LiteralPath', 'AclObject'}
# .NET types that .NET Framework 4.7.2 and .NET 10 both have.
TYPES = {
    'string', 'bool', 'int', 'long', 'uint16', 'uint32', 'uint64', 'int16', 'byte', 'char', 'decimal', 'void', 'regex', 'guid', 'datetime', 'xml',
    'object[]', 'string[]', 'object', 'Array', 'hashtable', 'scriptblock', 'ordered', 'Math', 'Convert', 'BitConverter', 'Console', 'Environment',
    'PlatformID', 'DateTimeOffset', 'NullString', 'FormatException', 'InvalidOperationException', 'StringComparer', 'switch', 'ref',
    'Text.StringBuilder', 'Text.Encoding', 'Text.UTF8Encoding', 'Text.RegularExpressions.RegexOptions', 'Globalization.CultureInfo',
    'Collections.IDictionary', 'Collections.IList', 'Collections.ArrayList', 'Collections.Specialized.OrderedDictionary',
    'ComponentModel.Win32Exception', 'Diagnostics.Stopwatch', 'Diagnostics.Process', 'ArgumentException', 'Threading.Thread', 'IO.Path', 'IO.File', 'IO.Directory', 'IO.FileStream',
    'IO.FileMode', 'IO.FileAccess', 'IO.FileShare', 'IO.FileAttributes', 'IO.IOException', 'IO.EndOfStreamException', 'IO.StreamReader',
    'IO.StreamWriter', 'Security.Cryptography.SHA256CryptoServiceProvider', 'Security.AccessControl.DirectorySecurity',
    'Security.Principal.SecurityIdentifier', 'Management.Automation.ErrorRecord', 'Management.Automation.IContainsErrorRecord',
}


class Syntax(unittest.TestCase):
    """Windows PowerShell 5.1 is not to be had here, so the syntax tree is looked at, and every command, parameter and type."""

    def inspect(self, *files):
        done = subprocess.run([*PWSH, '--syntax', *map(str, files)], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, '')
        return done.returncode, [line.split('\t') for line in done.stdout.splitlines()]

    def test_nothing_is_newer_than_5_1(self):
        files = sorted(lab.AGENT.glob('*.ps1'))
        code, found = self.inspect(*files)
        self.assertEqual((code, [line for line in found if line[0] == 'newer']), (0, []))
        own = {name for file in files for name in re.findall(r'^function ([\w-]+)', file.read_text(), re.M)}
        documented = {}
        for line in (HERE / 'cmdlets.txt').read_text().splitlines():
            if line.startswith('## '):
                known = documented.setdefault(line.split()[1], set())
            elif line.startswith('-'):
                known.add(line[1:].split('|')[0])
        for kind, where, what, parameters in found:
            if kind == 'type':
                self.assertIn(what, TYPES, where)
                continue
            if what in own or re.match(r'\?(\$|\(\[scriptblock\]::Create)', what): # a block of our own
                continue
            self.assertIn(what, COMMANDS | set(documented), where)
            wrong = set(parameters.split()) - PARAMETERS - documented.get(what, set())
            self.assertFalse(wrong, (where, what, wrong))

    def test_what_is_newer_is_found(self):
        newer = ['$a ? 1 : 2', '$a ?? 1', '$a ??= 1', '${a}?.b', '${a}?[0]', 'Get-VM && Get-VM', 'Get-VM || Get-VM']
        with tempfile.TemporaryDirectory() as folder:
            for text in newer:
                file = pathlib.Path(folder) / 'one.ps1'
                file.write_text(text + '\n')
                self.assertEqual(self.inspect(file)[0], 1, text)

    def test_parameters_are_data(self):
        for file in lab.AGENT.glob('*.ps1'):
            text = file.read_text()
            for banned in ('Invoke-Expression', 'iex ', 'Add-Type', 'Invoke-Command', 'ExpandString', 'NewScriptBlock'):
                self.assertNotIn(banned, text, file.name)
            creates = text.count('scriptblock]::Create')
            self.assertEqual(creates, 1 if file.name == 'bootstrap.ps1' else 0, file.name)

    def test_the_build_joins_the_parts_in_their_order(self):
        if BUILT:
            self.assertEqual(pathlib.Path(BUILT[0]).read_text(), lab.joined())


def main():
    split = sys.argv.index('--')
    words = sys.argv[1:split]
    if '--agent' in words:
        at = words.index('--agent')
        BUILT.append(words[at + 1])
        del words[at:at + 2]
    PWSH.extend(words)
    if not shutil.which(PWSH[0]):
        print(f'SKIPPED: there is no {PWSH[0]}; it is built where there is dotnet')
        sys.exit(1 if os.environ.get('CI') == 'true' else 77)
    unittest.main(argv=[sys.argv[0], *sys.argv[split + 1:]])


if __name__ == '__main__':
    main()
