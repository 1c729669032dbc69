// The processors that cases name. Missing values are null.

import type { KeyValueStoreSpec, OrderedKeyValueStore, OrderedKeyValueStoreSpec, Processor, ProcessorContext, ProcessorSupplier, ReadableTable, StreamRecord, VersionedStoreSpec, WindowStoreSpec } from 'millrace';
import type { Building } from './building.ts';
import { text } from './canonical.ts';
import { mapper } from './functions.ts';

type Key = any;
type Value = any;
type Context = ProcessorContext<Key, Value>;
type Step = (record: StreamRecord<Key, Value>) => void;

/** What a case says of a processor: its name and its arguments. */
interface ProcessorRef {
  readonly name: string;
  readonly [argument: string]: any;
}

/** Given its context once, a processor answers what it does with each record. */
type Kind = (ref: ProcessorRef, building: Building) => (context: Context) => Step;

const spec = <S>(building: Building, { store }: ProcessorRef): S => building.stores.get(store) as S;
const isNull = (value: unknown): boolean => value === null || value === undefined;
const putOrDelete = (store: OrderedKeyValueStore<Key, Value>, key: Key, value: Value): void => {
  if (isNull(key)) return;
  if (isNull(value)) store.delete(key);
  else store.put(key, value);
};

const KINDS: Readonly<Record<string, Kind>> = {
  dedupe: (ref, building) => {
    const id = mapper(ref['id']);
    return (context) => {
      const seen = context.store(spec<WindowStoreSpec<Key, number>>(building, ref));
      return (record) => {
        const own = id(record.key, record.value);
        const { timestamp } = record;
        if (isNull(own)) return context.forward(record);
        if (seen.fetch(own, Math.max(0, timestamp - ref['windowMs']), timestamp + ref['windowMs']).length > 0) return;
        seen.put(own, timestamp, timestamp);
        context.forward(record);
      };
    };
  },
  previous: (ref, building) => (context) => {
    const store = context.store(spec<OrderedKeyValueStoreSpec<Key, Value>>(building, ref));
    return (record) => {
      if (isNull(record.key)) return;
      const old = store.get(record.key);
      putOrDelete(store, record.key, record.value);
      context.forward({ ...record, value: `${text(old)}>${text(record.value)}` });
    };
  },
  lookup: (ref, building) => (context) => {
    const plain = spec<KeyValueStoreSpec<Key, Value> | undefined>(building, ref);
    const rows = plain === undefined ? undefined : context.store(plain);
    const table: ReadableTable<Key, Value> | undefined = plain === undefined ? building.owners.get(ref['store']) : undefined;
    const isVersioned = (plain?.kind as string | undefined) === 'versioned';
    const get = (key: Key): Value => (rows === undefined ? context.table(table!).get(key)?.value : isVersioned ? rows.get(key)?.value : rows.get(key));
    return (record) => context.forward({ ...record, value: `${text(record.value)}|${text(isNull(record.key) ? null : get(record.key))}` });
  },
  asOf: (ref, building) => (context) => {
    const store = context.store(spec<VersionedStoreSpec<Key, Value>>(building, ref));
    const show = (found: { value: Value; timestamp: number } | undefined): string => (found === undefined ? 'null' : `${text(found.value)}@${found.timestamp}`);
    return (record) => {
      const { key, value, timestamp } = record;
      if (isNull(key)) return;
      store.put(key, value, timestamp);
      const before = show(store.get(key, timestamp - ref['agoMs']));
      context.forward({ ...record, value: `${before} latest ${show(store.get(key))}` });
    };
  },
  twice: () => (context) => (record) => {
    for (const end of ['#1', '#2']) context.forward({ ...record, value: text(record.value) + end });
  },
  headerAsValue: ({ header }) => (context) => (record) => {
    const found = record.headers.findLast(([name]) => name === header)?.[1];
    context.forward({ ...record, value: isNull(found) ? null : found!.toString() });
  },
  times: () => (context) => (record) => context.forward({ ...record, value: `stream=${context.streamTime()} wall=${context.wallClockTime()}` }),
  place: () => (context) => (record) => {
    // Kafka Streams shows these where a punctuator forwards.
    const { topic, partition, offset } = context.source() ?? { topic: 'null', partition: -1, offset: -1 };
    context.forward({ ...record, value: `${topic}-${partition}@${offset}` });
  },
  addHeader: ({ header, text: content }) => (context) => (record) => context.forward({ ...record, headers: [...record.headers, [header, Buffer.from(content)]] }),
  removeHeader: ({ header }) => (context) => (record) => context.forward({ ...record, headers: record.headers.filter(([name]) => name !== header) }),
  shiftTime: ({ ms }) => (context) => (record) => context.forward({ ...record, timestamp: Math.max(0, record.timestamp + ms) }),
  put: (ref, building) => (context) => {
    const store = context.store(spec<OrderedKeyValueStoreSpec<Key, Value>>(building, ref));
    return ({ key, value }) => putOrDelete(store, key, value);
  },
  listing: (ref, building) => (context) => {
    const store = context.store(spec<OrderedKeyValueStoreSpec<Key, Value>>(building, ref));
    return (record) => {
      putOrDelete(store, record.key, record.value);
      const entries = [...store.range({ from: ref['from'], to: ref['to'], reverse: ref['reverse'] })];
      context.forward({ ...record, value: entries.map(({ key, value }) => `${text(key)}=${text(value)}`).join(',') });
    };
  },
  recent: (ref, building) => (context) => {
    const store = context.store(spec<WindowStoreSpec<Key, Value>>(building, ref));
    return (record) => {
      const { key, value, timestamp } = record;
      if (isNull(key) || isNull(value)) return;
      store.put(key, value, timestamp);
      const found = store.fetch(key, Math.max(0, timestamp - ref['backMs']), timestamp);
      context.forward({ ...record, value: found.map((entry) => `${text(entry.value)}@${entry.timestamp}`).join(',') });
    };
  },
  tick: (ref) => (context) => {
    let calls = 0;
    const schedule = every(context, ref, (now) => {
      calls++;
      context.forward({ key: ref['key'], value: `${calls}@${now}`, timestamp: now, headers: [] });
      if (calls === ref['stopAfter']) schedule.cancel();
    });
    return (record) => context.forward(record);
  },
  countThenPunctuate: (ref, building) => (context) => {
    const store = context.store(spec<OrderedKeyValueStoreSpec<Key, number>>(building, ref));
    every(context, ref, (now) => {
      const entries = [...store.all()];
      for (const { key, value } of entries) context.forward({ key, value, timestamp: now, headers: [] });
      if (ref['clear'] === true) for (const { key } of entries) store.delete(key);
    });
    return ({ key }) => {
      if (!isNull(key)) store.put(key, (store.get(key) ?? 0) + 1);
    };
  },
  expire: (ref, building) => (context) => {
    const store = context.store(spec<OrderedKeyValueStoreSpec<Key, number>>(building, ref));
    every(context, ref, (now) => {
      for (const { key, value } of store.all()) {
        if (value >= now - ref['ttlMs']) continue;
        store.delete(key);
        context.forward({ key, value: 'expired', timestamp: now, headers: [] });
      }
    });
    return (record) => {
      const { key, timestamp } = record;
      if (!isNull(key)) store.put(key, Math.max(store.get(key) ?? timestamp, timestamp));
      context.forward(record);
    };
  },
};

function every(context: Context, ref: ProcessorRef, punctuator: (now: number) => void): { cancel(): void } {
  const startAtMs = ref['startAtMs'] as number | undefined;
  const type = ref['time'] === 'stream' ? 'stream-time' : 'wall-clock';
  return context.schedule({ intervalMs: ref['everyMs'], type, ...(startAtMs === undefined ? {} : { startAtMs }) }, punctuator);
}

export function processorOf(ref: ProcessorRef, building: Building): ProcessorSupplier<Key, Value, Key, Value> {
  const kind = KINDS[ref.name];
  if (kind === undefined) throw new Error(`No processor is called "${ref.name}".`);
  const begin = kind(ref, building);
  return (): Processor<Key, Value, Key, Value> => {
    let step: Step;
    return {
      init(context) {
        step = begin(context);
      },
      process: (record) => step(record),
    };
  };
}
