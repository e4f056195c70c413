import assert from 'node:assert/strict';
import test from 'node:test';
import { seccompFilter } from '#warden/seccomp/filter.ts';
import { allowedCalls, inspectedCalls, refusedCalls } from '#warden/seccomp/system-calls.ts';

/** Runs the classic BPF as the kernel would (seccomp(2)). */
function answer(program: Buffer, data: { number: number; architecture: number; arguments?: bigint[] }): number {
  const input = Buffer.alloc(64);
  input.writeInt32LE(data.number, 0);
  input.writeUInt32LE(data.architecture, 4);
  data.arguments?.forEach((value, index) => input.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let row = 0; ; row += 1) {
    const [code, yes, no, value] = [
      program.readUInt16LE(row * 8),
      program.readUInt8(row * 8 + 2),
      program.readUInt8(row * 8 + 3),
      program.readUInt32LE(row * 8 + 4),
    ];
    if (code === 0x20) accumulator = input.readUInt32LE(value);
    else if (code === 0x15) row += accumulator === value ? yes : no;
    else if (code === 0x35) row += accumulator >= value ? yes : no;
    else if (code === 0x45) row += (accumulator & value) !== 0 ? yes : no;
    else if (code === 0x06) return value;
    else throw new Error(`unknown operation ${code}`);
  }
}

const architectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const allow = 0x7fff0000;

for (const [machine, architecture] of Object.entries(architectures) as ['x64' | 'arm64', number][]) {
  test(`H14 the filter answers each listed call of ${machine} as listed, and ENOSYS to all others`, () => {
    const program = seccompFilter(machine);
    assert.ok(program.length / 8 <= 4096, 'longer than the kernel takes (BPF_MAXINSNS)');
    const column = machine === 'x64' ? 0 : 1;
    const listed = new Set<number>();
    const check = (calls: typeof allowedCalls | typeof refusedCalls, expected: number): void => {
      let looked = 0;
      for (const [name, numbers] of Object.entries(calls)) {
        const number = numbers[column];
        if (number === null) continue;
        assert.ok(!listed.has(number), `${name} is listed twice`);
        listed.add(number);
        assert.equal(answer(program, { number, architecture }), expected, name);
        looked += 1;
      }
      assert.ok(looked > 30);
    };
    check(allowedCalls, allow);
    check(refusedCalls, 0x00050001);
    for (const numbers of Object.values(inspectedCalls)) if (numbers[column] !== null) listed.add(numbers[column]);
    for (let number = 0; number < 1000; number += 1) {
      if (!listed.has(number)) assert.equal(answer(program, { number, architecture }), 0x00050026, String(number));
    }
    for (const other of [0x40000003, 0, 0xc00000b6]) {
      assert.equal(answer(program, { number: 0, architecture: other }), 0x80000000);
    }
  });
}

test('H14 calls are decided by their arguments', () => {
  const program = seccompFilter('x64');
  const call = (name: keyof typeof inspectedCalls, ...parameters: bigint[]): number =>
    answer(program, { number: inspectedCalls[name][0], architecture: architectures.x64, arguments: parameters });
  assert.equal(call('clone', 0x01200011n), allow);
  for (const flag of [0x20000n, 0x02000000n, 0x04000000n, 0x08000000n, 0x10000000n, 0x20000000n, 0x40000000n]) {
    assert.equal(call('clone', 0x11n | flag), 0x00050001);
  }
  assert.equal(call('ioctl', 0n, 0x5401n), allow);
  assert.equal(call('ioctl', 0n, 0x5412n), 0x00050001);
  assert.equal(call('ioctl', 0n, 0x1_0000_5412n), 0x00050001);
  assert.equal(call('ioctl', 0n, 0x541cn), 0x00050001);
  for (const [family, protocol] of [
    [1n, 0n],
    [2n, 6n],
    [10n, 17n],
    [2n, 0n],
    [16n, 0n],
  ] as const) {
    assert.equal(call('socket', family, 1n, protocol), allow);
  }
  for (const family of [3n, 17n, 38n, 40n, 44n]) assert.equal(call('socket', family, 1n, 0n), 0x00050061);
  for (const [family, protocol] of [
    [2n, 132n],
    [10n, 262n],
    [16n, 12n],
  ] as const) {
    assert.equal(call('socket', family, 1n, protocol), 0x0005005d);
  }
  assert.equal(call('socketpair', 1n), allow);
  assert.equal(call('socketpair', 2n), 0x00050061);
  assert.equal(call('personality', 0n), allow);
  assert.equal(call('personality', 0x0400000n), 0x00050001);
});
