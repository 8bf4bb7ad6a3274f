# SPDX-License-Identifier: Apache-2.0
"""The invariants of design.md section 6, looked for in what was done to fake hosts: each change of their world (pwsh-host/World.cs, trace).
It knows nothing of plans and steps."""
import collections
import json

OFF_ONLY = ('adapters', 'devices', 'cacheControl', 'mmioLow', 'mmioHigh')
STOPPED, RUNNING = 'Off', 'Running'


def vms_of(world):
    """(host, VM) by id."""
    return {vm['id'].upper(): (name, vm) for name, host in world['hosts'].items() for vm in host['vms']}


def gpu_name(device):
    return (device.get('partitionable') or {}).get('Name')


def is_listed(device):
    """Offers partitions now."""
    return device.get('partitionable') is not None and not device.get('dismounted') and not device.get('disabled')


def count_of(device):
    return device['partitionable']['PartitionCount']


def could_be_on(vm, adapter, name):
    if adapter.get('pin'):
        return adapter['pin'] == name
    return vm['state'] == STOPPED or adapter.get('on') in (name, None)


def carriers(world):
    """(host, location) of each GPU that carries a running VM with a partition."""
    found = set()
    for name, host in world['hosts'].items():
        on = {adapter.get('on') for vm in host['vms'] if vm['state'] != STOPPED for adapter in vm['adapters']}
        found |= {(name, device['locationPath']) for device in host['devices'] if is_listed(device) and gpu_name(device) in on}
    return found


def different(world, to_mount):
    """GPUs in play whose count differs from that of one that carries a running VM; that of one that is to be mounted is not known."""
    counts = {(name, device['locationPath']): count_of(device) if is_listed(device) else None
              for name, host in world['hosts'].items() for device in host['devices']
              if is_listed(device) or (name, device['locationPath']) in to_mount}
    carried = {counts[each] for each in carriers(world)}
    return {each for each, count in counts.items() if carried - {count}}


