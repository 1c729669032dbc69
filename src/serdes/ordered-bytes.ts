// Bytes that sort as what they stand for: times as numbers, and keys with something behind them as the keys alone would.

const TWO_32 = 0x1_0000_0000;

/** A non-negative safe integer as 8 bytes, big-endian: byte order is number order. */
export function writeUint64(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / TWO_32), at);
  target.writeUInt32BE(value % TWO_32, at + 4);
}

export function readUint64(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);
}

/**
 * The bytes with an end mark (0 0) that sorts below anything that could follow them, so that a shorter key comes before a longer one that begins with it, whatever
 * stands behind the mark. A 0 inside becomes 0 255. `room`: so many bytes behind the mark are left for the caller to set.
 */
export function terminated(bytes: Buffer, room = 0): Buffer {
  let zeros = 0;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) zeros++;
  const out = Buffer.allocUnsafe(bytes.length + zeros + 2 + room);
  let to = 0;
  if (zeros === 0) to = bytes.copy(out);
  else {
    for (const byte of bytes) {
      out[to++] = byte;
      if (byte === 0) out[to++] = 255;
    }
  }
  out[to] = 0;
  out[to + 1] = 0;
  return out;
}

/** Reverses `terminated`: the bytes, and where what follows them begins. Undefined when there is no end mark. */
export function readTerminated(source: Buffer): { bytes: Buffer; end: number } | undefined {
  let zeros = 0;
  for (let at = source.indexOf(0); at >= 0; at = source.indexOf(0, at + 2)) {
    if (source[at + 1] === 0) return { bytes: zeros === 0 ? source.subarray(0, at) : unescaped(source, at, zeros), end: at + 2 };
    zeros++;
  }
  return undefined;
}

function unescaped(source: Buffer, length: number, zeros: number): Buffer {
  const out = Buffer.allocUnsafe(length - zeros);
  let to = 0;
  for (let at = 0; at < length; at++) {
    out[to++] = source[at]!;
    if (source[at] === 0) at++;
  }
  return out;
}
