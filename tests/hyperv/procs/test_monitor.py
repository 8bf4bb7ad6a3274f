#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the monitor is broken by one change, and by no change of the kind that is allowed."""
import copy
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import monitor  # noqa: E402
import scenes  # noqa: E402
from agent import a2, adapter  # noqa: E402

GPU = a2(3)['partitionable']['Name']
OWED = {'HvgpuNotes': json.dumps({'debt': {'power': 'stopped'}, 'record': None})}


class Rules(unittest.TestCase):
    def setUp(self):
        state, _, managed = scenes.scene('count')
        self.monitor = monitor.Monitor(state, managed)
        self.state = copy.deepcopy(state)
        self.pinned, self.stranger = self.state['hosts']['hv01']['vms']
        self.running, self.off, _ = self.state['hosts']['hv02']['vms']
        self.gpus = [self.state['hosts'][name]['devices'][0] for name in ('hv01', 'hv02')]

    def see(self, change=lambda: None):
        """The rules that the change breaks."""
        self.monitor.found.clear()
        change()
        self.monitor.see({'host': 'hv01', 'cmdlet': 'X', 'with': {}, 'state': copy.deepcopy(self.state)})
        return {each.split(':')[0] for each in self.monitor.found}

    def stop(self, vm, owed=True):
        vm['state'] = 'Off'
        for part in vm['adapters']:
            part['on'] = None
        for group in self.state['cluster']['groups']:
            if group['vm'] == vm['id'] and owed:
                group['parameters'] = OWED

    def drain(self):
        """All VMs that hold a partition are down and have let go of it."""
        for vm in self.pinned, self.running:
            self.assertEqual(self.see(lambda each=vm: self.stop(each)), set())
        for vm in self.pinned, self.running, self.off:
            self.assertEqual(self.see(vm['adapters'].clear), set())

    def set_count(self, count, *gpus):
        for gpu in gpus or self.gpus:
            gpu['partitionable']['PartitionCount'] = count

    def start(self, vm):
        vm.update(state='Running', adapters=[adapter(vm['id'][-1] != '1', on=GPU)])

    def test_a_whole_change_breaks_nothing(self):
        self.drain()
        self.assertEqual(self.see(lambda: self.set_count(8)), set())
        for vm in self.pinned, self.running:
            self.assertEqual(self.see(lambda each=vm: each['adapters'].append(adapter(9))), set())
            self.assertEqual(self.see(lambda each=vm: each.update(state='Running')), set())

    def test_count_of_a_gpu_with_a_holder(self):
        self.assertIn('drained', self.see(lambda: self.set_count(8, self.gpus[0])))

    def test_count_of_a_gpu_that_an_off_vm_could_be_on(self):
        self.see(lambda: self.stop(self.running))
        self.see(self.running['adapters'].clear)
        self.assertIn('drained', self.see(lambda: self.set_count(8, self.gpus[1])))

    def test_counts_part_while_one_runs(self):
        for vm in self.running, self.off:
            self.see(lambda each=vm: self.stop(each))
            self.see(vm['adapters'].clear)
        self.assertEqual(self.see(lambda: self.set_count(8, self.gpus[1])), {'homogeneous'})
        self.monitor.alike = False
        self.assertEqual(self.see(lambda: self.set_count(2, self.gpus[1])), set())

    def test_start_beside_gpus_that_differ(self):
        self.state['hosts']['hv01']['devices'].append(a2(4))
        self.monitor.before = copy.deepcopy(self.state)
        self.drain()
        self.see(lambda: self.set_count(8, self.gpus[0]))
        self.assertIn('aligned-start', self.see(lambda: self.start(self.pinned)))

    def test_parts_change_on_vms_that_are_off_only(self):
        self.assertEqual(self.see(self.running['adapters'].clear), {'vm-off'})
        self.assertEqual(self.see(lambda: self.running.update(cacheControl=True, mmioLow=1)), set()) # not told before
        self.assertEqual(self.see(lambda: self.running.update(mmioLow=2)), {'vm-off'})
        self.assertEqual(self.see(self.off['adapters'].clear), set())

    def test_dismount_of_a_gpu_in_use(self):
        self.assertIn('exclusive', self.see(lambda: self.gpus[0].update(dismounted=True)))

    def test_mount_of_a_gpu_in_a_pool(self):
        self.state['hosts']['hv01']['devices'].append(a2(4, dismounted=True))
        self.state['hosts']['hv01']['pools'] = {'p': [a2(4)['locationPath']]}
        self.monitor.before = copy.deepcopy(self.state)
        self.assertIn('exclusive', self.see(lambda: self.state['hosts']['hv01']['devices'][1].update(dismounted=False)))

    def test_pool_loses_what_a_vm_runs_on(self):
        self.state['hosts']['hv01']['pools'] = {'p': [a2(4)['locationPath']]}
        self.stranger['devices'] = [{'id': 'd', 'pool': 'p', 'locationPath': None, 'on': a2(4)['locationPath']}]
        self.monitor.before = copy.deepcopy(self.state)
        self.assertIn('exclusive', self.see(self.state['hosts']['hv01']['pools']['p'].clear))

    def test_more_partitions_than_the_gpu_has(self):
        self.assertIn('capacity', self.see(lambda: self.set_count(0, self.gpus[0])))

    def test_two_adapters(self):
        self.assertIn('one-partition', self.see(lambda: self.off['adapters'].append(adapter(3, 1))))

    def test_stranger(self):
        self.assertEqual(self.see(lambda: self.stop(self.stranger, owed=False)), {'ownership'})

    def test_vm_that_was_off_is_started(self):
        self.assertIn('restored', self.see(lambda: self.off.update(state='Running')))

    def test_vm_is_saved(self):
        self.assertIn('restored', self.see(lambda: self.running.update(state='Saved')))

    def test_start_without_the_partition(self):
        self.drain()
        self.assertIn('no evasion', self.see(lambda: self.running.update(state='Running')))

    def test_start_with_automatic_checkpoints(self):
        self.see(lambda: self.stop(self.running))
        self.assertIn('fit-to-start', self.see(lambda: self.running.update(state='Running', automaticCheckpoints=True)))

    def test_stop_that_nobody_owes(self):
        self.assertEqual(self.see(lambda: self.stop(self.running, owed=False)), {'debt'})

    def test_second_stop_of_one_run(self):
        self.see(lambda: self.stop(self.running))
        self.see(lambda: self.running.update(state='Running'))
        self.assertEqual(self.see(lambda: self.stop(self.running)), {'once'})
        self.see(lambda: self.running.update(state='Running'))
        self.monitor.begin_run()
        self.assertEqual(self.see(lambda: self.stop(self.running)), set())
        self.assertEqual(self.monitor.stops[self.running['name']], 3)


if __name__ == '__main__':
    unittest.main()
