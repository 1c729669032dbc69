// Joins of every two kinds of things.

import { shareHeld, union, type Draft, type StreamHandle, type TableHandle } from './draft.ts';
import { drawJoiner, drawKeyMapper } from './draw-functions.ts';
import { newInput, serdesOf, withKeys, type Operator } from './draw-streams.ts';
import { ask, drawStore, rowsOf } from './draw-tables.ts';

const FAN_MAX = 12;
const byText = ({ key }: StreamHandle | TableHandle): boolean => key === 'string';

/** Before and after 0 are an edge where Kafka Streams misses partners (12.3). */
function drawJoinWindows(draft: Draft): { readonly beforeMs: number; readonly afterMs: number; readonly graceMs: number } {
  const { random } = draft;
  const graceMs = random.pick([0, 0, 3, 10, 20]);
  if (random.chance(0.5)) {
    const differenceMs = random.pick([3, 5, 10]);
    return { beforeMs: differenceMs, afterMs: differenceMs, graceMs };
  }
  const beforeMs = random.pick([1, 5, 10, -2]);
  return { beforeMs, afterMs: random.pick([3, 5, 15, ...(beforeMs > 2 ? [-1] : [])]), graceMs };
}

const streamStream: Operator = (draft) => {
  const left = draft.choose(draft.streams, (stream) => byText(stream) && stream.fan <= 4);
  const right = draft.choose(draft.streams, (stream) => byText(stream) && stream.fan <= 4);
  if (left === undefined || right === undefined) return false;
  const kind = draft.random.pick(['inner', 'left', 'outer']);
  const { ref, result } = drawJoiner(draft.random, left.value, right.value, true);
  if (kind !== 'inner' && draft.random.chance(0.1)) draft.throttles = true;
  const id = draft.add('streamStreamJoin', { kind, from: left.id, with: right.id, joiner: ref, windows: drawJoinWindows(draft), ...serdesOf(left.value), otherValueSerde: right.value.kind });
  return draft.stream({
    id,
    key: 'string',
    value: result,
    mayHaveNullKeys: left.mayHaveNullKeys || right.mayHaveNullKeys,
    mayHaveNullValues: true,
    fan: Math.min(FAN_MAX, left.fan + right.fan + 1),
    topics: union(left.topics, right.topics),
    held: union(left.held, right.held),
    isAsRead: false,
  });
};

const streamTable: Operator = (draft) => {
  const drawnLeft = draft.choose(draft.streams, byText);
  const right = drawnLeft && draft.choose(draft.tables, (table) => byText(table) && table.isReadable && !shareHeld(drawnLeft, table));
  if (drawnLeft === undefined || right === undefined) return false;
  const graceMs = right.historyMs !== undefined && draft.random.chance(0.6) ? draft.random.pick([0, 5, 10, 20]) : undefined;
  // A null key would fail (12.8).
  const left = graceMs === undefined ? drawnLeft : withKeys(draft, drawnLeft);
  ask(right);
  const { ref, result } = drawJoiner(draft.random, left.value, right.value, true);
  const kind = draft.random.pick(['inner', 'left']);
  const id = draft.add('streamTableJoin', { kind, from: left.id, with: right.id, joiner: ref, ...serdesOf(left.value), otherValueSerde: right.value.kind, ...(graceMs === undefined ? {} : { graceMs }) });
  return draft.stream({ ...left, id, value: result, mayHaveNullValues: true, topics: union(left.topics, right.topics), isAsRead: false });
};

const streamGlobal: Operator = (draft) => {
  if (draft.globals.length === 0 || draft.random.chance(0.1)) drawGlobal(draft);
  const left = draft.choose(draft.streams, byText);
  const right = draft.choose(draft.globals);
  if (left === undefined || right === undefined) return false;
  const { ref, result } = drawJoiner(draft.random, left.value, right.value, true);
  const kind = draft.random.pick(['inner', 'left']);
  const id = draft.add('streamGlobalTableJoin', { kind, from: left.id, with: right.id, key: drawKeyMapper(draft.random, left.key, left.value), joiner: ref });
  return draft.stream({ ...left, id, value: result, mayHaveNullValues: true, topics: union(left.topics, new Set([right.topic])), isAsRead: false });
};

function drawGlobal(draft: Draft): void {
  const { topic, value } = newInput(draft);
  const store = drawStore(draft, value, 0.6, 0, true);
  const id = draft.add('globalTable', { topic, ...serdesOf(value), ...store.members });
  draft.globals.push({ id, store: store.isNamed ? draft.stores.at(-1)!.name : undefined, value, topic });
}

const tableTable: Operator = (draft) => {
  const left = draft.choose(draft.tables, ({ isReadable }) => isReadable);
  const right = left && draft.choose(draft.tables, ({ key, windows, held, isReadable }) => isReadable && key === left.key && windows?.description === left.windows?.description && !shareHeld(left, { held }));
  if (left === undefined || right === undefined) return false;
  const kind = draft.random.pick(['inner', 'left', 'outer']);
  // A first result that is none would be a tombstone for what was never there (12.18).
  const isFalse = ({ falseOldValue, mayBeginWithNull }: TableHandle): boolean => falseOldValue !== undefined && mayBeginWithNull;
  if ((kind !== 'inner' && isFalse(left)) || (kind === 'outer' && isFalse(right))) return false;
  ask(left);
  ask(right);
  const { ref, result } = drawJoiner(draft.random, left.value, right.value, false);
  const store = byText(left) ? drawStore(draft, result) : drawStore(draft, result, 0);
  const id = draft.add('tableTableJoin', { kind, from: left.id, with: right.id, joiner: ref, ...(store.isNamed ? { ...serdesOf(result), ...store.members } : {}) });
  const isUnknown = left.falseOldValue !== undefined || right.falseOldValue !== undefined;
  return draft.table({
    ...rowsOf(result, store, true),
    id,
    key: left.key,
    hasSerdes: store.isNamed,
    falseOldValue: isUnknown ? 'unknown' : undefined,
    isDiamond: left.isDiamond || right.isDiamond || [...left.topics].some((topic) => right.topics.has(topic)),
    windows: left.windows,
    held: union(left.held, right.held),
    fan: left.fan + right.fan,
    topics: union(left.topics, right.topics),
  });
};

const foreignKey: Operator = (draft) => {
  const willDo = (table: TableHandle): boolean => byText(table) && table.hasSerdes && table.isReadable && table.fan <= 4;
  const left = draft.choose(draft.tables, (table) => willDo(table) && table.falseOldValue === undefined && !table.isDiamond);
  const right = draft.choose(draft.tables, willDo);
  if (left === undefined || right === undefined) return false;
  ask(left);
  ask(right);
  const { ref, result } = drawJoiner(draft.random, left.value, right.value, false);
  const store = drawStore(draft, result);
  // Where one record updates both sides, an inner join of Kafka Streams can leave a result behind that no row supports.
  const kind = [...left.topics].some((topic) => right.topics.has(topic)) ? 'left' : draft.random.pick(['inner', 'left']);
  const id = draft.add('foreignKeyJoin', { kind, from: left.id, with: right.id, foreignKey: drawKeyMapper(draft.random, 'string', left.value), joiner: ref, ...serdesOf(result), ...store.members });
  return draft.table({ ...rowsOf(result, store), id, fan: Math.min(FAN_MAX, left.fan + right.fan * 3), topics: union(left.topics, right.topics) });
};

export const joinOperators: Readonly<Record<string, Operator>> = { streamStream, streamTable, streamGlobal, tableTable, foreignKey };
