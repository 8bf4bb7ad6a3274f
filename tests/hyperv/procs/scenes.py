# SPDX-License-Identifier: Apache-2.0
"""Small clusters of fake hosts, with what is asked of them."""
import copy

from agent import a2, adapter, vm

QUOTAS = {'MinPartitionVRAM': 1000, 'MaxPartitionVRAM': 4000}
SLOW_MS = 150  # a guest that takes its time


def cluster_document(kind, hosts, groups):
    names = ', '.join(f'{{ name: {name} }}' for name in hosts)
    return f'''apiVersion: hvgpu.dev/v1alpha1
kind: GpuCluster
metadata: {{ name: paris }}
spec:
  type: {kind}
  hosts: [{names}]
  gpus: [{', '.join(groups)}]
'''


def assignment(gpus, pattern):
    return f'''---
apiVersion: hvgpu.dev/v1alpha1
kind: GpuAssignment
metadata: {{ name: {gpus}-vms }}
spec: {{ cluster: paris, gpus: {gpus}, match: {{ namePattern: "{pattern}" }} }}
'''


def parts(count):
    return f'{{ name: vdi, match: {{ model: NVIDIA A2 }}, partitionCount: {count} }}'


WHOLE = '{ name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1 } }'


def world(hosts, clustered=True):
    """'hosts': name → (GPUs, VMs). Each running VM is on the first GPU with room."""
    state = {'hosts': {}, 'cluster': {'name': 'fc-paris', 'nodes': {name: {} for name in hosts}, 'groups': []} if clustered else None}
    for name, (gpus, vms) in hosts.items():
        free = [gpu['partitionable']['Name'] for gpu in gpus for _ in range(gpu['partitionable']['PartitionCount'])]
        for each in vms:
            each.setdefault('adapters', [])
            each.setdefault('devices', [])
            for part in each['adapters']:
                if each.get('state') == 'Running':
                    part['on'] = free.pop(0)
        state['hosts'][name] = {'devices': gpus, 'vms': vms, 'pools': {}}
        if clustered:
            state['cluster']['groups'] += [{'name': each['name'], 'vm': each['id'], 'owner': name, 'offlineAction': 2} for each in vms]
    return state


def desktop(number, state='Running', **more):
    return vm(number, f'vdi-{number:03}', state=state, checkpointType='Disabled', adapters=[adapter(number)], **more)


def stranger(number):
    return vm(number, f'other-{number}', state='Running')


def desktops():
    """A slow one that is pinned, one with quotas, and one that is off."""
    vms = {'hv01': [desktop(1, shutdownMs=SLOW_MS)], 'hv02': [desktop(2), desktop(3, state='Off')]}
    vms['hv01'][0]['adapters'][0]['pin'] = a2(3)['partitionable']['Name']
    vms['hv02'][0]['adapters'][0]['quotas'] = QUOTAS
    return vms


def count():
    """A count changes in a failover cluster: all VMs of both hosts are down at once."""
    vms = desktops()
    return (world({name: ([a2(3)], vms[name] + [stranger(8 + int(name[-1]))]) for name in vms}),
            cluster_document('Failover', vms, [parts(8)]) + assignment('vdi', 'vdi-*'))


def files():
    """The same on standalone hosts, where debts are files."""
    vms = desktops()
    return (world({name: ([a2(3)], vms[name]) for name in vms}, clustered=False),
            cluster_document('Standalone', vms, [parts(2)]) + assignment('vdi', 'vdi-*'))


def whole():
    """One GPU of each host goes to a pool, and from there to a VM each; settings change on the way."""
    hosts = {}
    for number, name in enumerate(('hv01', 'hv02')):
        big = vm(5 + number, f'big-{5 + number}', state='Running', checkpointType='Disabled', stopAction='Save', shutdownMs=SLOW_MS * number)
        hosts[name] = ([a2(3, mitigated=True), a2(4, mitigated=True)], [desktop(1 + number), big])
    return (world(hosts), cluster_document('Failover', hosts, [parts(4), WHOLE]) + assignment('vdi', 'vdi-*') + assignment('whole', 'big-*'))


def back():
    """Dismounted GPUs in pools become partitioned ones again, and a running VM gets its first partition."""
    hosts = {}
    for number, name in enumerate(('hv01', 'hv02')):
        bare = vm(5 + number, f'vdi-{5 + number:03}', state='Running', checkpointType='Disabled', automaticCheckpoints=True)
        hosts[name] = ([a2(3), a2(4, count=1)], [desktop(1 + number), bare])
    state = world(hosts)
    for host in state['hosts'].values():
        host['devices'][1].update(dismounted=True, disabled=True, mitigated=True)
        host['pools'] = {'hvgpu-paris-whole': [host['devices'][1]['locationPath']]}
    return state, cluster_document('Failover', hosts, [parts(4)]) + assignment('vdi', 'vdi-*')


def exchange():
    """A partition for a whole GPU, on standalone hosts: the partition is owed until the GPU is there."""
    hosts = {}
    for number, name in enumerate(('hv01', 'hv02')):
        big = vm(5 + number, f'big-{5 + number}', state='Running', checkpointType='Disabled', stopAction='Save', adapters=[adapter(5 + number)],
                 shutdownMs=SLOW_MS * number)
        hosts[name] = ([a2(3, mitigated=True), a2(4, mitigated=True)], [desktop(1 + number), big])
    return (world(hosts, clustered=False),
            cluster_document('Standalone', hosts, [parts(4), WHOLE]) + assignment('vdi', 'vdi-*') + assignment('whole', 'big-*'))


def share():
    """The reverse, and the GPU becomes a partitioned one."""
    hosts = {}
    for number, name in enumerate(('hv01', 'hv02')):
        had = vm(5 + number, f'vdi-{5 + number:03}', state='Running', checkpointType='Disabled', stopAction='TurnOff', cacheControl=True,
                 mmioLow=3 << 30, mmioHigh=64 << 30, devices=[{'id': 'd', 'locationPath': a2(4)['locationPath']}], shutdownMs=SLOW_MS * number)
        hosts[name] = ([a2(3), a2(4)], [desktop(1 + number), had])
    state = world(hosts, clustered=False)
    for host in state['hosts'].values():
        host['devices'][1].update(dismounted=True, disabled=True, mitigated=True)
    return state, cluster_document('Standalone', hosts, [parts(4)]) + assignment('vdi', 'vdi-*')


SCENES = {'count': count, 'files': files, 'whole': whole, 'back': back, 'exchange': exchange, 'share': share}


def scene(name):
    state, manifests = SCENES[name]()
    managed = {each['name'] for host in state['hosts'].values() for each in host['vms'] if not each['name'].startswith('other-')}
    return copy.deepcopy(state), manifests, managed
