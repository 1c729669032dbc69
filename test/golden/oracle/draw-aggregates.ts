// Groups, with windows or without, and what is aggregated of them.

import type { CogroupHandle, CutHandle, Draft, FalseOldValue, GroupHandle, TableHandle, Windows } from './draft.ts';
import { drawAggregate, drawAggregators, drawKeyMapper, drawReducer, type AggregateKind } from './draw-functions.ts';
import { serdesOf, withValues, type Operator } from './draw-streams.ts';
import { drawStore, rowsOf, suppressed } from './draw-tables.ts';
import { areAlike, lessSure, LONG, STRING, type Shape } from './shapes.ts';

const KEPT_MS = 1_000_000;
/** For every window that is drawn, with its grace. */
const LONG_ENOUGH_MS = 75;

const groupByKey: Operator = (draft) => {
  const from = draft.choose(draft.streams, ({ key }) => key === 'string');
  if (from === undefined) return false;
  const id = draft.add('groupByKey', { from: from.id, ...serdesOf(from.value) });
  draft.groups.push({ ...from, id, of: 'stream' });
  return true;
};

const groupBy: Operator = (draft) => {
  const from = draft.choose(draft.streams);
  if (from === undefined) return false;
  const id = draft.add('groupBy', { from: from.id, key: drawKeyMapper(draft.random, from.key, from.value), ...serdesOf(from.value) });
  draft.groups.push({ ...from, id, of: 'stream' });
  return true;
};

const ofStreams = ({ of }: GroupHandle): boolean => of === 'stream';

const cogroup: Operator = (draft) => {
  const count = 1 + draft.random.upTo(2);
  const groups: GroupHandle[] = [];
  for (let at = 0; at < count; at++) {
    const group = draft.choose(draft.groups, (each) => ofStreams(each) && !groups.includes(each) && !draft.used.has(each.id));
    if (group !== undefined) groups.push(group);
  }
  if (groups.length === 0) return false;
  const kind: AggregateKind = draft.random.weighted({ number: 3, text: 4, object: 1 });
  const parts = groups.map(({ value }) => drawAggregators(draft.random, kind, value));
  const [first, ...rest] = parts;
  if (rest.some(({ result }) => !areAlike(result, first!.result))) return false;
  const id = draft.add('cogroup', { inputs: groups.map((group, at) => ({ from: group.id, aggregator: parts[at]!.aggregator })) });
  for (const group of groups) draft.used.add(group.id);
  draft.cogroups.push({
    id,
    value: first!.result,
    initial: { number: 0, text: '', object: {} }[kind],
    mayGiveNull: parts.some(({ mayGiveNull }) => mayGiveNull),
    mayHaveNullValues: groups.some(({ mayHaveNullValues }) => mayHaveNullValues),
    fan: Math.max(...groups.map(({ fan }) => fan)),
    topics: new Set(groups.flatMap(({ topics }) => [...topics])),
  });
  return true;
};

function drawWindows(draft: Draft): { readonly type: Windows['kind']; readonly graceMs: number; readonly [length: string]: unknown } {
  const { random } = draft;
  const graceMs = random.pick([0, 0, 3, 5, 10, 30]);
  const sizeMs = random.pick([5, 10, 10, 20]);
  switch (random.pick(['tumbling', 'hopping', 'sliding', 'session'] as const)) {
    case 'tumbling':
      return { type: 'tumbling', sizeMs, graceMs };
    case 'hopping':
      return { type: 'hopping', sizeMs, advanceMs: random.pick([2, 3, 5, sizeMs].filter((advanceMs) => advanceMs <= sizeMs)), graceMs };
    case 'sliding':
      return { type: 'sliding', differenceMs: random.pick([3, 5, 10, 20]), graceMs };
    case 'session':
      return { type: 'session', gapMs: random.pick([0, 3, 5, 10, 20]), graceMs };
  }
}

