// Functions of section 5 of the cases' format that may be applied to values of a shape, and the shape of what they give.

import type { FunctionRef, Json } from '../golden-case.ts';
import type { Random } from '../../simulation/random.ts';
import type { KeyKind } from './draft.ts';
import { drawValue, json, KEYS, LONG, STRING, type Shape } from './shapes.ts';

export interface Drawn {
  readonly ref: FunctionRef;
  readonly result: Shape;
  /** Whether null may come of what is not null. */
  readonly mayGiveNull: boolean;
}

const MEMBERS = ['f', 'g'] as const;
const drawn = (ref: FunctionRef, result: Shape, mayGiveNull = false): Drawn => ({ ref, result, mayGiveNull });

export function drawPredicate(random: Random, key: KeyKind, value: Shape): FunctionRef {
  const members = value.kind === 'json' ? Object.keys(value.members) : [];
  const all: (FunctionRef | undefined)[] = [
    { fn: random.chance(0.9) ? 'always' : 'never' },
    { fn: 'valueIsNull' },
    { fn: 'valueIs', value: drawValue(random, value) },
    { fn: 'valueContains', text: random.pick(['a', 'b', '1', '2', '|', ' ']) },
    { fn: 'keyIs', key: key === 'windowed' ? 'a@0-10' : random.pick([...KEYS, null]) },
    { fn: 'keyStartsWith', text: random.pick(['a', 'b', '']) },
  ];
  if (value.kind === 'long') for (let times = 0; times < 2; times++) all.push({ fn: 'longAtLeast', n: random.upTo(6) }, { fn: 'longIsEven' });
  if (members.length > 0) {
    const member = random.pick(members);
    all.push({ fn: 'fieldIs', field: member, value: drawValue(random, (value as Shape & { kind: 'json' }).members[member]!) }, { fn: 'fieldAtLeast', field: member, n: random.upTo(5) });
  }
  return random.pick(all.filter((ref) => ref !== undefined));
}

/** A mapper whose result is a value. */
export function drawMapper(random: Random, key: KeyKind, value: Shape): Drawn {
  const member = random.pick(MEMBERS);
  const all: Drawn[] = [
    drawn({ fn: 'value' }, value),
    drawn({ fn: 'textOfValue' }, STRING),
    drawn({ fn: 'valuePrefix', n: 1 + random.upTo(1) }, STRING),
    drawn({ fn: 'keyAndValue', separator: random.pick(['-', ' ', ':']) }, STRING),
    drawn({ fn: 'textOfKey' }, STRING, true),
    drawn({ fn: 'upper' }, STRING),
    drawn({ fn: 'append', text: random.pick(['!', ' a', '2']) }, STRING),
    drawn({ fn: 'length' }, LONG),
    drawn({ fn: 'nullIf', value: drawValue(random, value) }, value, true),
    drawn({ fn: 'orElse', value: drawValue(random, value) }, value),
    drawn({ fn: 'wrap', field: member }, json({ [member]: value }, value.kind === 'long' ? [member] : [])),
    drawn({ fn: 'fixed', value: random.pick(['k', 'a', null]) }, STRING, true),
  ];
  if (key === 'string') all.push(drawn({ fn: 'key' }, STRING, true), drawn({ fn: 'keyPrefix', n: 1 }, STRING, true));
  else all.push(drawn({ fn: 'innerKey' }, STRING, true));
  if (value.kind === 'long') all.push(drawn({ fn: 'plus', n: random.upTo(4) - 2 }, LONG), drawn({ fn: 'times', n: random.pick([2, -1, 3]) }, LONG));
  if (value.kind === 'string' && value.areDigits === true) for (let times = 0; times < 3; times++) all.push(drawn({ fn: 'toLong' }, LONG));
  if (value.kind === 'json') {
    const [own, inner] = random.pick(Object.entries(value.members));
    all.push(
      drawn({ fn: 'field', field: own }, inner, !value.sure.includes(own)),
      drawn({ fn: 'fieldText', field: own }, STRING, true),
      drawn({ fn: 'withField', field: member, value: random.pick(['z', null]) }, json({ ...value.members, [member]: STRING }, value.sure.filter((each) => each !== member))),
    );
  }
  return random.pick(all);
}

/** A mapper whose result is a text: a new key, or a row that is named. */
export function drawKeyMapper(random: Random, key: KeyKind, value: Shape): FunctionRef {
  const all: FunctionRef[] = [{ fn: 'valuePrefix', n: 1 }, { fn: 'textOfValue' }, { fn: 'upper' }, { fn: 'keyAndValue', separator: '-' }, { fn: 'fixed', value: random.pick(['a', 'k']) }];
  if (key === 'windowed') all.push({ fn: 'innerKey' }, { fn: 'innerKey' }, { fn: 'innerKey' }, { fn: 'textOfKey' });
  else all.push({ fn: 'key' }, { fn: 'keyPrefix', n: 1 });
  if (value.kind === 'string') all.push({ fn: 'value' }, { fn: 'value' }, { fn: 'value' }, { fn: 'nullIf', value: random.pick(KEYS) });
  if (value.kind === 'json') {
    const member = random.pick(Object.keys(value.members));
    for (let times = 0; times < 5; times++) all.push({ fn: 'fieldText', field: member });
  }
  return random.pick(all);
}

