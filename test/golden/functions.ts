// The functions that cases name: all pure. Missing values are null.

import { areEqual, isWindowed, text } from './canonical.ts';
import type { FunctionRef } from './golden-case.ts';

type Value = any;
type Mapper = (key: Value, value: Value) => Value;

const isNull = (value: Value): boolean => value === null || value === undefined;
const isObject = (value: Value): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const numberOf = (value: Value): number => (isNull(value) ? 0 : value);
const ownField = (value: Value, name: string): Value => (isObject(value) && Object.hasOwn(value, name) ? value[name] : null);
const words = (value: Value): string[] => (isNull(value) ? [] : text(value).split(' ').filter((word) => word !== ''));
const unlessNull = (value: Value, then: (value: Value) => Value): Value => (isNull(value) ? null : then(value));

const PREDICATES: Readonly<Record<string, (ref: FunctionRef) => (key: Value, value: Value) => boolean>> = {
  always: () => () => true,
  never: () => () => false,
  valueIsNull: () => (_key, value) => isNull(value),
  valueIs: ({ value: wanted }) => (_key, value) => !isNull(value) && areEqual(value, wanted),
  valueContains: ({ text: part }) => (_key, value) => !isNull(value) && text(value).includes(part),
  longAtLeast: ({ n }) => (_key, value) => !isNull(value) && value >= n,
  longIsEven: () => (_key, value) => !isNull(value) && value % 2 === 0,
  keyIs: ({ key: wanted }) => (key) => (wanted === null ? isNull(key) : !isNull(key) && text(key) === wanted),
  keyStartsWith: ({ text: part }) => (key) => !isNull(key) && text(key).startsWith(part),
  fieldIs: ({ field, value: wanted }) => (_key, value) => !isNull(ownField(value, field)) && areEqual(ownField(value, field), wanted),
  fieldAtLeast: ({ field, n }) => (_key, value) => Number.isInteger(ownField(value, field)) && ownField(value, field) >= n,
};

const MAPPERS: Readonly<Record<string, (ref: FunctionRef) => Mapper>> = {
  key: () => (key) => key ?? null,
  value: () => (_key, value) => value ?? null,
  fixed: ({ value }) => () => value,
  textOfKey: () => (key) => unlessNull(key, text),
  textOfValue: () => (_key, value) => unlessNull(value, text),
  innerKey: () => (key) => (isWindowed(key) ? key.key : null),
  keyPrefix: ({ n }) => (key) => unlessNull(key, (found) => text(found).slice(0, n)),
  valuePrefix: ({ n }) => (_key, value) => unlessNull(value, (found) => text(found).slice(0, n)),
  keyAndValue: ({ separator }) => (key, value) => text(key) + separator + text(value),
  field: ({ field }) => (_key, value) => ownField(value, field),
  fieldText: ({ field }) => (_key, value) => unlessNull(ownField(value, field), text),
  upper: () => (_key, value) => unlessNull(value, (found) => text(found).replace(/[a-z]/g, (letter) => letter.toUpperCase())),
  append: ({ text: end }) => (_key, value) => unlessNull(value, (found) => text(found) + end),
  length: () => (_key, value) => unlessNull(value, (found) => text(found).length),
  toLong: () => (_key, value) => unlessNull(value, (found) => longOf(found)),
  plus: ({ n }) => (_key, value) => unlessNull(value, (found) => found + n),
  times: ({ n }) => (_key, value) => unlessNull(value, (found) => found * n),
  nullIf: ({ value: unwanted }) => (_key, value) => (areEqual(value, unwanted) ? null : (value ?? null)),
  orElse: ({ value: instead }) => (_key, value) => (isNull(value) ? instead : value),
  wrap: ({ field }) => (_key, value) => unlessNull(value, (found) => ({ [field]: found })),
  withField: ({ field, value: set }) => (_key, value) => unlessNull(value, (found) => ({ ...found, [field]: set })),
};

function longOf(value: string): number {
  if (!/^[+-]?\d+$/.test(value)) throw new TypeError(`"${value}" is no decimal integer`);
  return Number(value);
}

const LISTS: Readonly<Record<string, (ref: FunctionRef) => (key: Value, value: Value) => Value[]>> = {
  splitWords: () => (_key, value) => words(value),
  repeat: ({ times }) => (_key, value) => Array.from({ length: times }, () => value ?? null),
  countDown: () => (_key, value) => (isNull(value) || value < 1 ? [] : Array.from({ length: value }, (_, at) => value - at)),
};

