#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs examples/ci as a pipeline would, and reads the files that only other programs run.

test_examples.py CHECK HVGPU: one check each, readme, pipeline, comment, yaml, units or scheduled; 77: the tool that it needs is
missing.
"""
import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CI = ROOT / 'examples/ci'
SCHEDULED = ROOT / 'examples/scheduled'
SKIPPED = 77

FAKE_GH = r"""#!/bin/bash
printf '%s ' "$@" >>"$GH_LOG"
printf '\n' >>"$GH_LOG"
case "$*" in
*--jq*) [ -z "$GH_ID" ] || printf '%s\n' $GH_ID ;;
esac
"""


class Pipeline:
    """A copy of the example in a folder of its own, with a GitHub job's environment."""

    def __init__(self, folder, hvgpu):
        self.folder = pathlib.Path(folder)
        for name in ('manifests', 'snapshots'):
            shutil.copytree(CI / name, self.folder / name)
        self.summary = self.folder / 'summary.md'
        self.env = dict(os.environ, HVGPU=hvgpu, HVGPU_NOW='2026-11-24T02:00:00Z', HVGPU_OWNER='example.com/ops',
                        GITHUB_STEP_SUMMARY=str(self.summary))

    def plan(self):
        """The exit code, and what the page of the job and the kept plan say."""
        self.summary.write_text('')
        done = subprocess.run([CI / 'plan.sh'], cwd=self.folder, env=self.env, capture_output=True, text=True,
                              check=False, timeout=120)
        kept = self.folder / 'plan'
        assert (kept / 'exit-code').read_text() == f'{done.returncode}\n', done
        assert (kept / 'plan.md').read_text() == self.summary.read_text(), 'the page is not the plan'
        return done.returncode, self.summary.read_text()

    def edit(self, name, old, new):
        path = self.folder / name
        text = path.read_text()
        assert old in text, f'{name} has no {old!r}'
        path.write_text(text.replace(old, new))


def check_readme(hvgpu):
    """The commands do what they are said to, today and not only when they were written: with the clock as it is."""
    text = (ROOT / 'examples/README.md').read_text()
    lines = text.split('```sh\n', 1)[1].split('```', 1)[0].splitlines()
    assert lines[0].startswith('./dev build && PATH='), lines[0]
    with tempfile.TemporaryDirectory() as folder:
        path = f'{pathlib.Path(hvgpu).resolve().parent}:{os.environ["PATH"]}'
        env = dict(os.environ, PATH=path, PLAN_DIR=f'{folder}/plan', HVGPU_JOURNAL=f'{folder}/journal')
        for line in lines[1:]:
            if line.startswith('kubectl') and not shutil.which('kubectl'):
                print('kubectl is missing: its line was not run')
                continue
            said = re.search(r'# exit code (\d+)', line)
            done = subprocess.run(['bash', '-c', 'set -o pipefail; ' + line.replace('/tmp/', f'{folder}/')], cwd=ROOT,
                                  env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                                  timeout=120)
            assert done.returncode == (int(said[1]) if said else 0), (line, done)


def check_pipeline(hvgpu):
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(folder, hvgpu)
        code, page = pipeline.plan()
        assert code == 2, (code, page)
        assert page.startswith('<!-- hvgpu:plan:workshop -->\n') and '2 restarts' in page, page
        plan = json.loads((pipeline.folder / 'plan/plan.json').read_text())
        assert plan['cost']['vms_stopped'] == 2, plan['cost']

        pipeline.edit('manifests/workshop.yaml', 'partitionCount: 4', 'partitionCount: 3')
        code, page = pipeline.plan()
        assert code == 5 and 'refused' in page, (code, page)

        pipeline.edit('manifests/workshop.yaml', 'partitionCount: 3', 'partitionCount: many')
        code, page = pipeline.plan()
        assert code == 3 and 'HV202' in page, (code, page)
        assert not (pipeline.folder / 'plan/plan.json').exists(), 'a plan of bad manifests was kept'

        pipeline.edit('manifests/workshop.yaml', 'partitionCount: many', 'partitionCount: 4')
        world = pipeline.folder / 'snapshots/world.yaml'
        subprocess.run([hvgpu, 'apply', 'manifests', '--hosts', f'sim:{world}', '--allow', 'restarts=2'],
                       cwd=pipeline.folder, env=pipeline.env, check=True, capture_output=True, timeout=120)
        code, page = pipeline.plan()
        assert code == 0 and 'nothing to do' in page, (code, page)

        pipeline.edit('manifests/workshop.yaml', '- name: hv01', '- name: hv01\n    - name: hv02')
        code, page = pipeline.plan()
        assert code == 4 and 'incomplete, not clean' in page, (code, page)


def check_comment(_):
    """The first run writes a comment, later ones edit the one that is there."""
    for found, expected in (('', 'POST repos/o/r/issues/7/comments'), ('41 42', 'PATCH repos/o/r/issues/comments/41')):
        with tempfile.TemporaryDirectory() as folder:
            gh = pathlib.Path(folder, 'gh')
            gh.write_text(FAKE_GH)
            gh.chmod(0o755)
            log = pathlib.Path(folder, 'log')
            env = dict(os.environ, PATH=f'{folder}:{os.environ["PATH"]}', GH_LOG=str(log), GH_ID=found,
                       GITHUB_REPOSITORY='o/r', PULL_REQUEST='7')
            subprocess.run([CI / 'comment.sh', 'plan.md'], env=env, check=True, timeout=60)
            calls = log.read_text().splitlines()
            assert len(calls) == 2 and f'{expected} --field body=@plan.md' in calls[1], calls


