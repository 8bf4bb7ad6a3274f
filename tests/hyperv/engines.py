# SPDX-License-Identifier: Apache-2.0
"""PowerShell engines that are started once and serve one agent after another: what tests with hundreds of agents start instead."""
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class Engines:
    """At least 'n' engines that wait or work. 'command' is what to run for powershell.exe."""

    def __init__(self, pwsh, n):
        self.pwsh = pwsh
        self.n = n
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='hvgpu-engines-'))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / 'socket'))
        self.listener.listen(64)
        self.processes = []
        self.started = 0
        self.fill()

    def command(self, note):
        return shlex.join([sys.executable, '-S', '-E', str(HERE / 'client.py'), str(self.folder / 'socket'), str(note)])

    def fill(self):
        """Those that died have others take their place."""
        self.processes = [each for each in self.processes if each.poll() is None]
        while len(self.processes) < self.n:
            fd = self.listener.fileno()
            self.processes.append(subprocess.Popen(
                [*self.pwsh, '--serve', str(fd)], pass_fds=[fd], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env={**os.environ, 'DOTNET_TieredPGO': '0'}, start_new_session=True))
            self.started += 1

    @staticmethod
    def is_idle(process):
        """Nobody's standard input is its own."""
        try:
            return os.readlink(f'/proc/{process.pid}/fd/0') == os.devnull
        except FileNotFoundError:
            return True

    def close(self):
        for each in self.processes:
            each.kill()
        for each in self.processes:
            each.wait()
        self.listener.close()
        (self.folder / 'socket').unlink()
        self.folder.rmdir()
