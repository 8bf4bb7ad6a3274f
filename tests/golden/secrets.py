#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""secrets.py HVGPU: a private key for a host, by every form of credential, reaches ssh and nothing else: no output, finding, plan,
recording, command line or environment has it, whether things go well or not. And how ssh is called: host keys are checked, nothing is
asked, and what the user's own configuration says is not overruled.

ssh is a script in PATH that notes what it was given and what it sees of other processes, and then is the agent of
tests/lib/fake_agent.py."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

LIB = pathlib.Path(__file__).resolve().parents[1] / 'lib'
PROGRAM = []
CANARY = 'canary-7d1e5c'

SSH = f'''#!{sys.executable}
import json, os, pathlib, sys
folder = pathlib.Path(os.environ['SSH_FOLDER'])
key = sys.argv[sys.argv.index('-i') + 1] if '-i' in sys.argv else None
lines = {{}}
for process in pathlib.Path('/proc').glob('[0-9]*'):
    try:
        lines[process.name] = (process / 'cmdline').read_bytes().decode(errors='replace')
    except OSError:
        pass
note = {{'argv': sys.argv, 'environ': dict(os.environ), 'lines': lines,
        'key': key and pathlib.Path(key).read_text(), 'mode': key and oct(os.stat(key).st_mode & 0o777)}}
(folder / f'call-{{os.getpid()}}').write_text(json.dumps(note))
mode = os.environ['SSH_MODE']
if mode == 'refused':
    print('ops@hv01: Permission denied (publickey).', file=sys.stderr)
    sys.exit(255)
if mode == 'unknown':
    print('Host key verification failed.', file=sys.stderr)
    sys.exit(255)
os.environ['HVGPU_HOST'] = sys.argv[-2]
os.execv('{LIB}/fake_agent.py', ['powershell.exe', *sys.argv[-1].split()[1:]])
'''

MANIFESTS = '''apiVersion: hvgpu.dev/v1alpha1
kind: GpuCluster
metadata: { name: lab }
spec:
  type: Standalone
  hosts: [{ name: hv01 }]
  gpus: [{ name: vdi, match: { device: "10DE:25B6" }, partitionCount: 2 }]
  unmanaged: Cycle
  rollout: { maxUnavailable: 100%, stop: { method: TurnOff } }
'''


