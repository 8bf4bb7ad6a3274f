# SPDX-License-Identifier: Apache-2.0
"""A fake Hyper-V host and its agent, for tests: worlds as dictionaries (pwsh-host/World.cs has their form), and the agent started on
one of their hosts through the bootstrap, as hvgpu does it."""
import base64
import copy
import fcntl
import hashlib
import json
import os
import pathlib
import queue
import subprocess
import threading

AGENT = pathlib.Path(__file__).resolve().parent.parent.parent / 'providers/host/hyperv/agent'
GUID = '#{064092b3-625e-43bf-9eb5-dc845897dd59}'
GIB = 1 << 30


def a2(number, count=4, **more):
    """An NVIDIA A2: its location, and what Hyper-V lists of it."""
    device = f'VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4&18416DC{number}&0&0000'
    total = 15945891840
    gpu = {'Name': '\\\\?\\PCI#' + device.replace('\\', '#').lower().replace('ven_', 'VEN_') + GUID,
           'ValidPartitionCounts': [16, 8, 4, 2, 1], 'PartitionCount': count, 'TotalVRAM': total,
           'AvailableVRAM': total,
           'SupportsIncomingLiveMigration': True, 'MinPartitionVRAM': total // count,
           'MaxPartitionVRAM': total // count,
           'OptimalPartitionVRAM': total // count, 'TotalEncode': 18446744073709551615}
    return {'locationPath': f'PCIROOT({number})#PCI(0300)#PCI(0000)', 'id': device, 'friendlyName': 'NVIDIA A2',
            'compatibleIds': ['PCI\\VEN_10DE&DEV_25B6&REV_A1', 'PCI\\CC_030200', 'PCI\\CC_0302'], 'partitionable': gpu,
            'mmio': [[0xC0000000 + (number << 24), 0xC0FFFFFF + (number << 24)], [0x380000000000 + number * 64 * GIB,
                                                                                   0x3803FFFFFFFF + number * 64 * GIB]], **more}


def nvme(number, **more):
    return {'locationPath': f'PCIROOT(40)#PCI(0{number}00)#PCI(0000)',
            'id': f'VEN_144D&DEV_A820&SUBSYS_1F951028&REV_03\\4&{number}&0&0010',
            'friendlyName': 'Samsung NVMe', 'class': 'SCSIAdapter', 'compatibleIds': ['PCI\\CC_010802'], **more}


def vm_id(number):
    return f'00000000-0000-4000-8000-{number:012X}'


def vm(number, name=None, **more):
    return {'id': vm_id(number), 'name': name or f'vm-{number:03}', 'stateChange': 1764000000000, **more}


def adapter(number, of=0, **more):
    return {'id': f'Microsoft:{vm_id(number)}\\00000000-0000-4000-9000-{of:012X}', **more}


class World:
    """The state that fake hosts share; 'folder' holds it, its log, and what each host keeps in ProgramData."""

    def __init__(self, folder, state):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / 'world.json'
        self.state = state

    @property
    def state(self):
        return self._locked(lambda: json.loads(self.path.read_text()))

    @state.setter
    def state(self, value):
        self._locked(lambda: self.path.write_text(json.dumps(value)))

    def _locked(self, do):
        with open(str(self.path) + '.lock', 'a', encoding='ascii') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return do()

    def change(self, change):
        """In one go: hosts may be at work meanwhile."""
        def do():
            state = json.loads(self.path.read_text())
            change(state)
            self.path.write_text(json.dumps(state))
        self._locked(do)

    def vm(self, number):
        for host in self.state['hosts'].values():
            for each in host['vms']:
                if each['id'] == vm_id(number):
                    return each
        return None

    def gpu(self, host, number):
        return self.state['hosts'][host]['devices'][number]

    def log(self):
        """What cmdlets were called since the last time: where, which, and with which parameters."""
        log = pathlib.Path(str(self.path) + '.log')
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def calls(self):
        """The same without where: (cmdlet, parameters)."""
        return [(line['cmdlet'], line['with']) for line in self.log()]

    def writes(self):
        """Those that change something."""
        return [call for call in self.calls() if not call[0].startswith('Get-')]


def joined():
    """The agent's text, as the build joins it."""
    parts = (AGENT / 'parts.txt').read_text().split()
    return ''.join((AGENT / f'{part}.ps1').read_text() for part in parts)


def encoded(text):
    """The bootstrap for that agent, as -EncodedCommand takes it."""
    bootstrap = (AGENT / 'bootstrap.ps1').read_text().replace('@SHA256@', hashlib.sha256(text.encode()).hexdigest())
    return base64.b64encode(bootstrap.encode('utf-16-le')).decode()


class Agent:
    """One PowerShell on one host of a world, with the agent in it."""

    def __init__(self, pwsh, world, host='hv01', text=None, command=None, **environment):
        self.world = world
        data = world.folder / f'data-{host}'
        data.mkdir(exist_ok=True)
        self.root = data / 'hvgpu'
        text = joined() if text is None else text
        env = {**os.environ, 'HVGPU_FAKE_WORLD': str(world.path), 'COMPUTERNAME': host.upper(),
               'ProgramData': str(data),
               'DOTNET_EnableDiagnostics': '0', 'TMPDIR': str(data), **environment}
        self.process = subprocess.Popen(
            [*pwsh, '-NoLogo', '-NoProfile', '-NonInteractive', '-InputFormat', 'None', '-EncodedCommand',
             command or encoded(text)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.last = 0
        self.now = 1764000100
        try:
            self.process.stdin.write(text.encode() + b'#end\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self, seconds=60):
        """The next line as JSON, None at the end."""
        line = self.lines.get(timeout=seconds)
        return None if line is None else json.loads(line)

    def hello(self):
        assert self.line() == {'bootstrap': 1}
        return self.line()['hello']

    def send(self, verb, **fields):
        self.last += 1
        self.write(json.dumps({'id': self.last, 'verb': verb, 'now': self.now, **fields}))
        return self.last

    def write(self, text):
        self.process.stdin.write(text.encode() + b'\n')
        self.process.stdin.flush()

    def answer(self, number=None):
        """The lines up to the reply, as (facts, reply)."""
        facts = []
        while True:
            line = self.line()
            assert line is not None, self.process.stderr.read().decode()
            assert number is None or line['id'] == number, line
            if 'reply' in line:
                return facts, line
            facts.append(line)

    def ask(self, verb, **fields):
        return self.answer(self.send(verb, **fields))

    def step(self, verb, parameters, **fields):
        return self.ask(verb, run='run-1', epoch=1, step=parameters, **fields)[1]

    def lease(self, run='run-1', epoch=1):
        self.ask('lease-open', run=run, holder='ann@laptop')
        return self.ask('epoch', run=run, epoch=epoch)[1]

    def observe(self):
        """The HostState: host, GPUs by path, VMs by name; and the reply."""
        facts, reply = self.ask('observe')
        assert reply['reply'] == 'done', reply
        host = [fact['host'] for fact in facts if 'host' in fact]
        gpus = {fact['gpu']['locationPath']: fact['gpu'] for fact in facts if 'gpu' in fact}
        vms = {fact['vm']['name']: fact['vm'] for fact in facts if 'vm' in fact}
        assert len(host) == 1 and reply['counts'] == {'gpus': len(gpus), 'vms': sum('vm' in fact for fact in facts)}
        return host[0], gpus, vms, reply

    def close(self):
        """The exit code, once it has ended by itself."""
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        return self.process.wait(timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.stderr.close()


def standalone(*vms, gpus=None, **host):
    return {'hosts': {'hv01': {'devices': gpus or [a2(3), a2(4), nvme(1)], 'vms': copy.deepcopy(list(vms)), **host}}}
