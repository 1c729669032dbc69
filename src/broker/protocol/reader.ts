// Kafka's primitive types, inwards. Byte fields are slices of the response, never copies. `flexible` as in writer.ts.

export class Reader {
  readonly buffer: Buffer;
  position: number;
  /** What the broker asked us to wait (KIP-219); set by `throttle`. */
  throttleMs = 0;
  readonly #flexible: boolean;

  constructor(buffer: Buffer, flexible: boolean, position = 0) {
    this.buffer = buffer;
    this.#flexible = flexible;
    this.position = position;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return this.buffer.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4));
  }

  int64(): number {
    return readInt64(this.buffer, this.#advance(8));
  }

  throttle(): void {
    this.throttleMs = this.int32();
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#advance(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`An unsigned varint at byte ${this.position} is longer than five bytes`);
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  nullableString(): string | null {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length < 0) return null;
    const start = this.#advance(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  nullableBytes(): Buffer | null {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < 0) return null;
    const start = this.#advance(length);
    return this.buffer.subarray(start, start + length);
  }

  /** A null array reads as an empty one: no answer we read gives null another meaning. */
  array<T>(readItem: () => T): T[] {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int32();
    const items: T[] = [];
    for (let i = 0; i < length; i += 1) items.push(readItem());
    return items;
  }

  endStruct(): void {
    if (this.#flexible) this.taggedFields(() => {});
  }

  /** `readField` gets a reader bounded to the field; unknown tags are skipped by ignoring it. */
  taggedFields(readField: (tag: number, field: Reader) => void): void {
    const count = this.unsignedVarint();
    for (let i = 0; i < count; i += 1) {
      const tag = this.unsignedVarint();
      const size = this.unsignedVarint();
      const start = this.#advance(size);
      readField(tag, new Reader(this.buffer.subarray(start, start + size), this.#flexible));
    }
  }

  #advance(bytes: number): number {
    const start = this.position;
    if (start + bytes > this.buffer.length) {
      throw new RangeError(`The answer ends at byte ${this.buffer.length}, but ${bytes} more were expected at byte ${start}`);
    }
    this.position = start + bytes;
    return start;
  }
}

/** A 64-bit integer as a number: exact for every offset, producer id and timestamp that can occur (below 2^53). */
export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);
}
