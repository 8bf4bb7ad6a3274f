#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents that die."""
import json
import pathlib

import agent as lab
from agent import a2, adapter, standalone, vm, vm_id
from case import Case, PATH_A, PATH_B, PWSH, QUOTAS, RECORD, clustered, main


class Crash(Case):
    """The agent dies at each write of a step; the next agent's repetition of the step ends as if nothing had been."""

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
                self.begin({**state, 'faults': [{'cmdlet': cmdlet, 'kill': True, 'after': after, 'nth': nth}]},
                           lease=False)
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
        self.dies_in(standalone(vm(1, state='Running')), 'stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'},
                     owesPower=True)

    def test_stop_of_a_clustered_vm(self):
        self.dies_in(clustered(vm(1, state='Running')), 'stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'},
                     owesPower=True)

    def test_start(self):
        self.dies_in(standalone(vm(1, adapters=[adapter(1)])), 'start-vm', {'vm': vm_id(1)})

    def test_remove_adapter(self):
        self.dies_in(standalone(vm(1, adapters=[adapter(1)])), 'remove-partition-adapter',
                     {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}, owesParts=True)

    def test_add_adapter(self):
        self.dies_in(standalone(vm(1)), 'add-partition-adapter',
                     {'vm': vm_id(1), 'adapter': {'pin': PATH_A, 'quotas': QUOTAS}},
                     vmRecord=RECORD)

    def test_a_part_that_came_back_is_not_owed_any_more(self):
        """The agent dies when a part is given back, and whoever looks next sees what is still to be done, and no more."""
        off = [a2(3, dismounted=True, disabled=True), a2(4)]
        device = {'id': 'd', 'locationPath': PATH_A}
        for more, remove, give, cmdlet, after, left in (
                ({'adapters': [adapter(1)]}, 'adapter', {'adapter': {}}, 'Add-VMGpuPartitionAdapter', True, (1, 0)),
                ({'adapters': [adapter(1, quotas={'MinPartitionVRAM': 7})]}, 'adapter', {'adapter': {'quotas': {'minPartitionVRAM': 7}}},
                 'Set-VMGpuPartitionAdapter', False, (0, 1)),
                ({'devices': [device]}, 'device', {'device': {'locationPath': PATH_A}}, 'Add-VMAssignableDevice', True, (1, 0))):
            kind = 'partition-adapter' if remove == 'adapter' else 'assigned-device'
            self.begin(standalone(vm(1, **more), gpus=off), lease=False)
            self.other = lab.Agent(PWSH, self.world)
            with self.other as other:
                other.hello()
                other.lease()
                part = {'id': adapter(1)['id']} if remove == 'adapter' else {'locationPath': PATH_A}
                self.done(other.step(f'remove-{kind}', {'vm': vm_id(1), remove: part}, owesParts=True))
                self.world.change(lambda state, which=(cmdlet, after): state.update(
                    faults=[{'cmdlet': which[0], 'kill': True, 'after': which[1]}]))
                other.send(f'add-{kind}', run='run-1', epoch=1, step={'vm': vm_id(1), **give})
                while other.line() is not None:
                    pass
            seen = self.agent.observe()[2]['vm-001']
            owed = len(seen['debt'][remove + 's']) if seen['debt'] else 0
            self.assertEqual((len(seen[remove + 's']), owed), left, (cmdlet, after))
            self.agent.lease(run='run-2', epoch=2)
            reply = self.agent.ask(f'add-{kind}', run='run-2', epoch=2, step={'vm': vm_id(1), **give})[1]
            self.assertEqual((reply['reply'], len(reply['vm'][remove + 's']), reply['vm']['debt']), ('done', 1, None), (cmdlet, after))
            quotas = more.get('adapters', [{}])[0].get('quotas')
            self.assertEqual((self.world.vm(1)['adapters'] or [{}])[0].get('quotas'), quotas)

    def test_a_gpu_of_the_other_kind_that_came(self):
        """The agent dies when it has given a whole GPU instead of a partition: the partition is owed no more."""
        self.begin(standalone(vm(1, adapters=[adapter(1)]), gpus=[a2(3, dismounted=True, disabled=True), a2(4)]), lease=False)
        self.other = lab.Agent(PWSH, self.world)
        with self.other as other:
            other.hello()
            other.lease()
            self.done(other.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}}, owesParts=True))
            self.assertIsNotNone(self.agent.observe()[2]['vm-001']['debt'])
            self.world.change(lambda state: state.update(
                faults=[{'cmdlet': 'Add-VMAssignableDevice', 'kill': True, 'after': True}]))
            other.send('add-assigned-device', run='run-1', epoch=1, step={'vm': vm_id(1), 'device': {'locationPath': PATH_A}})
            while other.line() is not None:
                pass
        seen = self.agent.observe()[2]['vm-001']
        self.assertEqual((len(seen['devices']), seen['debt']), (1, None))

    def test_a_stop_that_another_run_did_not_complete(self):
        """The next run that works on the VM notes when it went off, or the debt would look younger than that."""
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1)])), lease=False)
        self.world.change(lambda state: state.update(faults=[{'cmdlet': 'Stop-VM', 'kill': True, 'after': True}]))
        self.other = lab.Agent(PWSH, self.world)
        with self.other as other:
            other.hello()
            other.lease()
            other.send('stop-vm', run='run-1', epoch=1, step={'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True)
            while other.line() is not None:
                pass
        self.agent.lease(run='run-2', epoch=2)
        self.agent.now += 1 << 30
        reply = self.agent.ask('remove-partition-adapter', run='run-2', epoch=2, step={'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}},
                               owesParts=True)[1]
        self.agent.now -= 1 << 30
        debt = reply['vm']['debt']
        self.assertEqual((debt['run'], debt['power'], debt['stateChange']), ('run-2', 'stopped', reply['vm']['stateChange']))

    def test_dismount(self):
        self.dies_in(standalone(gpus=[a2(3), a2(4, mitigated=True)]), 'dismount-gpu', {'gpu': PATH_B})

    def test_mount(self):
        self.dies_in(standalone(gpus=[a2(3, dismounted=True, disabled=True)]), 'mount-gpu', {'gpu': PATH_A})

    def left_half_way(self, state, cmdlet, verb, after=True):
        """What the next agent sees of GPU A when one died in the step."""
        self.begin({**state, 'faults': [{'cmdlet': cmdlet, 'kill': True, 'after': after}]}, lease=False)
        self.other = lab.Agent(PWSH, self.world)
        with self.other as other:
            other.hello()
            other.lease()
            other.send(verb, run='run-1', epoch=1, step={'gpu': PATH_A, 'force': True})
            while other.line() is not None:
                pass
        self.world.change(lambda state: state.update(faults=[]))
        seen = self.agent.observe()[1][PATH_A]
        self.agent.lease()
        self.world.calls()
        return seen['state'], seen['instanceId'].split('\\')[0]

    def notes(self):
        path = next(pathlib.Path(self.folder).glob('data-hv01/hvgpu/host.json'))
        return json.loads(path.read_text())

    def test_a_gpu_left_half_way_is_taken_for_dismounted(self):
        """It is disabled, and by whom only a note tells: it can be given back, and what needs it dismounted completes that."""
        half_way = lambda: self.left_half_way(standalone(vm(1), pools={'p': []}), 'Disable-PnpDevice', 'dismount-gpu')
        dismount = ('Dismount-VMHostAssignableDevice', {'LocationPath': PATH_A, 'Force': True})
        self.assertEqual(half_way(), ('dismounted', 'PCI'))
        self.assertEqual(self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))['gpu']['state'], 'partitionable')
        self.assertEqual([cmdlet for cmdlet, _ in self.world.writes()], ['Enable-PnpDevice'])
        self.assertNotIn('unfinished', self.notes())
        for verb, step in (('dismount-gpu', {'gpu': PATH_A}), ('add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'}),
                           ('add-assigned-device', {'vm': vm_id(1), 'device': {'locationPath': PATH_A}})):
            half_way()
            more = {'vmRecord': RECORD} if verb == 'add-assigned-device' else {}
            self.done(self.agent.step(verb, step, **more))
            self.assertEqual(self.world.writes()[0], dismount, verb)
            self.assertNotIn('unfinished', self.notes())
        self.assertEqual(self.left_half_way(standalone(gpus=[a2(3, dismounted=True, disabled=True), a2(4)]),
                                            'Mount-VMHostAssignableDevice', 'mount-gpu'), ('dismounted', 'PCI'))
        self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}))
        self.assertEqual(self.left_half_way(standalone(), 'Disable-PnpDevice', 'dismount-gpu', after=False), ('partitionable', 'PCI'))

    def test_a_gpu_that_was_noted_and_is_in_use_is_not_dismounted(self):
        """The agent died between the note and the first cmdlet."""
        self.left_half_way(standalone(vm(1)), 'Disable-PnpDevice', 'dismount-gpu', after=False)
        self.assertIn('unfinished', self.notes())
        self.refused(self.agent.step('add-assigned-device', {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}), 'not-found')
        self.assertEqual(self.world.writes(), [])
        self.done(self.agent.step('mount-gpu', {'gpu': PATH_A}), changed=False)
        self.assertNotIn('unfinished', self.notes())

    def test_a_gpu_that_somebody_disabled_stays_so(self):
        self.begin(standalone(gpus=[a2(3, disabled=True), a2(4)]))
        self.assertEqual([gpu['state'] for gpu in self.agent.observe()[1].values()], ['disabled', 'partitionable'])

    def test_steps_of_one_write(self):
        off = [a2(3, dismounted=True, disabled=True), a2(4)]
        self.dies_in(standalone(), 'set-partition-count', {'gpu': PATH_A, 'count': 8})
        self.dies_in(standalone(vm(1, automaticCheckpoints=True)), 'configure-vm',
                     {'vm': vm_id(1), 'settings': {'automaticCheckpoints': False}})
        self.dies_in(standalone(vm(1), gpus=off), 'add-assigned-device',
                     {'vm': vm_id(1), 'device': {'locationPath': PATH_A}}, vmRecord=RECORD)
        self.dies_in(standalone(gpus=off, pools={'p': []}), 'add-gpu-to-pool', {'gpu': PATH_A, 'pool': 'p'})
        self.dies_in(clustered(vm(1)), 'move-vm', {'vm': vm_id(1), 'toHost': 'hv02'})


if __name__ == '__main__':
    main()
