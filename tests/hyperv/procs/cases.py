# SPDX-License-Identifier: Apache-2.0
"""What is done to hvgpu, to its agents and to what is between them, and when. A case is SCENE/KIND/ARGUMENT…"""
import os
import random
import signal
import struct
import time

import run
from run import HELD, expect, wait_for

INTERRUPTED = 130


def whole_case(engines, scene):
    """Undisturbed: what the others are measured by."""
    case = run.Case(engines, scene)
    try:
        began = time.monotonic()
        expect(case.begin().wait() == 0, 'the undisturbed run ends with', case.runs[0].process.returncode)
        case.seconds = time.monotonic() - began
        case.n_writes = len(case.hosts.world.writes())
        case.recover()
        case.end_state = case.check(None, 0, 0)
    except BaseException:
        case.report()
        raise
    finally:
        case.end()
    return case


# ---- kinds: (case, arguments) → a disturbed run that is over ----

def kill_run(case, when, nth):
    """SIGKILL of hvgpu, just before or after a cmdlet that changes something."""
    case.fault(int(nth), after=when == 'after', signal=signal.SIGKILL, to=str(case.next_pid_file()))
    code = case.begin().wait()
    expect(code == -signal.SIGKILL, 'a run that is killed ends with', code)


def kill_agent(case, when, nth):
    """SIGKILL of the agent's process there: its host is lost for this run, which brings back what it can."""
    case.monitor.alike = False
    case.fault(int(nth), after=when == 'after', kill=True)
    code = case.begin().wait()
    expect(code != 0, 'a run whose agent is killed ends with', code)


def lose_ssh(case, when, nth):
    """SIGKILL of one host's ssh process."""
    case.monitor.alike = False
    names = case.hosts.names
    case.hosts.note_ssh()
    case.fault(int(nth), after=when == 'after', signal=signal.SIGKILL, to=str(case.hosts.ssh_note(names[int(nth) % len(names)])))
    case.begin().wait()


def cut(case, host, number, way, n_bytes):
    """The connection breaks off in the middle of a line."""
    case.monitor.alike = False
    case.begin(HVGPU_TEST_CUT=f'{host} {number} {way} {n_bytes}').wait()


def keeps_away(case):
    """A run beside one that holds the hosts changes nothing: it is told who has them, unless all that is left to do is in that one's hands."""
    case.hosts.world.calls()
    code = case.begin().wait()
    expect(code in (HELD, 0) and not case.hosts.world.writes(), 'a run beside one that is stopped ends with', code)


def stop_run(case, when, nth, take_over, resume):
    """SIGSTOP of hvgpu; its agents hold their leases, so that another run is told who has them. Then its connections are lost (all of them, or
    the first host's), another run takes over, and when this one goes on, it is too late: at once, or amid the other's work."""
    case.fault(int(nth), after=when == 'after', signal=signal.SIGSTOP, to=str(case.next_pid_file()))
    first = case.begin()
    if not first.wait_stopped():
        return
    case.no_fault()
    wait_for(lambda: case.is_quiet(1.3), 30, 'the agents of a stopped run do not come to rest')
    keeps_away(case)
    case.monitor.alike = False
    case.kill_agents(case.working() if take_over == 'all' else case.working()[:1])
    if int(resume):
        case.fault(int(resume), signal=signal.SIGCONT, to=str(first.pid_file))
    taker = case.begin()
    second = taker.wait()
    is_done = taker.found_nothing_to_do()  # the agents had come to the end of the plan
    expect(second == HELD or (second == 0 and (take_over == 'all' or is_done)), 'the run that takes over ends with', second)
    os.kill(first.pid, signal.SIGCONT)
    code = first.wait()
    case.watch()
    expect(code not in (0, HELD) or second == HELD or (code == 0 and is_done), 'a run that was overtaken ends with', code)


def pause_run(case, when, nth):
    """SIGSTOP of hvgpu and SIGCONT, with nobody else there: it goes on as if nothing had been."""
    case.fault(int(nth), after=when == 'after', signal=signal.SIGSTOP, to=str(case.next_pid_file()))
    first = case.begin()
    if first.wait_stopped():
        wait_for(lambda: case.is_quiet(1.3), 30, 'the agents of a stopped run do not come to rest')
        os.kill(first.pid, signal.SIGCONT)
    expect(first.wait() == 0, 'a run that was stopped for a moment ends with', first.process.returncode)


