import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionFor } from '../../src/topology/partitioner.ts';

describe('partitioner', () => {
  // The vectors of Kafka's own UtilsTest.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %j as Kafka does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('puts a key into a partition by the hash without its sign', () => {
    expect(partitionFor(Buffer.from('21'), 10)).toBe((-973932308 & 0x7fffffff) % 10);
  });

  it('agrees with a slow reference in exact arithmetic', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => murmur2(Buffer.from(bytes)) === reference(bytes)));
  });

  it('stays within the partitions', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1_000 }), (bytes, partitions) => {
        const partition = partitionFor(Buffer.from(bytes), partitions);
        return partition >= 0 && partition < partitions;
      }),
    );
  });
});

function reference(bytes: Uint8Array): number {
  const u32 = (value: bigint) => BigInt.asUintN(32, value);
  const m = 0x5bd1e995n;
  let hash = u32(0x9747b28cn ^ BigInt(bytes.length));
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    let k = BigInt(bytes[at]!) | (BigInt(bytes[at + 1]!) << 8n) | (BigInt(bytes[at + 2]!) << 16n) | (BigInt(bytes[at + 3]!) << 24n);
    k = u32(k * m);
    k = u32((k ^ (k >> 24n)) * m);
    hash = u32(hash * m) ^ k;
  }
  const rest = bytes.slice(at);
  if (rest.length > 0) {
    hash ^= rest.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    hash = u32(hash * m);
  }
  hash = u32((hash ^ (hash >> 13n)) * m);
  return Number(BigInt.asIntN(32, hash ^ (hash >> 15n)));
}
