// Sources, and what streams can do without looking at other records; and where they end.

import type { FunctionRef } from '../golden-case.ts';
import { union, type Draft, type InputTopic, type StreamHandle } from './draft.ts';
import { drawKeyMapper, drawMapper, drawPredicate } from './draw-functions.ts';
import { areAlike, drawShape, KEYS, lessSure, STRING, type Shape } from './shapes.ts';

/** Adds nodes and answers true, or finds nothing that it fits. */
export type Operator = (draft: Draft) => boolean;

const FAN_MAX = 8;

export function serdesOf(value: Shape): { readonly keySerde: string; readonly valueSerde: string } {
  return { keySerde: 'string', valueSerde: value.kind };
}

export function newInput(draft: Draft, isVersioned = false): InputTopic {
  const input = { topic: draft.fresh('in'), value: drawShape(draft.random), mayHaveNullKeys: draft.random.chance(0.5), isVersioned };
  draft.inputs.push(input);
  return input;
}

/** Now and then a record brings its own time. */
export function timestampFrom(draft: Draft, value: Shape): { readonly timestampFrom?: { readonly field: string } } {
  return value.kind === 'json' && draft.random.chance(0.15) ? { timestampFrom: { field: 'at' } } : {};
}

export function drawSource(draft: Draft): true {
  const first = newInput(draft);
  const inputs = [first];
  if (draft.random.chance(0.15)) {
    const other = { ...first, topic: draft.fresh('in') };
    draft.inputs.push(other);
    inputs.push(other);
  }
  const topics = inputs.map(({ topic }) => topic);
  const times = draft.random.chance(0.1) ? 2 : 1; // one topic, read twice alike
  const members = { topics, ...serdesOf(first.value), ...timestampFrom(draft, first.value) };
  for (let time = 0; time < times; time++) {
    const id = draft.add('stream', members);
    draft.stream({ id, key: 'string', value: first.value, mayHaveNullKeys: first.mayHaveNullKeys, mayHaveNullValues: true, fan: 1, topics: new Set(topics), held: new Set(), isAsRead: true });
  }
  return true;
}

/** A stream of which no record has a null key: some operators must not get one. */
export function withKeys(draft: Draft, stream: StreamHandle): StreamHandle {
  if (!stream.mayHaveNullKeys) return stream;
  const id = draft.add('filterNot', { from: stream.id, predicate: { fn: 'keyIs', key: null } });
  draft.stream({ ...stream, id, mayHaveNullKeys: false });
  return draft.streams.at(-1)!;
}

export function withValues(draft: Draft, stream: StreamHandle): StreamHandle {
  if (!stream.mayHaveNullValues) return stream;
  const id = draft.add('filterNot', { from: stream.id, predicate: { fn: 'valueIsNull' } });
  draft.stream({ ...stream, id, mayHaveNullValues: false });
  return draft.streams.at(-1)!;
}

const anyStream = (draft: Draft): StreamHandle | undefined => draft.choose(draft.streams);
const byText = ({ key }: StreamHandle): boolean => key === 'string';

const filter: Operator = (draft) => {
  const from = anyStream(draft);
  if (from === undefined) return false;
  const op = draft.random.pick(['filter', 'filter', 'filterNot']);
  return draft.stream({ ...from, id: draft.add(op, { from: from.id, predicate: drawPredicate(draft.random, from.key, from.value) }) });
};

const mapValues: Operator = (draft) => {
  const from = anyStream(draft);
  if (from === undefined) return false;
  const { ref, result } = drawMapper(draft.random, from.key, from.value);
  return draft.stream({ ...from, id: draft.add('mapValues', { from: from.id, value: ref }), value: result, mayHaveNullValues: true });
};

const map: Operator = (draft) => {
  const from = anyStream(draft);
  if (from === undefined) return false;
  const { ref, result } = drawMapper(draft.random, from.key, from.value);
  const id = draft.add('map', { from: from.id, key: drawKeyMapper(draft.random, from.key, from.value), value: ref });
  return draft.stream({ ...from, id, key: 'string', value: result, mayHaveNullKeys: true, mayHaveNullValues: true });
};

const selectKey: Operator = (draft) => {
  const from = anyStream(draft);
  if (from === undefined) return false;
  return draft.stream({ ...from, id: draft.add('selectKey', { from: from.id, key: drawKeyMapper(draft.random, from.key, from.value) }), key: 'string', mayHaveNullKeys: true });
};

const flatMap: Operator = (draft) => {
  const from = draft.choose(draft.streams, (stream) => byText(stream) && stream.fan * 3 <= FAN_MAX);
  if (from === undefined) return false;
  const pairs: FunctionRef[] = [{ fn: 'wordsAsKeys' }, { fn: 'toKeys', keys: [draft.random.pick(KEYS), draft.random.pick(KEYS), null].slice(draft.random.upTo(1)) }];
  if (from.value.kind === 'string') pairs.push({ fn: 'bothWays' }, { fn: 'bothWays' });
  const ref = draft.random.pick(pairs);
  // Its keys come out as values: digits no more.
  const value = ref.fn === 'bothWays' ? STRING : from.value;
  return draft.stream({ ...from, id: draft.add('flatMap', { from: from.id, pairs: ref }), value, fan: from.fan * 3, mayHaveNullKeys: true, mayHaveNullValues: true });
};