/** Reducers keep the shape. */
export function drawReducer(random: Random, value: Shape): { ref: FunctionRef; mayGiveNull: boolean } {
  if (value.kind === 'long') return { ref: { fn: random.pick(['sum', 'minus', 'max', 'min', 'first', 'last']) }, mayGiveNull: false };
  const others: FunctionRef[] = [{ fn: 'first' }, { fn: 'last' }];
  if (value.kind === 'json') return { ref: random.pick(others), mayGiveNull: false };
  const ref = random.pick<FunctionRef>([{ fn: 'concat', separator: random.pick(['+', '', '-']) }, { fn: 'concat', separator: '.' }, { fn: 'concatUnless', value: drawValue(random, value) }, ...others]);
  return { ref, mayGiveNull: ref.fn === 'concatUnless' };
}

export interface DrawnAggregate {
  readonly initial: Json;
  readonly aggregator: FunctionRef;
  readonly subtractor: FunctionRef;
  readonly merger: FunctionRef;
  readonly result: Shape;
  readonly mayGiveNull: boolean;
}

/** An aggregate of values of the shape, in all parts that a group may want. */
export function drawAggregate(random: Random, value: Shape): DrawnAggregate {
  const kind = random.weighted({ number: 4, text: 5, object: value.kind === 'json' ? 2 : 3 });
  const parts = drawAggregators(random, kind, value);
  const of = { number: random.pick([0, 0, 0, 5, null]), text: random.pick(['', '', 's', null]), object: random.pick([{}, {}, { f: 1 }]) };
  return { ...parts, initial: of[kind] };
}

export type AggregateKind = 'number' | 'text' | 'object';

/** Aggregators of one kind, so that several inputs may share an aggregate. */
export function drawAggregators(random: Random, kind: AggregateKind, value: Shape): Omit<DrawnAggregate, 'initial'> {
  switch (kind) {
    case 'number': {
      const sure = value.kind === 'json' ? value.sure : [];
      const member = sure.length > 0 ? random.pick(sure) : undefined;
      const [aggregator, subtractor] = random.pick<readonly [FunctionRef, FunctionRef]>([
        [{ fn: 'countUp' }, { fn: 'countDown' }],
        ...(value.kind === 'long' ? ([[{ fn: 'add' }, { fn: 'subtract' }], [{ fn: 'add' }, { fn: 'subtract' }], [{ fn: 'max' }, { fn: 'add' }]] as const) : []),
        ...(member === undefined ? [] : ([[{ fn: 'addField', field: member }, { fn: 'subtractField', field: member }]] as const)),
      ]);
      return { aggregator, subtractor, merger: { fn: random.pick(['sum', 'max']) }, result: LONG, mayGiveNull: false };
    }
    case 'text': {
      const unless = drawValue(random, value);
      const isUnless = random.chance(0.25);
      const append = (before: string): FunctionRef => (isUnless ? { fn: 'appendUnless', before, value: unless } : { fn: 'appendText', before });
      return { aggregator: append('+'), subtractor: append('-'), merger: { fn: 'mergeText', separator: '/' }, result: STRING, mayGiveNull: isUnless };
    }
    case 'object': {
      const [member, left] = ['f', 'g'];
      const isCount = random.chance(0.5);
      const of = (field: string): FunctionRef => ({ fn: isCount ? 'countField' : 'setField', field });
      // Counting and setting may not share a member: a text cannot be counted up.
      const [own, other] = isCount ? [member, member] : [left, left];
      return { aggregator: of(own), subtractor: of(other), merger: { fn: 'mergeFields' }, result: json(isCount ? { f: LONG } : { g: value, f: LONG }), mayGiveNull: false };
    }
  }
}

/** `withKey`: only joins of streams hand their joiner the key. */
export function drawJoiner(random: Random, left: Shape, right: Shape, withKey: boolean): Drawn {
  const all: Drawn[] = [
    drawn({ fn: 'pairText' }, STRING),
    drawn({ fn: 'pairText' }, STRING),
    drawn({ fn: 'pairJson' }, json({ left, right })),
    drawn({ fn: 'nullIfSame' }, STRING, true),
    drawn({ fn: 'left' }, left, true),
    drawn({ fn: 'right' }, right, true),
  ];
  if (withKey) all.push(drawn({ fn: 'keyedPairText' }, STRING));
  if (left.kind === 'long' && right.kind === 'long') all.push(drawn({ fn: 'sum' }, LONG), drawn({ fn: 'sum' }, LONG));
  return random.pick(all);
}
