#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""That Windows PowerShell 5.1 would run the agent."""
import pathlib
import re
import subprocess
import tempfile
import unittest

import agent as lab
from case import BUILT, HERE, PWSH, main


# Of Windows PowerShell 5.1, beside the cmdlets of cmdlets.txt and the agent's own functions.
COMMANDS = {'ForEach-Object', 'Where-Object', 'Get-Module', 'Get-Command', 'Get-Acl', 'Set-Acl', 'whoami.exe'}
PARAMETERS = {'ErrorAction', 'ErrorVariable', 'Confirm', 'Name', 'ListAvailable', 'LiteralPath', 'AclObject'}
# .NET types that .NET Framework 4.7.2 and .NET 10 both have.
TYPES = {
    'string', 'bool', 'int', 'long', 'uint16', 'uint32', 'uint64', 'int16', 'byte', 'char', 'decimal', 'void', 'regex',
    'guid', 'datetime', 'xml',
    'object[]', 'string[]', 'object', 'Array', 'hashtable', 'scriptblock', 'ordered', 'Math', 'Convert',
    'BitConverter', 'Console', 'Environment',
    'PlatformID', 'DateTimeOffset', 'NullString', 'FormatException', 'InvalidOperationException', 'StringComparer',
    'switch', 'ref',
    'Text.StringBuilder', 'Text.Encoding', 'Text.UTF8Encoding', 'Text.RegularExpressions.RegexOptions',
    'Globalization.CultureInfo',
    'Collections.IDictionary', 'Collections.IList', 'Collections.ArrayList',
    'Collections.Specialized.OrderedDictionary',
    'ComponentModel.Win32Exception', 'Diagnostics.Stopwatch', 'Diagnostics.Process', 'ArgumentException',
    'UnauthorizedAccessException',
    'Threading.Thread', 'IO.Path', 'IO.File', 'IO.Directory', 'IO.FileStream',
    'IO.FileMode', 'IO.FileAccess', 'IO.FileShare', 'IO.FileAttributes', 'IO.IOException', 'IO.EndOfStreamException',
    'IO.StreamReader',
    'IO.StreamWriter', 'Security.Cryptography.SHA256CryptoServiceProvider', 'Security.AccessControl.DirectorySecurity',
    'Security.Principal.SecurityIdentifier', 'Management.Automation.ErrorRecord',
    'Management.Automation.IContainsErrorRecord',
}


class Syntax(unittest.TestCase):
    """Windows PowerShell 5.1 is not to be had here, so the syntax tree is looked at, and every command, parameter and type."""

    def inspect(self, *files):
        done = subprocess.run([*PWSH, '--syntax', *map(str, files)], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, '')
        return done.returncode, [line.split('\t') for line in done.stdout.splitlines()]

    def newer(self, *files):
        """What of them 5.1 may not know."""
        own = {name for file in files for name in re.findall(r'^function ([\w-]+)', file.read_text(), re.M)}
        documented = {}
        for line in (HERE / 'cmdlets.txt').read_text().splitlines():
            if line.startswith('## '):
                known = documented.setdefault(line.split()[1], set())
            elif line.startswith('-'):
                known.add(line[1:].split('|')[0])
        code, found = self.inspect(*files)
        wrong = [line for line in found if line[0] == 'newer']
        self.assertEqual(code != 0, bool(wrong), found)
        for kind, where, what, parameters in found:
            if kind == 'newer' or what in own or re.match(r'\?(\$|\(\[scriptblock\]::Create)', what): # a block of our own
                continue
            if kind == 'type':
                unknown = {what} - TYPES
            elif what not in COMMANDS | set(documented):
                unknown = {what}
            else:
                unknown = set(parameters.split()) - PARAMETERS - documented.get(what, set())
            wrong += [(where, what, each) for each in unknown]
        return wrong

    def test_nothing_is_newer_than_5_1(self):
        self.assertEqual(self.newer(*sorted(lab.AGENT.glob('*.ps1'))), [])

    def test_what_is_newer_is_found(self):
        newer = ['$a ? 1 : 2', '$a ?? 1', '$a ??= 1', '${a}?.b', '${a}?[0]', 'Get-VM && Get-VM', 'Get-VM || Get-VM',
                 'function f { clean { } }', # cmdlets, parameters and types
                 'Join-String', 'Get-Error', 'Invoke-Thing', 'Set-VMHostPartitionableGpu -WhatIf', 'Get-VM -Newer 1', 'Get-PnpDevice -Foo',
                 'ForEach-Object -Parallel { 1 }', 'Get-VMHostPartitionableGpu -HostPartitionableGpu 1',
                 '[Text.Json.JsonSerializer]::Serialize(1)', '[Management.Automation.SemanticVersion]"1.0"']
        older = ['if ($a) { 1 } else { 2 }', 'Get-VM -Id $a', 'Set-VMHostPartitionableGpu -Name $a -PartitionCount 4', '[Math]::Abs(1)']
        with tempfile.TemporaryDirectory() as folder:
            for text in newer + older:
                file = pathlib.Path(folder) / 'one.ps1'
                file.write_text(text + '\n')
                self.assertEqual(bool(self.newer(file)), text in newer, text)

    def test_parameters_are_data(self):
        for file in lab.AGENT.glob('*.ps1'):
            text = file.read_text()
            for banned in ('Invoke-Expression', 'iex ', 'Add-Type', 'Invoke-Command', 'ExpandString', 'NewScriptBlock'):
                self.assertNotIn(banned, text, file.name)
            creates = text.count('scriptblock]::Create')
            self.assertEqual(creates, 1 if file.name == 'bootstrap.ps1' else 0, file.name)

    def test_the_build_joins_the_parts_in_their_order(self):
        if BUILT:
            self.assertEqual(pathlib.Path(BUILT[0]).read_text(), lab.joined())


if __name__ == '__main__':
    main()
