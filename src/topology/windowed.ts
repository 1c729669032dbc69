// The key of a windowed result: the record's key and the window it fell into; and how such keys are written.

import type { Serde } from '../record/serde.ts';
import { readUint64, writeUint64 } from '../serdes/ordered-bytes.ts';
import { undecodable } from '../serdes/misfit.ts';
import { closesAfterMs, type AnyWindows } from './windows.ts';

/** A piece of event time. */
export interface Window {
  /** epoch ms, inclusive */
  readonly startMs: number;
  /** epoch ms; exclusive for tumbling and hopping windows, inclusive for sliding windows and sessions */
  readonly endMs: number;
}

/** The key of a windowed result: the record's key, and the window it fell into. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

/** What a table of windowed results tells operators below. */
export interface TableWindows {
  readonly windows: AnyWindows;
  /** Of the key inside the windowed key. */
  readonly key: Serde<any>;
}

/** Keys of windowed results, as Kafka's own windowed serdes write them. They go to the partition of the key inside. */
export const WindowedSerdes = {
  /**
   * Key · start (8 bytes): as Kafka's `TimeWindowedSerializer`. The end is not written; `sizeMs` gives it back: the size of tumbling and hopping windows, the
   * difference of sliding ones.
   */
  time<K>(key: Serde<K>, { sizeMs }: { readonly sizeMs: number }): Serde<Windowed<K>> {
    return windowedSerde(`windowed(${key.name})`, key, 8, {
      write(bytes, { startMs }, at) {
        writeUint64(bytes, startMs, at);
      },
      read(bytes, at) {
        const startMs = readUint64(bytes, at);
        return { startMs, endMs: startMs + sizeMs };
      },
    });
  },
  /** Key · end (8 bytes) · start (8 bytes): as Kafka's `SessionWindowedSerializer`. */
  session<K>(key: Serde<K>): Serde<Windowed<K>> {
    return windowedSerde(`session(${key.name})`, key, 16, {
      write(bytes, { startMs, endMs }, at) {
        writeUint64(bytes, endMs, at);
        writeUint64(bytes, startMs, at + 8);
      },
      read: (bytes, at) => ({ startMs: readUint64(bytes, at + 8), endMs: readUint64(bytes, at) }),
    });
  },
} as const;

/** How the keys of a table of windowed results are written. */
export function windowedKeySerde({ windows, key }: TableWindows): Serde<Windowed<any>> {
  switch (windows.kind) {
    case 'time':
      return WindowedSerdes.time(key, windows);
    case 'sliding':
      return WindowedSerdes.time(key, { sizeMs: windows.differenceMs });
    case 'session':
      return WindowedSerdes.session(key);
  }
}

/** Of two tables that are joined: a result may change as long as either side's may. */
export function windowsOfBoth(one: TableWindows | undefined, other: TableWindows | undefined): TableWindows | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return closesAfterMs(other.windows) > closesAfterMs(one.windows) ? other : one;
}

interface WindowLayout {
  write(bytes: Buffer, window: Window, at: number): void;
  read(bytes: Buffer, at: number): Window;
}

function windowedSerde<K>(name: string, key: Serde<K>, windowBytes: number, layout: WindowLayout): Serde<Windowed<K>> {
  return {
    name,
    open: async (topic, side) => key.open?.(topic, side),
    partitionBytes: (bytes) => bytes.subarray(0, -windowBytes),
    serialize(topic, data) {
      const inner = key.serialize(topic, data.key);
      const bytes = Buffer.allocUnsafe(inner.length + windowBytes);
      inner.copy(bytes);
      layout.write(bytes, data.window, inner.length);
      return bytes;
    },
    prepare: (topic, data) => key.prepare?.(topic, data.subarray(0, -windowBytes)),
    deserialize(topic, data) {
      const end = data.length - windowBytes;
      if (end < 0) throw undecodable(topic, name, `a window has ${windowBytes} bytes, these are ${data.length}`);
      return { key: key.deserialize(topic, data.subarray(0, end)), window: layout.read(data, end) };
    },
  };
}
