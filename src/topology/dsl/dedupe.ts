// Dedupe: the first record of an id passes, later ones within the retention are dropped and counted.

import type { Serde } from '../../record/serde.ts';
import type { KStream } from './stream.ts';
import { Stores, type WindowStore } from '../store-spec.ts';
import type { Processor } from '../processor.ts';
import { InvalidWindowError } from '../errors.ts';

/** What makes a repetition, and how long it is known. */
export interface DedupeOptions<K, V> {
  /** Names the store and so its changelog. */
  readonly name: string;
  /** What makes two records of one key the same. */
  readonly id: (value: V, key: K) => string;
  /** How long an id is remembered: ms of event time, at least 1. A repeat whose timestamp is further away than this passes again. */
  readonly retentionMs: number;
  /** Of the ids. */
  readonly serde: Serde<string>;
}

export function dedupe<K, V>(stream: KStream<K, V>, options: DedupeOptions<K, V>): KStream<K, V> {
  const { name, id, retentionMs } = options;
  if (!Number.isSafeInteger(retentionMs) || retentionMs < 1) {
    throw new InvalidWindowError(`dedupe "${name}" has retentionMs ${retentionMs}: give milliseconds of event time, an integer of at least 1.`);
  }
  const spec = Stores.window<string, string>({ name, key: options.serde, value: options.serde, retentionMs: 2 * retentionMs });
  const supplier = (): Processor<K, V, K, V> => {
    let seen: WindowStore<string, string>;
    let forward: (record: Parameters<Processor<K, V, K, V>['process']>[0]) => void;
    let countDuplicate: () => void;
    return {
      init(context) {
        seen = context.store(spec);
        forward = (record) => context.forward(record);
        countDuplicate = () => context.count('duplicates');
      },
      process(record) {
        // The id counts within its key: ids of different keys live in different partitions, where nobody could compare them.
        const identity = `${keyText(record.key)}${id(record.value, record.key)}`;
        const { timestamp } = record;
        if (seen.fetch(identity, timestamp - retentionMs, timestamp + retentionMs).length > 0) {
          countDuplicate();
          return;
        }
        seen.put(identity, '', timestamp);
        forward(record);
      },
    };
  };
  const { graph, parents } = stream.inPlace(`dedupe "${name}"`).parts;
  return stream.derived(graph.processor(name, parents, supplier, [spec]));
}

/** Its length tells where the id begins, whatever characters are in either. What is no text and no number has a mark before it that no length has. */
function keyText(key: unknown): string {
  if (key === null || key === undefined) return '-:';
  const isObject = typeof key === 'object';
  const text = isObject ? JSON.stringify(key, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) : String(key);
  return `${isObject ? 'o' : ''}${text.length}:${text}`;
}
