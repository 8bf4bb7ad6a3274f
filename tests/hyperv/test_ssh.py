#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole program on a failover cluster, over a real ssh: from nothing to its goal, to other counts, to passthrough and back, each
cmdlet that changed something held against the order of Microsoft's documents; then two runs at once, and hosts that ssh refuses."""
import json

import yaml

import engines
import hosts
from agent import vm, vm_id
from case import PWSH, WholeProgram, main
from hosts import EXAMPLES

FAILOVER = EXAMPLES / 'failover'
POOL = 'hvgpu-paris-whole'
COUNT, START = 'Set-VMHostPartitionableGpu', 'Start-ClusterGroup'
ADD, REMOVE = 'Add-VMGpuPartitionAdapter', 'Remove-VMGpuPartitionAdapter'
# partition-assign-vm-gpu.md, with the VM brought down and up around it.
GIVEN = ['Stop-VM', ADD, START]
GIVEN_ANEW = ['Stop-VM', REMOVE, ADD, START]
CYCLED = ['Stop-VM', START]
# use-gpu-with-clustered-vm.md and Deploying-graphics-devices-using-dda.md
TAKEN_WHOLE = ['Disable-PnpDevice', 'Dismount-VMHostAssignableDevice', 'Add-VMHostAssignableDevice']
GIVEN_WHOLE = ['Stop-VM', 'Set-VM', 'Add-VMAssignableDevice', START]
WHOLE_TAKEN_BACK = ['Stop-VM', 'Remove-VMAssignableDevice', START]
GIVEN_BACK = ['Remove-VMHostAssignableDevice', 'Mount-VMHostAssignableDevice', 'Enable-PnpDevice', COUNT]


def bare():
    """The example's hosts before anybody cared: the GPUs whole, no partition given; and a VM that is nobody's business yet."""
    state = hosts.example('failover')
    for host in state['hosts'].values():
        for device in host['devices']:
            device['partitionable']['PartitionCount'] = 1
        for each in host['vms']:
            each['adapters'] = []
    state['hosts']['hv01']['vms'].append(vm(99, 'cad-001', state='Running'))
    state['cluster']['groups'].append({'name': 'cad-001', 'vm': vm_id(99), 'owner': 'hv01', 'offlineAction': 3})
    return state


class Log:
    """What was called and changes something, but for our own notes, in the order of time; of one VM, of one GPU."""

    def __init__(self, world):
        self.hosts = world.state['hosts']
        lines = [line for line in world.log() if not line['cmdlet'].startswith('Get-') and line['with'].get('Name') != 'HvgpuNotes']
        self.calls = [(line['cmdlet'], line['with']) for line in lines]
        # as text that names of VMs, paths and ids can be looked for in
        self.texts = [(line['host'], line['cmdlet'], json.dumps(line['with']).upper().replace('\\\\', '\\')) for line in lines]

    def at(self, name, on=None):
        return [i for i, (host, each, _) in enumerate(self.texts) if each == name and on in (None, host)]

    def of(self, *marks, on=None):
        return [name for host, name, text in self.texts if on in (None, host) and any(mark.upper() in text for mark in marks)]

    def of_vms(self):
        """The chain of calls of each VM that has any."""
        chains = {each['name']: self.of(each['id'], f'"{each["name"]}"') for host in self.hosts.values() for each in host['vms']}
        return {name: chain for name, chain in chains.items() if chain}

    def of_gpus(self):
        chains = [self.of(device['locationPath'], device['id'], device['partitionable']['Name'], on=name)
                  for name, host in self.hosts.items() for device in host['devices']]
        return [chain for chain in chains if chain]


