import { arch } from 'node:process';

const headerBytes = 64;
const segmentBytes = 56;
const address = 0x40_0000n;
const machines: Readonly<Record<string, { readonly number: number; readonly code: readonly number[] }>> = {
  x64: {
    number: 62,
    code: [
      // prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
      [0xbf, 0x61, 0x6d, 0x61, 0x59], // mov edi, 0x59616d61
      [0x48, 0xc7, 0xc6, 0xff, 0xff, 0xff, 0xff], // mov rsi, -1
      [0x31, 0xd2], // xor edx, edx
      [0x4d, 0x31, 0xd2], // xor r10, r10
      [0x4d, 0x31, 0xc0], // xor r8, r8
      [0xb8, 0x9d, 0x00, 0x00, 0x00], // mov eax, 157
      [0x0f, 0x05], // syscall
      // pause(), for ever
      [0xb8, 0x22, 0x00, 0x00, 0x00], // mov eax, 34
      [0x0f, 0x05], // syscall
      [0xeb, 0xf7], // jmp to the mov before
    ].flat(),
  },
  arm64: {
    number: 183,
    code: [
      // prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
      0xd28dac20, // mov x0, #0x6d61
      0xf2ab2c20, // movk x0, #0x5961, lsl #16
      0x92800001, // mov x1, #-1
      0xd2800002, // mov x2, #0
      0xd2800003, // mov x3, #0
      0xd2800004, // mov x4, #0
      0xd28014e8, // mov x8, #167
      0xd4000001, // svc #0
      // ppoll(NULL, 0, NULL, NULL), for ever
      0xd2800000, // mov x0, #0
      0xd2800001, // mov x1, #0
      0xd2800002, // mov x2, #0
      0xd2800003, // mov x3, #0
      0xd2800928, // mov x8, #73
      0xd4000001, // svc #0
      0x17fffffa, // b to the first mov of these
    ].flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]),
  },
};

/**
 * The program of a holder: an ELF file of one page (elf(5)) that lets its own user's processes copy its descriptors
 * where Yama would not (prctl(2), PR_SET_PTRACER) and then sleeps until it is killed. It uses no library, reads
 * nothing and takes no argument, so that a keeper needs no other program, and whoever takes a keeper over has none.
 */
export function holderProgram(): Buffer {
  const machine = machines[arch];
  if (!machine) throw new Error(`no holder is known for ${arch}`);
  const start = headerBytes + 2 * segmentBytes;
  const code = Buffer.from(machine.code);
  const file = Buffer.alloc(start + code.length);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine.number, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(address + BigInt(start), 24); // entry
  file.writeBigUInt64LE(BigInt(headerBytes), 32); // program headers
  file.writeUInt16LE(headerBytes, 52);
  file.writeUInt16LE(segmentBytes, 54);
  file.writeUInt16LE(2, 56);
  // PT_LOAD, readable and executable; PT_GNU_STACK, so that the stack is not executable.
  writeSegment(file, headerBytes, { type: 1, flags: 5, address, bytes: BigInt(file.length) });
  writeSegment(file, headerBytes + segmentBytes, { type: 0x6474e551, flags: 6, address: 0n, bytes: 0n });
  code.copy(file, start);
  return file;
}

function writeSegment(
  file: Buffer,
  at: number,
  segment: { readonly type: number; readonly flags: number; readonly address: bigint; readonly bytes: bigint },
): void {
  file.writeUInt32LE(segment.type, at);
  file.writeUInt32LE(segment.flags, at + 4);
  file.writeBigUInt64LE(segment.address, at + 16);
  file.writeBigUInt64LE(segment.address, at + 24);
  file.writeBigUInt64LE(segment.bytes, at + 32);
  file.writeBigUInt64LE(segment.bytes, at + 40);
  file.writeBigUInt64LE(0x1000n, at + 48);
}