const PAIRS: Readonly<Record<string, (ref: FunctionRef) => (key: Value, value: Value) => [Value, Value][]>> = {
  wordsAsKeys: () => (_key, value) => words(value).map((word) => [word, value]),
  bothWays: () => (key, value) => [
    [key, value],
    [unlessNull(value, text), unlessNull(key, text)],
  ],
  toKeys: ({ keys }) => (_key, value) => keys.map((key: Value) => [key, value]),
};

const REDUCERS: Readonly<Record<string, (ref: FunctionRef) => (a: Value, b: Value) => Value>> = {
  sum: () => (a, b) => numberOf(a) + numberOf(b),
  minus: () => (a, b) => numberOf(a) - numberOf(b),
  max: () => (a, b) => Math.max(numberOf(a), numberOf(b)),
  min: () => (a, b) => Math.min(numberOf(a), numberOf(b)),
  concat: ({ separator }) => (a, b) => text(a) + separator + text(b),
  first: () => (a) => a ?? null,
  last: () => (_a, b) => b ?? null,
  concatUnless: ({ value }) => (a, b) => (areEqual(b, value) ? null : `${text(a)},${text(b)}`),
};

const AGGREGATORS: Readonly<Record<string, (ref: FunctionRef) => (key: Value, value: Value, aggregate: Value) => Value>> = {
  countUp: () => (_key, _value, aggregate) => numberOf(aggregate) + 1,
  countDown: () => (_key, _value, aggregate) => numberOf(aggregate) - 1,
  add: () => (_key, value, aggregate) => numberOf(aggregate) + numberOf(value),
  subtract: () => (_key, value, aggregate) => numberOf(aggregate) - numberOf(value),
  max: () => (_key, value, aggregate) => Math.max(numberOf(aggregate), numberOf(value)),
  addField: ({ field }) => (_key, value, aggregate) => numberOf(aggregate) + numberOf(ownField(value, field)),
  subtractField: ({ field }) => (_key, value, aggregate) => numberOf(aggregate) - numberOf(ownField(value, field)),
  appendText: ({ before }) => (_key, value, aggregate) => text(aggregate) + before + text(value),
  appendUnless: ({ before, value: unwanted }) => (_key, value, aggregate) => (!isNull(value) && areEqual(value, unwanted) ? null : text(aggregate) + before + text(value)),
  setField: ({ field }) => (_key, value, aggregate) => ({ ...aggregate, [field]: value ?? null }),
  countField: ({ field }) => (_key, _value, aggregate) => ({ ...aggregate, [field]: numberOf(ownField(aggregate, field)) + 1 }),
};

const MERGERS: Readonly<Record<string, (ref: FunctionRef) => (key: Value, one: Value, two: Value) => Value>> = {
  sum: () => (_key, one, two) => numberOf(one) + numberOf(two),
  max: () => (_key, one, two) => Math.max(numberOf(one), numberOf(two)),
  mergeText: ({ separator }) => (_key, one, two) => [one, two].filter((part) => !isNull(part) && part !== '').map(text).join(separator),
  mergeFields: () => (_key, one, two) => ({ ...one, ...two }),
};

const JOINERS: Readonly<Record<string, (ref: FunctionRef) => (key: Value, left: Value, right: Value) => Value>> = {
  pairText: () => (_key, left, right) => `${text(left)}|${text(right)}`,
  keyedPairText: () => (key, left, right) => `${text(key)}:${text(left)}|${text(right)}`,
  pairJson: () => (_key, left, right) => ({ left: left ?? null, right: right ?? null }),
  sum: () => (_key, left, right) => numberOf(left) + numberOf(right),
  left: () => (_key, left) => left ?? null,
  right: () => (_key, _left, right) => right ?? null,
  nullIfSame: () => (_key, left, right) => (areEqual(left, right) ? null : `${text(left)}|${text(right)}`),
};

function resolver<F>(kind: string, all: Readonly<Record<string, (ref: FunctionRef) => F>>): (ref: FunctionRef) => F {
  return (ref) => {
    const found = all[ref.fn];
    if (found === undefined) throw new Error(`No ${kind} is called "${ref.fn}".`);
    return found(ref);
  };
}

export const predicate = resolver('predicate', PREDICATES);
export const mapper = resolver('mapper', MAPPERS);
export const listOfValues = resolver('list of values', LISTS);
export const listOfPairs = resolver('list of pairs', PAIRS);
export const reducer = resolver('reducer', REDUCERS);
export const aggregator = resolver('aggregator', AGGREGATORS);
export const merger = resolver('merger', MERGERS);
export const joiner = resolver('joiner', JOINERS);
