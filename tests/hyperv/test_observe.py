#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Observing, and how the agent is started and spoken to."""
import json
import shutil
import tempfile
import unittest

import yaml

import agent as lab
from agent import a2, adapter, nvme, standalone, vm, vm_id
from case import A, Case, HERE, NAME_B, PATH_A, PATH_B, PWSH, main
import world_of


class Protocol(Case):
    def test_hello_tells_what_is_there(self):
        self.assertEqual({key: self.greeting[key] for key in ('protocol', 'host', 'elevated', 'networkLogon',
                                                              'liveMoves')},
                         {'protocol': 1, 'host': 'HV01', 'elevated': True, 'networkLogon': False, 'liveMoves': True})
        self.assertTrue(self.greeting['modules']['Hyper-V'])

    def test_a_line_that_is_no_request_is_answered(self):
        for line in ('{', '[]', '1', '{"verb":"observe"}', '{"id":9}', '{"id":9,"verb":"Stop-Computer"}',
                     '{"id":9,"verb":5}',
                     '{"id":1.5}', '{"id":9,"verb":"stop-vm","step":7,"run":"r"}', '\u2028{"id":9}',
                     '{"id":9} {"id":8}', '{"id":9,"id"'):
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
            vm(1, state='Running', adapters=[adapter(1, on=NAME_B, pin=NAME_B, quotas=quotas,
                                                     outgoingLiveMigration=True)],
               memoryAssigned=1 << 32, guestOs='Ubuntu 24.04 <&>', snapshots=2, automaticCheckpoints=True,
               mmioHigh=34896609280),
            vm(2, dynamicMemory=True, memoryMinimum=1 << 30, stopAction='Save', cacheControl=True,
               checkpointType='Disabled', generation=1,
               devices=[{'id': 'd1', 'locationPath': PATH_A}, {'id': 'd2', 'pool': 'p'}], shutdown='none'),
            gpus=[a2(3, dismounted=True, mitigated=True), a2(4), a2(5, disabled=True),
                  a2(6, status='Error', partitionable=None),
                  a2(7, partitionable=None), nvme(1, dismounted=True), nvme(2)],
            pools={'p': [PATH_A, nvme(1)['locationPath']]}, policy={'RequireSecureDeviceAssignment': 0}, iov=False,
            sku=7,
            iovReasons=['No ACS.', 'BIOS.']), lease=False)
        host, gpus, vms, reply = self.agent.observe()
        self.assertEqual(reply['moving'], [])
        self.assertEqual({key: host[key] for key in ('osBuild', 'edition', 'memoryFree', 'sriov', 'sriovReasons',
                                                     'clusterName', 'nodes')},
                         {'osBuild': 26100, 'edition': 'Standard', 'memoryFree': 1 << 38, 'sriov': False,
                          'sriovReasons': 'No ACS.; BIOS.', 'clusterName': None, 'nodes': []})
        self.assertEqual((host['requireSecureAssignment'], host['requireSupportedAssignment']), (False, True))
        self.assertEqual(host['pools'], [{'name': 'p', 'members': [PATH_A, nvme(1)['locationPath']]}])
        self.assertNotIn('unread', host)
        self.assertEqual([(gpu['state'], gpu['count'], gpu['mitigationDriver']) for _, gpu in sorted(gpus.items())],
                         [('dismounted', None, True), ('partitionable', 4, None), ('disabled', None, None),
                          ('failed', None, None),
                          ('plain', None, None)])
        self.assertEqual({key: gpus[PATH_A][key] for key in ('instanceId', 'name', 'device', 'subsystem',
                                                             'validCounts', 'mmioLow')},
                         {'instanceId': 'PCIP\\' + A['id'], 'name': 'NVIDIA A2', 'device': '10DE:25B6',
                          'subsystem': '10DE:157E',
                          'validCounts': [], 'mmioLow': None})
        self.assertEqual({key: gpus[PATH_B][key] for key in ('validCounts', 'memory', 'partitionMemory', 'memoryUnit',
                                                             'mmioLow', 'mmioHigh')},
                         {'validCounts': [16, 8, 4, 2, 1], 'memory': 15945891840, 'partitionMemory': 15945891840 // 4,
                          'memoryUnit': 'bytes', 'mmioLow': 1 << 24, 'mmioHigh': 1 << 34})
        first, second = vms['vm-001'], vms['vm-002']
        self.assertEqual(first['adapters'], [{
            'id': adapter(1)['id'], 'pin': PATH_B, 'pinned': True, 'gpus': [PATH_B], 'outgoingLiveMigration': True,
            'quotas': {'minPartitionVRAM': 1000, 'maxPartitionVRAM': '18446744073709551615'}}])
        self.assertEqual({key: first[key] for key in ('state', 'memory', 'guestOs', 'hasCheckpoints',
                                                      'automaticCheckpoints', 'mmioHigh',
                                                      'shutdownAnswers', 'stateChange', 'clustered')},
                         {'state': 'Running', 'memory': 1 << 32, 'guestOs': 'Ubuntu 24.04 <&>', 'hasCheckpoints': True,
                          'automaticCheckpoints': True, 'mmioHigh': 34896609280, 'shutdownAnswers': True,
                          'stateChange': '2025-11-24T16:00:00Z', 'clustered': False})
        self.assertEqual(second['devices'], [{'locationPath': PATH_A}, {'pool': 'p'}])
        self.assertEqual({key: second[key] for key in ('dynamicMemory', 'memoryMinimum', 'stopAction', 'cacheControl',
                                                       'checkpointType',
                                                       'generation', 'hasCheckpoints', 'shutdownAnswers', 'guestOs')},
                         {'dynamicMemory': True, 'memoryMinimum': 1 << 30, 'stopAction': 'Save', 'cacheControl': True,
                          'checkpointType': 'Disabled', 'generation': 1, 'hasCheckpoints': False,
                          'shutdownAnswers': None, 'guestOs': None})

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
            'Get-VMHost': ('host', ['sriov', 'sriovReasons']),
            'Get-ItemProperty': ('host', ['requireSecureAssignment', 'requireSupportedAssignment']),
            'Get-VMResourcePool': ('host', ['pools']), 'Get-VMGpuPartitionAdapter': ('vm', ['adapters']),
            'Get-VMAssignableDevice': ('vm', ['devices']),
            'Get-VMSnapshot': ('vm', ['hasCheckpoints']),
        }
        for cmdlet, (kind, names) in fields.items():
            state = standalone(vm(1, adapters=[adapter(1)]))
            state['faults'] = [{'cmdlet': cmdlet, 'id': 'AccessDenied', 'category': 'PermissionDenied',
                                'permanent': True}]
            self.begin(state, lease=False)
            host, _, vms, _ = self.agent.observe()
            found = host if kind == 'host' else vms['vm-001']
            self.assertEqual(found.get('unread'), names, cmdlet)
            self.assertFalse([name for name in names if found.get(name) is not None])

    def test_cim_classes_that_cannot_be_read(self):
        unread = {'Win32_OperatingSystem': 'osBuild', 'Win32_Service': 'clusterName', 'Win32_DeviceMemoryAddress': 'mmioLow',
                  'Win32_PnPAllocatedResource': 'mmioHigh', 'Msvm_ComputerSystem': 'stateChange',
                  'Msvm_ShutdownComponent': 'shutdownAnswers', 'Msvm_KvpExchangeComponent': 'guestOs',
                  'Msvm_GpuPartitionSettingData': 'adapters.pinned of ' + adapter(1)['id']}
        for name, field in unread.items():
            state = standalone(vm(1, adapters=[adapter(1)]))
            state['faults'] = [{'cmdlet': 'Get-CimInstance', 'with': name, 'code': -2147217405}]
            self.begin(state, lease=False)
            host, gpus, vms, _ = self.agent.observe()
            named = [each for each in (host, gpus[PATH_A], vms['vm-001']) if field in each.get('unread', [])]
            self.assertTrue(named, name)
            self.assertFalse([each for each in named if each.get(field) is not None], name)

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
            self.assertEqual((seen['state'], seen['memoryUnit']),
                             ('paravirtualized', 'share') if is_share else ('partitionable', 'bytes'))
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
            self.begin(standalone(vm(1, state='Running',
                                     adapters=[adapter(1, quotas=quotas, on=capture['object'].get('InstancePath'))]),
                                  gpus=[{'locationPath': PATH_A,
                                         'id': 'VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4&18416DC3&0&0000',
                                         'partitionable': A['partitionable']}]), lease=False)
            seen = self.agent.observe()[2]['vm-001']['adapters'][0]
            wanted = {key[0].lower() + key[1:]: value for key, value in quotas.items() if not key.startswith('Cur')}
            self.assertEqual(seen['quotas'], wanted)
            self.assertEqual(seen['gpus'], [PATH_A] if 'InstancePath' in capture['object'] else [])

    def test_captured_devices_are_told_apart(self):
        """Without a driver there is no class; an A16 has the device id of an A2; a disk is no GPU, dismounted or not."""
        captures = json.loads((HERE / 'captures/pnp.json').read_text())['devices']
        devices = []
        for number, capture in enumerate(captures):
            is_disk = capture['state'] is None
            device = {key: capture[key] for key in ('id', 'class', 'status', 'friendlyName', 'dismounted') if key in capture}
            devices.append({'locationPath': capture.get('locationPath', f'PCIROOT({number})#PCI(0300)'),
                            'compatibleIds': ['PCI\\CC_010802' if is_disk else 'PCI\\CC_0302'], **device})
        self.begin(standalone(gpus=devices), lease=False)
        gpus = {gpu['instanceId']: gpu for gpu in self.agent.observe()[1].values()}
        wanted = {'PCI\\' + capture['id'].upper(): capture for capture in captures if capture['state']}
        self.assertEqual(set(gpus), set(wanted))
        for ident, capture in wanted.items():
            self.assertEqual({key: gpus[ident][key] for key in ('state', 'device', 'subsystem')},
                             {key: capture[key] for key in ('state', 'device', 'subsystem')})

    def test_captured_errors_keep_their_words_and_get_their_kind(self):
        step = {'Start-VM': ('start-vm', {}), 'Set-VM': ('configure-vm', {'settings': {'automaticCheckpoints': True}}),
                'Set-VMGpuPartitionAdapter': ('add-partition-adapter', {'adapter': {'quotas': {'minPartitionVRAM': 1}}}),
                'Dismount-VMHostAssignableDevice': ('dismount-gpu', {'gpu': PATH_A})}
        for capture in json.loads((HERE / 'captures/errors.json').read_text()):
            fault = {key: capture[key] for key in ('cmdlet', 'id', 'category', 'code', 'message')}
            self.begin({**standalone(vm(1)), 'faults': [fault]})
            verb, parameters = step[capture['cmdlet']]
            error = self.refused(self.agent.step(verb, {'vm': vm_id(1), **parameters}), capture['kind'])
            self.assertTrue(error['message'].startswith(capture['message']), error)
            self.assertTrue(error['id'].startswith(capture['id'] + ',Microsoft.HyperV.PowerShell.Commands.'), error)

    def test_every_state_has_its_name(self):
        states = ['Running', 'Off', 'Stopping', 'Saved', 'Paused', 'Starting', 'Reset', 'Saving', 'Pausing',
                  'Resuming', 'FastSaved',
                  'FastSaving', 'ForceShutdown', 'ForceReboot', 'Hibernated', 'ComponentServicing', 'RunningCritical',
                  'OffCritical']
        self.begin(standalone(*[vm(i, state=state) for i, state in enumerate(states)]), lease=False)
        vms = self.agent.observe()[2]
        self.assertEqual([vms[f'vm-{i:03}']['state'] for i in range(len(states))], states)


class Examples(Case):
    """The worlds of the examples, put on fake hosts, are observed as they are written."""
    UNSEEN = {'mitigationDriver', 'observedAt', 'id',
              'unread'} # the driver for a GPU that is not dismounted cannot be seen

    def expect(self, written, seen, where):
        for key, value in written.items():
            if key in self.UNSEEN:
                continue
            if key in ('adapters', 'devices', 'pools', 'nodes', 'virtualMachines',
                       'gpus') and value and isinstance(value[0], dict):
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
            self.assertEqual((modules['Hyper-V'], modules['FailoverClusters'], bool(modules['PnpDevice'])),
                             (None, None, True))
            reply = agent.ask('observe')[1]
            self.assertEqual(reply['error']['kind'], 'not-supported', reply)


if __name__ == '__main__':
    main()
