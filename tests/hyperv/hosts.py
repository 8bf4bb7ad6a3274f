# SPDX-License-Identifier: Apache-2.0
"""hvgpu itself on fake Hyper-V hosts: each host's agent is started by hvgpu, here or through a real ssh and sshd on the loopback
address, with keys, configuration and ports of their own."""
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import yaml

import agent as lab
import world_of
from case import PROGRAM, PWSH

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / 'examples'
SSHD = shutil.which('sshd') or ('/usr/sbin/sshd' if os.path.exists('/usr/sbin/sshd') else None)


def script(path, *lines):
    path.write_text('#!/bin/bash\n' + '\n'.join(lines) + '\n')
    path.chmod(0o755)


class Hosts:
    """Fake hosts that share a world, and hvgpu on them. 'over' is local or ssh; 'engines' (engines.py): have the agents in those."""

    def __init__(self, over, documents, manifests=None, engines=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='hvgpu-hosts-'))
        state = documents if isinstance(documents, dict) else world_of.world_of(
            yaml.safe_load_all(pathlib.Path(documents).read_text()))
        self.names = sorted(state['hosts'])
        self.world = lab.World(self.folder / 'world', state)
        self.source = self.folder / 'source'
        if manifests:
            shutil.copytree(manifests, self.source)
        self.source.mkdir(exist_ok=True)
        (self.folder / 'bin').mkdir()
        self.has_engines = engines is not None
        self.engine = engines.command(self.folder / 'agents') if engines else shlex.join(PWSH)
        self.sshd = None
        self.environment = {**os.environ, 'PATH': f'{self.folder}/bin:{os.environ["PATH"]}', 'HVGPU_CACHE': str(self.folder),
                            'DOTNET_TieredPGO': '0', 'LC_ALL': 'C.UTF-8'}
        self.environment.pop('HVGPU_NOW', None)
        addresses = self.begin_ssh() if over == 'ssh' else self.begin_local()
        self.write_inventory(addresses)

    def write_inventory(self, addresses, **more):
        hosts = [{'name': name, 'address': addresses[name], **more} for name in self.names]
        (self.source / 'inventory.yaml').write_text(yaml.safe_dump(
            {'apiVersion': 'hvgpu.dev/v1alpha1', 'kind': 'HostInventory', 'metadata': {'name': 'hosts'}, 'spec': {'hosts': hosts}}))

    def powershell(self, path, host):
        """A powershell.exe: $host is the shell's expression for the name of the host."""
        script(path, f'host={host}', 'data=' + str(self.folder / 'world') + '/data-$host', 'mkdir -p "$data"',
               f'export COMPUTERNAME=${{host^^}} ProgramData=$data HVGPU_FAKE_WORLD={self.world.path} DOTNET_TieredPGO=0',
               'export HVGPU_FAKE_TRACE=1' if self.has_engines else '', 'unset LD_PRELOAD', f'echo $$ >>{self.folder}/pids', f'exec {self.engine} "$@"')

    def begin_local(self):
        path = self.folder / 'bin' / 'powershell'
        self.powershell(path, '$HVGPU_HOST')
        self.environment['HVGPU_POWERSHELL'] = str(path)
        return {name: 'local:' for name in self.names}

    def begin_ssh(self):
        """One sshd that listens on a port for each host; the port tells which host it is."""
        ssh = self.folder / 'ssh'
        ssh.mkdir(mode=0o700)
        sockets = [socket.create_server(('127.0.0.1', 0)) for _ in self.names]
        self.ports = {name: each.getsockname()[1] for name, each in zip(self.names, sockets)}
        for each in sockets:
            each.close()
        for key in ('host', 'user'):
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', ssh / key], check=True)
        shutil.copy(ssh / 'user.pub', ssh / 'authorized')
        public = (ssh / 'host.pub').read_text().split()[:2]
        (ssh / 'known_hosts').write_text(''.join(f'[127.0.0.1]:{port} {" ".join(public)}\n' for port in self.ports.values()))
        remote = self.folder / 'remote'
        remote.mkdir()
        cases = ' '.join(f'{port}) echo {name};;' for name, port in self.ports.items())
        self.powershell(remote / 'powershell.exe', f'$(case ${{SSH_CONNECTION##* }} in {cases} esac)')
        (ssh / 'sshd_config').write_text(''.join(f'Port {port}\n' for port in self.ports.values()) + f'''ListenAddress 127.0.0.1
HostKey {ssh}/host
AuthorizedKeysFile {ssh}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100:30:200
SetEnv PATH={remote}:{os.environ["PATH"]}
''')
        (ssh / 'config').write_text(f'UserKnownHostsFile {ssh}/known_hosts\nIdentityFile {ssh}/user\nIdentitiesOnly yes\n')
        script(self.folder / 'bin' / 'ssh', f'exec {shutil.which("ssh")} -F {ssh}/config "$@"')
        os.makedirs('/run/sshd', exist_ok=True) if os.geteuid() == 0 else None
        self.sshd = subprocess.Popen([SSHD, '-D', '-e', '-f', ssh / 'sshd_config'], stderr=open(ssh / 'log', 'wb'), start_new_session=True)
        self.await_ports()
        return {name: f'ssh://127.0.0.1:{port}' for name, port in self.ports.items()}

    def ssh_note(self, name):
        """Holds the process id of the newest ssh to that host."""
        return self.folder / f'ssh-{self.ports[name]}.pid'

    def note_ssh(self):
        path = self.folder / 'bin' / 'ssh'
        script(path, 'for word; do [ "$last" = -p ] && port=$word; last=$word; done', f'echo $$ >{self.folder}/ssh-$port.pid',
               *path.read_text().splitlines()[1:])

    def await_ports(self):
        for port in self.ports.values():
            for _ in range(100):
                try:
                    socket.create_connection(('127.0.0.1', port), timeout=1).close()
                    break
                except OSError:
                    assert self.sshd.poll() is None, (self.folder / 'ssh' / 'log').read_text()
                    time.sleep(0.05)

    def run(self, *words, **environment):
        return subprocess.run([PROGRAM[0], *map(str, words)], capture_output=True, text=True, check=False, timeout=120,
                              stdin=subprocess.DEVNULL, env={**self.environment, **environment}, cwd=self.folder)

    def observe(self):
        done = self.run('observe', self.source, '-o', 'json')
        assert done.returncode == 0, done.stderr
        return {each['metadata']['name']: each['spec'] for each in json.loads(done.stdout)}

    def alive(self):
        """Agents that were started and still run."""
        pids = self.folder / 'pids'
        found = []
        for pid in pids.read_text().split() if pids.exists() else []:
            for _ in range(100):
                stat = pathlib.Path(f'/proc/{pid}/stat')
                if not stat.exists() or ') Z ' in stat.read_text():
                    break
                time.sleep(0.05)
            else:
                found.append(pid)
        return found

    def close(self):
        if self.sshd:
            os.killpg(self.sshd.pid, signal.SIGTERM)
            self.sshd.wait(timeout=10)
        shutil.rmtree(self.folder)
