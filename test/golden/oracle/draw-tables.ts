// Tables: where they come from, what is made of one alone, and how they end as streams again.

import { mapper, predicate } from '../functions.ts';
import type { FunctionRef } from '../golden-case.ts';
import { union, type Draft, type FalseOldValue, type StreamHandle, type TableHandle, type TableRoot } from './draft.ts';
import { drawKeyMapper, drawMapper, drawPredicate } from './draw-functions.ts';
import { newInput, serdesOf, timestampFrom, type Operator } from './draw-streams.ts';
import type { Shape } from './shapes.ts';

const HISTORIES_MS = [20, 50, 100] as const;

export interface DrawnStore {
  readonly members: Readonly<Record<string, unknown>>;
  readonly isNamed: boolean;
  readonly historyMs: number | undefined;
}

/** A store for rows of text keys, or none; what names one is read at the end. */
export function drawStore(draft: Draft, value: Shape, probability = 0.35, versioned = 0.15, isGlobal = false): DrawnStore {
  if (!draft.random.chance(probability)) return { members: {}, isNamed: false, historyMs: undefined };
  const name = draft.fresh('store');
  const historyMs = draft.random.chance(versioned) ? draft.random.pick(HISTORIES_MS) : undefined;
  draft.stores.push({ name, kind: historyMs === undefined ? 'keyValue' : 'versioned', value, canBeLookedUp: true, isGlobal });
  return { members: { store: { name, ...(historyMs === undefined ? {} : { historyMs }) } }, isNamed: true, historyMs };
}

export function drawTableSource(draft: Draft): true {
  const isVersioned = draft.random.chance(0.25);
  const { topic, value } = newInput(draft, isVersioned);
  const store = drawStore(draft, value, isVersioned ? 1 : 0.4, isVersioned ? 1 : 0);
  const id = draft.add('table', { topic, ...serdesOf(value), ...timestampFrom(draft, value), ...store.members });
  return draft.table({ ...rowsOf(value, store), id, fan: 1, topics: new Set([topic]) });
}

/** What is known of a table that keeps rows of its own: an aggregate does, whether its store has a name or not. */
export function rowsOf(value: Shape, store: DrawnStore, isStored = store.isNamed): Omit<TableHandle, 'id' | 'fan' | 'topics'> {
  return { key: 'string', value, hasSerdes: true, historyMs: store.historyMs, roots: [{ isStored, isAsked: false }], falseOldValue: undefined, mayBeginWithNull: true, isDiamond: false, isReadable: true, windows: undefined, held: new Set() };
}

/** Somebody reads the rows, or wants to know what was replaced. */
export function ask({ roots }: TableHandle): void {
  for (const root of roots) root.isAsked = true;
}

/** What a filter below may know hangs on when which operator was added (12.9). */
const isUnsure = ({ isStored, isAsked }: TableRoot): boolean => !isStored && isAsked;

const STORED: TableRoot = { isStored: true, isAsked: false };

const toTable: Operator = (draft) => {
  const from = draft.choose(draft.streams, ({ key }) => key === 'string');
  if (from === undefined) return false;
  const store = drawStore(draft, from.value);
  const id = draft.add('toTable', { from: from.id, ...serdesOf(from.value), ...store.members });
  return draft.table({ ...rowsOf(from.value, store), id, fan: from.fan, topics: from.topics });
};

const toStream: Operator = (draft) => {
  const from = draft.choose(draft.tables);
  if (from === undefined) return false;
  const isRekeyed = draft.random.chance(from.key === 'windowed' ? 0.6 : 0.2);
  const key = isRekeyed ? drawKeyMapper(draft.random, from.key, from.value) : undefined;
  return draft.stream(streamOf(from, draft.add('toStream', { from: from.id, ...(key === undefined ? {} : { key }) }), isRekeyed));
};

export function streamOf(table: TableHandle, id: string, isRekeyed = false): StreamHandle {
  const { key, value, fan, topics, held } = table;
  return { id, key: isRekeyed ? 'string' : key, value, mayHaveNullKeys: isRekeyed, mayHaveNullValues: true, fan, topics, held, isAsRead: false };
}