class Secrets(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='hvgpu-secrets-'))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ('bin', 'calls', 'work/source', 'keys'):
            (self.folder / name).mkdir(parents=True)
        script = self.folder / 'bin' / 'ssh'
        script.write_text(SSH)
        script.chmod(0o755)
        self.key = self.folder / 'keys' / 'key'
        self.key.write_text(CANARY + '\n')
        self.key.chmod(0o600)
        self.work = self.folder / 'work'
        (self.work / 'source' / 'lab.yaml').write_text(MANIFESTS)
        self.environment = {**os.environ, 'PATH': f'{self.folder}/bin:{os.environ["PATH"]}', 'SSH_FOLDER': str(self.folder / 'calls'),
                            'SSH_MODE': 'good', 'G_MESSAGES_DEBUG': 'all', 'LC_ALL': 'C.UTF-8', 'HVGPU_FAKE_MODE': 'good',
                            'HVGPU_JOURNAL': str(self.work / 'journal')}
        for name in ('HVGPU_NOW', 'HVGPU_FAKE_LOG', 'SSH_AUTH_SOCK'):
            self.environment.pop(name, None)
        self.environment['SSH_AUTH_SOCK'] = '/nowhere/agent'

    def inventory(self, address='ssh://ops@hv01:2222', **host):
        (self.work / 'source' / 'hosts.yaml').write_text(
            'apiVersion: hvgpu.dev/v1alpha1\nkind: HostInventory\nmetadata: { name: hosts }\nspec:\n  hosts:\n    - '
            + json.dumps({'name': 'hv01', 'address': address, **host}) + '\n')

    def run_all(self, *words, **environment):
        """Its exit code and all that it said, which has no secret in it."""
        done = subprocess.run([PROGRAM[0], *words], cwd=self.work, env={**self.environment, **environment}, capture_output=True,
                              text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        self.assertNotIn(CANARY, said, words)
        return done.returncode, said

    def calls(self):
        found = []
        for path in (self.folder / 'calls').iterdir():
            found.append(json.loads(path.read_text()))
            path.unlink()
        return found

    def assert_nothing_left(self):
        for path in self.work.rglob('*'):
            if path.is_file():
                self.assertNotIn(CANARY, path.read_text(), path)

    def forms(self):
        """Each with what it needs in the environment."""
        return {'env:LAB_KEY': {'LAB_KEY': CANARY}, f'file:{self.key}': {},
                'systemd:key': {'CREDENTIALS_DIRECTORY': str(self.folder / 'keys')}, f'command:cat {self.key}': {}}

    COMMANDS = [('observe', 'source'), ('observe', 'source', '-o', 'json'), ('plan', 'source', '--owner', 'us'),
                ('plan', 'source', '--owner', 'us', '-o', 'json', '--out', 'plan.json'), ('drift', 'source', '--owner', 'us'),
                ('apply', 'source', '--owner', 'us', '--auto-approve', '--allow', 'restarts=9'),
                ('apply', 'source', '--owner', 'us', '--auto-approve', '-o', 'json'),
                ('doctor', 'hv01', 'source'), ('doctor', 'hv01', 'source', '-o', 'json'), ('validate', 'source')]

    def test_key_reaches_ssh_and_nothing_else(self):
        for credential, environment in self.forms().items():
            # a recording holds what is asked and answered
            for address in 'ssh://ops@hv01:2222', 'record:record.jsonl,ssh://ops@hv01:2222':
                self.inventory(address=address, credential=credential)
                all_of_them = address.startswith('ssh') and credential.startswith('env:')
                for words in self.COMMANDS if all_of_them else self.COMMANDS[3:7:3]:
                    with self.subTest(credential=credential, words=words):
                        self.run_all(*words, **environment)
                        calls = self.calls()
                        self.assertEqual(bool(calls), words[0] != 'validate')
                        for call in calls:
                            self.assertEqual(call['key'].strip(), CANARY)
                            self.assertEqual(call['mode'], '0o600')
                            self.assertNotIn(CANARY, json.dumps([call['argv'], call['environ'], call['lines']]))
            self.assert_nothing_left()
        self.assertIn('"kind":"observe"', (self.work / 'record.jsonl').read_text().replace(' ', ''))

    def test_failures_do_not_tell_it_either(self):
        for mode, agent in ('refused', 'good'), ('unknown', 'good'), ('good', 'dies'), ('good', 'not-there'), ('good', 'truncated'):
            for credential, environment in self.forms().items():
                with self.subTest(mode=mode, agent=agent, credential=credential):
                    self.inventory(credential=credential)
                    for words in self.COMMANDS[0], self.COMMANDS[8]:
                        code, _ = self.run_all(*words, SSH_MODE=mode, HVGPU_FAKE_MODE=agent, **environment)
                        self.assertIn(code, (4, 5))
                    self.calls()
        self.assert_nothing_left()

    def test_a_program_that_fails_is_not_quoted(self):
        self.inventory(credential=f'command:sh -c "cat {self.key} >&2; cat {self.key}; exit 3"')
        code, said = self.run_all('observe', 'source')
        self.assertEqual(code, 4)
        self.assertIn('failed (exit code 3)', said)
        self.assertEqual(self.calls(), [])

    def test_a_variable_of_one_host_is_not_inherited_by_another(self):
        self.inventory(credential='env:LAB_KEY')
        path = self.work / 'source' / 'hosts.yaml'
        path.write_text(path.read_text() + '    - { name: hv00, address: "ssh://hv00", credential: "env:OTHER_KEY" }\n')
        lab = self.work / 'source' / 'lab.yaml'
        lab.write_text(MANIFESTS.replace('[{ name: hv01 }]', '[{ name: hv00 }, { name: hv01 }]'))
        self.run_all('observe', 'source', LAB_KEY=CANARY, OTHER_KEY=CANARY + '-2')
        calls = self.calls()
        self.assertEqual({call['key'].strip() for call in calls}, {CANARY, CANARY + '-2'})
        for call in calls:
            self.assertFalse({'LAB_KEY', 'OTHER_KEY'} & set(call['environ']))

    def test_what_looks_like_the_secret_itself_is_refused_unshown(self):
        cases = [{'credential': CANARY}, {'credential': f'-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n'},
                 {'credential': CANARY, 'surprise': 1}, {'address': f'ssh://ops:{CANARY}@hv01'}]
        for host in cases:
            with self.subTest(host=host):
                self.inventory(**host)
                for words in ('validate', 'source'), ('validate', 'source', '-o', 'json'), ('plan', 'source'), ('doctor', 'hv01', 'source'):
                    code, said = self.run_all(*words)
                    self.assertEqual(code, 3, said)
        broken = self.work / 'source' / 'hosts.yaml'
        broken.write_text(broken.read_text().replace('ops:', 'ops').replace('}', f', "credential": "{CANARY}", }}}}'))
        self.assertEqual(self.run_all('validate', 'source')[0], 3)
        for words in ('doctor', f'ssh://ops:{CANARY}@hv01'), ('observe', '--hosts', f'ssh://ops:{CANARY}@hv01'):
            code, said = self.run_all(*words)
            self.assertEqual(code, 3, said)
            self.assertIn('has a password in it', said)
        self.assertEqual(self.calls(), [])

    def test_how_ssh_is_called(self):
        self.inventory()
        self.run_all('observe', 'source')
        call, = self.calls()
        argv = call['argv']
        options = [word.removeprefix('-o').lower() for word in argv if word.startswith('-o')]
        self.assertIn('batchmode=yes', options)
        self.assertIn('stricthostkeychecking=yes', options)
        # known hosts, jump hosts, agents and keys are the user's: no option speaks of them, and no other configuration is named
        for word in options:
            self.assertFalse(word.startswith(('userknownhostsfile', 'globalknownhostsfile', 'proxy', 'identity', 'nohostauthentication',
                                              'checkhostip', 'verifyhostkeydns', 'updatehostkeys', 'passwordauthentication')), word)
        self.assertFalse({'-F', '-i', '-J', '-A', '-v', '-q'} & set(argv))
        self.assertEqual(argv[argv.index('-p') + 1], '2222')
        self.assertEqual(argv[argv.index('-l') + 1], 'ops')
        self.assertEqual(argv[-3:-1], ['--', 'hv01'])
        self.assertEqual(call['environ']['SSH_AUTH_SOCK'], '/nowhere/agent')
        self.assertLess(len(argv[-1]), 8191)

        # a key of ours is the only one that is offered
        self.inventory(credential=f'file:{self.key}')
        self.run_all('observe', 'source')
        argv = self.calls()[0]['argv']
        self.assertIn('-oIdentitiesOnly=yes', argv)
        self.assertEqual(argv[argv.index('-i') + 1], str(self.key))
        self.assertIn('-oStrictHostKeyChecking=yes', argv)


if __name__ == '__main__':
    PROGRAM.append(sys.argv.pop(1))
    unittest.main()
