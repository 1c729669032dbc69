// Which partition a key belongs to: bit for bit what Java's default partitioner does, so that records of any client meet in one task.

const SEED = 0x9747b28c | 0;
const M = 0x5bd1e995;

/** The partition (0-based) that Kafka's default partitioner gives a key. `partitions` is at least 1. */
export function partitionFor(keyBytes: Buffer, partitions: number): number {
  return partitions === 1 ? 0 : (murmur2(keyBytes) & 0x7fffffff) % partitions;
}

/** A signed 32-bit integer, as Java's `Utils.murmur2`. */
export function murmur2(bytes: Buffer): number {
  const length = bytes.length;
  const tail = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < tail; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const rest = length - tail;
  if (rest === 3) hash ^= bytes[tail + 2]! << 16;
  if (rest >= 2) hash ^= bytes[tail + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[tail]!, M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}
