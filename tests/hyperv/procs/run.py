# SPDX-License-Identifier: Apache-2.0
"""One case: hvgpu on a scene, disturbed at one moment; then hvgpu again, until there is nothing to do. A case has a name, by which it is
made again: SCENE/KIND/… (cases.py)."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

import hosts
import monitor
import scenes
from case import PROGRAM

PATIENCE_S = 120   # for a run to end
LEASE_S = 15       # for which a lease of a dead run may stand in the way
WARP_S = 400       # longer than any deadline
HELD = 7
APPLY = ('--owner', 'us', '--auto-approve', '--allow', 'restarts=99,moves=99,role-changes=99')


class Failure(Exception):
    """An oracle says no."""


def expect(is_so, *what):
    if not is_so:
        raise Failure(' '.join(map(str, what)))


def state_of(pid):
    """As /proc tells it: R, S, T, Z…; X where there is no such process."""
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return 'X'


def wait_for(test, seconds, what):
    until = time.monotonic() + seconds
    while not test():
        expect(time.monotonic() < until, 'after', seconds, 's:', what)
        time.sleep(0.005)


def normal(world):
    """What the manifests could speak of: without what changes by itself."""
    found = {}
    for name, host in world['hosts'].items():
        for device in host['devices']:
            found[name, device['locationPath']] = (
                device['dismounted'], device['disabled'], not device['dismounted'] and device['partitionable']['PartitionCount'])
        for pool, members in host['pools'].items():
            found[name, pool] = sorted(members)
        for vm in host['vms']:
            adapters = [(each['pin'], each['quotas'] or None) for each in vm['adapters']]
            devices = [(each['locationPath'], each['pool']) for each in vm['devices']]
            settings = [vm[key] for key in ('stopAction', 'automaticCheckpoints', 'cacheControl', 'mmioLow', 'mmioHigh', 'checkpointType')]
            found[name, vm['name']] = (vm['state'], vm['pending'], adapters, devices, settings)
    for group in (world['cluster'] or {}).get('groups', []):
        notes = json.loads(group['parameters'].get('HvgpuNotes', '{}'))
        found['group', group['name']] = (group['owner'], group['offlineAction'], group['failed'], notes.get('debt'), notes.get('record'))
    return found


def is_void(debt):
    """A start that is owed to a VM which runs: an agent was killed between the start and the note. It is cleared by the next run that does
    something; until then nobody takes it for owed, for that the VM runs is checked, and a later stop has another time."""
    return debt is not None and debt['power'] == 'stopped' and not debt['adapters'] and not debt['devices']


def difference(a, b):
    return [f'{key}: {a.get(key)} and not {b.get(key)}' for key in sorted(a.keys() | b.keys(), key=str) if a.get(key) != b.get(key)]


class Run:
    """A process of hvgpu."""

    def __init__(self, case, number, words, environment):
        self.case = case
        self.pid_file = case.next_pid_file()
        self.log = case.hosts.folder / f'run-{number}.log'
        command = ['sh', '-c', 'echo $$ >"$0"; exec "$@"', self.pid_file, *PROGRAM, *words]
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**case.hosts.environment, **environment}, cwd=case.hosts.folder)

    @property
    def pid(self):
        return self.process.pid

    def is_over(self):
        return self.process.poll() is not None

    def wait(self):
        """The exit code; negative for a signal."""
        wait_for(self.is_over, PATIENCE_S, f'{self.log.name} has not ended')
        return self.process.returncode

    def wait_stopped(self):
        """False: it ended before it was stopped."""
        wait_for(lambda: self.is_over() or state_of(self.pid) == 'T', PATIENCE_S, f'{self.log.name} is not stopped')
        return not self.is_over()

    def found_nothing_to_do(self):
        return 'nothing to do' in self.log.read_text(errors='replace').lower()

    def end(self):
        if not self.is_over():
            self.process.kill()
            self.process.wait()


class Case:
    """Hosts of a scene, with a monitor, and runs of hvgpu on them."""

    def __init__(self, engines, scene, over='local'):
        self.engines = engines
        engines.fill()
        state, manifests, managed = scenes.scene(scene)
        self.hosts = hosts.Hosts(over, state, engines=engines)
        self.start = state
        (self.hosts.source / 'cluster.yaml').write_text(manifests)
        self.temporary = self.hosts.folder / 'tmp'
        self.monitor = monitor.Monitor(state, managed)
        self.trace = pathlib.Path(str(self.hosts.world.path) + '.trace')
        self.seen = 0
        self.runs = []
        self.blocked_s = 0.0

    # ---- runs ----

    def begin(self, *words, **environment):
        self.watch()
        self.monitor.begin_run()
        self.runs.append(Run(self, len(self.runs), words or ('apply', self.hosts.source, *APPLY), environment))
        return self.runs[-1]

    def next_pid_file(self):
        return self.hosts.folder / f'run-{len(self.runs)}.pid'

    def again(self):
        """Applies until the lease of a run before does not stand in the way. The exit code."""
        began = time.monotonic()
        while (code := self.begin().wait()) == HELD and time.monotonic() - began < LEASE_S:
            self.blocked_s = time.monotonic() - began
            time.sleep(0.05)
        self.watch()
        return code

    def fault(self, nth, **what):
        """Strikes at the nth cmdlet that changes something, from now on."""
        self.hosts.world.change(lambda state: state.update(faults=[{'cmdlet': '*', 'nth': nth, **what}]))

    def no_fault(self):
        self.hosts.world.change(lambda state: state.update(faults=[]))

    def agents(self):
        """(host, client, engine) of all that were started, in this order."""
        note = self.hosts.folder / 'agents'
        lines = [line.split() for line in note.read_text().splitlines()] if note.exists() else []
        return [(host, int(client), int(engine)) for host, client, engine in lines]

    def working(self):
        """Those whose session lasts."""
        return [each for each in self.agents() if state_of(each[1]) not in 'XZ']

    def kill_agents(self, which):
        """As an unlock does, or a host that goes down. They are gone then, with what they held."""
        for _, client, engine in which:
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)
            wait_for(lambda: state_of(client) in 'XZ', 10, f'client {client} outlives its engine')

    def is_quiet(self, seconds):
        """No cmdlet is called for so long."""
        log = pathlib.Path(str(self.hosts.world.path) + '.log')
        before = log.stat().st_size if log.exists() else 0
        time.sleep(seconds)
        return (log.stat().st_size if log.exists() else 0) == before

    # ---- oracles ----

    def watch(self):
        """What happened since the last time is shown to the monitor."""
        if not self.trace.exists():
            return
        with open(self.trace, 'rb') as file:
            file.seek(self.seen)
            for line in file:
                if not line.endswith(b'}\n'):
                    break  # of an engine that was killed while it wrote this; or it still writes
                self.seen += len(line)
                self.monitor.see(json.loads(line))

    def recover(self):
        """The next run brings everything to its end, and the one after it does nothing."""
        self.no_fault()
        self.monitor.alike = True
        expect(self.again() == 0, 'the next run ends with', self.runs[-1].process.returncode)
        self.had_nothing_to_do = self.runs[-1].found_nothing_to_do()
        self.hosts.world.calls()
        before = self.notes()
        expect(self.begin().wait() == 0, 'the run after that ends with', self.runs[-1].process.returncode)
        expect(not self.hosts.world.writes(), 'the run after that changes something')
        expect(self.notes() == before, 'the run after that writes')
        self.watch()

    def notes(self):
        """What the hosts keep for us, by file. Lock files and the texts beside them are gone when nobody holds them."""
        folder = self.hosts.folder / 'world'
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob('data-*/hvgpu/**/*')) if path.is_file()}

    def check(self, wanted, more_per_vm, more_in_all):
        """'wanted': the undisturbed case, None if this is it."""
        expect(not self.monitor.found, *self.monitor.found)
        end = normal(self.hosts.world.state)
        for name, host in self.start['hosts'].items():
            for vm in host['vms']:
                expect(end[name, vm['name']][0] == vm['state'], vm['name'], 'is', end[name, vm['name']][0])
        if wanted:
            if self.had_nothing_to_do:  # that a VM which had its adapter before is ours is written by a run that does something
                running = {name for (_, name), value in end.items() if isinstance(value, tuple) and value[0] == 'Running'}
                end = {key: (*value[:-2], None if key[1] in running and is_void(value[-2]) else value[-2],
                             value[-1] or wanted.end_state[key][-1]) if key[0] == 'group' else value for key, value in end.items()}
            expect(end == wanted.end_state, *difference(end, wanted.end_state))
            stops, least = self.monitor.stops, wanted.monitor.stops
            expect(all(stops[name] <= least[name] + more_per_vm for name in stops), 'stops:', dict(stops))
            expect(stops.total() <= least.total() + more_in_all, 'stops:', dict(stops))
        self.check_notes()
        self.check_leftovers()
        return end

    def check_notes(self):
        """Who held the lease is written beside the lock, counts only while that is held, and is left by an agent that is killed; the next
        run removes it, unless it has nothing to do and takes no lease."""
        ours = ('host.json', 'lease.lock', *(['lease.json'] if self.had_nothing_to_do else []))
        for name, text in self.notes().items():
            expect(name.endswith(ours) or '/vms/' in name and name.endswith('.json'), 'a file is left:', name)
            debt = json.loads(text)['debt'] if '/vms/' in name else None
            expect(debt is None or (self.had_nothing_to_do and is_void(debt)), 'owed:', name, text)

    def check_leftovers(self):
        wait_for(lambda: not self.working(), 10, f'agents are left: {self.working()}')
        for each in self.engines.processes:
            wait_for(lambda e=each: e.poll() is not None or self.engines.is_idle(e), 10, f'engine {each.pid} works for nobody')
        expect(not list(self.temporary.iterdir()), 'left in TMPDIR:', *self.temporary.iterdir())
        ours = [pid for pid in os.listdir('/proc') if pid.isdigit() and str(self.hosts.folder) in command_of(pid)]
        expect(not [pid for pid in ours if not self.hosts.sshd or int(pid) != self.hosts.sshd.pid], 'processes are left:', ours)

    def end(self):
        for each in self.runs:
            each.end()
        self.kill_agents(self.working())
        self.hosts.close()

    def report(self):
        for each in self.runs:
            print(f'---- {each.log.name}: exit code {each.process.returncode}')
            print(each.log.read_text(errors='replace'))


def command_of(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
    except OSError:
        return ''