/** A derived table's own store makes it one that knows its rows. */
function derived(from: TableHandle, id: string, store: DrawnStore, falseOldValue: FalseOldValue): TableHandle {
  if (!store.isNamed) return { ...from, id, falseOldValue };
  return { ...from, id, hasSerdes: true, historyMs: store.historyMs, roots: [STORED], falseOldValue: undefined, isReadable: true };
}

const isAboutKeys = ({ fn }: FunctionRef): boolean => ['keyIs', 'keyStartsWith', 'key', 'textOfKey', 'keyPrefix', 'keyAndValue', 'innerKey'].includes(fn);

const filterTable: Operator = (draft) => {
  const from = draft.choose(draft.tables, ({ roots, falseOldValue }) => !roots.some(isUnsure) && falseOldValue !== 'unknown');
  if (from === undefined) return false;
  const op = draft.random.pick(['filter', 'filter', 'filterNot']);
  const ref = drawPredicate(draft.random, from.key, from.value);
  // An initial value that passes would be taken back before it was there (12.18).
  if (from.falseOldValue !== undefined && (isAboutKeys(ref) || predicate(ref)(null, (from.falseOldValue as { value: unknown }).value) === (op === 'filter'))) return false;
  const store = from.key === 'string' ? drawStore(draft, from.value, 0.25) : drawStore(draft, from.value, 0);
  const id = draft.add(op, { from: from.id, predicate: ref, ...(store.isNamed ? { ...serdesOf(from.value), ...store.members } : {}) });
  return draft.table({ ...derived(from, id, store, undefined), mayBeginWithNull: true });
};

const mapTable: Operator = (draft) => {
  const from = draft.choose(draft.tables);
  if (from === undefined) return false;
  const { ref, result, mayGiveNull } = drawMapper(draft.random, from.key, from.value);
  const store = from.key === 'string' ? drawStore(draft, result, 0.3) : drawStore(draft, result, 0);
  const id = draft.add('mapValues', { from: from.id, value: ref, ...(store.isNamed ? { ...serdesOf(result), ...store.members } : {}) });
  return draft.table({ ...derived({ ...from, hasSerdes: false }, id, store, mappedOldValue(from.falseOldValue, ref)), value: result, mayBeginWithNull: from.mayBeginWithNull || mayGiveNull });
};

function mappedOldValue(old: FalseOldValue, ref: FunctionRef): FalseOldValue {
  if (old === undefined || old === 'unknown') return old;
  if (isAboutKeys(ref)) return 'unknown';
  const value = old.value === null ? null : mapper(ref)(null, old.value);
  return value === null ? undefined : { value };
}

const groupTable: Operator = (draft) => {
  const from = draft.choose(draft.tables, ({ falseOldValue }) => falseOldValue === undefined);
  if (from === undefined) return false;
  ask(from);
  const { ref, result } = drawMapper(draft.random, from.key, from.value);
  const id = draft.add('groupBy', { from: from.id, key: drawKeyMapper(draft.random, from.key, from.value), value: ref, ...serdesOf(result) });
  draft.groups.push({ id, of: 'table', value: result, mayHaveNullValues: false, fan: from.fan * 2, topics: from.topics });
  draft.loose.delete(from.id);
  return true;
};

const suppressForTime: Operator = (draft) => {
  const from = draft.choose(draft.tables, ({ hasSerdes, historyMs }) => hasSerdes && historyMs === undefined);
  if (from === undefined) return false;
  const bound = draft.random.chance(0.4) ? { maxRecords: 1 + draft.random.upTo(2), whenFull: draft.random.chance(0.9) ? 'emitEarly' : 'fail' } : {};
  const id = draft.add('suppress', { from: from.id, until: 'timeLimit', limitMs: draft.random.pick([0, 5, 10, 25]), ...bound });
  return draft.table({ ...suppressed(from, id), fan: from.fan * 2 });
};

/** Of a row that has waited through several updates, Kafka Streams tells as the old value one that nobody was told of. */
export function suppressed(from: TableHandle, id: string): TableHandle {
  ask(from);
  return { ...from, id, falseOldValue: 'unknown', isReadable: from.isReadable && from.falseOldValue === undefined, mayBeginWithNull: true, held: union(from.held, new Set([id])) };
}

export const tableOperators: Readonly<Record<string, Operator>> = { toTable, toStream, filterTable, mapTable, groupTable, suppressForTime };