class Ssh(WholeProgram):
    def setUp(self):
        super().setUp()
        self.needs(hosts.SSHD, 'sshd')

    def begin(self, state, n_engines=3):
        running = engines.Engines(PWSH, n_engines)
        self.addCleanup(running.close)
        self.hosts = hosts.Hosts('ssh', state, FAILOVER / 'manifests', running)
        self.addCleanup(self.hosts.close)

    def arguments(self, *words):
        return 'apply', self.hosts.source, '--owner', 'us', '--auto-approve', '--allow', 'restarts=99,moves=99,role-changes=99', *words

    def apply(self, code=0):
        done = self.hosts.run(*self.arguments())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(self.hosts.left(), [])
        return Log(self.hosts.world)

    def manifest(self, change):
        path = self.hosts.source / 'cluster.yaml'
        document = yaml.safe_load(path.read_text())
        change(document['spec'])
        path.write_text(yaml.safe_dump(document))

    def expect(self, states, counts):
        state = self.hosts.world.state
        self.assertEqual({each['name']: (each['state'], len(each['adapters']), len(each['devices']))
                          for host in state['hosts'].values() for each in host['vms']}, states)
        self.assertEqual([sorted('whole' if device['dismounted'] else str(device['partitionable']['PartitionCount'])
                                 for device in host['devices']) for host in state['hosts'].values()], counts)

    def test_a_cluster_goes_all_the_way_and_back(self):
        self.begin(bare())
        desktops = [f'vdi-{number:03}' for number in range(1, 13)]
        with self.subTest('from nothing to the goal'):
            log = self.apply()
            self.assertEqual(log.of_vms(), dict.fromkeys(desktops, GIVEN))
            self.assertEqual(log.of_gpus(), [[COUNT]] * 6)
            self.assertEqual({name for name, _ in log.calls}, {*GIVEN, COUNT})
            self.assertLess(max(log.at(COUNT)), min(log.at(START)))
            self.assertTrue(all(given.get('Name') for name, given in log.calls if name == COUNT))
            self.expect({**dict.fromkeys(desktops, ('Running', 1, 0)), 'cad-001': ('Running', 0, 0)}, [['8', '8']] * 3)
        with self.subTest('a second run does nothing'):
            self.hosts.run(*self.arguments())
            calls = self.hosts.world.calls()
            self.assertEqual([name for name, _ in calls if not name.startswith('Get-')], [])
            self.assertEqual(sum(name == 'Get-VMHostPartitionableGpu' for name, _ in calls), 3) # each host was observed once
        with self.subTest('another count'):
            self.manifest(lambda spec: spec['gpus'][0].update(partitionCount=4))
            log = self.apply()
            self.assertEqual(log.of_vms(), dict.fromkeys(desktops, GIVEN_ANEW))
            self.assertEqual(log.of_gpus(), [[COUNT]] * 6)
            self.assertLess(max(log.at('Stop-VM')), min(log.at(COUNT)))
            for name in self.hosts.names:
                self.assertLess(max(log.at(REMOVE, name)), min(log.at(COUNT, name)))
            self.assertLess(max(log.at(COUNT)), min(log.at(START)))
            self.expect({**dict.fromkeys(desktops, ('Running', 1, 0)), 'cad-001': ('Running', 0, 0)}, [['4', '4']] * 3)
        with self.subTest('one GPU of each host as a whole, and one of them for a VM'):
            whole = {'name': 'whole', 'match': {'model': 'NVIDIA A2'}, 'passthrough': {'perHost': 1}}
            self.manifest(lambda spec: spec['gpus'].append(whole))
            (self.hosts.source / 'cad.yaml').write_text(yaml.safe_dump({
                'apiVersion': 'hvgpu.dev/v1alpha1', 'kind': 'GpuAssignment', 'metadata': {'name': 'cad'},
                'spec': {'cluster': 'paris', 'gpus': 'whole', 'virtualMachines': [{'name': 'cad-001'}]}}))
            log = self.apply()
            chains = log.of_vms()
            self.assertEqual(chains.pop('cad-001'), GIVEN_WHOLE)
            self.assertTrue(all(chain == CYCLED for chain in chains.values()), chains)
            self.assertEqual(log.of_gpus(), [TAKEN_WHOLE] * 3)
            self.assertEqual(log.of(POOL).count('New-VMResourcePool'), 3)
            self.assertFalse([given for _, given in log.calls if given.get('Force') and 'LocationPath' in given])
            # one host goes first, the others wait for it
            self.assertLess(log.at('Dismount-VMHostAssignableDevice')[0], log.at('Disable-PnpDevice')[1])
            self.expect({**dict.fromkeys(desktops, ('Running', 1, 0)), 'cad-001': ('Running', 0, 1)}, [['4', 'whole']] * 3)
        with self.subTest('and back'):
            self.manifest(lambda spec: spec['gpus'].pop())
            (self.hosts.source / 'cad.yaml').unlink()
            log = self.apply()
            self.assertEqual(log.of_vms(), {'cad-001': WHOLE_TAKEN_BACK})
            self.assertTrue(all(chain in (GIVEN_BACK, GIVEN_BACK[:-1]) for chain in log.of_gpus()), log.of_gpus())
            self.assertEqual(len(log.of_gpus()), 3)
            self.expect({**dict.fromkeys(desktops, ('Running', 1, 0)), 'cad-001': ('Running', 0, 0)}, [['4', '4']] * 3)

    def test_two_runs_at_once(self):
        state = hosts.example('failover')
        for host in state['hosts'].values():
            for each in host['vms']:
                each['shutdownMs'] = 600000
        self.begin(state, 6)
        first = self.hosts.start(*self.arguments())
        try:
            self.assertTrue(any('stop vdi-' in line for line in first.stdout))
            second = self.hosts.run(*self.arguments())
            self.assertEqual(second.returncode, 7, second.stdout + second.stderr)
            self.assertIn("host 'hv01' is held by ", second.stdout + second.stderr)
        finally:
            first.kill() # as a machine does that loses its power
            first.wait()
            first.stdout.close()
        state = self.hosts.world.state
        self.assertEqual([each['adapters'][0] for host in state['hosts'].values() for each in host['vms'] if not each['adapters']], [])
        self.assertEqual(self.hosts.left(), []) # the agents of a dead run notice it, and their leases go with them

    def light(self):
        """Three hosts whose agents are only played."""
        self.hosts = hosts.Hosts('ssh', names=['hv01', 'hv02', 'hv03'])
        self.addCleanup(self.hosts.close)
        (self.hosts.source / 'cluster.yaml').write_text(hosts.manifest(self.hosts.names))

    def test_a_host_of_another_key_is_left_out(self):
        self.light()
        known = self.hosts.folder / 'ssh' / 'known_hosts'
        known.write_text(''.join(line for line in known.read_text().splitlines(keepends=True) if not line.startswith('hv02 ')))
        done = self.hosts.run('observe', self.hosts.source, '-o', 'json')
        self.assertEqual(done.returncode, 4)
        self.assertIn("host 'hv02' could not be observed: unreachable: no PowerShell came up there (exit code 255): ", done.stderr)
        self.assertIn('Host key verification failed', done.stderr)
        self.assertEqual([each['metadata']['name'] for each in json.loads(done.stdout)], ['hv01', 'hv03'])
        self.assertEqual(self.hosts.left(), [])

    def test_no_question_is_asked(self):
        self.light()
        (self.hosts.folder / 'ssh' / 'authorized').write_text('')
        done = self.hosts.run('observe', self.hosts.source)
        self.assertEqual(done.returncode, 4)
        self.assertEqual(done.stderr.count('Permission denied (publickey)'), 3, done.stderr)
        self.assertEqual(self.hosts.left(), [])


if __name__ == '__main__':
    main()
