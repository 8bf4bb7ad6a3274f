#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host among three that answers nonsense, through the whole program: a clear error, the host is named as missing, the others are
observed and nothing is changed there, and nothing is left behind. And how often well-behaved hosts are asked. The agents are played by
tests/lib/fake_agent.py: what is tested is this side of the line."""
import json
import re

import hosts
from case import WholeProgram, main

NAMES = ['hv01', 'hv02', 'hv03']
MODES = {
    'truncated': 'unreachable: the agent ended (exit code 0)', 'interleaved': 'protocol: a line of 35 bytes is no JSON',
    'huge': 'protocol: it writes a line that is too long', 'endless': 'protocol: it writes a line that is too long',
    'many': 'protocol: it tells of more than 20000', 'future': 'protocol: a line answers a request that was never made',
    'no-reply': "protocol: a reply is neither 'done' nor has an error", 'not-utf8': 'is no JSON', 'deep': 'is no JSON',
    'early': 'protocol: it answers before it said hello', 'newer': "protocol: the agent's hello is of another version",
    'flood': "protocol: it writes many lines that are not the agent's", 'hash': 'its SHA-256 differs',
    'swallowed': 'something there swallows it', 'miscounted': 'its answer is not whole', 'twice': "two VMs of id 'hv02-VM-1'",
    'wrong-type': "'generation'", 'gap': "could not tell 'adapters' of VM 'vm-1'", 'other-name': "calls itself 'OTHER', not 'hv02'",
    'dies': 'the agent ended (exit code 9): Zugriff verweigert', 'leaves-child': None, 'duplicate': None, 'noise': None,
}


class Light(WholeProgram):
    def begin(self, over, names):
        light = hosts.Hosts(over, names=names)
        self.addCleanup(light.close)
        (light.source / 'cluster.yaml').write_text(hosts.manifest(names))
        return light

    def asked(self, light, name):
        """The verbs that this host was asked for."""
        return re.findall(r'"verb":"([a-z-]+)"', (light.folder / f'log-{name}').read_text())


class Hostile(Light):
    def wrong(self, light, done, text):
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("host 'hv02' could not be observed: ", done.stderr)
        self.assertIn(text, done.stderr)
        self.assertLess(len(done.stderr), 3000)
        self.assertEqual([each['metadata']['name'] for each in json.loads(done.stdout)], ['hv01', 'hv03'])

    def test_each_way_to_answer_nonsense(self):
        light = self.begin('local', NAMES)
        slow = self.begin('local', NAMES)
        slow.mode('hv02', 'silent')
        slow.mode('hv03', 'hangs')
        never = slow.start('observe', slow.source) # meanwhile
        for mode, text in MODES.items():
            with self.subTest(mode):
                light.mode('hv02', mode)
                done = light.run('observe', light.source, '-o', 'json')
                if text:
                    self.wrong(light, done, text)
                else:
                    self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(light.left(), [])
        output = never.communicate(timeout=120)[0]
        self.assertEqual(never.returncode, 4, output)
        self.assertIn("host 'hv02' could not be observed: timeout: no answer within 60 seconds", output)
        self.assertIn("host 'hv03' could not be observed: unreachable: no PowerShell came up there within 45 seconds", output)
        self.assertEqual(output.count('kind: HostState'), 1)
        self.assertEqual(slow.left(), [])

    def test_nothing_is_changed_elsewhere(self):
        light = self.begin('local', NAMES)
        for mode in 'truncated', 'gap', 'dies':
            light.mode('hv02', mode)
            done = light.run('apply', light.source, '--owner', 'us', '--auto-approve', '--allow', 'restarts=99')
            self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
            self.assertIn("host 'hv02' could not be observed: ", done.stdout + done.stderr)
        self.assertEqual(set(self.asked(light, 'hv01') + self.asked(light, 'hv03')), {'observe'})


class RoundTrips(Light):
    def test_a_host_with_nothing_to_do_is_asked_once(self):
        """Over ssh, eight at once: one connection and one request for each host."""
        self.needs(hosts.SSHD, 'sshd')
        names = [f'hv{number:02}' for number in range(1, 9)]
        light = self.begin('ssh', names)
        done = light.run('apply', light.source, '--owner', 'us', '--auto-approve')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for name in names:
            self.assertEqual(self.asked(light, name), ['observe'])
            self.assertEqual((light.folder / f'log-{name}').read_text().count('pid '), 1)
        self.assertEqual(light.left(), [])


if __name__ == '__main__':
    main()
