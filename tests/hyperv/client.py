# SPDX-License-Identifier: Apache-2.0
"""Stands for powershell.exe where an engine is running already: client.py SOCKET NOTE ARGUMENT… hands standard input, output and error to
an engine (pwsh-host/Server.cs) and ends as it does. NOTE is a file to which "HOST CLIENT-PID ENGINE-PID" is written. HVGPU_TEST_CUT, as
"HOST N in|out BYTES", makes the connection of the N-th agent on that host break off after so many bytes from or to hvgpu. It is
run by python3 -S -E, which starts fast."""
import array
import json
import os
import select
import signal
import sys

import _socket

GIVEN = ('COMPUTERNAME', 'ProgramData', 'HVGPU_FAKE_WORLD', 'HVGPU_FAKE_TRACE')
HOST = os.environ['COMPUTERNAME'].lower()
LOST = 255  # as ssh says it


class Relay:
    """Between hvgpu and the engine, until so many bytes have gone one way."""

    def __init__(self, way, left):
        self.way = way
        self.left = left
        engine_in, self.to_engine = os.pipe()
        self.from_engine, engine_out = os.pipe()
        self.given = [engine_in, engine_out, 2]
        self.ways = {0: (self.to_engine, 'in'), self.from_engine: (os.dup(1), 'out')}

    def carry(self, connection):
        """True: cut. False: the engine has something to say."""
        while True:
            ready = select.select([*self.ways, connection], [], [])[0]
            for fd in [each for each in ready if each in self.ways]:
                to, way = self.ways[fd]
                data = os.read(fd, min(65536, self.left) if way == self.way else 65536)
                os.write(to, data) if data else self.end(fd)
                if way == self.way:
                    self.left -= len(data)
                    if self.left <= 0:
                        return True
            if ready == [connection]:
                return False

    def end(self, fd):
        os.close(self.ways.pop(fd)[0])


def relay_of(note):
    host, number, way, n_bytes = os.environ.get('HVGPU_TEST_CUT', '- 0 - 0').split()
    earlier = sum(line.startswith(HOST + ' ') for line in open(note, encoding='ascii')) if os.path.exists(note) else 0
    return Relay(way, int(n_bytes)) if host == HOST and earlier + 1 == int(number) else None


def next_line(connection):
    """A number that the engine says. Where it was killed, we are."""
    line = b''
    while not line.endswith(b'\n'):
        byte = connection.recv(1)
        if not byte:
            os.kill(os.getpid(), signal.SIGKILL)
        line += byte
    return int(line)


def main():
    path, note, *arguments = sys.argv[1:]
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    # One that is asked to end lets the engine's session end by itself; one that is killed takes the engine along.
    signal.signal(signal.SIGTERM, lambda *_: (connection.send(b't'), os._exit(128 + signal.SIGTERM)))
    connection.connect(path)
    relay = relay_of(note)
    environment = {name: os.environ[name] for name in GIVEN if name in os.environ}
    request = json.dumps({'arguments': arguments, 'environment': environment}).encode()
    given = relay.given if relay else [0, 1, 2]
    connection.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array('i', given))])
    engine = next_line(connection)
    with open(note, 'a', encoding='ascii') as file:
        file.write(f'{HOST} {os.getpid()} {engine}\n')
    if relay:
        for fd in relay.given[:2]:
            os.close(fd)
        if relay.carry(connection):
            connection.send(b't')
            os._exit(LOST)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os._exit(next_line(connection))


main()
