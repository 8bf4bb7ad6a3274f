#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent tells a doctor besides what is observed, that nothing is written for it, and how it notices a client that is gone."""
import pathlib
import tempfile
import time
import unittest

import agent as lab
from agent import adapter, standalone, vm, vm_id
from case import PWSH, Case, clustered, main

ADMINISTRATORS, HYPER_V, HIGH = 'S-1-5-32-544', 'S-1-5-32-578', 'S-1-16-12288'


class Examine(Case):
    def examined(self):
        facts, reply = self.agent.ask('observe', examine=True)
        found = [fact['examined'] for fact in facts if 'examined' in fact]
        self.assertEqual(len(found), 1, facts)
        self.assertEqual(self.world.writes(), [])
        return found[0], reply

    def cluster(self, access=None, groups=(HIGH, ADMINISTRATORS)):
        state = clustered(vm(1), hv01={'groups': list(groups)})
        if access is not None:
            state['cluster']['access'] = access
        self.begin(state, lease=False)
        return self.examined()[0]['cluster']

    def test_standalone_host(self):
        self.begin(standalone(vm(1)), lease=False)
        root = pathlib.Path(self.folder) / 'data-hv01' / 'hvgpu'
        found, reply = self.examined()
        self.assertEqual(reply['reply'], 'done')
        self.assertEqual(found['cluster'], {'state': 'none', 'access': None, 'message': None})
        self.assertEqual(found['root'], {'path': str(root), 'state': 'absent', 'message': None})
        self.assertIn('\\', found['account'])
        self.assertFalse(root.exists(), 'nothing is made by looking')

    def test_it_is_told_only_to_who_asks(self):
        self.begin(standalone(), lease=False)
        self.assertFalse([fact for fact in self.agent.ask('observe')[0] if 'examined' in fact])

    def test_folder(self):
        self.begin(standalone())
        self.assertEqual(self.examined()[0]['root']['state'], 'held')
        self.agent.ask('lease-close')
        self.assertEqual(self.examined()[0]['root']['state'], 'usable')
        lock = pathlib.Path(self.folder) / 'data-hv01' / 'hvgpu' / 'lease.lock'
        lock.unlink()
        lock.mkdir() # what cannot be opened for writing, whoever asks
        found = self.examined()[0]['root']
        self.assertEqual(found['state'], 'denied', found)
        self.assertIn('lease.lock', found['message'])

    def test_folder_that_is_none(self):
        self.begin(standalone(), lease=False)
        root = pathlib.Path(self.folder) / 'data-hv01' / 'hvgpu'
        root.write_text('a file')
        self.addCleanup(root.unlink)
        self.assertEqual(self.examined()[0]['root']['state'], 'foreign')

    def test_cluster_rights(self):
        mine = {'account': 'CONTOSO\\gpu', 'sid': 'S-1-5-21-1-2-3-1001'}
        with_mine = (HIGH, ADMINISTRATORS, mine['sid'])
        everybody = {'sid': 'S-1-1-0', 'readOnly': True}
        for access, groups, wanted in [
                (None, (HIGH, ADMINISTRATORS), 'Full'),
                (None, (ADMINISTRATORS, HYPER_V), 'None'), # not elevated: the group is there to deny alone
                ([], (HIGH, ADMINISTRATORS), 'None'),
                ([mine], (HIGH, ADMINISTRATORS), 'None'),
                ([mine], with_mine, 'Full'),
                ([everybody], with_mine, 'ReadOnly'),
                ([mine, everybody], with_mine, 'Full'),
                ([everybody, mine | {'deny': True}], with_mine, 'None')]:
            with self.subTest(access=access, groups=groups):
                self.assertEqual(self.cluster(access, groups), {'state': 'answers', 'access': wanted, 'message': None})

    def test_cluster_rights_that_cannot_be_read_are_unknown(self):
        self.begin(clustered(vm(1)) | {'faults': [{'cmdlet': 'Get-ClusterAccess', 'permanent': True, 'message': 'Zugriff verweigert'}]}, lease=False)
        found, reply = self.examined()
        self.assertEqual(found['cluster'], {'state': 'answers', 'access': None, 'message': 'Zugriff verweigert'})
        self.assertEqual(reply['reply'], 'done')

    def test_node_whose_cluster_is_silent(self):
        self.begin(standalone(clusterService='Auto'), lease=False)
        found, reply = self.examined()
        self.assertEqual(found['cluster']['state'], 'silent')
        self.assertIn('cannot be asked', found['cluster']['message'])
        self.assertEqual(reply['reply'], 'failed')


class Silence(unittest.TestCase):
    """A connection may be dead and neither end told of it: the client promises an empty line now and then."""

    def begin(self, *vms):
        folder = tempfile.TemporaryDirectory(prefix='hvgpu-agent-')
        self.addCleanup(folder.cleanup)
        self.world = lab.World(folder.name, standalone(*vms))
        self.agent = lab.Agent(PWSH, self.world)
        self.addCleanup(self.agent.__exit__)
        self.agent.hello()
        self.agent.ask('lease-open', run='run-1', holder='ann@laptop', silenceSeconds=2)
        self.agent.ask('epoch', run='run-1', epoch=1)

    def assert_ended(self):
        self.assertEqual(self.agent.process.wait(timeout=30), 0)
        self.assertFalse((self.agent.root / 'lease.json').exists(), 'its lease went with it')

    def test_idle_agent_ends(self):
        self.begin()
        for _ in range(8): # longer than it bears silence
            self.agent.write('')
            time.sleep(0.5)
        self.assertIsNone(self.agent.process.poll())
        self.assertTrue((self.agent.root / 'lease.json').exists())
        self.assert_ended()

    def test_waiting_step_ends_where_it_is(self):
        self.begin(vm(1, state='Running', shutdownMs=60000))
        self.agent.send('stop-vm', run='run-1', epoch=1, owesPower=True,
                        step={'vm': vm_id(1), 'method': 'Shutdown', 'timeoutSeconds': 60, 'onTimeout': 'Fail'})
        for _ in range(8):
            self.agent.write('')
            time.sleep(0.5)
        self.assertIsNone(self.agent.process.poll())
        self.assert_ended()
        self.assertIn('"stopping"', (self.agent.root / 'vms' / f'{vm_id(1)}.json').read_text())

    def test_without_the_lease_it_waits(self):
        self.begin()
        self.agent.ask('lease-close')
        time.sleep(4)
        self.assertIsNone(self.agent.process.poll())
        self.assertEqual(self.agent.ask('lease-who')[1]['lease'], None)


class LiveMoves(unittest.TestCase):
    def test_network_logon_commands_none(self):
        with tempfile.TemporaryDirectory(prefix='hvgpu-agent-') as folder:
            world = lab.World(folder, clustered(
                vm(1, state='Running', adapters=[adapter(1, outgoingLiveMigration=True)]), hv01={'groups': [HIGH, 'S-1-5-2']}))
            with lab.Agent(PWSH, world) as agent:
                self.assertEqual(agent.hello()['liveMoves'], False)
                agent.lease()
                world.calls()
                reply = agent.step('move-vm', {'vm': vm_id(1), 'toHost': 'hv02', 'live': True})
                self.assertEqual(reply['error']['kind'], 'not-supported', reply)
                self.assertEqual(world.writes(), [])


if __name__ == '__main__':
    main()
