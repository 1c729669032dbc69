// Processors of section 6 of the cases' format, with the stores that they want.

import type { Draft, KnownStore, StreamHandle } from './draft.ts';
import { drawKeyMapper } from './draw-functions.ts';
import { serdesOf, type Operator } from './draw-streams.ts';
import { areAlike, KEYS, LONG, STRING, type Shape } from './shapes.ts';

const byText = ({ key }: StreamHandle): boolean => key === 'string';

function addStore(draft: Draft, kind: 'keyValue' | 'window' | 'versioned', value: Shape, more: Readonly<Record<string, unknown>> = {}): KnownStore {
  const name = draft.fresh('store');
  draft.addSilent('stateStore', { kind, name, ...serdesOf(value), ...more });
  const store: KnownStore = { name, kind, value, canBeLookedUp: kind !== 'window', isGlobal: false };
  draft.stores.push(store);
  return store;
}

/** One that is there already, or a new one. */
function storeFor(draft: Draft, value: Shape): KnownStore {
  const known = draft.choose(draft.stores, (store) => store.kind === 'keyValue' && areAlike(store.value, value) && draft.nodes.some(({ op, name }) => op === 'stateStore' && name === store.name));
  return known !== undefined && draft.random.chance(0.3) ? known : addStore(draft, 'keyValue', value);
}

const keepsKeys = (draft: Draft, from: StreamHandle, processor: object, value: Shape, stores?: readonly string[]): true =>
  draft.stream({ ...from, id: draft.add('processValues', { from: from.id, processor, ...(stores === undefined ? {} : { stores }) }), value });
const changesKeys = (draft: Draft, from: StreamHandle, processor: object, stores?: readonly string[]): string => draft.add('process', { from: from.id, processor, ...(stores === undefined ? {} : { stores }) });

const dedupe: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const windowMs = draft.random.pick([0, 5, 10, 20]);
  const { name } = addStore(draft, 'window', LONG, { retentionMs: 2 * windowMs + draft.random.pick([10, 20, 60]), sizeMs: 10 });
  return keepsKeys(draft, from, { name: 'dedupe', store: name, id: drawKeyMapper(draft.random, from.key, from.value), windowMs }, from.value, [name]);
};

const previous: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const { name } = storeFor(draft, from.value);
  return keepsKeys(draft, { ...from, mayHaveNullKeys: false, mayHaveNullValues: false }, { name: 'previous', store: name }, STRING, [name]);
};

const lookup: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  const store = draft.choose(draft.stores, ({ canBeLookedUp }) => canBeLookedUp);
  if (from === undefined || store === undefined) return false;
  return keepsKeys(draft, { ...from, mayHaveNullValues: false }, { name: 'lookup', store: store.name }, STRING, store.isGlobal ? undefined : [store.name]);
};

const asOf: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const { name } = addStore(draft, 'versioned', from.value, { historyMs: draft.random.pick([20, 50, 100]) });
  return keepsKeys(draft, { ...from, mayHaveNullKeys: false, mayHaveNullValues: false }, { name: 'asOf', store: name, agoMs: draft.random.pick([0, 5, 10, 30]) }, STRING, [name]);
};

const readsContext: Operator = (draft) => {
  const processor = draft.random.pick([{ name: 'twice' }, { name: 'headerAsValue', header: 'trace' }, { name: 'times' }, { name: 'place' }]);
  const from = draft.choose(draft.streams, ({ isAsRead, fan }) => (processor.name !== 'place' || isAsRead) && (processor.name !== 'twice' || fan <= 3));
  if (from === undefined) return false;
  const fan = processor.name === 'twice' ? from.fan * 2 : from.fan;
  return keepsKeys(draft, { ...from, fan, mayHaveNullValues: processor.name === 'headerAsValue' }, processor, STRING);
};

const changesRecords: Operator = (draft) => {
  const from = draft.choose(draft.streams);
  if (from === undefined) return false;
  const processor = draft.random.pick([
    { name: 'addHeader', header: draft.random.pick(['trace', 'more']), text: draft.random.pick(['t', '']) },
    { name: 'removeHeader', header: 'trace' },
    { name: 'shiftTime', ms: draft.random.pick([-20, -5, 3, 10, 30]) },
  ]);
  return draft.stream({ ...from, id: changesKeys(draft, from, processor) });
};

const put: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const { name } = storeFor(draft, from.value);
  changesKeys(draft, from, { name: 'put', store: name }, [name]);
  return true;
};

const listing: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const { name } = storeFor(draft, from.value);
  const ends = { ...(draft.random.chance(0.4) ? { from: draft.random.pick([...KEYS, 'ab']) } : {}), ...(draft.random.chance(0.4) ? { to: draft.random.pick([...KEYS, 'bb']) } : {}) };
  const processor = { name: 'listing', store: name, ...ends, reverse: draft.random.chance(0.4) };
  return draft.stream({ ...from, id: changesKeys(draft, from, processor, [name]), value: STRING, mayHaveNullValues: false });
};

const recent: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const backMs = draft.random.pick([5, 10, 20]);
  const { name } = addStore(draft, 'window', from.value, { retentionMs: draft.random.pick([10, 30, 100]), sizeMs: 10, ...(draft.random.chance(0.4) ? { retainDuplicates: true } : {}) });
  return draft.stream({ ...from, id: changesKeys(draft, from, { name: 'recent', store: name, backMs }, [name]), value: STRING, mayHaveNullKeys: false, mayHaveNullValues: false });
};

function drawSchedule(draft: Draft): { readonly everyMs: number; readonly time: string } {
  const time = draft.random.pick(['stream', 'wallClock']);
  if (time === 'wallClock') draft.usesWallClock = true;
  return { everyMs: draft.random.pick([5, 10, 20, 50]), time };
}

const tick: Operator = (draft) => {
  const from = draft.choose(draft.streams, (stream) => byText(stream) && stream.value.kind === 'string' && stream.value.areDigits !== true);
  if (from === undefined) return false;
  const processor = {
    name: 'tick',
    key: draft.random.pick([...KEYS, null]),
    ...drawSchedule(draft),
    ...(draft.random.chance(0.3) ? { startAtMs: draft.random.upTo(30) } : {}),
    ...(draft.random.chance(0.3) ? { stopAfter: 1 + draft.random.upTo(2) } : {}),
  };
  return draft.stream({ ...from, id: changesKeys(draft, from, processor), mayHaveNullKeys: true, isAsRead: false });
};

const countThenPunctuate: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const { name } = addStore(draft, 'keyValue', LONG);
  const processor = { name: 'countThenPunctuate', store: name, ...drawSchedule(draft), clear: draft.random.chance(0.5) };
  return draft.stream({ ...from, id: changesKeys(draft, from, processor, [name]), value: LONG, mayHaveNullKeys: false, mayHaveNullValues: false, isAsRead: false });
};

const expire: Operator = (draft) => {
  const from = draft.choose(draft.streams, (stream) => byText(stream) && stream.value.kind === 'string' && stream.value.areDigits !== true);
  if (from === undefined) return false;
  const { name } = addStore(draft, 'keyValue', LONG);
  const processor = { name: 'expire', store: name, ttlMs: draft.random.pick([5, 20, 40]), ...drawSchedule(draft) };
  return draft.stream({ ...from, id: changesKeys(draft, from, processor, [name]), isAsRead: false });
};

export const processorOperators: Readonly<Record<string, Operator>> = { dedupe, previous, lookup, asOf, readsContext, changesRecords, put, listing, recent, tick, countThenPunctuate, expire };
