#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the model says of steps against the agent on fake Hyper-V hosts: tests/property/conformance.c, over the local PowerShell, over
a real ssh, and once more from what was recorded of that."""
import re
import subprocess
import sys

import hosts
from case import CONFORMANCE, HERE, WholeProgram, main

LOCAL_WORLDS, SSH_WORLDS, SEED = 4, 2, 1


class Conformance(WholeProgram):
    def setUp(self):
        super().setUp()
        self.needs(CONFORMANCE, '--conformance')

    def conform(self, over, n_worlds, seed, address):
        found = hosts.Hosts(over, {'hosts': {f'hv{number:02}': {} for number in (1, 2, 3)}})
        self.addCleanup(found.close)
        make = found.folder / 'make'
        hosts.script(make, f'PYTHONPATH={HERE} exec {sys.executable} {HERE}/world_of.py {found.world.folder} "$1"')
        for each in address(found):
            done = subprocess.run([CONFORMANCE[0], str(n_worlds), str(seed), each, make], capture_output=True, text=True, check=False,
                                  env=found.environment, cwd=found.folder)
            print(f'{each}, seed {seed}\n{done.stdout}')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertGreater(int(re.search(r'(\d+) cases in', done.stdout)[1]), 10 * n_worlds)
            self.assertEqual(found.left(), [])
            yield done.stdout

    def test_local(self):
        list(self.conform('local', LOCAL_WORLDS, SEED, lambda found: ['local:']))

    def test_ssh_and_replayed(self):
        self.needs(hosts.SSHD, 'sshd')
        asked, again = self.conform('ssh', SSH_WORLDS, SEED + LOCAL_WORLDS, lambda found: [
            f'record:{found.folder}/recording,ssh://{{}}', f'replay:{found.folder}/recording'])
        self.assertEqual(asked, again)


if __name__ == '__main__':
    main()
