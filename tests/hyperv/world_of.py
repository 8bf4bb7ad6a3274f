#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HostState documents as a world of fake hosts: world_of.py FOLDER STATE.yaml. What hosts keep for us, debts and records, is not
taken over: on a fake host it is made by the agent."""
import datetime
import pathlib
import shutil
import sys
import uuid

import yaml

import agent as lab

GIB = 1 << 30
UNITS = {'Ki': 1 << 10, 'Mi': 1 << 20, 'Gi': 1 << 30, 'Ti': 1 << 40}
SKUS = {'Datacenter': 8, 'Standard': 7}
OFFLINE = ['TurnOff', 'Save', 'Shutdown', 'ForcedShutdown']


def size(value, default=0):
    if value is None:
        return default
    text = str(value)
    return int(text[:-2]) * UNITS[text[-2:]] if text[-2:] in UNITS else int(text)


def moment(value):
    if value is None:
        return 0
    when = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value.replace('Z',
                                                                                                            '+00:00'))
    return int(when.replace(tzinfo=when.tzinfo or datetime.timezone.utc).timestamp() * 1000)


def gpu_name(instance, is_share):
    tail = instance.split('\\', 1)[1].replace('\\', '#')
    return '\\\\?\\PCI#' + tail + lab.GUID + ('\\GPUPARAV' if is_share else '')


def device_of(number, gpu):
    """What the document does not tell of a dismounted GPU is that of an A2."""
    state = gpu['state']
    is_share = state == 'paravirtualized'
    device = {'locationPath': gpu['locationPath'], 'id': gpu['instanceId'].split('\\', 1)[1],
              'friendlyName': gpu.get('name'),
              'mitigated': gpu.get('mitigationDriver') is not False, 'dismounted': state == 'dismounted',
              'disabled': state in ('disabled', 'dismounted'), 'compatibleIds': ['PCI\\CC_030200', 'PCI\\CC_0302'],
              'status': 'Error' if state == 'failed' else 'OK', 'mmio': []}
    for field, base in (('mmioLow', 1 << 30), ('mmioHigh', 1 << 44)):
        if gpu.get(field): # GPUs are far apart, as the number of their bus is
            start = base + number * ((1 << 28) if field == 'mmioLow' else (1 << 40))
            device['mmio'].append([start, start + size(gpu[field]) - 1])
    if state not in ('plain', 'failed'):
        total = size(gpu.get('memory'), 15945891840)
        count = gpu.get('count') or 1
        device['partitionable'] = {
            'Name': gpu_name(gpu['instanceId'], is_share),
            'ValidPartitionCounts': gpu.get('validCounts') or [16, 8, 4, 2, 1],
            'PartitionCount': count, 'TotalVRAM': total,
            'MinPartitionVRAM': size(gpu.get('partitionMemory'), total // count)}
        if gpu.get('incomingLiveMigration') is not None:
            device['partitionable']['SupportsIncomingLiveMigration'] = gpu['incomingLiveMigration']
    return device


def vm_of(host, vm, names):
    ident = vm.get('id') or str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{host}/{vm["name"]}')).upper()
    adapters = []
    for number, each in enumerate(vm.get('adapters') or []):
        on = each.get('pin') or (each.get('gpus') or [None])[0]
        adapters.append({
            'id': each.get('id') or f'Microsoft:{ident}\\{uuid.uuid5(uuid.UUID(ident), str(number))}'.upper().replace('MICROSOFT', 'Microsoft'),
            'pin': names.get(each.get('pin')), 'on': names.get(on) if vm['state'] != 'Off' else None,
            'outgoingLiveMigration': each.get('outgoingLiveMigration'),
            'quotas': {key[0].upper() + key[1:]: int(value) for key, value in (each.get('quotas') or {}).items()}})
    devices = [{'id': f'Microsoft:{ident}\\device-{number}', 'locationPath': each.get('locationPath'),
                'pool': each.get('pool'),
                'on': each.get('locationPath') if vm['state'] != 'Off' else None} for number,
               each in enumerate(vm.get('devices') or [])]
    startup = size(vm.get('memoryStartup'), 4 * GIB)
    return {
        'id': ident, 'name': vm['name'], 'state': vm['state'], 'checkpointType': vm.get('checkpointType', 'Production'),
        'stopAction': vm.get('stopAction', 'ShutDown'), 'generation': vm.get('generation', 2),
        'snapshots': int(bool(vm.get('hasCheckpoints'))),
        'memoryAssigned': size(vm.get('memory')), 'memoryStartup': startup,
        'memoryMinimum': size(vm.get('memoryMinimum'), startup),
        'dynamicMemory': vm.get('dynamicMemory', False), 'automaticCheckpoints': vm.get('automaticCheckpoints', False),
        'cacheControl': vm.get('cacheControl', False), # Set-VM takes 32 bits of low space
        'mmioLow': min(size(vm.get('mmioLow'), 128 << 20), 0xFFFFFFFF),
        'mmioHigh': size(vm.get('mmioHigh'), 512 << 20),
        'adapters': adapters, 'devices': devices, 'stateChange': moment(vm.get('stateChange')),
        'guestOs': vm.get('guestOs'),
        'shutdown': 'silent' if vm.get('shutdownAnswers') is False else 'answers'}


def world_of(documents):
    world = {'hosts': {}, 'cluster': None}
    for document in documents:
        if not document or document['kind'] != 'HostState':
            continue
        name, spec = document['metadata']['name'].lower(), document['spec']
        host = spec.get('host') or {}
        gpus = spec.get('gpus') or []
        names = {gpu['locationPath']: gpu_name(gpu['instanceId'], gpu['state'] == 'paravirtualized') for gpu in gpus}
        policy = {key: int(host[field]) for key, field in (('RequireSecureDeviceAssignment', 'requireSecureAssignment'),
                                                           ('RequireSupportedDeviceAssignment',
                                                            'requireSupportedAssignment')) if host.get(field) is not None}
        world['hosts'][name] = {
            'build': host.get('osBuild') or 26100, 'sku': SKUS.get(host.get('edition'), 8),
            'iov': host.get('sriov') is not False,
            'iovReasons': [host['sriovReasons']] if host.get('sriovReasons') else [],
            'freePhysicalMemory': size(host.get('memoryFree'), 64 * GIB) // 1024,
            'policy': policy or None, 'devices': [device_of(number, gpu) for number, gpu in enumerate(gpus)],
            'vms': [vm_of(name, vm, names) for vm in spec.get('virtualMachines') or []],
            'pools': {pool['name']: pool.get('members') or [] for pool in host.get('pools') or []}}
        if not host.get('clusterName'):
            continue
        world['cluster'] = world['cluster'] or {'name': host['clusterName'], 'nodes': {}, 'groups': []}
        for node in host.get('nodes') or []:
            draining = node.get('state') == 'Draining'
            world['cluster']['nodes'][node['name'].lower()] = {
                'state': 'Paused' if draining else node.get('state', 'Up'),
                'drain': 'InProgress' if draining else 'NotInitiated'}
        for vm, made in zip(spec.get('virtualMachines') or [], world['hosts'][name]['vms']):
            if vm.get('clustered', False):
                world['cluster']['groups'].append({'name': vm.get('group') or vm['name'], 'vm': made['id'],
                                                   'owner': name,
                                                   'offlineAction': OFFLINE.index(vm.get('offlineAction') or 'Save')})
    return world


def main():
    """In FOLDER, where agents may be at work: the world is another, and its hosts keep nothing of before."""
    folder, source = map(pathlib.Path, sys.argv[1:])
    for kept in folder.glob('data-*/hvgpu'):
        shutil.rmtree(kept)
    lab.World(folder, world_of(yaml.safe_load_all(source.read_text())))


if __name__ == '__main__':
    main()
