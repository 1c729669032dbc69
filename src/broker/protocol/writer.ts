// Kafka's primitive types, outwards. One growing buffer per request; `flexible` chooses between the classic and the compact (KIP-482) forms, so that a
// request is described once for both.

const INITIAL_BYTES = 256;

export class Writer {
  readonly #flexible: boolean;
  #buffer: Buffer;
  #length = 0;

  constructor(flexible: boolean, sizeHint = INITIAL_BYTES) {
    this.#flexible = flexible;
    this.#buffer = Buffer.allocUnsafe(Math.max(sizeHint, INITIAL_BYTES));
  }

  /** The bytes so far; valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int8(value: number): this {
    this.#reserve(1);
    this.#length = this.#buffer.writeInt8(value, this.#length);
    return this;
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#length = this.#buffer.writeInt16BE(value, this.#length);
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
    return this;
  }

  /** A safe integer as a 64-bit one. */
  int64(value: number): this {
    this.#reserve(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#buffer.writeInt32BE(high, this.#length);
    this.#length = this.#buffer.writeUInt32BE(value - high * 0x1_0000_0000, this.#length + 4);
    return this;
  }

  unsignedVarint(value: number): this {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  string(value: string): this {
    const bytes = Buffer.byteLength(value);
    if (this.#flexible) this.unsignedVarint(bytes + 1);
    else this.int16(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length);
    return this;
  }

  nullableString(value: string | null): this {
    if (value !== null) return this.string(value);
    return this.#flexible ? this.unsignedVarint(0) : this.int16(-1);
  }

  nullableBytes(value: Buffer | null): this {
    if (value === null) return this.#flexible ? this.unsignedVarint(0) : this.int32(-1);
    if (this.#flexible) this.unsignedVarint(value.length + 1);
    else this.int32(value.length);
    this.#reserve(value.length);
    value.copy(this.#buffer, this.#length);
    this.#length += value.length;
    return this;
  }

  array<T>(items: readonly T[] | null, writeItem: (item: T) => void): this {
    if (items === null) return this.#flexible ? this.unsignedVarint(0) : this.int32(-1);
    if (this.#flexible) this.unsignedVarint(items.length + 1);
    else this.int32(items.length);
    for (const item of items) writeItem(item);
    return this;
  }

  /** The (empty) tagged section that ends every structure of a flexible version. */
  endStruct(): this {
    return this.#flexible ? this.unsignedVarint(0) : this;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