const windowedBy: Operator = (draft) => {
  const from = draft.choose<GroupHandle | CogroupHandle>([...draft.groups.filter(ofStreams), ...draft.cogroups.filter(({ id }) => !draft.used.has(id))]);
  if (from === undefined) return false;
  if (!('of' in from)) draft.used.add(from.id);
  const windows = drawWindows(draft);
  const emitsOnClose = 'of' in from && draft.random.chance(0.4);
  const id = draft.add('windowedBy', { from: from.id, windows, ...(emitsOnClose ? { emit: 'onWindowClose' } : draft.random.chance(0.3) ? { emit: 'onWindowUpdate' } : {}) });
  if (emitsOnClose && draft.random.chance(0.2)) draft.throttles = true;
  draft.cuts.push({ id, group: from, windows: { kind: windows.type, description: JSON.stringify(windows) }, emitsOnClose });
  return true;
};

interface Result {
  readonly value: Shape;
  readonly falseOldValue: FalseOldValue;
  readonly mayGiveNull: boolean;
  readonly members: Readonly<Record<string, unknown>>;
}

type AggregateOp = 'count' | 'reduce' | 'aggregate';

function drawOf(draft: Draft, op: AggregateOp, from: GroupHandle | CutHandle): Result {
  const { value, of } = ('group' in from ? from.group : from) as GroupHandle;
  const isTable = of === 'table';
  switch (op) {
    case 'count':
      return { value: LONG, falseOldValue: { value: 0 }, mayGiveNull: false, members: {} };
    case 'reduce': {
      const { ref, mayGiveNull } = drawReducer(draft.random, value);
      const result = value.kind === 'string' ? STRING : lessSure(value);
      return { value: result, falseOldValue: undefined, mayGiveNull, members: { reducer: ref, ...(isTable ? { subtractor: drawReducer(draft.random, value).ref } : {}) } };
    }
    case 'aggregate': {
      const { initial, aggregator, subtractor, merger, result, mayGiveNull } = drawAggregate(draft.random, value);
      const more = { ...(isTable ? { subtractor } : {}), ...('windows' in from && from.windows.kind === 'session' ? { merger } : {}) };
      return { value: result, falseOldValue: initial === null ? undefined : { value: initial }, mayGiveNull, members: { initial, aggregator, ...more, ...serdesOf(result) } };
    }
  }
}

const drawOp = (draft: Draft): AggregateOp => draft.random.weighted({ count: 3, reduce: 3, aggregate: 5 });

const aggregate: Operator = (draft) => {
  const from = draft.choose(draft.groups);
  if (from === undefined) return false;
  const op = drawOp(draft);
  const { value, falseOldValue, members } = drawOf(draft, op, from);
  const store = drawStore(draft, value, 0.5, 0.1);
  const id = draft.add(op, { from: from.id, ...members, ...store.members });
  return draft.table({ ...rowsOf(value, store, true), id, falseOldValue: ofStreams(from) ? falseOldValue : undefined, fan: from.fan, topics: from.topics });
};

const aggregateCogroup: Operator = (draft) => {
  const from = draft.choose(draft.cogroups, ({ id }) => !draft.used.has(id));
  if (from === undefined) return false;
  draft.used.add(from.id);
  const { value, initial } = from;
  const store = drawStore(draft, value, 0.5, 0.1);
  const id = draft.add('aggregate', { from: from.id, initial, ...serdesOf(value), ...store.members });
  return draft.table({ ...rowsOf(value, store, true), id, falseOldValue: { value: initial }, fan: from.fan, topics: from.topics });
};

