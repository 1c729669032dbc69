// 128 bits that tell one row's value from another: MurmurHash3 (x86, 128 bit, seed 0), public domain, by Austin Appleby.

const BLOCK_BYTES = 16;
const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

export const HASH_BYTES = 16;

export function hash128(data: Buffer, seed = 0): Buffer {
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  const end = data.length - (data.length % BLOCK_BYTES);
  for (let at = 0; at < end; at += BLOCK_BYTES) {
    h1 ^= scrambled(data.readInt32LE(at), C1, 15, C2);
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= scrambled(data.readInt32LE(at + 4), C2, 16, C3);
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= scrambled(data.readInt32LE(at + 8), C3, 17, C4);
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= scrambled(data.readInt32LE(at + 12), C4, 18, C1);
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  // What is left over counts as a block filled up with zeros, which leave the state as it is.
  h1 ^= scrambled(wordAt(data, end), C1, 15, C2);
  h2 ^= scrambled(wordAt(data, end + 4), C2, 16, C3);
  h3 ^= scrambled(wordAt(data, end + 8), C3, 17, C4);
  h4 ^= scrambled(wordAt(data, end + 12), C4, 18, C1);
  return finished(h1 ^ data.length, h2 ^ data.length, h3 ^ data.length, h4 ^ data.length);
}

function finished(h1: number, h2: number, h3: number, h4: number): Buffer {
  h1 = (h1 + h2 + h3 + h4) | 0;
  const [a, b, c, d] = [mixed(h1), mixed(h2 + h1), mixed(h3 + h1), mixed(h4 + h1)];
  const sum = (a + b + c + d) | 0;
  const out = Buffer.allocUnsafe(HASH_BYTES);
  out.writeInt32LE(sum, 0);
  out.writeInt32LE((b + sum) | 0, 4);
  out.writeInt32LE((c + sum) | 0, 8);
  out.writeInt32LE((d + sum) | 0, 12);
  return out;
}

function scrambled(word: number, before: number, by: number, after: number): number {
  return Math.imul(rotated(Math.imul(word, before), by), after);
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function mixed(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** Little-endian; bytes past the end are zero. */
function wordAt(data: Buffer, at: number): number {
  return (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24);
}
