// The hash that tells an answer of yesterday from one of today, against what its author's own test suite expects of it.

import { expect, test } from 'vitest';
import { hash128 } from '../../src/topology/operators/foreign-key-hash.ts';

test("agrees with SMHasher's verification value, which covers all lengths from 0 to 255", () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const hashes = Array.from({ length: 256 }, (_, length) => hash128(bytes.subarray(0, length), 256 - length));
  expect(hash128(Buffer.concat(hashes)).readUInt32LE(0)).toBe(0xb3ece62a);
});

test('is 16 bytes, the same for the same bytes and others for others', () => {
  const one = hash128(Buffer.from('I will not buy this record, it is scratched.'));
  expect(one).toHaveLength(16);
  expect(one).toEqual(hash128(Buffer.from('I will not buy this record, it is scratched.')));
  expect(one).not.toEqual(hash128(Buffer.from('I will not buy this record, it is scratched!')));
  expect(hash128(Buffer.alloc(1))).not.toEqual(hash128(Buffer.alloc(2)));
});
