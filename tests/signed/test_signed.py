#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`apply --verify-commit` with the real gpg and ssh-keygen: keys and repositories of its own in a temporary folder.

test_signed.py HVGPU; 77: gpg, ssh-keygen or git is missing, which with CI=true is a failure.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CASE = pathlib.Path(__file__).resolve().parents[1] / 'golden/consent-is-needed-to-stop-running-vms'
NEEDED = ('gpg', 'ssh-keygen', 'git')
SKIPPED = 77
DONE, REFUSED, STALE = 0, 5, 6


class Signed(unittest.TestCase):
    hvgpu = None

    @classmethod
    def setUpClass(cls):
        # A socket of gpg's agent lies in its home folder, and its path may not be long.
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix='hs-', dir='/tmp'))
        (cls.root / 'gnupg').mkdir(mode=0o700)
        cls.env = {'PATH': os.environ['PATH'], 'HOME': str(cls.root), 'GNUPGHOME': str(cls.root / 'gnupg'),
                   'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'NO_COLOR': '1', 'GIT_CONFIG_NOSYSTEM': '1',
                   'HVGPU_NOW': '2026-01-15T12:00:00Z'}
        cls.env.update((k, v) for k, v in os.environ.items() if k.endswith('SAN_OPTIONS'))
        cls.git('config', '--global', 'user.name', 'A')
        cls.git('config', '--global', 'user.email', 'a@example.com')
        for name in ('known', 'stranger'):
            cls.tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', f'{name}.key')
        cls.make_gpg_key('ops@example.com', 'never')
        cls.make_gpg_key('gone@example.com', 'seconds=1')
        cls.make_gpg_key('lost@example.com', 'never')
        cls.make_repository()
        # A key that the reader of the commit does not have.
        cls.tool('gpg', '--batch', '--yes', '--delete-secret-and-public-key', cls.fingerprint('lost@example.com'))

    @classmethod
    def tearDownClass(cls):
        subprocess.run(['gpgconf', '--kill', 'all'], env=cls.env, check=False, capture_output=True)
        shutil.rmtree(cls.root, ignore_errors=True)

    @classmethod
    def tool(cls, *argv, date=None):
        env = dict(cls.env, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date) if date else cls.env
        done = subprocess.run(argv, cwd=cls.root, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    @classmethod
    def git(cls, *argv, date=None):
        return cls.tool('git', *argv, date=date)

    @classmethod
    def make_gpg_key(cls, name, expires):
        cls.tool('gpg', '--batch', '--quiet', '--passphrase', '', '--quick-generate-key', name, 'ed25519', 'sign', expires)

    @classmethod
    def fingerprint(cls, name):
        lines = cls.tool('gpg', '--batch', '--with-colons', '--list-keys', name).splitlines()
        return next(line.split(':')[9] for line in lines if line.startswith('fpr:'))

    @classmethod
    def commit(cls, name, *settings, sign=True, date=None):
        """A commit on top, with a tag of that name."""
        given = [word for setting in settings for word in ('-c', setting)]
        cls.git('-C', 'm', *given, 'commit', '-q', '--allow-empty', '-m', name, *(['-S'] if sign else []), date=date)
        cls.git('-C', 'm', 'tag', name)

    @classmethod
    def make_repository(cls):
        shutil.copytree(CASE / 'm', cls.root / 'm')
        cls.git('init', '-q', '-b', 'main', 'm')
        cls.git('-C', 'm', 'add', '.')
        cls.commit('unsigned', sign=False)
        for name in ('known', 'stranger'):
            cls.commit(f'ssh-{name}', 'gpg.format=ssh', f'user.signingkey={cls.root}/{name}.key', date='2026-01-10T00:00:00Z')
        cls.commit('gpg-known', 'user.signingkey=ops@example.com')
        cls.commit('gpg-lost', 'user.signingkey=lost@example.com')
        try:  # the key lives for a second, which may be over
            cls.commit('gpg-gone', 'user.signingkey=gone@example.com')
        except AssertionError:
            cls.git('-C', 'm', 'tag', 'gpg-gone', 'gpg-known')
        for kind in ('ssh', 'gpg'):
            cls.tamper(f'{kind}-known', f'{kind}-tampered')

    @classmethod
    def tamper(cls, tag, name):
        """The same signature under another message."""
        raw = cls.git('-C', 'm', 'cat-file', 'commit', tag)
        path = cls.root / 'raw'
        path.write_text(raw.replace(f'\n{tag}\n', '\nchanged\n'))
        identity = cls.git('-C', 'm', 'hash-object', '-t', 'commit', '-w', str(path)).strip()
        cls.git('-C', 'm', 'tag', name, identity)

    def setUp(self):
        shutil.copy(CASE / 'world.yaml', self.root / 'world.yaml')
        key = (self.root / 'known.key.pub').read_text().strip()
        self.signers = self.root / 'signers'
        self.signers.write_text(f'ops@example.com namespaces="git" {key}\n')
        self.more_env = {}

    def set_config(self, where, key, value):
        self.git(*where, key, value)
        self.addCleanup(self.git, *where, '--unset', key)

    def set_global(self, key, value):
        self.set_config(('config', '--global'), key, value)

    def set_own(self, key, value):
        self.set_config(('-C', 'm', 'config'), key, value)

    def clone(self, revision):
        self.git('clone', '-q', 'm', 'clone')
        self.addCleanup(shutil.rmtree, self.root / 'clone')
        self.git('-C', 'clone', 'checkout', '-q', revision)

    def run_hvgpu(self, *argv):
        return subprocess.run([self.hvgpu, *argv], cwd=self.root, env={**self.env, **self.more_env},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)

    def apply(self, what, *argv):
        return self.run_hvgpu('apply', what, '--hosts', 'sim:world.yaml', '--allow', 'restarts=1', '--verify-commit',
                              '--allowed-signers', str(self.signers), *argv)

    def expect_applied(self, what, *argv):
        done = self.apply(what, *argv)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn('count: 8', (self.root / 'world.yaml').read_text())

    def expect_refused(self, what, why, *argv, code=REFUSED):
        before = (self.root / 'world.yaml').read_text()
        done = self.apply(what, *argv)
        self.assertIn(why, done.stderr)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(before, (self.root / 'world.yaml').read_text())

    def test_good_signatures_are_applied(self):
        for tag in ('ssh-known', 'gpg-known'):
            with self.subTest(tag):
                shutil.copy(CASE / 'world.yaml', self.root / 'world.yaml')
                self.expect_applied(f'm?ref={tag}', '--owner', 'ops')

    def test_without_the_option_nothing_is_asked(self):
        done = self.run_hvgpu('apply', 'm?ref=unsigned', '--hosts', 'sim:world.yaml', '--allow', 'restarts=1', '--owner', 'ops')
        self.assertEqual(done.returncode, DONE, done.stderr)

    def test_others_are_refused(self):
        for tag, why in (('unsigned', 'is not signed'), ('ssh-stranger', 'did not allow'),
                         ('gpg-lost', 'not in the keyring'), ('ssh-tampered', 'does not accept'),
                         ('gpg-tampered', 'bad signature')):
            with self.subTest(tag):
                self.expect_refused(f'm?ref={tag}', why, '--owner', 'ops')

    def test_expired_gpg_key_is_refused(self):
        if self.git('-C', 'm', 'rev-parse', 'gpg-gone') == self.git('-C', 'm', 'rev-parse', 'gpg-known'):
            self.skipTest('the key had expired before it could sign; test_signature.c has this too')
        for _ in range(50):
            if 'expired' in self.tool('gpg', '--batch', '--list-keys', 'gone@example.com'):
                break
            subprocess.run(['sleep', '0.1'], check=True)
        self.expect_refused('m?ref=gpg-gone', 'expired', '--owner', 'ops')

    def test_ssh_key_counts_when_it_was_allowed_at_the_time_of_the_commit(self):
        key = (self.root / 'known.key.pub').read_text().strip()
        self.signers.write_text(f'ops@example.com valid-before="20260105",namespaces="git" {key}\n')
        self.expect_refused('m?ref=ssh-known', 'did not allow', '--owner', 'ops')
        self.signers.write_text(f'ops@example.com valid-before="20260111",namespaces="git" {key}\n')
        self.expect_applied('m?ref=ssh-known', '--owner', 'ops')

    def test_ssh_key_for_something_else_is_refused(self):
        key = (self.root / 'known.key.pub').read_text().strip()
        self.signers.write_text(f'ops@example.com namespaces="file" {key}\n')
        self.expect_refused('m?ref=ssh-known', 'ssh-keygen does not accept', '--owner', 'ops')

    def test_revoked_ssh_key_is_refused(self):
        self.git('config', '--global', 'gpg.ssh.revocationFile', '~/known.key.pub')
        try:
            self.expect_refused('m?ref=ssh-known', 'ssh-keygen does not accept', '--owner', 'ops')
        finally:
            self.git('config', '--global', '--unset', 'gpg.ssh.revocationFile')

    def test_allowed_signers_of_git_count(self):
        self.git('config', '--global', 'gpg.ssh.allowedSignersFile', '~/signers')
        try:
            done = self.run_hvgpu('apply', 'm?ref=ssh-known', '--hosts', 'sim:world.yaml', '--allow', 'restarts=1',
                                  '--verify-commit', '--owner', 'ops')
            self.assertEqual(done.returncode, DONE, done.stderr)
        finally:
            self.git('config', '--global', '--unset', 'gpg.ssh.allowedSignersFile')
        done = self.run_hvgpu('apply', 'm?ref=ssh-known', '--hosts', 'sim:world.yaml', '--verify-commit')
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn('nothing says whose keys are allowed', done.stderr)

    def test_revoked_key_is_refused_wherever_git_is_told_of_it(self):
        (self.root / 'revoking').write_text('[gpg "ssh"]\n\trevocationFile = ~/known.key.pub\n')
        file = str(self.root / 'revoking')
        for env in ({'GIT_CONFIG_GLOBAL': file}, {'GIT_CONFIG_SYSTEM': file, 'GIT_CONFIG_NOSYSTEM': '0'},
                    {'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'gpg.ssh.revocationFile',
                     'GIT_CONFIG_VALUE_0': f'{self.root}/known.key.pub'}):
            with self.subTest(env):
                self.more_env = env
                self.expect_refused('m?ref=ssh-known', 'ssh-keygen does not accept', '--owner', 'ops')

    def test_every_list_of_revoked_keys_counts(self):
        revoked, other = f'{self.root}/known.key.pub', f'{self.root}/stranger.key.pub'
        for mine, own in ((revoked, other), (other, revoked)):
            with self.subTest(mine=mine):
                self.set_global('gpg.ssh.revocationFile', mine)
                self.set_own('gpg.ssh.revocationFile', own)
                self.expect_refused('m?ref=ssh-known', 'ssh-keygen does not accept', '--owner', 'ops')
                self.doCleanups()
        self.set_global('gpg.ssh.revocationFile', other)
        self.set_own('gpg.ssh.revocationFile', other)
        self.expect_applied('m?ref=ssh-known', '--owner', 'ops')

    def test_repository_does_not_say_whom_to_trust(self):
        """Who can write to its configuration can no more sign than before."""
        key = (self.root / 'stranger.key.pub').read_text().strip()
        (self.root / 'strangers').write_text(f'ops@example.com {key}\n')
        program = self.root / 'yes'
        program.write_text(f'#!/bin/sh\ntouch {self.root}/ran\necho \'Good "git" signature for ops\'\n'
                           'echo "[GNUPG:] GOODSIG 0 ops"\necho "[GNUPG:] VALIDSIG 0 x"\n'
                           'echo "[GNUPG:] TRUST_ULTIMATE 0"\n')
        program.chmod(0o700)
        for tag, setting, value in (('ssh-stranger', 'gpg.ssh.program', program), ('gpg-lost', 'gpg.program', program),
                                    ('gpg-lost', 'gpg.openpgp.program', program)):
            with self.subTest(setting):
                self.set_own(setting, str(value))
                self.expect_refused(f'm?ref={tag}', "the repository's own configuration alone", '--owner', 'ops')
                self.assertFalse((self.root / 'ran').exists())
                self.doCleanups()
        self.set_own('gpg.ssh.allowedSignersFile', str(self.root / 'strangers'))
        self.save('ssh-stranger')
        for what in ('p.plan', 'm?ref=ssh-stranger'):
            before = (self.root / 'world.yaml').read_text()
            done = self.run_hvgpu('apply', what, '--hosts', 'sim:world.yaml', '--verify-commit')
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("gpg.ssh.allowedSignersFile is set by the repository's own configuration alone", done.stderr)
            self.assertIn('--allowed-signers FILE, or run git config --global', done.stderr)
            self.assertEqual(before, (self.root / 'world.yaml').read_text())
        self.expect_applied('m?ref=ssh-known', '--owner', 'ops')

    def embed(self, revision):
        """An unsigned commit whose folder of manifests is a bare repository, with settings to be judged by."""
        self.clone(revision)
        self.git('-C', 'clone', 'checkout', '-q', '-b', 'next')
        evil, folder = self.root / 'evil', self.root / 'clone/c'
        shutil.copytree(CASE / 'm', evil)
        self.addCleanup(shutil.rmtree, evil)
        self.git('init', '-q', '-b', 'main', 'evil')
        self.git('-C', 'evil', 'add', '.')
        self.git('-C', 'evil', 'commit', '-q', '-m', 'evil')
        raw = self.git('-C', 'evil', 'cat-file', 'commit', 'HEAD')
        (self.root / 'raw').write_text(raw.replace(
            '\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n', 1))
        identity = self.git('-C', 'evil', 'hash-object', '-t', 'commit', '-w', str(self.root / 'raw')).strip()
        shutil.copytree(evil / '.git/objects', folder / 'objects')
        shutil.copy(evil / '.git/HEAD', folder)
        (folder / 'refs/heads').mkdir(parents=True)
        (folder / 'refs/heads/main').write_text(identity)
        (folder / 'config').write_text('[core]\n\trepositoryformatversion = 0\n\tbare = true\n'
                                       f'[gpg]\n\tprogram = {folder}/g.sh\n')
        (folder / 'g.sh').write_text(f'#!/bin/sh\ntouch {self.root}/ran\necho "[GNUPG:] GOODSIG 0 ops"\n'
                                     'echo "[GNUPG:] VALIDSIG 0 x"\necho "[GNUPG:] TRUST_ULTIMATE 0"\n')
        (folder / 'g.sh').chmod(0o700)
        for file in (CASE / 'm').iterdir():
            shutil.copy(file, folder)
        os.symlink('c', self.root / 'clone/link')
        self.git('-C', 'clone', 'add', '-A')
        self.git('-C', 'clone', 'commit', '-q', '-m', 'embedded')

    def test_repository_that_a_commit_holds_is_not_believed(self):
        self.embed('ssh-known')
        for what in ('clone/c', 'clone/c?ref=HEAD', 'clone//c?ref=HEAD', 'clone/c/a.yaml', 'clone/link'):
            with self.subTest(what):
                why = 'a symlink in a work tree' if what == 'clone/link' else 'is not signed'
                self.expect_refused(what, why, '--owner', 'ops')
                self.assertFalse((self.root / 'ran').exists())
        outer = self.git('-C', 'clone', 'rev-parse', 'HEAD').strip()
        for what in ('clone/c', 'clone/c?ref=HEAD'):
            done = self.run_hvgpu('plan', what, '--hosts', 'sim:world.yaml', '--out', 'p.plan', '--owner', 'ops')
            self.assertEqual(done.returncode, DONE, done.stderr)
            self.assertEqual(json.loads((self.root / 'p.plan').read_text())['commit'], outer)
            self.expect_refused('p.plan', 'is not signed')
            self.assertFalse((self.root / 'ran').exists())

    def test_symlink_in_a_work_tree_does_not_lead_to_another_commit(self):
        """Both commits that it could mean are signed; which one is meant would be the symlink's word alone."""
        self.clone('ssh-known')
        os.symlink('../m', self.root / 'clone/elsewhere')
        self.git('-C', 'm', 'checkout', '-q', '--detach', 'ssh-known')
        self.addCleanup(self.git, '-C', 'm', 'checkout', '-q', 'main')
        for what in ('clone/elsewhere', 'clone/elsewhere?ref=ssh-known'):
            self.expect_refused(what, f"'{self.root}/clone/elsewhere', a symlink in a work tree", '--owner', 'ops')
        os.symlink('clone', self.root / 'short')
        self.addCleanup(os.unlink, self.root / 'short')
        os.unlink(self.root / 'clone/elsewhere')
        self.expect_applied('short', '--owner', 'ops')

    def test_what_is_wrong_with_the_allowed_signers_is_told(self):
        (self.root / 'nonsense').write_text('\x1b[31mnonsense\n')
        for name, why in (('gnupg', 'Is a directory'), ('known.key.pub', 'known.key.pub:1: invalid key'),
                          ('nonsense', 'nonsense:1: '), ('nowhere', 'is not there')):
            with self.subTest(name):
                self.signers = name
                self.expect_refused('m?ref=ssh-known', why, '--owner', 'ops')

    def test_allowed_signers_in_the_checkout_do_not_count(self):
        """Who changes the manifests there would say with them who may sign. A link to them, or one in a work tree, is no better."""
        self.clone('ssh-known')
        outside = self.signers
        inside = self.root / 'clone/signers'
        excluded = self.root / 'clone/.git/signers'
        for path in (inside, excluded):
            shutil.copy(outside, path)
        (self.root / 'clone/.git/info/exclude').write_text('signers\n')
        os.symlink('../signers', self.root / 'm/link')
        self.addCleanup(os.unlink, self.root / 'm/link')
        os.symlink('clone/signers', self.root / 'way-in')
        self.addCleanup(os.unlink, self.root / 'way-in')
        for path in (inside, excluded, self.root / 'm/link', self.root / 'way-in'):
            with self.subTest(path.name):
                self.signers = path
                self.expect_refused('clone', 'keep it elsewhere', '--owner', 'ops')
        self.signers = inside  # another checkout of the same commit
        self.expect_refused('m?ref=ssh-known', 'keep it elsewhere', '--owner', 'ops')
        self.set_global('gpg.ssh.allowedSignersFile', str(inside))
        done = self.run_hvgpu('apply', 'clone', '--hosts', 'sim:world.yaml', '--allow', 'restarts=1', '--verify-commit',
                              '--owner', 'ops')
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn('keep it elsewhere', done.stderr)
        self.signers = outside
        self.expect_applied('clone', '--owner', 'ops')

    def test_what_keeps_a_commit_from_being_verified_is_a_refusal(self):
        for name, tools in (('no-git', ('gpg', 'ssh-keygen')), ('no-gpg', ('git', 'ssh-keygen')),
                            ('no-ssh', ('git', 'gpg'))):
            folder = self.root / name
            folder.mkdir(exist_ok=True)
            for tool in tools:
                if not (folder / tool).exists():
                    os.symlink(shutil.which(tool), folder / tool)
        for tag, env, why in (('gpg-known', {'TMPDIR': '/nowhere'}, 'cannot be verified: a temporary file'),
                              ('ssh-known', {'TMPDIR': '/nowhere'}, 'cannot be verified: a temporary file'),
                              ('gpg-known', {'PATH': str(self.root / 'no-git')}, "'git' cannot be run"),
                              ('gpg-known', {'PATH': str(self.root / 'no-gpg')}, "'gpg' cannot be run"),
                              ('ssh-known', {'PATH': str(self.root / 'no-ssh')}, "'ssh-keygen' cannot be run"),
                              ('ssh-known', {'GIT_CONFIG_GLOBAL': str(self.root)}, "git's settings cannot be read")):
            with self.subTest(why, tag=tag):
                self.more_env = env
                self.expect_refused(f'm?ref={tag}', why, '--owner', 'ops')

    def test_trust_of_git_counts(self):
        self.git('config', '--global', 'gpg.minTrustLevel', 'fully')
        try:
            self.tool('gpg', '--batch', '--quick-set-expire', self.fingerprint('ops@example.com'), '0')
            self.expect_applied('m?ref=gpg-known', '--owner', 'ops')  # one's own key is trusted ultimately
        finally:
            self.git('config', '--global', '--unset', 'gpg.minTrustLevel')

    def test_what_is_no_commit_is_refused(self):
        shutil.copytree(CASE / 'm', self.root / 'plain')
        self.addCleanup(shutil.rmtree, self.root / 'plain')
        self.expect_refused('plain', 'no commit', '--owner', 'ops')

    def test_changes_on_top_are_refused(self):
        self.git('clone', '-q', 'm', 'clone')
        self.addCleanup(shutil.rmtree, self.root / 'clone')
        self.git('-C', 'clone', 'checkout', '-q', 'ssh-known')
        self.expect_applied('clone', '--owner', 'ops')
        shutil.copy(CASE / 'world.yaml', self.root / 'world.yaml')
        with open(self.root / 'clone/a.yaml', 'a', encoding='utf-8') as file:
            file.write('# more\n')
        self.expect_refused('clone', 'changes are not signed', '--owner', 'ops')

    def test_debts_are_paid_all_the_same(self):
        world = (CASE / 'world.yaml').read_text().replace('    state: Running\n', '    state: "Off"\n')
        debt = '{ run: r0, at: "2026-01-15T10:00:00Z", power: stopped, stateChange: "2026-01-10T08:00:00Z" }'
        (self.root / 'world.yaml').write_text(f'{world}    debt: {debt}\n')
        done = self.apply('m?ref=unsigned', '--owner', 'ops')
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn('is not signed', done.stderr)
        after = (self.root / 'world.yaml').read_text()
        self.assertIn('state: Running', after)
        self.assertNotIn('count: 8', after)

    def test_hosts_that_cannot_be_read_for_their_debts_are_told_of(self):
        (self.root / 'world.yaml').write_text('nonsense: [')
        done = self.apply('m?ref=unsigned', '--owner', 'ops')
        self.assertIn('is not signed', done.stderr)
        self.assertIn('world.yaml', done.stderr)

    def save(self, tag):
        shutil.copy(CASE / 'world.yaml', self.root / 'world.yaml')
        done = self.run_hvgpu('plan', f'm?ref={tag}', '--hosts', 'sim:world.yaml', '--out', 'p.plan', '--owner', 'ops')
        self.assertEqual(done.returncode, DONE, done.stderr)
        return json.loads((self.root / 'p.plan').read_text())

    def test_saved_plan_of_a_signed_commit_is_applied(self):
        self.save('ssh-known')
        self.expect_applied('p.plan')

    def test_saved_plan_of_an_unsigned_commit_is_refused(self):
        self.save('unsigned')
        self.expect_refused('p.plan', 'is not signed')

    def forge(self, change):
        """What somebody does who can write the file and count a digest."""
        plan = self.save('ssh-known')
        change(plan)
        del plan['digest']
        (self.root / 'in').write_text(json.dumps(plan, sort_keys=True, separators=(',', ':'), ensure_ascii=False))
        plan['digest'] = self.tool('sha256sum', 'in').split()[0]
        (self.root / 'p.plan').write_text(json.dumps(plan))

    def test_forged_plan_with_a_signed_commit_is_refused(self):
        def more_partitions(plan):
            for step in plan['clusters'][0]['steps']:
                if step['kind'] == 'set-partition-count':
                    step['partition_count'] = 16

        def other_commit(plan):
            plan['commit'] = self.git('-C', 'm', 'rev-parse', 'ssh-stranger').strip()

        def other_manifests(plan):
            plan['manifests_digest'] = '0' * 64

        for change, why in ((more_partitions, 'is not what commit'), (other_commit, 'did not allow'),
                            (other_manifests, 'other manifests')):
            with self.subTest(change.__name__):
                self.forge(change)
                self.expect_refused('p.plan', why)

    def test_plan_forged_in_nothing_is_applied(self):
        self.forge(lambda plan: None)
        self.expect_applied('p.plan')

    def test_addresses_of_a_verified_plan_are_those_of_its_commit(self):
        """Who changes the folder, but may not sign, does not send the plan elsewhere."""
        self.git('clone', '-q', 'm', 'clone')
        self.addCleanup(shutil.rmtree, self.root / 'clone')
        inventory = self.root / 'clone/hosts.yaml'
        text = ('apiVersion: hvgpu.dev/v1alpha1\nkind: HostInventory\nmetadata: { name: hosts }\n'
                'spec: { hosts: [{ name: hv01, address: "sim:world.yaml" }] }\n')
        inventory.write_text(text)
        self.git('-C', 'clone', 'add', '.')
        self.git('-C', 'clone', '-c', 'gpg.format=ssh', '-c', f'user.signingkey={self.root}/known.key', 'commit', '-q', '-S',
                 '-m', 'inventory', date='2026-01-10T00:00:00Z')
        done = self.run_hvgpu('plan', 'clone', '--out', 'p.plan', '--owner', 'ops', '--allow', 'restarts=1')
        self.assertEqual(done.returncode, DONE, done.stderr)
        inventory.write_text(text.replace('world.yaml', 'elsewhere.yaml'))
        before = (self.root / 'world.yaml').read_text()
        done = self.run_hvgpu('apply', 'p.plan')
        self.assertIn('HV411', done.stdout + done.stderr)
        self.assertEqual(before, (self.root / 'world.yaml').read_text())
        done = self.run_hvgpu('apply', 'p.plan', '--verify-commit', '--allowed-signers', 'signers')
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn('count: 8', (self.root / 'world.yaml').read_text())

    def test_saved_plan_meets_a_record_that_is_newer_than_it(self):
        newer = self.git('-C', 'm', 'rev-parse', 'gpg-known').strip()
        for record, code in ((f'owner: ops, cluster: paris, commit: {newer}', 'HV621'),
                             ('owner: others, cluster: paris', 'HV617')):
            with self.subTest(code):
                self.save('ssh-known')
                world = (CASE / 'world.yaml').read_text().replace(
                    '    memoryFree: 64Gi\n', f'    memoryFree: 64Gi\n    record: {{ {record}, epoch: 0 }}\n')
                (self.root / 'world.yaml').write_text(world)
                done = self.apply('p.plan')
                self.assertEqual(done.returncode, REFUSED, done.stderr)
                self.assertIn(code, done.stderr)
                self.assertNotIn('count: 8', (self.root / 'world.yaml').read_text())

    def test_limits_of_a_plan_are_not_widened(self):
        self.forge(lambda plan: plan.update(allow={'restarts': 0, 'moves': 0, 'role_changes': 0}))
        self.expect_refused('p.plan', 'HV620', '--auto-approve')

    def test_plan_of_another_version_is_stale(self):
        self.forge(lambda plan: plan.update(tool_version='0.0.0'))
        self.expect_refused('p.plan', "version '0.0.0'", code=STALE)


def main():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        print('not tested, for these are missing:', *missing, '(./dev install-deps)', file=sys.stderr)
        return 1 if os.environ.get('CI') == 'true' else SKIPPED
    Signed.hvgpu = sys.argv.pop(1)
    unittest.main()
    return 0


if __name__ == '__main__':
    sys.exit(main())
