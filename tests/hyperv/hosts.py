# SPDX-License-Identifier: Apache-2.0
"""hvgpu itself on fake Hyper-V hosts: each host's agent is started by hvgpu, here or through a real ssh and sshd on the loopback
address, with keys, configuration and port of their own."""
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import yaml

import agent as lab
import world_of
from case import PROGRAM, PWSH

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / 'examples'
LIGHT = [sys.executable, str(ROOT / 'tests/lib/fake_agent.py')]
SSHD = shutil.which('sshd', path=os.environ['PATH'] + ':/usr/sbin')


def script(path, *lines):
    path.write_text('#!/bin/bash\n' + '\n'.join(lines) + '\n')
    path.chmod(0o755)


class Hosts:
    """Fake hosts that share a world, and hvgpu on them. 'over' is local or ssh; 'engines' (engines.py): have the agents in those. With
    'names' in place of 'state' the agents are played by tests/lib/fake_agent.py, each in the mode that self.mode() gave it, with 'size' GPUs
    and VMs."""

    def __init__(self, over, state=None, manifests=None, engines=None, names=(), size=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='hvgpu-hosts-'))
        self.names = sorted(state['hosts']) if state else list(names)
        self.has_engines = engines is not None
        self.engine = engines.command(self.folder / 'agents') if engines else shlex.join(PWSH if state else LIGHT)
        self.world = lab.World(self.folder / 'world', state or {'hosts': {}})
        self.source = self.folder / 'source'
        if manifests:
            shutil.copytree(manifests, self.source)
        for folder in (self.source, self.folder / 'bin', self.folder / 'modes', self.folder / 'tmp', self.folder / 'engine'):
            folder.mkdir(exist_ok=True)
        self.sshd = None
        self.environment = {**os.environ, 'PATH': f'{self.folder}/bin:{os.environ["PATH"]}', 'HVGPU_CACHE': str(self.folder),
                            'TMPDIR': str(self.folder / 'tmp'), 'LC_ALL': 'C.UTF-8'}
        self.environment.pop('HVGPU_NOW', None)
        self.size = f'{size[0]},{size[1]}' if size else ''
        self.over = over
        self.begin_ssh() if over == 'ssh' else self.begin_local()
        self.write_inventory()

    def write_inventory(self, addresses=None):
        addresses = addresses or {name: f'ssh://{name}' if self.over == 'ssh' else 'local:' for name in self.names}
        hosts = [{'name': name, 'address': addresses[name]} for name in self.names]
        (self.source / 'inventory.yaml').write_text(yaml.safe_dump(
            {'apiVersion': 'hvgpu.dev/v1alpha1', 'kind': 'HostInventory', 'metadata': {'name': 'hosts'}, 'spec': {'hosts': hosts}}))

    def powershell(self, path):
        """What is started as PowerShell; HVGPU_HOST tells which host this is."""
        script(path, 'host=$HVGPU_HOST', f'data={self.world.folder}/data-$host', 'mkdir -p "$data"',
               f'export COMPUTERNAME=${{host^^}} ProgramData=$data HVGPU_FAKE_WORLD={self.world.path} HVGPU_FAKE_LOG={self.folder}/log-$host '
               f'HVGPU_FAKE_SIZE={self.size}',
               f'export DOTNET_EnableDiagnostics=0 TMPDIR={self.folder}/engine',
               f'export HVGPU_FAKE_MODE=$(cat {self.folder}/modes/"$host" 2>/dev/null || echo good)',
               'export HVGPU_FAKE_TRACE=1' if self.has_engines else '', 'unset LD_PRELOAD', f'echo $$ >>{self.folder}/pids',
               f'exec {self.engine} "$@"')

    def mode(self, host, mode):
        (self.folder / 'modes' / host).write_text(mode)

    def begin_local(self):
        self.powershell(self.folder / 'bin' / 'powershell')
        self.environment['HVGPU_POWERSHELL'] = str(self.folder / 'bin' / 'powershell')

    def begin_ssh(self):
        """One sshd for all hosts; ssh's configuration says where they are and sends along which of them is meant."""
        ssh, remote = self.folder / 'ssh', self.folder / 'remote'
        ssh.mkdir(mode=0o700)
        remote.mkdir()
        for key in ('host', 'user'):
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', ssh / key], check=True)
        shutil.copy(ssh / 'user.pub', ssh / 'authorized')
        self.powershell(remote / 'powershell.exe')
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', exist_ok=True) # sshd as root demands it, and puts nothing there
        for _ in range(5): # somebody may be faster to take the port
            with socket.create_server(('127.0.0.1', 0)) as free:
                self.port = free.getsockname()[1]
            (ssh / 'sshd_config').write_text(f'''Port {self.port}
ListenAddress 127.0.0.1
HostKey {ssh}/host
AuthorizedKeysFile {ssh}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 200
AcceptEnv HVGPU_HOST
SetEnv PATH={remote}:{os.environ["PATH"]}
''')
            with open(ssh / 'log', 'wb') as log:
                self.sshd = subprocess.Popen([SSHD, '-D', '-e', '-f', ssh / 'sshd_config'], stderr=log, start_new_session=True)
            if self.listens():
                break
        else:
            raise AssertionError((ssh / 'log').read_text())
        public = ' '.join((ssh / 'host.pub').read_text().split()[:2])
        (ssh / 'known_hosts').write_text(''.join(f'{name} {public}\n' for name in self.names))
        # by number it is the first of them
        meant = [*((name, name) for name in self.names), ('127.0.0.1', self.names[0])]
        (ssh / 'config').write_text(''.join(f'Host {name}\n  SetEnv HVGPU_HOST={host}\n  HostKeyAlias {host}\n' for name, host in meant) +
                                    f'Host {" ".join(name for name, _ in meant)}\n  HostName 127.0.0.1\n  Port {self.port}\n  UserKnownHostsFile {ssh}/known_hosts\n'
                                    f'Host *\n  IdentityFile {ssh}/user\n  IdentitiesOnly yes\n')
        script(self.folder / 'bin' / 'ssh', f'exec {shutil.which("ssh")} -F {ssh}/config "$@"')

    def ssh_note(self, name):
        """Holds the process id of the newest ssh to that host."""
        return self.folder / f'ssh-{name}.pid'

    def note_ssh(self):
        path = self.folder / 'bin' / 'ssh'
        script(path, 'for word; do [ "$last" = -- ] && host=$word; last=$word; done', f'echo $$ >{self.folder}/ssh-$host.pid',
               *path.read_text().splitlines()[1:])

    def listens(self):
        while self.sshd.poll() is None:
            try:
                socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def start(self, *words, **more):
        return subprocess.Popen([PROGRAM[0], *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=self.environment, cwd=self.folder, text=True, **more)

    def run(self, *words, **environment):
        return subprocess.run([PROGRAM[0], *map(str, words)], capture_output=True, text=True, check=False, timeout=300,
                              stdin=subprocess.DEVNULL, env={**self.environment, **environment}, cwd=self.folder)

    def observe(self):
        done = self.run('observe', self.source, '-o', 'json')
        assert done.returncode == 0, done.stderr
        return {each['metadata']['name']: each['spec'] for each in json.loads(done.stdout)}

    def alive(self):
        """Agents that were started and still run."""
        pids = self.folder / 'pids'
        return [f'process {pid}' for pid in (pids.read_text().split() if pids.exists() else []) if not ends(pid)]

    def left(self):
        """What a run left behind: agents that still run, temporary files, leases."""
        found = self.alive()
        found += [str(file) for file in (self.folder / 'tmp').iterdir()]
        return found + [str(file) for file in self.world.folder.glob('data-*/hvgpu/lease.json')]

    def close(self):
        if self.sshd:
            os.killpg(self.sshd.pid, signal.SIGTERM)
            self.sshd.wait(timeout=10)
        shutil.rmtree(self.folder)


def ends(pid):
    for _ in range(200):
        try:
            stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
        except OSError:
            return True
        if ') Z ' in stat:
            return True
        time.sleep(0.05)
    return False


def manifest(names):
    """That asks the hosts of names for what they have."""
    return yaml.safe_dump({
        'apiVersion': 'hvgpu.dev/v1alpha1', 'kind': 'GpuCluster', 'metadata': {'name': 'paris'},
        'spec': {'type': 'Standalone', 'hosts': [{'name': name} for name in names],
                 'gpus': [{'name': 'vdi', 'match': {'device': '10DE:25B6'}, 'partitionCount': 4}]}})


def example(name):
    """The hosts of an example, as a world."""
    return world_of.world_of(yaml.safe_load_all((EXAMPLES / name / 'world.yaml').read_text()))