def check_yaml(_):
    """The files parse, and what they call is there."""
    import yaml  # here, since no other check needs it
    github = yaml.safe_load((CI / 'github-workflow.yaml').read_text())
    steps = github['jobs']['plan']['steps']
    script = '\n'.join(step.get('run', '') for step in steps)
    assert github['permissions'] == {'contents': 'read', 'pull-requests': 'write'}
    assert 'plan.sh' in script and 'comment.sh' in script and steps[0]['with']['persist-credentials'] is False
    for step in steps:
        if 'run' in step:
            assert '${{' not in step['run'], 'an expression in a script is a way to inject one'
            subprocess.run(['bash', '-n', '-c', step['run']], check=True)
    gitlab = yaml.safe_load((CI / 'gitlab-ci.yaml').read_text())['gpu-plan']
    assert any('plan.sh' in line for line in gitlab['script'])
    assert gitlab['artifacts']['when'] == 'always' and gitlab['allow_failure'] == {'exit_codes': 2}


def check_units(hvgpu):
    """The units parse; systemd itself looks at them where there is one."""
    service, timer = ((SCHEDULED / f'hvgpu-apply.{kind}') for kind in ('service', 'timer'))
    units = {}
    for path in (service, timer):
        units[path] = configparser.RawConfigParser(strict=False, delimiters='=', comment_prefixes='#')
        units[path].optionxform = str
        units[path].read_string(path.read_text())
    assert units[service]['Service']['Type'] == 'oneshot' and units[service]['Service']['TimeoutStartSec']
    assert units[service]['Service']['KillMode'] == 'mixed', 'a stop would reach the ssh processes that the way back needs'
    for key in ('Persistent', 'RandomizedDelaySec', 'FixedRandomDelay'):
        assert units[timer]['Timer'][key], key
    words = units[service]['Service']['ExecStart'].split()
    help_text = subprocess.run([hvgpu, 'help', words[1]], capture_output=True, text=True, check=True).stdout
    for word in words[2:]:
        assert not word.startswith('--') or word in help_text, f'hvgpu {words[1]} has no {word}'
    if not shutil.which('systemd-analyze'):
        print('systemd-analyze is missing: the units were parsed only')
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in (service, timer):
            text = path.read_text().replace('/usr/local/bin/hvgpu', '/bin/true')
            pathlib.Path(folder, path.name).write_text(text)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', f'{folder}/{service.name}',
                               f'{folder}/{timer.name}'], capture_output=True, text=True, check=False, timeout=60)
        about_ours = [line for line in done.stderr.splitlines() if 'hvgpu-apply' in line]
        assert not about_ours, '\n'.join(about_ours)


def check_scheduled(hvgpu):
    """The command of the unit does without a terminal what the comment above it says."""
    unit = (SCHEDULED / 'hvgpu-apply.service').read_text()
    words = re.search(r'^ExecStart=(.*)$', unit, re.M)[1].split()
    assert words[0].endswith('/hvgpu') and words[-1].startswith('https://'), words
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / 'examples/standalone', folder, dirs_exist_ok=True)
        careful, willing = pathlib.Path(folder, 'manifests/cluster.yaml'), pathlib.Path(folder, 'willing.yaml')
        consent = '  type: Standalone\n  rollout: { maxUnavailable: 100% }\n'
        willing.write_text(careful.read_text().replace('  type: Standalone\n', consent))
        world = f'{folder}/world.yaml'
        env = dict(os.environ, HVGPU_HOSTS=f'sim:{world}', HVGPU_OWNER='ops', HVGPU_JOURNAL=f'{folder}/journal')

        def run(*command):
            done = subprocess.run([hvgpu, *command], env=env, cwd=folder, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False, timeout=120)
            return done.returncode, done.stdout + done.stderr

        before = pathlib.Path(world).read_text()
        code, text = run(*words[1:-1], str(careful))
        assert code == 5 and 'HV620' in text, (code, text)
        assert pathlib.Path(world).read_text() == before, 'a refused run changed something'
        code, text = run(*words[1:-1], str(willing))
        assert code == 0 and 'stop cad-01' in text, (code, text)
        for action in (['power', world, 'cad-03', 'on'], ['set-count', world, 'hv01', '2', '2']):
            code, text = run('simulate', *action)
            assert code == 0, text
        code, text = run(*words[1:-1], str(careful))
        assert code == 0 and '1 changed' in text, (code, text)


def main():
    check, hvgpu = sys.argv[1:]
    try:
        {'readme': check_readme, 'pipeline': check_pipeline, 'comment': check_comment, 'yaml': check_yaml,
         'units': check_units, 'scheduled': check_scheduled}[check](hvgpu)
    except ImportError as error:
        print(f'SKIPPED: {error}')
        sys.exit(1 if os.environ.get('CI') == 'true' else SKIPPED)


if __name__ == '__main__':
    main()
