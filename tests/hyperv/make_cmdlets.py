#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake cmdlets' declarations from the documented parameters: make_cmdlets.py TABLE CLASSES.cs MODULES_FOLDER"""
import pathlib
import re
import sys

# C# classes as the real modules name them: the second part of FullyQualifiedErrorId.
NAMESPACES = {
    'Hyper-V': 'Microsoft.HyperV.PowerShell.Commands',
    'FailoverClusters': 'Microsoft.FailoverClusters.PowerShell',
    'PnpDevice': 'Fakes.PnpDevice',
    'CimCmdlets': 'Microsoft.Management.Infrastructure.CimCmdlets',
    'Microsoft.PowerShell.Management': 'Microsoft.PowerShell.Commands',
}
BASES = {'FailoverClusters': 'ClusterCmdlet', 'PnpDevice': 'PnpCmdlet'}
TYPES = {
    'String': 'string', 'Boolean': 'bool', 'Int32': 'int', 'Int64': 'long', 'UInt16': 'ushort', 'UInt32': 'uint',
    'UInt64': 'ulong',
    'PSCredential': 'PSCredential', 'PSObject': 'PSObject', 'Hashtable': 'System.Collections.Hashtable',
    'Guid': 'System.Guid',
    'StringCollection': 'System.Collections.Specialized.StringCollection', 'SwitchParameter': 'SwitchParameter',
}


def read_table(path):
    cmdlets = []
    for line in pathlib.Path(path).read_text().splitlines():
        head = re.match(r'## (\w+)-(\w+) \[([\w.-]+)\] ?(.*)', line)
        if head:
            cmdlets.append({'verb': head[1], 'noun': head[2], 'module': head[3], 'default': head[4], 'should': False,
                            'params': []})
        elif line == 'ShouldProcess':
            cmdlets[-1]['should'] = True
        elif line.startswith('-'):
            cmdlets[-1]['params'].append(line[1:].split('|'))
    return cmdlets


def parameter(row):
    name, kind, sets, aliases, mandatory, position, pipeline = row[:7]
    array = kind.endswith('[]')
    kind = kind.removesuffix('[]')
    lines = []
    for each in ['' if sets == '(All)' else text.strip() for text in sets.split(',')]:
        args = []
        if each:
            args.append(f'ParameterSetName = "{each}"')
        if mandatory == 'True':
            args.append('Mandatory = true')
        if position != 'Named':
            args.append(f'Position = {position}')
        if 'ByValue' in pipeline:
            args.append('ValueFromPipeline = true')
        if 'ByPropertyName' in pipeline:
            args.append('ValueFromPipelineByPropertyName = true')
        lines.append(f'\t[Parameter({", ".join(args)})]')
    if aliases:
        lines.append('\t[Alias(' + ', '.join(f'"{alias.strip()}"' for alias in aliases.split(',')) + ')]')
    lines.append(f'\tpublic {TYPES.get(kind, kind)}{"[]" if array else ""} {name} {{ get; set; }}')
    return lines


def class_of(cmdlet):
    name = cmdlet['verb'] + cmdlet['noun']
    return name if cmdlet['module'] == 'Hyper-V' else name + 'Command'


def main():
    table, classes, modules = sys.argv[1:]
    out = ['using System.Management.Automation;', 'using Fakes;', 'using Microsoft.HyperV.PowerShell;', '']
    names = {}
    for cmdlet in read_table(table):
        names.setdefault(cmdlet['module'], []).append(f'{cmdlet["verb"]}-{cmdlet["noun"]}')
        attribute = [f'"{cmdlet["verb"]}", "{cmdlet["noun"]}"']
        if cmdlet['default']:
            attribute.append(f'DefaultParameterSetName = "{cmdlet["default"]}"')
        if cmdlet['should']:
            # Those that documents show with -Confirm:$false ask by themselves.
            asks = cmdlet['verb'] in ('Remove', 'Disable', 'Enable')
            attribute.append('SupportsShouldProcess = true' + (', ConfirmImpact = ConfirmImpact.High' if asks else ''))
        out += [f'namespace {NAMESPACES[cmdlet["module"]]} {{', f'[Cmdlet({", ".join(attribute)})]',
                f'[Module("{cmdlet["module"]}")]', f'public partial class {class_of(cmdlet)} : {BASES.get(cmdlet["module"], "FakeCmdlet")} {{']
        if cmdlet['should']:
            out.append('\tprotected override bool Asks => true;')
        for row in cmdlet['params']:
            out += parameter(row)
        out += ['}', '}']
    pathlib.Path(classes).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(classes).write_text('\n'.join(out) + '\n')
    for module, cmdlets in names.items():
        folder = pathlib.Path(modules) / module / module
        folder.mkdir(parents=True, exist_ok=True)
        listed = ', '.join(f"'{name}'" for name in cmdlets)
        (folder / f'{module}.psd1').write_text(
            f"@{{ ModuleVersion = '2.0.0.0'; CmdletsToExport = {listed}; FunctionsToExport = @(); AliasesToExport = @() }}\n")


if __name__ == '__main__':
    main()