/** What emits on close must keep its windows, or Kafka Streams loses results (12.1). */
function windowedStore(draft: Draft, { windows, emitsOnClose }: CutHandle, value: Shape): Readonly<Record<string, unknown>> {
  const mustKeep = emitsOnClose && windows.kind !== 'session';
  if (!mustKeep && !draft.random.chance(0.4)) return {};
  const name = draft.fresh('store');
  draft.stores.push({ name, kind: windows.kind === 'session' ? 'session' : 'window', value, canBeLookedUp: false, isGlobal: false });
  return { store: { name, ...(mustKeep || draft.random.chance(0.2) ? { retentionMs: KEPT_MS } : draft.random.chance(0.2) ? { retentionMs: LONG_ENOUGH_MS } : {}) } };
}

function windowedTable({ windows, emitsOnClose, group }: CutHandle, id: string, { value, falseOldValue, mayGiveNull }: Omit<Result, 'members'>): TableHandle {
  const { fan, topics } = group;
  const isFalse = windows.kind !== 'session' && !emitsOnClose;
  // A sliding window that begins from another's aggregate says that it replaced that.
  const oldValue = windows.kind === 'sliding' ? 'unknown' : falseOldValue;
  const manyFor = windows.kind === 'hopping' || windows.kind === 'sliding' ? 3 : 1;
  return { id, key: 'windowed', value, hasSerdes: true, historyMs: undefined, roots: [{ isStored: true, isAsked: false }], falseOldValue: isFalse ? oldValue : undefined, mayBeginWithNull: mayGiveNull, isDiamond: false, isReadable: 'of' in group, windows, held: new Set(), fan: fan * manyFor, topics };
}

const aggregateWindows: Operator = (draft) => {
  const from = draft.choose(draft.cuts, ({ group }) => 'of' in group);
  if (from === undefined) return false;
  const drawnOp = drawOp(draft);
  // Reducing null values in windows is left out (10).
  const op = drawnOp === 'reduce' && from.group.mayHaveNullValues ? 'aggregate' : drawnOp;
  const result = drawOf(draft, op, from);
  return draft.table(windowedTable(from, draft.add(op, { from: from.id, ...result.members, ...windowedStore(draft, from, result.value) }), result));
};

const aggregateWindowedCogroup: Operator = (draft) => {
  const from = draft.choose(draft.cuts, ({ id, group }) => !('of' in group) && !draft.used.has(id));
  if (from === undefined) return false;
  draft.used.add(from.id);
  const { value, initial, mayGiveNull } = from.group as CogroupHandle;
  const merger = { long: { fn: 'sum' }, string: { fn: 'mergeText', separator: '/' }, json: { fn: 'mergeFields' } }[value.kind];
  const members = { initial, ...(from.windows.kind === 'session' ? { merger } : {}), ...serdesOf(value) };
  return draft.table(windowedTable(from, draft.add('aggregate', { from: from.id, ...members, ...windowedStore(draft, from, value) }), { value, falseOldValue: { value: initial }, mayGiveNull }));
};

/** A group of which no value is null, cut into windows, and reduced. */
const reduceWindows: Operator = (draft) => {
  const from = draft.choose(draft.streams, ({ key }) => key === 'string');
  if (from === undefined) return false;
  const whole = withValues(draft, from);
  draft.groups.push({ ...whole, id: draft.add('groupByKey', { from: whole.id, ...serdesOf(whole.value) }), of: 'stream' });
  return windowedBy(draft) && aggregateWindows(draft);
};

const suppressUntilClosed: Operator = (draft) => {
  const from = draft.choose(draft.tables, ({ windows, hasSerdes }) => windows !== undefined && hasSerdes);
  if (from === undefined) return false;
  const bound = draft.random.chance(0.1) ? { maxRecords: 4 + draft.random.upTo(4), whenFull: 'fail' } : {};
  const id = draft.add('suppress', { from: from.id, until: 'windowCloses', ...bound });
  return draft.table(suppressed(from, id));
};

export const aggregateOperators: Readonly<Record<string, Operator>> = { groupByKey, groupBy, cogroup, windowedBy, aggregate, aggregateCogroup, aggregateWindows, aggregateWindowedCogroup, reduceWindows, suppressUntilClosed };
