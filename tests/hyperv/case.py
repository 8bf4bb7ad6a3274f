# SPDX-License-Identifier: Apache-2.0
"""What the tests of the agent share. They are run as test_NAME.py PWSH-HOST [--agent FILE] [--hvgpu PROGRAM]
[--conformance PROGRAM] -- [CLASS…]; FILE is the agent as the build joined it."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

import agent as lab
from agent import a2, standalone

HERE = pathlib.Path(__file__).resolve().parent
PWSH = []
BUILT = []  # the agent as the build made it
PROGRAM = []  # hvgpu
CONFORMANCE = []  # tests/property/conformance.c
A, B = a2(3), a2(4)
PATH_A, PATH_B = A['locationPath'], B['locationPath']
NAME_A, NAME_B = A['partitionable']['Name'], B['partitionable']['Name']
QUOTAS = {'minPartitionVRAM': 1000, 'maxPartitionEncode': '18446744073709551615'}
RECORD = {'owner': 'git.example.net/gpu', 'cluster': 'paris', 'group': 'vdi'}


class Case(unittest.TestCase):
    """One agent on hv01 for all tests of a class; each begins with a world of its own."""
    host = 'hv01'
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='hvgpu-agent-')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.world = lab.World(cls.folder, standalone())
        cls.agent = lab.Agent(PWSH, cls.world, cls.host, **cls.environment)
        cls.greeting = cls.agent.hello()

    @classmethod
    def tearDownClass(cls):
        with cls.agent:
            code = cls.agent.close()
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


class WholeProgram(unittest.TestCase):
    """A test of hvgpu itself. What it needs and is not there makes it a skipped one, in CI a failure."""

    def setUp(self):
        self.needs(PROGRAM, '--hvgpu')

    def needs(self, what, name):
        if not what:
            self.assertNotEqual(os.environ.get('CI'), 'true', f'there is no {name}')
            self.skipTest(f'SKIPPED: there is no {name}')


def clustered(*vms, nodes=('hv01', 'hv02'), offline=3, **hosts):
    """A failover cluster; the VMs are on its first node."""
    state = {'hosts': {name: {'devices': [a2(3), a2(4)], 'vms': [], **hosts.get(name, {})} for name in nodes},
             'cluster': {'name': 'fc-paris', 'nodes': {name: {} for name in nodes}, 'groups': []}}
    state['hosts'][nodes[0]]['vms'] = list(vms)
    for each in vms:
        state['cluster']['groups'].append(
            {'name': each['name'], 'vm': each['id'], 'owner': nodes[0], 'offlineAction': offline})
    return state


def main():
    split = sys.argv.index('--')
    words = sys.argv[1:split]
    for option, keep in (('--agent', BUILT), ('--hvgpu', PROGRAM), ('--conformance', CONFORMANCE)):
        if option in words:
            at = words.index(option)
            keep.append(words[at + 1])
            del words[at:at + 2]
    PWSH.extend(words)
    if not shutil.which(PWSH[0]):
        print(f'SKIPPED: there is no {PWSH[0]}; it is built where there is dotnet')
        sys.exit(1 if os.environ.get('CI') == 'true' else 77)
    result = unittest.main(argv=[sys.argv[0], *sys.argv[split + 1:]], exit=False).result
    # A file in which something was skipped did not pass, whatever else it has.
    for test, why in result.skipped:
        print(f'SKIPPED: {test.id()}: {why.removeprefix("SKIPPED: ")}')
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped:
        sys.exit(1 if os.environ.get('CI') == 'true' else 77)
