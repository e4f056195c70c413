import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { startWarden, type TestWarden, whySandboxesCannotRun } from '../support/start-warden.ts';

const reason = whySandboxesCannotRun();

describe('the network of a sandbox', { skip: reason ?? false, timeout: 120_000 }, () => {
  let warden: TestWarden;
  let sandbox: Awaited<ReturnType<TestWarden['create']>>;
  before(async () => {
    warden = await startWarden();
    sandbox = await warden.create();
  });
  after(async () => {
    await warden?.[Symbol.asyncDispose]();
  });

  it('has a loopback, no other interface and no route', async () => {
    const run = await warden.run(
      sandbox,
      'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "; tail -n +2 /proc/net/route; grep -v " lo$" /proc/net/ipv6_route; true',
    );
    assert.equal(run.stdout.trim(), 'lo');
  });

  it('reaches no address but its own loopback', async () => {
    await using host = await new Promise<ReturnType<typeof createServer>>((resolve) => {
      const server = createServer((_, response) => response.end('host')).listen(0, '0.0.0.0', () => resolve(server));
    });
    const address = host.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const targets = [...own.map((entry) => entry.address), '192.0.2.1', '169.254.169.254'].map((name) =>
      name.includes(':') ? `[${name.split('%')[0]}]` : name,
    );
    assert.ok(targets.length > 2);
    for (const target of targets) {
      const run = await warden.run(sandbox, `curl --noproxy '*' -s -m 2 http://${target}:${port}/; echo $?`);
      assert.match(run.stdout, /^(7|28|45)\n$/, `${target}: ${run.stdout}`);
    }
    assert.notEqual((await warden.run(sandbox, 'getent hosts example.org; echo $?')).stdout, '0\n');
  });

  it('has the broker at its door, which runs as its own user', async () => {
    const run = await warden.run(sandbox, 'curl -s -i --noproxy "*" http://127.0.0.1:3128/');
    assert.match(run.stdout, /^HTTP\/1.1 204/);
    assert.match(run.stdout, /x-broker-uid: 65534/);
  });

  it('keeps its door when the broker is killed', async () => {
    const ask = async (): Promise<string | undefined> =>
      /x-broker-pid: (\d+)/.exec(
        (await warden.run(sandbox, 'curl -s -i -m 5 --noproxy "*" http://127.0.0.1:3128/')).stdout,
      )?.[1];
    const first = Number(await ask());
    assert.ok(first > 1);
    process.kill(first, 'SIGKILL');
    // The listening socket stays open in the warden: the connection waits, it is not refused.
    const second = Number(await ask());
    assert.ok(second > 1 && second !== first);
  });

  it('port.dial reaches a server on its loopback, over IPv4 and IPv6, and says when there is none', async () => {
    const server = (host: string, port: number): string =>
      `setsid node -e "require('http').createServer((q,r)=>r.end('inside')).listen(${port},'${host}',()=>console.log('up'))" > /tmp/${port}.log 2>&1 & for i in $(seq 100); do grep -q up /tmp/${port}.log && break; sleep 0.05; done`;
    for (const [host, port] of [
      ['127.0.0.1', 8081],
      ['::1', 8082],
    ] as const) {
      await warden.run(sandbox, server(host, port));
      const call = warden.channel.open('port.dial', { ...sandbox, port });
      await call.send({}, Buffer.from('GET / HTTP/1.0\r\n\r\n'));
      let text = '';
      for await (const { payload } of call.items) text += payload.toString();
      await call.done;
      assert.match(text, /inside$/);
    }
    const call = warden.channel.open('port.dial', { ...sandbox, port: 8083 });
    await assert.rejects(call.done, { code: 'unavailable' });
  });
});

describe('H2 the thread that changes namespaces', { skip: reason ?? false, timeout: 60_000 }, () => {
  it('H2 is back in the host namespace, alone ever leaves it, and no thread of the warden is elsewhere', async () => {
    await using warden = await startWarden();
    const sandbox = await warden.create();
    const { readdirSync, readlinkSync } = await import('node:fs');
    const host = readlinkSync('/proc/self/ns/net');
    const dialling = Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const call = warden.channel.open('port.dial', { ...sandbox, port: 9000 + index });
        return call.done.catch(() => undefined);
      }),
    );
    let looks = 0;
    const away = new Set<string>();
    const look = (): void => {
      for (const thread of readdirSync(`/proc/${warden.pid}/task`)) {
        if (readlinkSync(`/proc/${warden.pid}/task/${thread}/ns/net`) !== host) away.add(thread);
        looks += 1;
      }
    };
    const timer = setInterval(look, 1);
    await dialling;
    clearInterval(timer);
    assert.ok(away.size <= 1, 'more than one thread left the namespace');
    away.clear();
    look();
    assert.ok(looks > 0);
    assert.equal(away.size, 0);
  });
});
