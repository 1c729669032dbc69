// Bytes ↔ values. Processing is synchronous, so whatever needs the network happens in `open` and `prepare`, before a record reaches its task.

/** Which part of a record a serde is for: with a registry it decides on the subject, `<topic>-key` or `<topic>-value`. */
export type SerdeSide = 'key' | 'value';

/** How values become bytes and come back. `name`, `serialize` and `deserialize` are enough for one's own; see docs/serdes.md. */
export interface Serde<T> {
  /** Shown in descriptions and errors: `string`, `avro(OrderPlaced)`. */
  readonly name: string;
  /**
   * How many bytes of what `serialize` gives stand before the value proper, such as a timestamp of its own. Changelogs of windows and sessions carry them in a header,
   * so that other tools read the value alone. Absent: none.
   */
  readonly asideBytes?: number;
  /** Of a key: the bytes that say in which partition it belongs, where that is not all of them. Windowed keys belong where the key in them does, as in Kafka Streams. */
  partitionBytes?(key: Buffer): Buffer;
  /** Called once per topic before the first `serialize` for it; may do I/O (register or look up a schema). Retries outages itself. */
  open?(topic: string, side: SerdeSide): Promise<void>;
  /** Never called with null or undefined: those are a null on the wire. @throws when the value does not fit. */
  serialize(topic: string, data: T): Buffer;
  /**
   * What must be fetched before `deserialize(topic, data)` can run: undefined when nothing is missing (the usual case, so it costs no promise).
   * The promise settles when the attempt is over; bytes that can never be decoded make `deserialize` throw, not this.
   */
  prepare?(topic: string, data: Buffer): Promise<void> | undefined;
  /** @throws any error when the bytes are not valid: the record then goes the way of the error policy. */
  deserialize(topic: string, data: Buffer): T;
}

/** A serde for what is written here and, if at all, read back here: one of a wider type will do. (`Serdes.string()` for keys that are 'a' or 'b'.) */
export interface SerdeFor<T> extends Omit<Serde<any>, 'serialize'> {
  readonly serialize: (topic: string, data: T) => Buffer;
}
