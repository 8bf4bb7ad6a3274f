#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Failover clusters, and what hosts keep: leases, debts, records."""
import json

import agent as lab
from agent import a2, adapter, standalone, vm, vm_id
from case import Case, NAME_A, PWSH, RECORD, clustered, main


class Cluster(Case):
    def stop(self, **more):
        return {'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 5, **more}

    def test_a_cluster_is_observed(self):
        state = clustered(vm(1, state='Running'), vm(2))
        state['cluster']['nodes']['hv02'] = {'state': 'Paused', 'drain': 'InProgress'}
        state['hosts']['hv01']['vms'].append(vm(3))
        self.begin(state, lease=False)
        host, _, vms, reply = self.agent.observe()
        self.assertEqual((host['clusterName'], host['nodes']),
                         ('fc-paris', [{'name': 'hv01', 'state': 'Up'}, {'name': 'hv02', 'state': 'Draining'}]))
        self.assertEqual([(vms[name]['clustered'], vms[name]['group'],
                           vms[name]['offlineAction']) for name in ('vm-001', 'vm-002', 'vm-003')],
                         [(True, 'vm-001', 'ForcedShutdown'), (True, 'vm-002', 'ForcedShutdown'), (False, None, None)])
        self.assertEqual(reply['moving'], [])

    def test_a_node_whose_cluster_cannot_be_asked_is_no_standalone_host(self):
        self.begin({**clustered(vm(1, state='Running')), 'faults': [{'cmdlet': 'Get-Cluster', 'permanent': True}]})
        facts, reply = self.agent.ask('observe')
        self.refused(reply, 'failed')
        self.assertEqual([name for name in facts[0]['host']['unread'] if name in ('clusterName', 'nodes')],
                         ['clusterName', 'nodes'])
        self.refused(self.agent.step('stop-vm', self.stop(), owesPower=True), 'failed')
        self.assertEqual(self.world.writes(), [])
        self.begin(standalone(vm(1), clusterService='Auto'), lease=False)
        self.refused(self.agent.ask('observe')[1], 'failed')

    def test_a_cluster_that_forgets_its_vm_is_an_error(self):
        for cmdlet in ('Get-ClusterGroup', 'Get-ClusterResource', 'Get-ClusterParameter'):
            self.begin({**clustered(vm(1, state='Running')), 'faults': [{'cmdlet': cmdlet, 'permanent': True}]})
            self.refused(self.agent.step('stop-vm', self.stop(), owesPower=True), 'failed')
            self.refused(self.agent.ask('observe')[1], 'failed')
            self.assertEqual(self.world.writes(), [])

    def test_a_group_of_several_vms_is_left_alone(self):
        """Taking it offline would take down them all."""
        for others, verb, more in (('Running', 'stop-vm', self.stop()), ('Off', 'start-vm', {}), ('Off', 'move-vm', {'toHost': 'hv02'})):
            state = clustered(vm(1, state=others), vm(2, state=others))
            for group in state['cluster']['groups']:
                group.update(resource=group['name'], name='shared')
            self.begin(state)
            error = self.refused(self.agent.step(verb, {'vm': vm_id(1), **more}, owesPower=True), 'not-supported')
            self.assertIn("'shared' holds 2 VMs", error['message'])
            self.assertEqual(self.world.writes(), [])

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
        self.assertEqual([(call[0], call[1]['Node'], call[1]['Wait']) for call in writes],
                         [('Move-ClusterGroup', 'hv02', 0)])
        self.assertNotIn('vm', first)
        self.assertEqual(len(self.world.state['hosts']['hv02']['vms']), 1)

    def test_a_live_move(self):
        self.begin(clustered(vm(1, state='Running', adapters=[adapter(1, on=NAME_A, outgoingLiveMigration=True)])))
        _, writes = self.twice('move-vm', {'vm': vm_id(1), 'toHost': 'hv02', 'live': True})
        self.assertEqual([(call[0], call[1]['MigrationType']) for call in writes],
                         [('Move-ClusterVirtualMachineRole', 'Live')])

    def test_a_move_that_does_not_end_is_given_up(self):
        for live, start in ((False, vm(1, neverMoves=True)),
                            (True, vm(1, state='Running', neverMoves=True, adapters=[adapter(1, on=NAME_A, outgoingLiveMigration=True)]))):
            self.begin(clustered(start))
            facts, reply = self.agent.ask('move-vm', run='run-1', epoch=1, deadlineSeconds=2,
                                          step={'vm': vm_id(1), 'toHost': 'hv02', 'live': live})
            self.refused(reply, 'timeout')
            self.assertTrue(facts and all(fact['progress']['what'] == 'waiting for the move to hv02' for fact in facts), facts)

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
        self.refused(self.agent.step('set-offline-action', {'vm': vm_id(1), 'offlineAction': 'TurnOff'}),
                     'not-supported')

    def test_a_debt_follows_its_vm_to_the_other_node(self):
        self.begin(clustered(vm(1, state='Running')))
        self.done(self.agent.step('stop-vm', self.stop(), owesPower=True))
        self.done(self.agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02'}))
        owed = [fact['owed'] for fact in self.agent.ask('debts')[0]]
        self.assertEqual([(each['vm'], each['debt']['power']) for each in owed], [(vm_id(1), 'stopped')])


class Notes(Case):
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
            self.assertEqual(other.observe()[0]['lease'],
                             {'holder': 'ann@laptop', 'run': 'run-1', 'since': '2025-11-24T16:01:40Z'})
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
            other.send('stop-vm', run='run-2', epoch=1, owesPower=True,
                       step={'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 600})
            while 'progress' not in other.line():
                pass
            self.assertEqual(other.close(), 0)
        self.assertIsNone(self.agent.ask('lease-who')[1]['lease'])
        self.assertFalse((self.agent.root / 'lease.json').exists())
        self.assertEqual(self.agent.observe()[2]['vm-001']['debt']['power'], 'stopping')

    def test_records_are_written_with_the_step_and_cleared_with_the_last_part(self):
        for make in (standalone, clustered):
            self.begin(make(vm(1)))
            reply = self.done(self.agent.step('add-partition-adapter', {'vm': vm_id(1), 'adapter': {}},
                                              vmRecord=RECORD, clusterRecord=self.OWNER))
            self.assertEqual(reply['vm']['record'], RECORD)
            self.assertEqual(self.agent.observe()[0]['record'], self.OWNER)
            remove = {'vm': vm_id(1), 'adapter': {'id': reply['vm']['adapters'][0]['id']}}
            reply = self.done(self.agent.step('remove-partition-adapter', remove))
            self.assertIsNone(reply['vm']['record'])
            self.assertIsNone(self.agent.observe()[2]['vm-001']['record'])
            self.assertEqual(list(self.agent.root.glob('vms/*')), [])

    def test_a_record_stays_while_a_part_is_owed(self):
        self.begin(standalone(vm(1, adapters=[adapter(1)])))
        self.done(self.agent.ask('record', run='run-1', epoch=1, vm=vm_id(1), vmRecord=RECORD)[1])
        self.done(self.agent.ask('record', run='run-1', epoch=1, vm=vm_id(1), vmRecord=RECORD)[1], changed=False)
        reply = self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}},
                                owesParts=True)
        self.assertEqual((reply['vm']['record'], len(reply['vm']['debt']['adapters'])), (RECORD, 1))
        reply = self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle='leave-off')[1])
        self.assertEqual((reply['vm']['record'], reply['vm']['debt']), (None, None))

    def test_an_older_cluster_record_does_not_win(self):
        self.begin(standalone())
        self.done(self.agent.ask('record', run='run-1', epoch=1, clusterRecord={**self.OWNER, 'epoch': 7})[1])
        self.done(self.agent.ask('record', run='run-1', epoch=1, clusterRecord=self.OWNER)[1], changed=False)
        self.assertEqual(self.agent.observe()[0]['record']['epoch'], 7)

    def settle(self, how, changed=True):
        return self.done(self.agent.ask('settle', run='run-1', epoch=1, vm=vm_id(1), settle=how)[1], changed=changed)['vm']

    def owe_power_and_a_part(self):
        self.begin(standalone(vm(1, state='Running', adapters=[adapter(1)])))
        self.done(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True))
        self.agent.step('remove-partition-adapter', {'vm': vm_id(1), 'adapter': {'id': adapter(1)['id']}},
                        owesParts=True)

    def test_power_and_parts_are_settled_at_once(self):
        self.owe_power_and_a_part()
        self.agent.now += 86400
        debt = self.settle('renew')['debt']
        self.assertEqual((debt['at'], debt['power']), ('2025-11-25T16:01:40Z', 'stopped'))
        self.assertIsNone(self.settle('leave-off')['debt'])
        self.settle('leave-off', changed=False)
        self.agent.now -= 86400

    def test_a_vm_that_runs_is_owed_no_start(self):
        self.owe_power_and_a_part()
        path = next(self.agent.root.glob('vms/*.json'))
        notes = json.loads(path.read_text())
        self.done(self.agent.step('start-vm', {'vm': vm_id(1)}))
        path.write_text(json.dumps(notes)) # as if somebody else had started it
        debt = self.settle('renew')['debt']
        self.assertEqual((debt['power'], debt['stateChange'], len(debt['adapters'])), ('none', None, 1))

    def test_notes_can_be_read_by_people(self):
        self.begin(standalone(vm(1, state='Running')))
        self.done(self.agent.step('stop-vm', {'vm': vm_id(1), 'method': 'TurnOff'}, owesPower=True,
                                  clusterRecord=self.OWNER))
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


if __name__ == '__main__':
    main()
