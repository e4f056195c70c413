import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

describe('H6 files of a hostile sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create();
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  const read = async (path: string, encoding: 'utf8' | 'base64' = 'utf8'): Promise<string> => {
    const call = warden.channel.open('file.read', { ...sandbox, at: { path, encoding }, length: 1_000_000 });
    const parts: Buffer[] = [];
    const collect = async (): Promise<void> => {
      for await (const { payload } of call.items) parts.push(payload);
    };
    await Promise.all([call.done, collect()]);
    return Buffer.concat(parts).toString();
  };
  const write = async (path: string, text: string | Buffer, mode?: number) => {
    const call = warden.channel.open('file.write', {
      ...sandbox,
      at: { path },
      ...(mode === undefined ? {} : { mode }),
    });
    const send = async (): Promise<void> => {
      await call.send({}, Buffer.from(text));
      call.end();
    };
    send().catch(() => undefined);
    return (await call.done).reply;
  };

  it('are written by and for its user, renamed over, read back, moved and removed', async () => {
    const entry = await write('/home/user/workspace/a.txt', 'one', 0o640);
    assert.deepEqual(
      { ...entry, modifiedMs: 0 },
      { name: 'a.txt', encoding: 'utf8', type: 'file', size: 3, mode: 0o640, uid: 1000, gid: 1000, modifiedMs: 0 },
    );
    const big = Buffer.alloc(3_000_000, 'x');
    await write('/home/user/workspace/a.txt', big.subarray(0, 60_000));
    assert.equal((await read('/home/user/workspace/a.txt')).length, 60_000);
    const inside = await warden.run(sandbox, 'stat -c "%U %G %a %s" ~/workspace/a.txt; ls -A ~/workspace');
    assert.equal(inside.stdout, 'user user 644 60000\na.txt\n');
    const { channel } = warden;
    const at = (path: string) => ({ path: `/home/user/workspace/${path}` });
    await channel.call('file.makeDirectory', { ...sandbox, at: at('d') });
    await channel.call('file.rename', { ...sandbox, at: at('a.txt'), to: at('d/b') });
    await warden.run(sandbox, 'mkdir -p ~/workspace/d/e/f; ln -s /etc ~/workspace/d/e/etc; touch ~/workspace/d/e/f/g');
    await channel.call('file.remove', { ...sandbox, at: at('d') });
    assert.equal((await warden.run(sandbox, 'ls -A ~/workspace; ls /etc/passwd')).stdout, '/etc/passwd\n');
  });

  it('H6 lead to no file of the host by any path', async () => {
    await warden.run(
      sandbox,
      [
        'cd ~ && mkdir -p h && cd h',
        'ln -s /etc/passwd passwd; ln -s ../../../../../../../../etc/shadow up; ln -s /proc/self/root/etc/hostname root',
        'ln -s /proc/1/root/etc/passwd root1; ln -s /proc/self/fd/3 fd; ln -s loop loop; mkfifo pipe; ln -s /dev/zero zero',
        'ln -s /proc proc; ln /etc/hostname hard 2>/dev/null || cp /etc/hostname hard; mkdir shut; echo no > shut/x; chmod 0 shut',
        'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'sock\')"',
      ].join('\n'),
    );
    const ofSandbox = (await warden.run(sandbox, 'cat /etc/passwd')).stdout;
    assert.equal(await read('/home/user/h/passwd'), ofSandbox);
    assert.equal(await read('/home/user/h/hard'), 'sandbox\n');
    const table: [path: string, code: string][] = [
      ['/home/user/h/up', 'forbidden'],
      ['/home/user/h/root', 'not_found'],
      ['/home/user/h/root1', 'forbidden'],
      ['/home/user/h/fd', 'not_found'],
      ['/home/user/h/loop', 'invalid_path'],
      ['/home/user/h/pipe', 'invalid_path'],
      ['/home/user/h/sock', 'invalid_path'],
      ['/home/user/h/zero', 'invalid_path'],
      ['/home/user/h/proc/self/environ', 'not_found'],
      ['/home/user/h/shut/x', 'forbidden'],
      ['/home/user/h', 'invalid_path'],
      ['/home/user/h/passwd/x', 'invalid_path'],
      ['/home/user/h/none', 'not_found'],
      ['/proc/self/environ', 'not_found'],
      ['/proc/1/status', 'invalid_path'],
      ['/proc/version', 'invalid_path'],
      ['/proc/self/fd/0', 'not_found'],
      ['/proc/self/root/etc/hostname', 'not_found'],
      ['/dev/null', 'invalid_path'],
      ['/dev/pts/ptmx', 'invalid_path'],
      ['/etc/shadow', 'forbidden'],
      ['/root/.bashrc', 'forbidden'],
      ['/home/user/../../etc/passwd', 'invalid_path'],
      ['relative', 'invalid_path'],
      ['/home/user/\0x', 'invalid_path'],
      [`/home/user/${'x'.repeat(256)}`, 'invalid_path'],
      [`/${'x/'.repeat(2050)}`, 'invalid_path'],
    ];
    for (const [path, code] of table) await assert.rejects(read(path), { code }, path.slice(0, 40));
    await assert.rejects(read('!!', 'base64'), { code: 'invalid_path' });
  });

  it('H6 are written to no place but the own disk, and replace nothing but files', async () => {
    const table: [path: string, code: string][] = [
      ['/etc/x', 'forbidden'],
      ['/proc/sys/kernel/hostname', 'invalid_path'],
      ['/proc/self/fd/1', 'not_found'],
      ['/dev/null', 'invalid_path'],
      ['/dev/pts/0', 'invalid_path'],
      ['/run/casemate-init', 'forbidden'],
      ['/home/user/h/pipe', 'invalid_path'],
      ['/home/user/workspace', 'invalid_path'],
      ['/', 'invalid_path'],
    ];
    for (const [path, code] of table) await assert.rejects(write(path, 'x'), { code }, path);
    for (const path of ['/', '/proc', '/home/user']) {
      await assert.rejects(warden.channel.call('file.remove', { ...sandbox, at: { path } }), path);
    }
  });

  it('a name that is not UTF-8 travels as base64 both ways', async () => {
    await warden.run(sandbox, ['/usr/bin/python3', '-c', 'open(b"/home/user/\\xff\\xfe.txt","w").write("odd")']);
    const { reply } = await warden.channel.call('file.list', { ...sandbox, at: { path: '/home/user' }, limit: 100 });
    const odd = reply.entries.find(({ encoding }) => encoding === 'base64');
    assert.equal(odd?.name, Buffer.from([0xff, 0xfe, ...Buffer.from('.txt')]).toString('base64'));
    const path = Buffer.concat([Buffer.from('/home/user/'), Buffer.from(odd.name, 'base64')]).toString('base64');
    assert.equal(await read(path, 'base64'), 'odd');
  });

  it('H6 a guest that swaps directories for links to /etc never gets a look at the host', async () => {
    await warden.run(
      sandbox,
      'cd ~; mkdir -p race/a; echo inside > race/a/hostname; setsid sh -c "while :; do mv race/a race/b; ln -s /etc race/a; rm race/a; mv race/b race/a; done" > /dev/null 2>&1 &',
    );
    const seen = new Set<string>();
    for (let attempt = 0; attempt < 300; attempt += 1) {
      await read('/home/user/race/a/hostname').then(
        (text) => seen.add(text),
        (error: { code: string }) => seen.add(error.code),
      );
    }
    for (const what of seen) assert.ok(['inside\n', 'sandbox\n', 'not_found', 'conflict'].includes(what), what);
    assert.ok(seen.has('inside\n'));
  });

  it('a listing stops at its limit', async () => {
    const { reply } = await warden.channel.call('file.list', { ...sandbox, at: { path: '/usr/bin' }, limit: 7 });
    assert.equal(reply.entries.length, 7);
    assert.equal(reply.truncated, true);
  });

  it('a full disk keeps the file as it was', async () => {
    await write('/home/user/workspace/kept', 'old');
    await warden.run(
      sandbox,
      'dd if=/dev/zero of=$HOME/fill bs=64k 2>/dev/null; cat /dev/zero > $HOME/fill2 2>/dev/null; true',
    );
    await assert.rejects(write('/home/user/workspace/kept', Buffer.alloc(60_000)), { code: 'no_space' });
    await warden.run(sandbox, 'rm ~/fill ~/fill2');
    assert.equal(await read('/home/user/workspace/kept'), 'old');
  });
});