def stop_agent(case, when, nth):
    """SIGSTOP of an agent until its deadlines have passed; then it goes on with what it was at."""
    case.monitor.alike = False
    clock = case.hosts.folder / 'clock'
    clock.write_bytes(struct.pack('q', 0))
    case.fault(int(nth), after=when == 'after', signal=signal.SIGSTOP)
    first = case.begin(LD_PRELOAD=str(case.engines.warp), HVGPU_TEST_CLOCK=str(clock))
    stopped = lambda: [each for each in case.engines.processes if run.state_of(each.pid) == 'T']
    wait_for(lambda: first.is_over() or stopped(), run.PATIENCE_S, 'no agent is stopped')
    case.no_fault()
    for passed in range(1, 60):
        if first.is_over():
            break
        time.sleep(0.3)
        with open(clock, 'r+b') as file:
            file.write(struct.pack('q', passed * run.WARP_S))
    code = first.wait()
    frozen = stopped()
    expect(code != 0 or not frozen, 'a run whose agent is stopped ends with', code)
    if frozen:
        keeps_away(case)
        for each in frozen:
            os.kill(each.pid, signal.SIGCONT)


def interrupt(case, when, nth, times):
    """SIGTERM of hvgpu, once or twice."""
    case.monitor.alike = False
    pid_file = str(case.next_pid_file())
    case.hosts.world.change(lambda state: state.update(faults=[
        {'cmdlet': '*', 'nth': int(nth) + i, 'after': when == 'after', 'signal': signal.SIGTERM, 'to': pid_file} for i in range(int(times))]))
    code = case.begin().wait()
    expect(code in (0, INTERRUPTED), 'an interrupted run ends with', code)


def chance(case, seed):
    """Any of these processes, at any moment."""
    dice = random.Random(f'{case.name} {seed}')
    case.monitor.alike = False
    first = case.begin()
    time.sleep(dice.uniform(0, case.wanted.seconds))
    what = dice.choice(('run', 'agent', 'client', 'pause'))
    working = case.working()
    if what == 'run':
        first.process.kill()
    elif what == 'pause':
        first.process.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0, 0.5))
        first.process.send_signal(signal.SIGCONT)
    elif working and what == 'agent':
        case.kill_agents([dice.choice(working)])
    elif working:
        os.kill(dice.choice(working)[1], signal.SIGTERM)
    first.wait()


# What it does, over what, how many more stops it may cost: for each VM, in all (None: no more than that for each).
# A run that is killed costs none but those in flight; one that loses a host or is interrupted brings VMs back, each of which may be
# stopped once more (design.md section 10).
KINDS = {
    'kill-run': (kill_run, 'local', 1, 2),
    'kill-agent': (kill_agent, 'local', 1, None),
    'ssh': (lose_ssh, 'ssh', 1, None),
    'cut': (cut, 'local', 1, None),
    'stop-run': (stop_run, 'local', 1, None),
    'pause-run': (pause_run, 'local', 0, 0),
    'stop-agent': (stop_agent, 'local', 1, None),
    'interrupt': (interrupt, 'local', 1, None),
    'chance': (chance, 'local', 1, None),
}


def steps_of(scene, n_writes, kind, n):
    """Arguments of the cases of a kind on a scene, at each cmdlet."""
    name = lambda *words: '/'.join(map(str, (scene, kind, *words)))
    if kind == 'cut':
        return [name(host, number, way, n_bytes) for host in ('hv01', 'hv02') for number in (1, 2) for way, most in (('in', 20000), ('out', 30000))
                for n_bytes in range(37, most, 1009)]
    if kind == 'chance':
        return [name(seed) for seed in range(n)]
    at = [(when, nth) for nth in range(1, n_writes + 1) for when in ('before', 'after')]
    if kind == 'stop-run':
        return [name(*each, who, resume) for each in at for who in ('all', 'one') for resume in (0, 1 + each[1] // 2)]
    if kind == 'interrupt':
        return [name(*each, times) for each in at for times in (1, 2)]
    return [name(*each) for each in at]


def perform(engines, name, wanted):
    """Raises run.Failure."""
    scene, kind, *arguments = name.split('/')
    do, over, more_per_vm, more_in_all = KINDS[kind]
    case = run.Case(engines, scene, over)
    case.name = name
    case.wanted = wanted
    try:
        do(case, *arguments)
        case.disturbed = case.runs[0].process.returncode
        case.watch()
        case.recover()
        per_vm = more_per_vm * wanted.monitor.stops.total()
        case.check(wanted, more_per_vm, per_vm if more_in_all is None else more_in_all)
        return case
    except BaseException:
        case.report()
        raise
    finally:
        case.end()
