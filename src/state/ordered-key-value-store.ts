// Ordered key-value store: LevelDB has no synchronous iterator, so the keys are also held in memory, in order, uncommitted ones included. Values are looked up.

import type { KeyValueEntry, KeyValueStoreSpec, OrderedKeyValueStore, RangeOptions } from '../topology/store-spec.ts';
import { OverlaidKeyValueStore } from './key-value-store.ts';
import type { Overlay } from './overlay.ts';
import { SortedMap } from './sorted-map.ts';
import type { StoreClock } from './task-store.ts';
import type { UndoLog } from './undo-log.ts';

export class OverlaidOrderedKeyValueStore<K, V> extends OverlaidKeyValueStore<K, V> implements OrderedKeyValueStore<K, V> {
  readonly #undo: UndoLog;
  /** As Latin-1 text, whose order of characters is the order of bytes. May hold keys that have expired. */
  readonly #keys = new SortedMap<string, true>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0));

  constructor(spec: KeyValueStoreSpec<K, V>, topic: string, overlay: Overlay, clock: StoreClock, undo: UndoLog) {
    super(spec, topic, overlay, clock);
    this.#undo = undo;
  }

  *range({ from, to, reverse = false, limit = Number.POSITIVE_INFINITY }: RangeOptions<K> = {}): Generator<KeyValueEntry<K, V>> {
    const low = from === undefined ? '' : textOf(this.keyBytes(from));
    const high = to === undefined ? undefined : textOf(this.keyBytes(to));
    if (reverse) yield* this.#walk(this.#lastAtOrBefore(high), (key) => this.#keys.nextLowerKey(key), (key) => key >= low, limit);
    else yield* this.#walk(this.#firstAtOrAfter(low), (key) => this.#keys.nextHigherKey(key), (key) => high === undefined || key <= high, limit);
  }

  all(): Generator<KeyValueEntry<K, V>> {
    return this.range();
  }

  *prefix(bytes: Buffer): Generator<KeyValueEntry<K, V>> {
    const begin = textOf(bytes);
    yield* this.#walk(this.#firstAtOrAfter(begin), (key) => this.#keys.nextHigherKey(key), (key) => key.startsWith(begin), Number.POSITIVE_INFINITY);
  }

  first(): KeyValueEntry<K, V> | undefined {
    for (const entry of this.range({ limit: 1 })) return entry;
    return undefined;
  }

  swept(keyBytes: Buffer): void {
    this.#keys.delete(textOf(keyBytes));
  }

  async load(): Promise<void> {
    this.#keys.clear();
    for await (const [key] of this.overlay.scanCommitted()) this.#keys.set(textOf(key), true);
  }

  protected override write(keyBytes: Buffer, value: Buffer | null, timestamp: number): void {
    super.write(keyBytes, value, timestamp);
    const text = textOf(keyBytes);
    if (value !== null) {
      if (this.#keys.setIfNotPresent(text, true)) this.#undo.push(() => void this.#keys.delete(text));
    } else if (this.#keys.delete(text)) {
      this.#undo.push(() => void this.#keys.set(text, true));
    }
  }

  /** Goes from key to key instead of holding an iterator of the tree, which would go astray when the loop's body puts or deletes. */
  *#walk(start: string | undefined, next: (key: string) => string | undefined, isWithin: (key: string) => boolean, limit: number): Generator<KeyValueEntry<K, V>> {
    let found = 0;
    for (let text = start; text !== undefined && isWithin(text) && found < limit; text = next(text)) {
      const keyBytes = Buffer.from(text, 'latin1');
      const entry = this.read(keyBytes);
      if (entry === undefined) continue;
      found++;
      yield { key: this.keyOf(keyBytes), value: entry.value, timestamp: entry.timestamp };
    }
  }

  #firstAtOrAfter(text: string): string | undefined {
    return this.#keys.has(text) ? text : text === '' ? this.#keys.minKey() : this.#keys.nextHigherKey(text);
  }

  #lastAtOrBefore(text: string | undefined): string | undefined {
    if (text === undefined) return this.#keys.maxKey();
    return this.#keys.has(text) ? text : this.#keys.nextLowerKey(text);
  }
}

function textOf(keyBytes: Buffer): string {
  return keyBytes.toString('latin1');
}