class Monitor:
    """What breaks a rule, as texts. 'managed': names of VMs that may be touched. A GPU that is dismounted at first is to be mounted.
    'alike': GPUs must stay alike, and no run stops a VM twice; not where a run lost hosts, for then the way back starts VMs on those
    that are left."""

    def __init__(self, world, managed):
        self.start = vms_of(world)
        self.before = world
        self.managed = managed
        self.to_mount = {(name, device['locationPath']) for name, host in world['hosts'].items() for device in host['devices']
                         if device.get('dismounted') and device.get('partitionable')}
        self.alike = True
        self.found = []
        self.stops = collections.Counter()
        self.stops_of_run = collections.Counter()

    def begin_run(self):
        self.stops_of_run.clear()

    def say(self, rule, what, call):
        text = f'{rule}: {what}'
        self.found.append(text + (f' ({call.get("host")}: {call.get("cmdlet")} {json.dumps(call.get("with"))})' if call else ''))

    def see(self, line):
        after = line['state']
        self.see_gpus(after, line)
        self.see_pools(after, line)
        self.see_vms(after, line)
        self.see_cluster(after, line)
        self.before = after

    # ---- GPUs ----

    def see_gpus(self, after, call):
        for name, host in after['hosts'].items():
            was = {device['locationPath']: device for device in self.before['hosts'][name]['devices']}
            for device in host['devices']:
                self.see_gpu(self.before['hosts'][name], was[device['locationPath']], host, device, call)

    def see_gpu(self, host_before, before, host, device, call):
        path, name = device['locationPath'], gpu_name(device)
        if name and count_of(before) != count_of(device):
            for vm in host_before['vms']:
                if any(could_be_on(vm, adapter, name) for adapter in vm['adapters']):
                    self.say('drained', f'{path} changes its count while {vm["name"]} has an adapter', call)
        if device.get('dismounted'):
            for vm in host['vms']:
                for adapter in vm['adapters']:
                    if name and name in (adapter.get('pin'), adapter.get('on')):
                        self.say('exclusive', f'{path} is dismounted and has an adapter of {vm["name"]}', call)
        elif before.get('dismounted'):
            holders = [vm['name'] for vm in host['vms'] for each in vm['devices'] if path in (each.get('locationPath'), each.get('on'))]
            pools = [pool for pool, members in host['pools'].items() if path in members]
            if holders or pools:
                self.say('exclusive', f'{path} is mounted while in {holders + pools}', call)
        users = sum(adapter.get('on') == name for vm in host['vms'] for adapter in vm['adapters']) if name else 0
        if users and users > count_of(device):
            self.say('capacity', f'{path} carries {users} of {count_of(device)}', call)

    def see_pools(self, after, call):
        for name, host in after['hosts'].items():
            on = {each.get('on') for vm in host['vms'] for each in vm['devices'] if each.get('pool')}
            for pool, members in self.before['hosts'][name].get('pools', {}).items():
                gone = set(members) - set(host['pools'].get(pool, []))
                if gone & on:
                    self.say('exclusive', f'{gone & on} leaves pool {pool} while a VM runs on it', call)

    # ---- VMs ----

    def see_vms(self, after, call):
        now, was = vms_of(after), vms_of(self.before)
        for key, (host, vm) in now.items():
            host_before, before = was[key]
            fields = self.start[key][1].keys()
            if vm['name'] not in self.managed and (host != host_before or any(vm[field] != before[field] for field in fields)):
                self.say('ownership', f'{vm["name"]} is not managed and changes', call)
            self.see_vm(before, vm, call)
            if before['state'] == STOPPED and vm['state'] == RUNNING:
                self.see_start(host, key, vm, after, call)
        for key in was.keys() - now.keys():
            self.say('ownership', f'{key} is gone', call)

    def see_vm(self, before, vm, call):
        for field in OFF_ONLY:
            have, had = vm.get(field), before.get(field, vm.get(field))
            if field in ('adapters', 'devices'):
                have, had = ({each['id'] for each in part} for part in (have, had))
            if have != had and (before['state'], vm['state']) != (STOPPED, STOPPED):
                self.say('vm-off', f'{field} of {vm["name"]} changes while it is {vm["state"]}', call)
        if len(vm['adapters']) > max(1, len(before['adapters'])) or (vm['adapters'] and vm['devices']):
            self.say('one-partition', f'{vm["name"]} has {len(vm["adapters"])} adapters, {len(vm["devices"])} devices', call)
        if vm['state'] not in (STOPPED, RUNNING):
            self.say('restored', f'{vm["name"]} is {vm["state"]}', call)
        if before['state'] == RUNNING and vm['state'] == STOPPED:
            self.stops[vm['name']] += 1
            self.stops_of_run[vm['name']] += 1
            if self.alike and self.stops_of_run[vm['name']] > 1:
                self.say('once', f'{vm["name"]} is stopped twice by one run', call)

    def see_start(self, host, key, vm, after, call):
        if self.start[key][1]['state'] == STOPPED:
            self.say('restored', f'{vm["name"]} was off and is started', call)
        if vm['adapters'] and vm.get('automaticCheckpoints'):
            self.say('fit-to-start', f'{vm["name"]} is started with automatic checkpoints', call)
        if self.start[key][1]['adapters'] and not vm['adapters'] and not vm['devices']:
            self.say('no evasion', f'{vm["name"]} is started without the partition that it had', call)
        if self.alike and vm['adapters'] and any(name == host for name, _ in different(after, self.to_mount) - carriers(after)):
            self.say('aligned-start', f'{vm["name"]} is started on {host} whose GPUs differ', call)

    # ---- the cluster ----

    def see_cluster(self, after, call):
        new = different(after, self.to_mount) - different(self.before, self.to_mount)
        if self.alike and new:
            self.say('homogeneous', f'{sorted(new)} differ now', call)
        for group in (after.get('cluster') or {}).get('groups', []):
            vm = vms_of(after)[group['vm'].upper()][1]
            ran = self.start[group['vm'].upper()][1]['state'] == RUNNING
            if ran and vm['state'] == STOPPED and vm['name'] in self.managed and not owes_power(group):
                self.say('debt', f'{vm["name"]} is off, and nothing says that it is owed a start', call)


def owes_power(group):
    notes = json.loads((group.get('parameters') or {}).get('HvgpuNotes') or '{}')
    return bool(notes.get('debt')) and notes['debt']['power'] != 'none'
