#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for powershell.exe with the agent in it: HVGPU_POWERSHELL names it, HVGPU_FAKE_MODE says how it behaves. What it was
started with and asked goes to HVGPU_FAKE_LOG, a line each."""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time

MODE = os.environ.get('HVGPU_FAKE_MODE', 'good')
HOST = os.environ.get('HVGPU_HOST', 'hv01')
PATH = 'PCIROOT(0)#PCI(0300)'
PATHS = [PATH] + [f'PCIROOT({number})#PCI(0300)' for number in range(1, 64)]
SIZE = (os.environ.get('HVGPU_FAKE_SIZE') or '1,2').split(',') # how many GPUs and VMs it has
IDS = '' if HOST == 'hv01' else HOST + '-' # no VM is on two hosts
ERROR = '#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress" RefId="0"><MS><S N="Activity">Module</S></MS></Obj>' \
        '<S S="Error">Zugriff verweigert_x000D__x000A_</S></Objs>'


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def send(**line):
    write(json.dumps(line).encode() + b'\n')


def log(text):
    if 'HVGPU_FAKE_LOG' in os.environ:
        with open(os.environ['HVGPU_FAKE_LOG'], 'a', encoding='utf-8') as file:
            file.write(text + '\n')


def vm(number, **more):
    return {'id': f'{IDS}VM-{number}', 'name': f'vm-{number}', 'state': 'Running', 'stateChange': None, 'generation': 2, 'memory': 1, 'clustered': False,
            'group': None, 'offlineAction': None, 'devices': [], 'automaticCheckpoints': False, 'checkpointType': 'Disabled',
            'dynamicMemory': False, 'stopAction': 'TurnOff', 'cacheControl': False, 'debt': None, 'record': None,
            'adapters': [{'id': f'A{number}', 'pin': None, 'pinned': False, 'quotas': {'maxPartitionVRAM': '18446744073709551615'},
                          'gpus': [PATHS[number % int(SIZE[0])]], 'outgoingLiveMigration': True}], **more}


def host(**more):
    return {'name': HOST.upper(), 'observedAt': '2026-11-24T01:00:00Z', 'osBuild': 26100, 'edition': 'Datacenter', 'clusterName': None,
            'nodes': [], 'pools': [], 'epoch': 3, 'lease': None, 'record': None, 'notedMmio': [], **more}


def observe(number, vms=None, counts=None, **more):
    n_gpus, n_vms = map(int, SIZE)
    vms = [vm(each) for each in range(1, n_vms + 1)] if vms is None else vms
    send(id=number, host=host(**more))
    for path in PATHS[:n_gpus]:
        send(id=number, gpu={'locationPath': path, 'name': 'NVIDIA A2', 'device': '10DE:25B6', 'state': 'partitionable',
                             'validCounts': [16, 4, 2, 1], 'count': 4, 'memory': '18446744073709551615'})
    for each in vms:
        send(id=number, vm=each)
    send(id=number, reply='done', changed=False, counts=counts or {'gpus': n_gpus, 'vms': len(vms)}, moving=['VM-9'] if MODE == 'moving' else [])


def answer(number, request):
    """The modes in which something goes wrong with the answer."""
    first = number == 1
    if MODE == 'truncated':
        write(b'{"id":1,"host":{"na')
        sys.exit(0)
    elif MODE == 'interleaved':
        write(b'{"id":1,"vm":{"na{"id":1,"host":{}}\nme":"x"}}\n')
    elif MODE == 'huge':
        write(b'{"id":1,"vm":"' + b'x' * (5 << 20) + b'"}\n')
    elif MODE == 'endless':
        while True:
            write(b'{' * 65536)
    elif MODE == 'many':
        for _ in range(21000):
            send(id=number, vm={})
    elif MODE == 'future':
        send(id=number + 1, reply='done')
    elif MODE == 'no-id':
        send(reply='done')
    elif MODE == 'no-reply':
        send(id=number, reply='perhaps')
    elif MODE == 'list':
        write(b'[1]\n{"id":1,"host":[]}\n')
    elif MODE == 'not-utf8':
        write(b'{"id":1,"vm":{"name":"\xff\xfe"}}\n')
    elif MODE == 'deep':
        write(b'{"id":1,"vm":' + b'[' * 5000 + b']' * 5000 + b'}\n')
    elif MODE == 'silent' or (MODE == 'late' and first):
        if MODE == 'late':
            time.sleep(1.2)
            observe(number, vms=[])
        return
    elif MODE == 'duplicate':
        for late in range(1, number):
            send(id=late, reply='failed', error={'kind': 'denied', 'message': 'old'})
        observe(number)
        send(id=number, reply='failed', error={'kind': 'failed', 'message': 'again'})
    elif MODE == 'miscounted':
        observe(number, counts={'gpus': 1, 'vms': 3})
    elif MODE == 'twice':
        observe(number, vms=[vm(1), vm(1)])
    elif MODE == 'wrong-type':
        observe(number, vms=[vm(1, generation='two')])
    elif MODE == 'gap':
        without = vm(1)
        del without['adapters']
        observe(number, vms=[without | {'unread': ['adapters']}])
    elif MODE == 'null-gap':
        observe(number, vms=[vm(1, stopAction=None)])
    elif MODE == 'unknown':
        unknown = vm(1, stateChange=None, guestOs=None, unread=['stateChange', 'guestOs'])
        observe(number, vms=[unknown], osBuild=None, unread=['osBuild'])
    elif MODE == 'dies':
        sys.stderr.write(ERROR)
        sys.exit(9)
    else:
        good(number, request)


def good(number, request):
    if request['verb'] == 'observe':
        if MODE == 'noise':
            write(b'WARNING: a module speaks\n\n')
        if request.get('examine'):
            send(id=number, examined={'account': 'HV01\\ops', 'cluster': {'state': 'answers', 'access': 'ReadOnly', 'message': None},
                                      'root': {'path': 'C:\\ProgramData\\hvgpu', 'state': 'no-such-state', 'message': 'why'}})
        return observe(number)
    if MODE == 'refuses':
        return send(id=number, reply='failed', error={'kind': 'in-use', 'id': 'X,Y', 'hresult': '0x800700AA', 'message': 'nein\x1b'})
    if MODE == 'held':
        return send(id=number, reply='failed', error={'kind': 'lease-held', 'id': None, 'message': 'held'},
                    lease={'holder': 'eve@there', 'run': 'other', 'since': '2026-11-24T01:00:00Z', 'pid': 1})
    if MODE == 'odd':
        return send(id=number, reply='failed', error={'kind': 'no-such-kind', 'message': 'odd'})
    more = {}
    if request['verb'] == 'stop-vm':
        send(id=number, progress={'permille': 350, 'what': 'waiting'})
        more['vm'] = vm(1, state='Off')
    if request['verb'] == 'set-partition-count':
        more['gpu'] = {'locationPath': PATH, 'state': 'partitionable', 'count': request['step']['count']}
    if request['verb'] in ('lease-open', 'epoch'):
        more['epoch'] = 7
    return send(id=number, reply='done', changed=True, **more)


def bootstrap():
    """The agent's text, checked as the bootstrap does."""
    command = base64.b64decode(sys.argv[sys.argv.index('-EncodedCommand') + 1]).decode('utf-16-le')
    log(f'argv {" ".join(sys.argv[1:-1])}')
    log(f'pid {os.getpid()}')
    if MODE == 'not-there':
        sys.stderr.write("bash: powershell.exe: command not found\n")
        sys.exit(127)
    if MODE == 'hangs':
        time.sleep(1000)
    if MODE == 'noise':
        write('Willkommen\r\nè\n'.encode('latin-1'))
    send(bootstrap=1)
    text = b''
    for line in sys.stdin.buffer:
        if line == b'#end\n':
            break
        text += line
    wrong = hashlib.sha256(text).hexdigest() not in command.lower() or MODE == 'hash'
    if wrong or MODE == 'swallowed':
        send(bootstrap='hash-mismatch' if wrong else 'input-ended')
        sys.exit(3)
    assert re.fullmatch(rb'[\n -~\t]*', text) and max(map(len, text.split(b'\n'))) < 200


def main():
    bootstrap()
    if MODE == 'flood':
        while True:
            write(b'spam\n' * 100)
    if MODE == 'early':
        send(id=1, reply='done')
    if MODE == 'leaves-child':
        child = subprocess.Popen(['sleep', '1000'])
        log(f'child {child.pid}')
    name = 'OTHER' if MODE == 'other-name' else HOST.upper()[:15]
    send(hello={'agent': '0', 'protocol': 2 if MODE == 'newer' else 1, 'host': name, 'powershell': '5.1', 'modules': {'Hyper-V': '2.0.0.0'},
                'elevated': True, 'liveMoves': MODE != 'unknown'})
    for line in sys.stdin:
        log(line.rstrip('\n') or 'beat')
        if line == '\n':
            continue
        request = json.loads(line)
        answer(request['id'], request)
    log('end')


try:
    main()
except BrokenPipeError:
    os._exit(1)