const flatMapValues: Operator = (draft) => {
  const from = draft.choose(draft.streams, ({ fan }) => fan * 3 <= FAN_MAX);
  if (from === undefined) return false;
  const lists: { ref: FunctionRef; value: Shape }[] = [
    { ref: { fn: 'splitWords' }, value: STRING },
    { ref: { fn: 'repeat', times: 1 + draft.random.upTo(1) }, value: from.value },
  ];
  // Of what was read only: counts and sums would count down for long.
  if (from.value.kind === 'long' && from.isAsRead) lists.push({ ref: { fn: 'countDown' }, value: from.value });
  const { ref, value } = draft.random.pick(lists);
  return draft.stream({ ...from, id: draft.add('flatMapValues', { from: from.id, values: ref }), value, fan: from.fan * 3, isAsRead: false });
};

const merge: Operator = (draft) => {
  const from = anyStream(draft);
  const other = from && draft.choose(draft.streams, (stream) => stream.id !== from.id && stream.key === from.key && areAlike(lessSure(stream.value), lessSure(from.value)) && stream.fan + from.fan <= FAN_MAX);
  if (from === undefined || other === undefined) return false;
  return draft.stream({
    ...from,
    id: draft.add('merge', { from: from.id, with: other.id }),
    value: lessSure(from.value),
    mayHaveNullKeys: from.mayHaveNullKeys || other.mayHaveNullKeys,
    mayHaveNullValues: from.mayHaveNullValues || other.mayHaveNullValues,
    fan: from.fan + other.fan,
    topics: union(from.topics, other.topics),
    held: union(from.held, other.held),
    isAsRead: from.isAsRead && other.isAsRead,
  });
};

const split: Operator = (draft) => {
  const from = anyStream(draft);
  if (from === undefined) return false;
  const names = ['x', 'y', 'z'].slice(draft.random.upTo(2));
  const branches = names.map((name) => ({ name, predicate: drawPredicate(draft.random, from.key, from.value) }));
  const hasDefault = draft.random.chance(0.5);
  const id = draft.add('split', { from: from.id, branches, ...(hasDefault ? { default: 'rest' } : {}) });
  for (const name of [...names, ...(hasDefault ? ['rest'] : [])]) draft.stream({ ...from, id: `${id}.${name}` });
  return true;
};

const repartition: Operator = (draft) => {
  const from = draft.choose(draft.streams, byText);
  if (from === undefined) return false;
  const id = draft.add('repartition', { from: from.id, name: draft.fresh('r'), ...serdesOf(from.value) });
  return draft.stream({ ...from, id, mayHaveNullKeys: false, isAsRead: true });
};

export const streamOperators: Readonly<Record<string, Operator>> = { filter, mapValues, map, selectKey, flatMap, flatMapValues, merge, split, repartition };

/** A sink for a stream: a topic of its own, one that the topology itself reads, or one that each record chooses. */
export function drawSink(draft: Draft, from: StreamHandle): void {
  const serdes = { ...serdesOf(from.value), keySerde: from.key };
  const back = draft.choose(draft.inputs, (input) => isWayBack(draft, from, input));
  if (back !== undefined && draft.random.chance(0.35)) {
    const stream = back.mayHaveNullKeys ? from : withKeys(draft, from);
    draft.flow(stream.topics, back.topic);
    return draft.addSilent('to', { from: stream.id, topic: back.topic, ...serdes });
  }
  if (!draft.hasDynamicSink && byText(from) && draft.random.chance(0.06)) {
    draft.hasDynamicSink = true;
    // Not every text is a topic's name, and Kafka Streams' test driver does not mind; ours does.
    return draft.addSilent('to', { from: from.id, topicFrom: { prefix: 'chosen-', mapper: { fn: 'length' } }, ...serdes });
  }
  const known = draft.choose(draft.nodes, ({ op, topic, keySerde, valueSerde }) => op === 'to' && String(topic).startsWith('out') && keySerde === serdes.keySerde && valueSerde === serdes.valueSerde);
  draft.addSilent('to', { from: from.id, topic: known !== undefined && draft.random.chance(0.1) ? known['topic'] : draft.fresh('out'), ...serdes });
}

function isWayBack(draft: Draft, from: StreamHandle, { topic, value }: InputTopic): boolean {
  return byText(from) && areAlike(lessSure(from.value), lessSure(value)) && (value.kind !== 'json' || value.sure.length === 0 || areAlike(from.value, value)) && !draft.leadsTo(topic, from.topics);
}

/** A stream that writes into its own source, and ends: counting down to nothing. */
export const loop: Operator = (draft) => {
  const topic = draft.fresh('in');
  const value: Shape = { kind: 'long' };
  draft.inputs.push({ topic, value, mayHaveNullKeys: true, isVersioned: false });
  const id = draft.add('stream', { topics: [topic], ...serdesOf(value) });
  draft.stream({ id, key: 'string', value, mayHaveNullKeys: true, mayHaveNullValues: true, fan: FAN_MAX / 2, topics: new Set([topic]), held: new Set(), isAsRead: true });
  const left = draft.add('filter', { from: id, predicate: { fn: 'longAtLeast', n: draft.random.upTo(2) + 1 } });
  const less = draft.add('mapValues', { from: left, value: { fn: 'plus', n: -1 - draft.random.upTo(2) } });
  const back = draft.random.chance(0.5) ? less : draft.add('process', { from: less, processor: { name: 'shiftTime', ms: draft.random.upTo(6) - 2 } });
  draft.addSilent('to', { from: back, topic, ...serdesOf(value) });
  return true;
};

